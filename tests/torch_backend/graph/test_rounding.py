"""Rounding alone never fails a check: networks whose numbers are hard to compute are read."""

from dataclasses import dataclass, field
from random import Random

import pytest
import torch
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from torch import nn

from torch_backend import trace

SOME = settings(max_examples=150, deadline=None, derandomize=True)
SEARCH = settings(max_examples=5000, deadline=None, database=None, phases=[Phase.generate])
PRECISIONS = (torch.float32, torch.float64)
LAYERS = ("conv", "grouped", "norm", "relu", "relu6", "max_pool", "average", "pad", "skip")
PIXELS = 8


class Skip(nn.Module):
    """x + f(x)."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


MAKE = {
    "conv": lambda: nn.Conv2d(4, 4, 3, padding=1),
    "grouped": lambda: nn.Conv2d(4, 4, 1, groups=2),
    "norm": lambda: nn.BatchNorm2d(4),
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "max_pool": lambda: nn.MaxPool2d(2, 1),
    "average": lambda: nn.AvgPool2d(2, 1),
    "pad": lambda: nn.ZeroPad2d((1, 0, 0, 1)),
    "skip": lambda: Skip(nn.Conv2d(4, 4, 3, padding=1)),
}


@dataclass(frozen=True)
class Hard:
    """A network whose layers differ in scale by powers of ten, and images.

    layers: (kind, power of ten); dead: of each layer's channels this many are 0, or always below 0; offset:
    of the images; constant: whether an image is one number everywhere.
    """

    layers: tuple[tuple[str, int], ...]
    dead: int
    dtype: torch.dtype
    count: int
    scale: int
    offset: float
    constant: bool
    seed: int
    generator: torch.Generator = field(compare=False, default_factory=torch.Generator)

    def normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=self.generator, dtype=torch.float64)

    def model(self) -> nn.Module:
        self.generator.manual_seed(self.seed)
        parts = [nn.Conv2d(3, 4, 3), *(MAKE[kind]() for kind, _ in self.layers)]
        for part, power in zip(parts, (0, *(power for _, power in self.layers)), strict=True):
            for name, t in (*part.named_parameters(), *part.named_buffers()):
                if not t.is_floating_point():
                    continue
                t.data = self.normal(*t.shape).to(self.dtype)
                if name == "running_var":
                    t.data = t.data.abs() * 10.0**power
                elif name.endswith("weight"):
                    t.data *= 10.0**power
                    t.data[: self.dead // 2] = 0
                elif name.endswith("bias"):
                    t.data[: self.dead] = -(10.0**power)
        head = nn.Linear(4, 3)
        for t in head.parameters():
            t.data = self.normal(*t.shape).to(self.dtype)
        return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head).to(self.dtype).eval()

    def images(self) -> torch.Tensor:
        self.generator.manual_seed(self.seed + 1)
        x = self.normal(self.count, 3, PIXELS, PIXELS)
        x = x[..., :1, :1].expand_as(x) if self.constant else x
        return (x * 10.0**self.scale + self.offset).to(self.dtype)


powers = st.one_of(st.just(0), st.integers(-8, 8))
hard = st.builds(
    Hard,
    st.lists(st.tuples(st.sampled_from(LAYERS), powers), max_size=5).map(tuple),
    st.integers(0, 4),
    st.sampled_from(PRECISIONS),
    st.integers(1, 3),
    powers,
    st.sampled_from([0.0, 1.0, 300.0, -1e4]),
    st.booleans(),
    st.integers(0, 1000),
)


def in_range(network: Hard) -> bool:
    """Whether all that is computed, forward and backward, is 0 or far from where numbers end."""
    info = torch.finfo(network.dtype)
    inside = []

    def look(module, x, y):
        inside.append(y)
        y.requires_grad and y.retain_grad()

    model = network.model()
    for part in model.modules():
        part.register_forward_hook(look)
    x = network.images().requires_grad_()
    y = model(x)
    y.backward(torch.ones_like(y))
    numbers = torch.cat([t.detach().abs().flatten() for y in inside for t in (y, y.grad) if t is not None])
    far = numbers < info.max / 1e6
    return bool((far & ((numbers == 0) | (numbers > info.tiny * 1e6))).all())


@SOME
@given(hard)
def test_rounding_is_not_refused(network: Hard) -> None:
    """Scales from 1e-8 to 1e8, dead units, images far from 0 or of one number: what is computed is read."""
    if in_range(network):
        trace(network.model(), network.images())


HARD = {
    **{kind: lambda n, kind=kind: kind in [k for k, _ in n.layers] for kind in LAYERS},
    "single precision, far scales": lambda n: (
        n.dtype == torch.float32 and max((abs(p) for _, p in n.layers), default=0) >= 7
    ),
    "constant images": lambda n: n.constant and len(n.layers) > 2,
    "images far from 0, a batch norm": lambda n: n.offset == -1e4 and "norm" in [k for k, _ in n.layers],
    "dead units before a rectifier": lambda n: n.dead > 2 and "relu" in [k for k, _ in n.layers],
    "a norm after a convolution": lambda n: (
        ("conv", "norm") in [(a, b) for (a, _), (b, _) in zip(n.layers, n.layers[1:], strict=False)]
    ),
}


@pytest.mark.parametrize("what", HARD)
def test_reach(what: str) -> None:
    """The generator makes what it is for, with numbers in range."""
    find(hard, lambda n: HARD[what](n) and in_range(n), settings=SEARCH, random=Random(0))
