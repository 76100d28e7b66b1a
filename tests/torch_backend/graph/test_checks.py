"""A wrong reading is never silent: each check of a network against what was read of it can fail, and then
names the first node where the two part; rounding alone never fails it.
"""

import copy
import re
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.helpers import nets
from tests.helpers.twins.users import images, net, refusal, start_at
from torch_backend import Graph, methods, relevance, trace
from torch_backend.graph import (
    arithmetic,
    checks,
    folding,
    joining,
    layers,
    normalising,
    reading,
    routes,
    simplifying,
    table,
)
from torch_backend.operators.convolution import Convolution
from torch_backend.operators.operator import Operator
from torch_backend.operators.unweighted import Concatenation

ATEN = torch.ops.aten
PRECISIONS = (torch.float64, torch.float32)
ABOVE = {torch.float64: 1e-6, torch.float32: 1e-2}  # an error of this share is more than rounding


def _body(m, x):
    h = F.max_pool2d(F.relu(m.norm(m.stem(x))), 2)
    h = torch.add(h[:, :3], h[:, 1:4], alpha=0.5)
    h = torch.cat([m.second(F.pad(h, (0, 1, 0, 1))), h], 1)
    return m.fc(torch.flatten(h.mean(3), 1))


def small(dtype: torch.dtype = torch.float64) -> nn.Module:
    """Every operator that is read wrongly below, each once."""
    parts = {"stem": nn.Conv2d(3, 4, 3, 2, padding=(2, 1)), "norm": nn.BatchNorm2d(4)}
    model = net(_body, **parts, second=nn.Conv2d(3, 4, 2), fc=nn.Linear(21, 3))
    return model.to(dtype)


def pictures(dtype: torch.dtype, count: int = 3) -> torch.Tensor:
    return images(count, 3, 9, 11).to(dtype)


# ---------------------------------------------------------------- operators that are read wrongly


def _read_as(monkeypatch, operator, handler) -> None:
    """The operator means what the handler says."""
    (where,) = [t for t in (table.ANYWHERE, table.IN_FRONT, table.PLAIN) if operator in t]
    monkeypatch.setitem(where, operator, handler)


def _rectified_up_to_1(monkeypatch, dtype) -> None:
    _read_as(monkeypatch, ATEN.relu.default, lambda call, x: layers.clamp(call, x, 0, 1))


def _convolution(monkeypatch, change) -> None:
    right = layers.make_convolution
    monkeypatch.setattr(layers, "make_convolution", lambda *given: change(right(*given)))


def _weights_scaled(monkeypatch, dtype) -> None:
    _convolution(monkeypatch, lambda op: replace(op, weight=op.weight * (1 + ABOVE[dtype])))


class EveryPlace(Convolution):
    """A convolution that forgets its stride: its places are the first ones of all."""

    def _convolve(self, x, bias):
        full = F.conv2d(x, self.weight, bias, 1, self.padding)
        return full[..., : self.target[1], : self.target[2]]


def _stride_ignored(monkeypatch, dtype) -> None:
    _convolution(monkeypatch, lambda op: EveryPlace(**vars(op)))


def _kernel_turned(monkeypatch, dtype) -> None:
    _convolution(monkeypatch, lambda op: replace(op, weight=op.weight.flip(-1)))


def _shift_of_the_norm(monkeypatch, dtype) -> None:
    right = normalising.make_batch_norm

    def wrong(*given):
        op = right(*given)
        return replace(op, bias=op.bias + 10 * ABOVE[dtype])

    monkeypatch.setattr(normalising, "make_batch_norm", wrong)


def _shift_forgotten_when_folded(monkeypatch, dtype) -> None:
    right = folding.after
    monkeypatch.setattr(folding, "after", lambda op, d: right(op, replace(d, bias=torch.zeros_like(d.bias))))


def _average_for_maximum(monkeypatch, dtype) -> None:
    def wrong(call, x, *args):
        average = replace(call, function=ATEN.avg_pool2d.default)
        return routes.average(average, x, *args[:2])

    _read_as(monkeypatch, ATEN.max_pool2d_with_indices.default, wrong)


def _slice_moved_by_one(monkeypatch, dtype) -> None:
    def wrong(call, x, dim, start, end):
        step = 1 if start == 0 else -1
        return routes.move(call, x, dim, start + step, end + step)

    _read_as(monkeypatch, ATEN.slice.Tensor, wrong)


def _alpha_forgotten(monkeypatch, dtype) -> None:
    _read_as(monkeypatch, ATEN.add.Tensor, lambda call, x, other, alpha=1: arithmetic.add(call, x, other))


def _zeros_on_the_wrong_side(monkeypatch, dtype) -> None:
    right = simplifying.with_padding

    def wrong(op, shape, pad):
        return right(op, shape, tuple(pad[i ^ 1] for i in range(len(pad))))

    monkeypatch.setattr(simplifying, "with_padding", wrong)


def _sum_for_mean(monkeypatch, dtype) -> None:
    _read_as(monkeypatch, ATEN.mean.dim, arithmetic.total)


def _parts_exchanged(monkeypatch, dtype) -> None:
    def wrong(call, parts, dim=0):
        return joining.concatenate(call, parts[::-1], dim)

    _read_as(monkeypatch, ATEN.cat.default, wrong)


def _bias_forgotten(monkeypatch, dtype) -> None:
    _read_as(monkeypatch, ATEN.addmm.default, lambda call, bias, x, w: layers.product(call, x, w))


# what is read wrongly -> the node that is named, and whether its derivative is wrong, too
WRONG = {
    "a rectifier with a ceiling": (_rectified_up_to_1, "stem", True),
    "weights scaled": (_weights_scaled, "stem.pre", True),
    "a stride ignored": (_stride_ignored, "stem.pre", False),
    "a kernel turned": (_kernel_turned, "stem.pre", True),
    "a shift of a batch norm": (_shift_of_the_norm, "stem.pre", False),
    "a shift that folding forgets": (_shift_forgotten_when_folded, "stem.pre", False),
    "an average for a maximum": (_average_for_maximum, "max_pool2d", True),
    "a slice moved by one": (_slice_moved_by_one, "slice", True),
    "alpha forgotten": (_alpha_forgotten, "block2_1", True),
    "zeros on the wrong side": (_zeros_on_the_wrong_side, "second", True),
    "a sum for a mean": (_sum_for_mean, "dense", True),
    "a bias forgotten": (_bias_forgotten, "dense", False),
}


def test_what_is_read_rightly_is_not_refused() -> None:
    """The network of the wrong readings is read in both precisions, with one image or several."""
    for dtype in PRECISIONS:
        for count in (1, 3):
            assert refusal(small(dtype), pictures(dtype, count)) == ""


@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
@pytest.mark.parametrize("case", WRONG)
def test_an_operator_that_is_read_wrongly_is_named(monkeypatch, case: str, dtype: torch.dtype) -> None:
    """Its node is the first that computes other numbers than the model did there."""
    wrong, name, _ = WRONG[case]
    wrong(monkeypatch, dtype)
    words = rf"node '{re.escape(name)}': expected the numbers that the model computes there, got others"
    assert re.match(words, refusal(small(dtype), pictures(dtype)))


@pytest.mark.parametrize("case", WRONG)
def test_it_is_this_check_that_finds_it(monkeypatch, case: str) -> None:
    """Without the comparison of numbers a wrong reading passes, unless its derivative is wrong, too; without
    that comparison either, all pass.
    """
    wrong, _, has_another_derivative = WRONG[case]
    wrong(monkeypatch, torch.float64)
    monkeypatch.setattr(checks, "agree", lambda *_: True)
    said = refusal(small(), pictures(torch.float64))
    assert said.startswith("model: expected the derivative") == has_another_derivative == bool(said)
    monkeypatch.setattr(checks, "_same_direction", lambda *_: True)
    assert refusal(small(), pictures(torch.float64)) == ""


def test_parts_that_are_exchanged_are_named_by_their_numbers(monkeypatch) -> None:
    """A concatenation in the wrong order computes other numbers."""
    _read_as(monkeypatch, ATEN.cat.default, lambda call, t, dim: joining.concatenate(call, t[::-1], dim))
    assert refusal(small(), pictures(torch.float64)).startswith("node 'cat': expected the numbers")


def test_a_reading_with_another_shape_is_named(monkeypatch) -> None:
    """An operator that makes more numbers than the model did is refused like one that makes others."""
    _convolution(monkeypatch, lambda op: replace(op, padding=(0, 0)))
    assert refusal(small(), pictures(torch.float64)).startswith("node 'stem.pre': expected the numbers")


def test_a_wrong_shift_beside_large_outputs_is_named(monkeypatch) -> None:
    """What counts is how much a channel varies: a thousandth of that, where all outputs are near 300."""

    def body(m, x):
        return m.fc(torch.relu(m.norm(m.conv(x))).mean((2, 3)))

    def model() -> nn.Module:
        made = net(body, conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4), fc=nn.Linear(4, 3))
        with torch.no_grad():
            made.norm.bias.add_(300)
        return made

    x = images(3, 3, 6, 6)
    spread = trace(model(), x).nodes[1].value.std(dim=(0, 2, 3)).mean()
    right = normalising.make_batch_norm

    def wrong(*given):
        return replace(op := right(*given), bias=op.bias + 1e-3 * spread)

    monkeypatch.setattr(normalising, "make_batch_norm", wrong)
    assert refusal(model(), x).startswith("node 'conv1_1.pre': expected the numbers")


# ---------------------------------------------------------------- any node of any network


def _one_is_wrong(monkeypatch, k: int, changed: dict) -> None:
    """The operator of the k-th step is another one of the same class, with these methods."""
    right = reading.fold

    def wrong(*given):
        steps = right(*given)
        if k >= len(steps):  # of one image, whose instance norms take another way
            return steps
        op = copy.copy(steps[k].op)
        kind = type(op)
        methods = {name: change(kind) for name, change in changed.items()}
        object.__setattr__(op, "__class__", type(kind.__name__, (kind,), methods))
        steps[k].op = op
        return steps

    monkeypatch.setattr(reading, "fold", wrong)


def _off(kind: type[Operator]):
    """Its numbers, a thousandth too large or, where they are 0, off by as much."""
    return lambda op, x: (y := kind.forward(op, x)) * 1.001 + 0.001 * y.abs().max()


def _twice(kind: type[Operator]):
    """Its pullback, twice."""

    def pullback(op, x, y):
        pull = kind.pullback(op, x, y)

        def longer(r):
            parts = pull(r)
            return tuple(2 * p for p in parts) if isinstance(parts, tuple) else 2 * parts

        return longer

    return pullback


def _steps(model: nn.Module, x: torch.Tensor) -> list:
    """What is read of the model, and the names of the nodes."""
    network = trace(model, x).network
    read = network._read(x)
    return list(zip(read.steps, [node.name for node in read.nodes], strict=True))


@pytest.mark.parametrize("kind", nets.EVERY)
def test_any_node_that_computes_other_numbers_is_named(kind) -> None:
    """In each network each node in turn: the first that is named is the node itself or, where the model has
    no numbers of its own there, one that reads it.
    """
    model, x = nets.build(kind), nets.images_for(nets.build(kind))
    steps = _steps(model, x)
    for k, (step, name) in enumerate(steps[1:], 1):
        if isinstance(step.op, Concatenation):
            continue
        named = [name]
        if step.tensor is None:
            named = [other for reader, other in steps if step in reader.inputs]
        with pytest.MonkeyPatch.context() as patch:
            _one_is_wrong(patch, k, {"forward": _off})
            said = refusal(model, x)
        assert re.match(rf"node '({'|'.join(map(re.escape, named))})': expected the numbers", said), (
            name,
            said,
        )


def _gradient(graph: Graph) -> torch.Tensor:
    return relevance(graph, methods.gradient, "logits", start_at(graph.nodes[-1].value), "input")


@pytest.mark.parametrize("kind", nets.EVERY)
def test_any_node_with_another_derivative_is_refused(kind) -> None:
    """In each network each node in turn, if that changes the gradient at the images: by its name wherever
    autograd has what the node reads, else by that of one below it.
    """
    model, x = nets.build(kind), nets.images_for(nets.build(kind))
    steps, right = _steps(model, x), _gradient(trace(model, x))
    there = {
        id(step): step.arrangement.is_plain and step.tensor is not None and step.tensor.requires_grad
        for step, _ in steps[1:]
    }
    for k, (step, name) in enumerate(steps[1:], 1):
        with pytest.MonkeyPatch.context() as patch:
            _one_is_wrong(patch, k, {"pullback": _twice})
            said = refusal(model, x)
            patch.setattr(checks, "_same_direction", lambda *_: True)
            unchanged = torch.allclose(_gradient(trace(model, x)), right)
        assert said.startswith("model: expected the derivative") == bool(said) != unchanged, name
        if there.get(id(max(step.inputs, key=[s for s, _ in steps].index))) and not unchanged:
            assert repr(name) in said
    assert sum(there.values()) > len(steps) // 3


def test_a_first_layer_with_another_derivative_is_named(monkeypatch) -> None:
    """What it reads, the images, is there for autograd, too."""
    _one_is_wrong(monkeypatch, 1, {"pullback": _twice})
    assert "first at 'stem.pre'" in refusal(small(), pictures(torch.float64))
