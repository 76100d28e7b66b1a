"""What a rule returns: plain functions are wrapped, and what exists for speed changes nothing."""

import numpy as np
import pytest
import torch

from tests.helpers import dense, nets
from torch_backend import rules
from torch_backend.operators.convolution import Convolution
from torch_backend.operators.linear import Linear
from torch_backend.operators.rectifier import Rectifier
from torch_backend.rules.backward import Backward, Plain, as_backward
from torch_backend.rules.sharing import by_sign

CLOSE = {"rtol": 1e-12, "atol": 1e-12}
NODES = dense.linear_nodes()
LINEAR = {
    "gradient": rules.gradient,
    "z": rules.z,
    "epsilon": rules.epsilon(0.2),
    "gamma": rules.gamma(0.3),
    "z_plus": rules.z_plus,
    "z_minus": rules.z_minus,
    "alpha_beta": rules.alpha_beta(2, 1),
    "excite": rules.excite,
    "contrast": rules.contrast,
}
IN_RECTIFIERS = {
    "gradient": rules.gradient,
    "pass_through": rules.pass_through,
    "deconvolve": rules.deconvolve,
    "guide": rules.guide,
    "rectify_gradient": rules.rectify_gradient(0.5),
}


def random(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    return torch.randn(shape, dtype=nets.DTYPE, generator=torch.Generator().manual_seed(seed))


def check_factors(backward: Backward, shape: tuple[int, ...]) -> None:
    """factored is __call__, with and without a factor, with and without memory to use."""
    r, factor = random((2, *shape), 1), random(shape, 2)
    for given in (None, factor):
        expected = backward(r if given is None else r * given).clone()
        for memory in (None, r.clone()):
            pulled, x = backward.factored(r if memory is None else memory, given, memory)
            np.testing.assert_allclose(pulled if x is None else pulled * x, expected, **CLOSE)


@pytest.mark.parametrize("node,values", NODES)
@pytest.mark.parametrize("name", LINEAR)
def test_factors_and_memory_are_the_same_as_plain_in_linear_nodes(name: str, node, values) -> None:
    x = node.op.join(values, node.value)
    check_factors(as_backward(LINEAR[name](node.op, x, node.value)), tuple(node.value.shape))


@pytest.mark.parametrize("ceiling", [float("inf"), 1.0])
@pytest.mark.parametrize("name", IN_RECTIFIERS)
def test_factors_and_memory_are_the_same_as_plain_in_rectifiers(name: str, ceiling: float) -> None:
    op, x = Rectifier(ceiling), random((2, 7), 3)
    check_factors(as_backward(IN_RECTIFIERS[name](op, x, op.forward(x))), (2, 7))


@pytest.mark.parametrize("node,values", NODES)
def test_operators_beside_each_other_are_both(node, values) -> None:
    """W x + W' x', where an operator offers it."""
    op, x = node.op, values[0]
    other = op.part(0, 1)
    if (both := op.beside(other)) is not None:
        assert isinstance(op, Convolution)
        x_, r = random(tuple(x.shape), 5), random((2, *node.value.shape), 6)
        expected = op.apply(x) + other.apply(x_)
        np.testing.assert_allclose(both.apply(torch.cat((x, x_), 1)), expected, **CLOSE)
        down = both.adjoint(r).chunk(2, 2)
        for part, own in zip(down, (op, other), strict=True):
            np.testing.assert_allclose(part, own.adjoint(r), **CLOSE)


def test_some_operators_stand_beside_each_other() -> None:
    assert any(p.values[0].op.beside(p.values[0].op.part(0, 1)) is not None for p in NODES)


@pytest.mark.parametrize("node,values", NODES)
def test_repeating_operators_repeat_products(node, values) -> None:
    """Rᵀ(a ⊙ b) = Rᵀa ⊙ Rᵀb, and W = cR."""
    op = node.op
    a, b = random((2, *node.value.shape), 7), random((2, *node.value.shape), 8)
    for own, c in ((op, 1), (op.part(-3, 0), -3)):
        if own.repeats is not None:
            R = own.repeats
            np.testing.assert_allclose(R.adjoint(a * b), R.adjoint(a) * R.adjoint(b), **CLOSE)
            np.testing.assert_allclose(own.adjoint(a), c * R.adjoint(a), **CLOSE)


@pytest.mark.parametrize("node,values", NODES)
def test_terms_that_are_known_to_be_zero_are_zero(node, values) -> None:
    for part in (node.op.part(0, 1), node.op.part(0, 0)):
        if part.is_zero:
            np.testing.assert_array_equal(dense.matrix(part), 0)


@pytest.mark.parametrize("node,values", NODES)
def test_both_signs_as_one_operator_are_two_contributions(node, values) -> None:
    op, x = node.op, node.op.join(values, node.value)
    for a, b in ((1, 0), (0, 1), (2, -1)):
        terms = by_sign(op.part(a, b), lambda a=a, b=b: op.part(b, a), x)
        plain = op.part(a, b).apply(x.clamp(min=0)) + op.part(b, a).apply(x.clamp(max=0))
        np.testing.assert_allclose(sum(w.apply(x_) for w, x_ in terms), plain, **CLOSE)


@pytest.mark.parametrize("node,values", NODES)
@pytest.mark.parametrize("a,b", [(1, 1), (1, 0), (0, 1), (1.25, 1), (-2, 0.5)])
def test_contributions_are_a_times_positive_and_b_times_negative_ones(node, values, a, b) -> None:
    """Against single contributions, of the bias, too."""
    op, x = node.op, node.op.join(values, node.value)
    found = rules.contributions(op, x, positive=a, negative=b)
    total = sum(w.apply(x_) for w, x_ in found.terms)
    bias = 0 if found.bias is None else found.bias
    mix = lambda c: a * c.clip(min=0) + b * c.clip(max=0)  # noqa: E731
    w, own_bias = dense.matrix(op), dense.bias_of(op)
    if type(op).__name__ == "Concatenation":  # x is already y
        w = np.eye(dense.size(op.out_shape))
    rows = x.squeeze(1).movedim(0, 1) if type(op).__name__ == "Sum" else x
    images, sums = (t.reshape(len(node.value), -1).numpy() for t in (rows, total + bias))
    for image, z in zip(images, sums, strict=True):
        np.testing.assert_allclose(z, mix(w * image).sum(1) + mix(own_bias), rtol=1e-9, atol=1e-9)


def test_a_plain_function_is_wrapped_once() -> None:
    double = as_backward(lambda r: 2 * r)
    assert isinstance(double, Plain) and as_backward(double) is double
    r = torch.ones(1, 1, 3)
    np.testing.assert_array_equal(double(r), 2 * r)
    assert [float(booked) for booked in double.book(r)] == [0, 0, 0]


def test_a_callable_with_books_keeps_them() -> None:
    class Half:
        def __call__(self, r):
            return r / 2

        def book(self, r):
            half = r.flatten(2).sum(2) / 2
            return half, 0 * half, 0 * half

    r = torch.ones(1, 2, 3)
    np.testing.assert_array_equal(as_backward(Half()).book(r).bias, [[1.5, 1.5]])


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rule: expected a function r -> r_in.*got NoneType; return one"):
        as_backward(None)


def test_an_operator_must_offer_all() -> None:
    """The abstract class is a class that cannot be made."""
    with pytest.raises(TypeError, match="abstract"):
        Linear((1,), (1,))
