"""Random small networks: a plan of operations with its weights, written in two random ways.

A plan says what is computed; a spelling names, for each operation, how it is written (written). Spellings
that cut a layer into pieces are drawn only where no affine map stands beside it: whether that is merged into
all the pieces is a question of its own (tests.helpers.twins.images, "by slices").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count, pairwise

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.helpers.twins.spelling import DTYPE, drawn
from tests.helpers.twins.written import WRITTEN, added, dropped

IMAGE = (3, 6, 6)
CLASSES = 4
SPELLINGS = {
    "conv": ("module", "functional", "bias apart", "padded apart", "two halves"),
    "norm": ("module", "functional", "by hand", "scale and shift"),
    "affine": ("a x + b", "(x + c) a", "in place", "as a batch norm"),
    "relu": ("torch.relu", "module", "in place", "module in place", "clamp"),
    "max_pool": ("functional", "module", "adaptive", "indices unused"),
    "average": ("functional", "module", "adaptive", "mean of blocks"),
    "skip": ("+", "torch.add", "+=", "sum", "the other way round"),
    "concat": ("cat", "nested", "written into empty", "flat"),
    "dropout": ("nothing", "functional", "module", "identity"),
    "shuffle": ("indices", "view and transpose", "slices joined"),
    "flatten": ("flatten", "view", "reshape", "module"),
    "mean": ("mean", "adaptive", "full size", "one number each"),
    "dense": ("module", "F.linear", "addmm", "@", "two halves"),
    "end": ("nothing", "times one", "plus zero", "clone"),
}
IN_PIECES = {
    ("conv", "two halves"),
    ("dense", "two halves"),
    ("concat", "nested"),
    ("concat", "written into empty"),
    ("concat", "flat"),
    ("shuffle", "slices joined"),
    ("average", "mean of blocks"),
    ("mean", "adaptive"),
    ("mean", "full size"),
    ("mean", "one number each"),
}
AFFINE = {"norm", "affine", "end"}
NOTHING = {"dropout"}
BRANCHES = (("conv",), ("conv", "norm"), ("conv", "relu"), ("norm", "relu", "conv"))


@dataclass(frozen=True)
class Op:
    """An operation: its number in the plan, channels in and out, the size of the image that it reads."""

    kind: str
    uid: int
    channels: int
    out: int
    size: int
    kernel: int = 1
    padding: int = 0
    inner: tuple[Op, ...] = ()


@dataclass(frozen=True)
class Pair:
    """A plan and two spellings of it: number of the operation -> its spelling."""

    plan: tuple[Op, ...]
    spellings: tuple[Mapping[int, str], Mapping[int, str]]
    seed: int

    def models(self) -> tuple[nn.Module, nn.Module]:
        return tuple(Spelled(self.plan, spelling, self.seed).to(DTYPE).eval() for spelling in self.spellings)

    def images(self, number: int = 2) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed + 1)
        return torch.randn(number, *IMAGE, generator=generator, dtype=DTYPE)


def operations(plan: tuple[Op, ...]) -> Iterator[Op]:
    for op in plan:
        yield op
        yield from operations(op.inner)


# ---------------------------------------------------------------- plans


@st.composite
def plans(draw) -> tuple[Op, ...]:
    """Up to five steps over images, then a vector, then one or two dense layers."""
    uids = count()
    channels, size = IMAGE[:2]
    plan: list[Op] = []

    def step(kind: str, out: int | None = None, **more) -> None:
        nonlocal channels, size
        plan.append(Op(kind, next(uids), channels, channels if out is None else out, size, **more))
        channels = plan[-1].out
        if kind == "conv":
            size += 2 * plan[-1].padding - plan[-1].kernel + 1
        if kind in ("max_pool", "average"):
            size //= 2

    def last() -> str:
        return next((op.kind for op in reversed(plan) if op.kind not in NOTHING), "image")

    if draw(st.booleans()):
        step("affine")
    for _ in range(draw(st.integers(2, 5))):
        possible = ["conv", "norm", "affine", "skip", "concat", "dropout"]
        possible += ["relu"] * 2 if last() != "relu" else []
        possible += ["max_pool", "average"] if size % 2 == 0 else []
        possible += ["shuffle"] if channels % 2 == 0 else []
        kind = draw(st.sampled_from(possible))
        if kind == "conv":
            kernel = draw(st.sampled_from([1, 3] if size >= 3 else [1]))
            padding = draw(st.sampled_from([0, 1])) if kernel == 3 else 0
            step(kind, draw(st.sampled_from([2, 4])), kernel=kernel, padding=padding)
        elif kind == "concat":
            step(kind, channels + 2)
        elif kind == "skip":
            inner = draw(st.sampled_from(BRANCHES))
            parts = tuple(
                Op(part, next(uids), channels, channels, size, kernel=3, padding=1) for part in inner
            )
            step(kind, inner=parts)
        else:
            step(kind)
    if last() != "relu":
        step("relu")
    kind = draw(st.sampled_from(["flatten", "mean"]))
    step(kind, channels * size**2 if kind == "flatten" else channels)
    if draw(st.booleans()):
        step("dense", 4)
        step("relu")
    step("dense", CLASSES)
    step("end")
    return tuple(plan)


def beside_affine(plan: tuple[Op, ...]) -> set[int]:
    """Numbers of the operations that an affine map stands beside, with nothing but dropout, moves, averages
    and concatenations between.
    """
    through = NOTHING | {"shuffle", "flatten", "mean", "average", "concat", "skip"}
    found: set[int] = set()
    flat = [op for op in operations(plan) if op.kind not in NOTHING]
    for direction in (flat, flat[::-1]):
        near = False
        for op in direction:
            if near:
                found.add(op.uid)
            near = op.kind in AFFINE or (near and op.kind in through)
    return found


@st.composite
def pairs(draw) -> Pair:
    plan = draw(plans())
    near = beside_affine(plan)
    spellings = tuple(
        {
            op.uid: draw(
                st.sampled_from(
                    [s for s in SPELLINGS[op.kind] if op.uid not in near or (op.kind, s) not in IN_PIECES]
                )
            )
            for op in operations(plan)
        }
        for _ in range(2)
    )
    return Pair(plan, spellings, draw(st.integers(0, 2**16)))


# ---------------------------------------------------------------- writing


def _weights(op: Op) -> nn.Module | None:
    match op.kind:
        case "conv":
            return nn.Conv2d(op.channels, op.out, op.kernel, padding=op.padding)
        case "concat":
            return nn.Conv2d(op.channels, op.out - op.channels, 1)
        case "norm" | "affine":
            return nn.BatchNorm2d(op.channels)
        case "dense":
            return nn.Linear(op.channels, op.out)
        case "max_pool":
            return nn.MaxPool2d(2)
        case "average":
            return nn.AvgPool2d(2)
        case "flatten":
            return nn.Flatten()
        case "dropout":
            return nn.Dropout()
    return None


class Spelled(nn.Module):
    """A plan, written as the spelling says."""

    def __init__(self, plan: tuple[Op, ...], spelling: Mapping[int, str], seed: int) -> None:
        super().__init__()
        self.plan, self.spelling = plan, spelling
        made = {f"op{op.uid}": _weights(op) for op in operations(plan)}
        self.weights = nn.ModuleDict(drawn({k: v for k, v in made.items() if v is not None}, seed))
        self.relu, self.relu_, self.same = nn.ReLU(), nn.ReLU(inplace=True), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self.plan, x, fresh=False)

    def run(self, plan: tuple[Op, ...], h: Tensor, *, fresh: bool) -> Tensor:
        """fresh: nobody else reads h, so that it may be written over."""
        for op in plan:
            layer = getattr(self.weights, f"op{op.uid}", None)
            how = self.spelling[op.uid]
            if op.kind == "relu":
                h = self.rectified(h if fresh else h.clone(), how)
            elif op.kind == "skip":
                h = added(h, self.run(op.inner, h, fresh=False), how)
            elif op.kind == "dropout":
                h = {"module": layer, "identity": self.same, "functional": dropped}.get(how, lambda h: h)(h)
            else:
                h = WRITTEN[op.kind](op, layer, h, how)
            fresh = op.kind in ("conv", "norm", "dense", "skip") or (fresh and op.kind == "dropout")
        return h

    def rectified(self, h: Tensor, how: str) -> Tensor:
        match how:
            case "torch.relu":
                return torch.relu(h)
            case "module":
                return self.relu(h)
            case "in place":
                return h.relu_()
            case "module in place":
                return self.relu_(h)
        return h.clamp(min=0)


def follows(plan: tuple[Op, ...], first: str, second: str) -> bool:
    """Whether an operation of one kind comes right after another."""
    return any((a.kind, b.kind) == (first, second) for a, b in pairwise(plan))
