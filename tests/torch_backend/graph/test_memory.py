"""Writing in place is read as torch does it: values are the model's, the gradient is autograd's."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from random import Random

import pytest
import torch
from hypothesis import HealthCheck, Phase, assume, find, given, settings
from torch import nn

from tests.helpers import programs
from tests.helpers.programs import BUFFERS, READS, VIEWS, WRITES, Line, carried_out, model_of
from tests.helpers.twins.users import autograd, images, net, same, start_at
from torch_backend import methods, relevance, trace
from torch_backend.graph.memory import Memory

SOME = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much]
)
SEARCH = settings(max_examples=5000, deadline=None, database=None, phases=[Phase.generate])
BEHIND = "images behind"  # a view in which the images are not on the first axis


def is_torchs(program: tuple[Line, ...]) -> bool:
    """Whether autograd itself carries the program out, and its output depends on the images."""
    try:
        return bool(autograd(model_of(program), images(2, 5)).any())
    except RuntimeError:
        return False


def agrees(model: nn.Module) -> None:
    """Traced with 1, 2 and 3 images, and recorded with others."""
    for count in (1, 2, 3):
        x, other = images(count, 5), images(4 - count, 5, seed=3)
        graph = trace(model, x)
        for read, pictures in ((graph, x), (graph.record(other), other)):
            y = read.nodes[-1].value
            same(y, model(pictures), 1e-12)
            found = relevance(read, methods.gradient, "logits", start_at(y), "input")
            same(found, autograd(model, pictures), 1e-10)


@contextmanager
def folded() -> Iterator[None]:
    """A program is left out if folding fails on what it writes: see the single cases. What is read otherwise
    than it is meant is never an error of this kind.
    """
    try:
        yield
    except (IndexError, RuntimeError):
        assume(condition=False)


@SOME
@given(programs.programs(images_behind=False))
def test_programs_that_write_in_place(program: tuple[Line, ...]) -> None:
    """Slices, transposes and selections, written into and read again, for any number of images."""
    assume(is_torchs(program) and not empties(program))
    with folded():
        agrees(model_of(program))


@SOME
@given(programs.programs(images_behind=True))
def test_programs_that_move_the_images_to_another_axis(program: tuple[Line, ...]) -> None:
    """The same, or a refusal in one line that says how to write it."""
    assume(is_torchs(program) and not empties(program))
    try:
        with folded():
            agrees(model_of(program))
    except ValueError as refusal:
        assert "images that are written into each other; write it out of place" in str(refusal)
        assert "\n" not in str(refusal)
        assert any(line.what == BEHIND for line in program)


def empties(program: tuple[Line, ...]) -> bool:
    """Whether zeros may be all that is left in a tensor: see the single cases below."""
    return any(line.what == "zero_" for line in program)


def has(*kinds: str):
    return lambda program: {*kinds} <= {line.what for line in program}


def in_order(*groups: tuple[str, ...]):
    """Lines of these groups in this order, all about the first tensor."""

    def found(program):
        wanted = list(groups)
        for line in program:
            if wanted and line.what in wanted[0]:
                wanted.pop(0)
        return not wanted

    return found


def overlapping(program: tuple[Line, ...]) -> bool:
    """Two of the tensors that it leaves, of different shapes, share memory."""
    left = [p.tensor for p in carried_out(program, torch.zeros(2, *programs.SHAPE))]
    pairs = [(a, b) for i, a in enumerate(left) for b in left[:i] if a.shape != b.shape]
    return sum(a.untyped_storage()._cdata == b.untyped_storage()._cdata for a, b in pairs) > 2


REACH = {
    **{what: has(what) for what in (*VIEWS, *WRITES, *READS, *BUFFERS)},
    "a view, written into, read": in_order(VIEWS, WRITES, READS),
    "read, written, read": in_order(READS, WRITES, READS),
    "a view of a view, written into": in_order(VIEWS, VIEWS, WRITES),
    "a buffer, a view, two writes": in_order(BUFFERS, VIEWS, WRITES, WRITES),
    "a write, then a view": in_order(WRITES, VIEWS, READS),
    "a step, written into": in_order(("step",), WRITES),
    "views that overlap": overlapping,
}


@pytest.mark.parametrize("what", REACH)
def test_reach(what: str) -> None:
    """Every line occurs, in the orders that matter, in a program that torch itself carries out."""
    find(
        programs.programs(images_behind=True),
        lambda p: REACH[what](p) and is_torchs(p),
        settings=SEARCH,
        random=Random(0),
    )


# ---------------------------------------------------------------- single cases


def wide(body) -> nn.Module:
    return net(body, a=nn.Linear(5, 24), g=nn.Linear(5, 24), b=nn.Linear(24, 3))


def _even_odd(m, x):
    h = m.a(x)
    h[:, ::2].mul_(2).sub_(1)
    h[:, 1::2] += torch.relu(h[:, ::2])
    return m.b(h)


def _cells(m, x):
    """A buffer filled step by step, as recurrent networks write it: (T, B, d)."""
    h, out = m.a(x).view(len(x), 4, 6), torch.zeros(4, len(x), 6, dtype=x.dtype)
    state = torch.zeros(len(x), 6, dtype=x.dtype)
    for t in range(4):
        state = torch.tanh(h[:, t] + 0.5 * state)
        out[t] = state
    return m.b(out.transpose(0, 1).flatten(1))


def _shifted(m, x):
    """Channels moved along time, as in temporal shift modules."""
    h = m.a(x).view(len(x), 4, 6)
    out = torch.zeros_like(h)
    out[:, :-1, :2] = h[:, 1:, :2]
    out[:, 1:, 2:4] = h[:, :-1, 2:4]
    out[:, :, 4:] = h[:, :, 4:]
    return m.b(out.flatten(1))


def _base_read_between(m, x):
    h = m.a(x)
    v, before = h[:, :6], 2 * h
    v.add_(1.0)
    between = h - 0.5
    v.relu_()
    return m.b(before + between + torch.tanh(h))


def _swapped(m, x):
    h = m.a(x)
    h[:, :12], h[:, 12:] = h[:, 12:].clone(), h[:, :12].clone()
    return m.b(torch.relu(h))


def _some_forgotten(m, x):
    h = m.a(x)
    h[:, 3:7] = 0.0
    h[:, 10:].fill_(0.5)
    return m.b(torch.relu(h))


WRITTEN = (_even_odd, _cells, _shifted, _base_read_between, _swapped, _some_forgotten)
CASES = {body.__name__.strip("_").replace("_", " "): body for body in WRITTEN}


@pytest.mark.parametrize("case", CASES)
def test_what_users_write_in_place(case: str) -> None:
    """Buffers, shifts, exchanges, numbers in the place of others."""
    agrees(wide(CASES[case]))


@pytest.mark.parametrize("case", CASES)
def test_writes_that_are_overlooked_are_never_silent(monkeypatch, case: str) -> None:
    """Where only what first stood in a tensor is looked up, the reading is refused."""
    right = Memory.history
    monkeypatch.setattr(Memory, "history", lambda memory, t: islice(right(memory, t), 1))
    with pytest.raises(ValueError, match="expected"):
        agrees(wide(CASES[case]))


def _forgotten(number: float) -> nn.Module:
    def body(m, x):
        h, k = m.a(x), m.g(x).view(len(x), 2, 12)
        k.fill_(number)
        return m.b(h + k.transpose(1, 2).flatten(1))

    return wide(body)


def test_a_tensor_that_is_overwritten_by_a_number_is_a_constant() -> None:
    """Whatever depended on the images is gone; moving what is left is moving constants."""
    agrees(_forgotten(0.5))


def test_a_tensor_that_is_overwritten_by_zeros_is_a_constant() -> None:
    """As by any other number."""
    agrees(_forgotten(0.0))


def test_a_scaled_tensor_that_is_shifted_in_a_buffer_is_read() -> None:
    """A factor behind a rectifier, one step in time, zeros at the end, a dense layer."""

    def body(m, x):
        h = 1.5 * torch.relu(m.a(x).view(len(x), 2, 12))
        out = torch.zeros_like(h)
        out[:, :, 1:] = h[:, :, :-1]
        return m.b(out.flatten(1))

    agrees(wide(body))


def test_a_factor_behind_a_buffer_that_is_written_transposed_is_read() -> None:
    """(B, 2, 12) written into the transposed view of (B, 12, 2), then a factor for each row."""

    def body(m, x):
        out = torch.empty(len(x), 12, 2, dtype=x.dtype)
        out.transpose(1, 2).copy_(m.c(x[:, None].expand(-1, 12, -1)).transpose(1, 2))
        return m.b((out * torch.arange(1.0, 13)[:, None].to(x)).flatten(1))

    agrees(net(body, c=nn.Linear(5, 2), b=nn.Linear(24, 3)))


def test_what_autograd_refuses_is_refused_in_one_line() -> None:
    """A model that runs without a derivative only: what that of `sigmoid_` needs is written over."""

    def body(m, x):
        h = m.a(x)
        h.sigmoid_()
        h.add_(1.0)
        return m.b(h)

    with pytest.raises(ValueError, match="in place"):
        trace(wide(body), images(2, 5))


def test_images_on_the_second_axis_are_read_after_a_write() -> None:
    """A view made before all of its memory is rectified."""

    def body(m, x):
        h = m.a(x).view(len(x), 2, 12)
        v = h.transpose(0, 1)
        h.relu_()
        return m.b((2 * v).transpose(0, 1).flatten(1))

    agrees(wide(body))


def test_a_layer_keeps_its_name_behind_a_write() -> None:
    """`b` is the layer, not the tensor that it reads."""

    def body(m, x):
        h = m.a(x)
        h[:, :12].relu_()
        return m.b(h)

    assert trace(wide(body), images(2, 5)).node("b").kind == "dense"
