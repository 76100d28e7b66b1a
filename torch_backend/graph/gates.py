"""What folds into gates: constant factors, and gates of gates.

c ⊙ (s ⊙ x), s ⊙ (c ⊙ x) and (c s) ⊙ x are one function, so that they are one gate. Its constants go to the
layer that the gate alone reads, if there is one, else into s. ReLU6(g + 3) is six times a gate. An affine map
that adds something stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from torch_backend.graph.arithmetic import make_diagonal
from torch_backend.graph.arrangement import Arrangement
from torch_backend.graph.kept import Kept
from torch_backend.graph.step import Step
from torch_backend.operators.differentiable import Product, Smooth
from torch_backend.operators.holding import Gate
from torch_backend.operators.linear import Diagonal
from torch_backend.operators.operator import Route
from torch_backend.operators.rectifier import Rectifier
from torch_backend.operators.unweighted import Average

Readers = dict[int, list[Step]]


def below_gates(steps: Sequence[Step], readers: Readers, kept: Kept) -> list[Step]:
    """The steps with constants in front of the gates, and gates of gates as one; changes the steps given."""
    found: list[Step] = []
    for step in steps:
        if _scales(step) and isinstance(step.inputs[0].op, Gate) and _alone(step, readers):
            found += _exchanged(step, readers)
        if isinstance(step.op, Gate):
            found += [*_merged(step, readers), *_of_size_one(step, readers, kept)]
        found.append(step)
    return found


def into_gates(steps: Sequence[Step], readers: Readers) -> list[Step]:
    """The steps with what is left of the constants in front of gates in their s; changes the steps given."""
    found: list[Step] = []
    for step in steps:
        if isinstance(step.op, Gate) and _scales(step.inputs[0]) and _alone(step, readers):
            x, s = step.inputs
            both = torch.broadcast_shapes(s.shape, x.op.weight.shape)
            like = _arranged(s, both)
            scaled = Step(Smooth(lambda v, w=x.op.weight: v * w), (s,), s.label, (), like)
            _read(step, (x.inputs[0], scaled), readers)
            found.append(scaled)
        found.append(step)
    return found


def _exchanged(step: Step, readers: Readers) -> Iterator[Step]:
    """c ⊙ (s ⊙ x) as s ⊙ (c ⊙ x)."""
    (gate,) = step.inputs
    x, s = gate.inputs
    scaled = Step(step.op, (x,), step.label, (), step.arrangement)
    step.op, step.label, step.what = gate.op, gate.label, gate.what
    _read(gate, (), readers)
    _read(scaled, (x,), readers)
    _read(step, (scaled, s), readers)
    yield scaled


def _merged(step: Step, readers: Readers) -> Iterator[Step]:
    """s ⊙ (t ⊙ x), s ⊙ (c ⊙ (t ⊙ x)) as (s ⊙ t) ⊙ x, (s ⊙ t) ⊙ (c ⊙ x)."""
    x, s = step.inputs
    if not (isinstance(x.op, Gate) and _alone(step, readers)):
        return
    signal, t = x.inputs
    both = _arranged(s, torch.broadcast_shapes(s.shape, t.shape))
    gate = Step(Product(torch.mul), (t, s), step.label, (torch.ops.aten.mul.Tensor,), both)
    _read(x, (), readers)
    _read(gate, (t, s), readers)
    _read(step, (signal, gate), readers)
    yield gate


def _of_size_one(step: Step, readers: Readers, kept: Kept) -> Iterator[Step]:
    """s ⊙ x as (s / k) ⊙ (k ⊙ x), where s is k times a gate."""
    x, s = step.inputs
    k = _size(s)
    if k == 1:
        return
    numbers = (torch.tensor(c, dtype=torch.float64) for c in (k, 1 / k))
    scaled, gate = (
        Step(kept(make_diagonal, part.shape, c, torch.zeros(())), (part,), part.label, (), part.arrangement)
        for part, c in zip((x, s), numbers, strict=True)
    )
    for part in (scaled, gate):
        _read(part, part.inputs, readers)
    _read(step, (scaled, gate), readers)
    yield from (scaled, gate)


def _size(s: Step) -> float:
    """k for k times a gate."""
    match s.op:
        case Rectifier():
            return s.op.ceiling
        case Product() if s.what == (torch.ops.aten.mul.Tensor,) and len(s.inputs) == 2:
            return _size(s.inputs[0]) * _size(s.inputs[1])
        case Diagonal():
            if not bool((s.op.weight == s.op.weight.flatten()[0]).all()):
                return 1.0
            if not bool(s.op.bias.any()):
                return float(s.op.weight.flatten()[0]) * _size(s.inputs[0]) or 1.0
            b = float(s.op.bias.flatten()[0])
            return b if bool((s.op.bias == b).all()) else 1.0
        case Route() | Average() if len(s.inputs) == 1:
            return _size(s.inputs[0])
    return 1.0


def _scales(step: Step) -> bool:
    return isinstance(step.op, Diagonal) and not bool(step.op.bias.any())


def _alone(step: Step, readers: Readers) -> bool:
    """Whether the step alone reads its first input."""
    return readers[id(step.inputs[0])] == [step] and step.inputs.count(step.inputs[0]) == 1


def _read(step: Step, inputs: tuple[Step, ...], readers: Readers) -> None:
    """From now on the step reads these."""
    for part in step.inputs:
        readers[id(part)] = [reader for reader in readers[id(part)] if reader is not step]
    step.inputs = inputs
    readers.setdefault(id(step), [])
    for part in inputs:
        readers.setdefault(id(part), []).append(step)


def _arranged(like: Step, image: Sequence[int]) -> Arrangement:
    """Images of another shape, in a batch of as many."""
    return Arrangement((like.arrangement.count, *image), 1, like.arrangement.count)
