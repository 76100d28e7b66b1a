"""A forward pass, recorded while it is carried out: every call of an operator, in its canonical form.

However a network is written, what it does arrives here as calls of ATen's operators on tensors. A call that
reads recorded numbers becomes a step; all others make constants. Numbers that depend on the images without
being differentiable (a comparison, positions of maxima, what is detached or made under `no_grad`) are held:
as for autograd, they are constants of these images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from rankone.errors import Refusal, refuse
from torch_backend.graph import table
from torch_backend.graph.arithmetic import make_diagonal
from torch_backend.graph.arrangement import Arrangement, arrangements
from torch_backend.graph.derivative import is_real, known_by_derivative, mixed
from torch_backend.graph.kept import Kept
from torch_backend.graph.memory import Entry, Memory, memory_of, picked, place
from torch_backend.graph.model import Untouched
from torch_backend.graph.signature import Signature, signature
from torch_backend.graph.step import Call, Operation, Read, Step, leaves, replaced
from torch_backend.operators.differentiable import Mixed, OpaqueRoute
from torch_backend.operators.operator import Image, Operator
from torch_backend.operators.unweighted import Gather, Reshape


@dataclass(frozen=True)
class Numbers:
    """What stands in a tensor: those of a step, with `outer` numbers in front of the first image's."""

    step: Step
    outer: int


@dataclass(frozen=True)
class Held:
    """What stands in a tensor: numbers that depend on the images, without a derivative."""

    tensor: Tensor | None = None


class Recorder(TorchDispatchMode):
    """Records the calls of one forward pass of `images` (B, ...), the tensor that the model is given.

    name: of the images; kept: where operators with weights are looked up; label: the name of a call in the
    model; before: the model as it was, told of every tensor that was there, when it is about to be written
    to. precision: the lowest that was met.
    """

    def __init__(
        self, name: str, images: Tensor, kept: Kept, label: Callable[[str], str], before: Untouched
    ) -> None:
        super().__init__()
        self.count, self.kept, self.label, self.before = len(images), kept, label, before
        self.memory, self.precision = Memory(), images.dtype
        self.steps: list[Step] = []
        self.empty: set[int] = set()  # memory that nothing has been written to
        plain = Arrangement(tuple(images.shape), 1, len(images))
        self.memory.put(images, Numbers(self._step(Image(), (), name, (), plain, images), 1), written=True)

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        func, args, kwargs = table.plainer(func, args, kwargs or {})
        said, tensors = signature(func), [t for t in leaves((args, kwargs)) if isinstance(t, Tensor)]
        if func in table.PLACES or (said.is_view and any(self.memory.is_pieced(t) for t in tensors)):
            return func(*args, **kwargs)  # its numbers are put together when they are read
        read = {id(t): self.read(t) for t in tensors}
        writes = said.written(args, kwargs) if said.writes else []
        for t in writes:
            self._keep_what_was(t)
        depends = any(content is not None for content in read.values()) and func not in table.FACTORIES
        if depends:
            read |= {id(t): t.detach().clone() for t in writes if read[id(t)] is None}
        returned = func(*args, **kwargs)
        if depends:
            with self._told_from_the_models_errors(func):
                self._record(said, args, kwargs, read, writes, returned)
        else:
            for t in writes:
                if self.memory.contents(t):
                    self.memory.put(t, None, written=True)
                self.empty.discard(memory_of(t))
        if func in table.EMPTY:
            self.empty.add(memory_of(returned))
            self.memory.put(returned, None, written=True)
        return returned

    def last(self, logits: Tensor) -> Step:
        """The step with the output's numbers, (B, ...); ValueError if it depends on no image."""
        read = self.read(logits)
        if not isinstance(read, Read):
            refuse(
                "model",
                expected="an output that autograd connects with the images",
                got="one without a derivative (torch.no_grad, detach, or nothing that depends on them)",
                do="take it out of the model's forward",
            )
        plain = Arrangement(tuple(logits.shape), 1, self.count)
        if not read.arrangement.is_plain and not isinstance(read.step.op, Mixed):
            refuse(
                "model",
                expected="one output for each image",
                got=f"shape {plain.shape}",
                do="put the images first",
            )
        if read.step.arrangement == plain or isinstance(read.step.op, Mixed):
            return read.step
        return self._step(Reshape(read.step.shape, plain.image), (read.step,), "output", (), plain, logits)

    # ------------------------------------------------------------ reading

    def read(self, t: Tensor) -> Read | Held | None:
        """What stands in the tensor; None for a constant."""
        content = self._content(t)
        if not isinstance(content, Numbers):
            return content if content is None else Held(t.detach().clone())
        if torch.is_grad_enabled() and not t.requires_grad:
            return Held(t.detach().clone())
        return Read(content.step, Arrangement(tuple(t.shape), content.outer, self.count))

    def _content(self, t: Tensor) -> Numbers | Held | None:
        entries = list(self.memory.history(t))
        if not entries:
            return None
        known = entries[0].place == place(t)
        below = entries[0].content if known else None
        later = entries[1:] if known else entries
        if not later:
            return below
        content = self._written_over(t, below, later)
        if not isinstance(content, Held):  # or it is not whole yet: what is left will be written
            self.memory.put(t, content)
        return content

    def _written_over(
        self, t: Tensor, below: Numbers | Held | None, later: list[Entry]
    ) -> Numbers | Held | None:
        """The content of t, which was `below`, once these were written over parts of it."""
        contents = [below, *(entry.content for entry in later)]
        if any(isinstance(content, Held) for content in contents):
            return Held()
        numbers = [content for content in contents if content is not None]
        if not numbers:
            return None
        parts = [(entry, entry.content and entry.content.outer) for entry in later]
        ways = (
            [Arrangement(tuple(t.shape), below.outer, self.count)]
            if below
            else list(arrangements(tuple(t.shape), self.count))
        )
        found = ((way, picked(t, way, parts, below and below.step.shape)) for way in ways)
        here, index = next(((way, index) for way, index in found if index is not None), (None, None))
        if here is None:
            refuse(
                self.label("copy"),
                expected="writing in place image by image",
                got="images that are written into each other",
                do="write it out of place, with torch.cat or torch.where",
            )
        shapes = tuple(content.step.shape for content in numbers)
        index = index.to(t.device)
        gather = Gather((sum(map(prod, shapes)),), here.image, index=index, shapes=shapes)
        now = here.to_images(t.detach().clone())
        if memory_of(t) in self.empty:
            now = torch.where(index.view(here.image) < 0, 0, now)
        constant = torch.where((index.view(here.image) < 0) & (now == now[:1]).all(0), now, 0)
        inputs = tuple(content.step for content in numbers)
        step = self._step(gather, inputs, self.label("copy"), (index.tolist(),), here)
        if bool(constant.any()):
            op = self.kept(make_diagonal, here.image, torch.ones(()), constant[0])
            step = self._step(op, (step,), self.label("add"), (), here)
        step.tensor = here.from_images(now)
        return Numbers(step, here.outer)

    # ------------------------------------------------------------ recording

    def _record(
        self,
        said: Signature,
        args: tuple,
        kwargs: dict,
        read: dict[int, Any],
        writes: list[Tensor],
        returned: Any,
    ) -> None:
        """read: by id, what stands in the arguments; what stood in constants that were written over."""
        several = not writes and isinstance(returned, tuple | list)
        outputs = tuple(writes or (returned if several else (returned,)))
        if not any(isinstance(t, Tensor) for t in outputs):
            return
        self._refuse_what_has_no_meaning(said, outputs)
        given = replaced((args, kwargs), lambda a: self._given(a, read))
        matter = leaves(given[0][1:] if said.out_of_place in table.OVERWRITES else given)
        reads = [a for a in matter if isinstance(a, Read)]
        held = any(isinstance(a, Held) for a in matter)
        meanings: tuple = (Held() if held else None,) * len(outputs)
        if reads:
            self._note_precision([*(r.step.tensor for r in reads), *outputs])
            meanings = _meanings(
                _call(said.out_of_place, outputs, reads, several), given, reads, self.kept, held
            )
        numbers = () if said.out_of_place in table.SHAPES else matter
        what = (said.out_of_place, *(a for a in numbers if not isinstance(a, Tensor | Read | Held)))
        label = self.label(said.name)
        for t, meaning in zip(outputs, meanings, strict=True):
            if not isinstance(t, Tensor):
                continue
            if isinstance(meaning, Operation | Read) and is_real(t):
                kept = t.detach().clone() if writes and self.before.owns(t) else t
                meaning = self._carried_out(meaning, label, what, kept)
            elif reads:
                meaning = Held()
            if isinstance(meaning, Held) and said.is_view:
                continue  # whether it has a derivative is asked again when it is read
            self.memory.put(t, meaning, written=bool(writes) or not self.memory.contents(t))

    def _carried_out(self, meaning: Operation | Read, label: str, what: tuple, t: Tensor | None) -> Numbers:
        if isinstance(meaning, Read):
            return Numbers(meaning.step, meaning.arrangement.outer)
        inputs = tuple(self._carried_out(part, label, what, None).step for part in meaning.inputs)
        op = self.kept(meaning.make, *meaning.arguments) if meaning.arguments else meaning.make()
        return Numbers(self._step(op, inputs, label, what, meaning.arrangement, t), meaning.arrangement.outer)

    def _step(self, op: Operator, *description: Any) -> Step:
        self.steps.append(Step(op, *description))
        return self.steps[-1]

    def _keep_what_was(self, t: Tensor) -> None:
        """The model is about to write to t: steps whose numbers are there keep a copy of their own."""
        contents = self.memory.contents(t)
        if not contents:
            self.before.about_to_write(t)
        for step in {id(c.step): c.step for c in contents if isinstance(c, Numbers)}.values():
            if step.tensor is not None and memory_of(step.tensor) == memory_of(t):
                step.tensor = step.tensor.detach().clone()

    def _given(self, argument: Any, read: dict) -> Any:
        """What stands for an argument; constants that the model may write to later are copied."""
        content = read.get(id(argument)) if isinstance(argument, Tensor) else None
        if content is not None or not isinstance(argument, Tensor):
            return argument if content is None else content
        return argument if self.before.owns(argument) else argument.detach().clone()

    def _note_precision(self, tensors: list[Any]) -> None:
        for dtype in {t.dtype for t in tensors if is_real(t)} - {self.precision}:
            self.precision = max(self.precision, dtype, key=lambda dtype: torch.finfo(dtype).eps)

    @contextmanager
    def _told_from_the_models_errors(self, func: Any) -> Iterator[None]:
        """An error of this reader's own is not one of the model's."""
        try:
            yield
        except Refusal:
            raise
        except Exception as error:
            got = f"{func} ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
            label = self.label(func._schema.name)
            refuse(label, expected="an operation that can be read", got=got, do="report it")

    def _refuse_what_has_no_meaning(self, said: Signature, outputs: Iterable[Any]) -> None:
        if said.is_random:
            refuse(
                self.label(said.name),
                expected="the same numbers at each run",
                got=f"{said.name}, which draws random ones: another network at each call",
                do="call model.eval(), and pass training=self.training to dropout",
            )
        if said.out_of_place is None:
            refuse(
                self.label(said.name),
                expected="an operation that can be carried out of place, too",
                got=said.name,
                do="write it out of place",
            )
        if any(isinstance(t, Tensor) and t.is_complex() for t in outputs):
            refuse(
                self.label(said.name),
                expected="real numbers",
                got="complex ones",
                do="rewrite it in real ones",
            )


def _call(function: Any, outputs: tuple, reads: list[Read], several: bool) -> Call:  # noqa: FBT001
    shape = tuple(outputs[0].shape)
    like = next((r for r in reads if r.arrangement.shape == shape), reads[0]).arrangement
    outer = 1 if like.count == 1 and shape[:1] == (1,) else like.outer
    return Call(function, outputs, several, Arrangement(shape, outer, like.count))


def _meanings(call: Call, given: tuple[tuple, dict], reads: list[Read], kept: Kept, held: bool) -> tuple:  # noqa: FBT001
    """The meaning of each output."""
    if any(r.arrangement.parts is None or isinstance(r.step.op, Mixed) for r in reads):
        return tuple(mixed(reads) for _ in call.outputs)
    args, kwargs = replaced(given, lambda a: a.tensor if isinstance(a, Held) else a) if held else given
    handler = None if held else table.handler(call, reads)
    meaning = None if handler is None else handler(call, *args, **kwargs)
    if isinstance(meaning, tuple) and None not in meaning:
        return meaning
    if meaning is not None and not isinstance(meaning, tuple):
        return (meaning, *[None] * (len(call.outputs) - 1))
    known_as = OpaqueRoute if call.function in table.ROUTES and not held else None
    return known_by_derivative(call, args, kwargs, kept.cast, known_as)
