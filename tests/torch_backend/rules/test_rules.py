"""Every rule against sums over single contributions (dense matrices), node by node, and what the rules
promise.
"""

import numpy as np
import pytest
import torch

from tests.helpers import dense, nets
from torch_backend import rules
from torch_backend.operators import convolution
from torch_backend.operators.linear import Weighted
from torch_backend.operators.rectifier import Rectifier

# Rounding of a few hundred float64 products, through denominators that may be small: relative to the
# largest entry.
RELATIVE = 1e-9


@pytest.fixture(autouse=True, params=[0, convolution.FEW_CHANNELS], ids=["apart", "beside"])
def few_channels(request, monkeypatch) -> None:
    """Positive and negative inputs as two contributions, and as one where there are few channels."""
    monkeypatch.setattr(convolution, "FEW_CHANNELS", request.param)
    for parameters in NODES:  # what depends on it is kept with the operators
        vars(parameters.values[0].op).pop("_by_phases", None)


NODES = dense.linear_nodes()
WEIGHTED = [p for p in NODES if isinstance(p.values[0].op, Weighted)]


def agree(actual: torch.Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-7, atol=RELATIVE * max(1.0, np.abs(expected).max()))


def check(rule, oracle, node, values) -> None:
    """rule(op, x, y)(r) is the oracle's sum over contributions c_ji = W_ji x_i, for two vectors and every
    image.
    """
    x = node.op.join(values, node.value)
    r = torch.randn(2, *node.value.shape, dtype=nets.DTYPE, generator=torch.Generator().manual_seed(3))
    down = node.op.split(rule(node.op, x, node.value)(r))
    down = torch.stack(down, 2)  # (V, B, inputs of the node, *shape)
    xs = dense.rows(x, node.op)
    w, b = dense.matrix(node.op), dense.bias_of(node.op)
    for vector, relevance in zip(down, r, strict=True):
        for got, image, r_j in zip(vector, xs, relevance.reshape(len(xs), -1).numpy(), strict=True):
            agree(got.reshape(-1), oracle(w, image, b, r_j))


def pos(c: np.ndarray) -> np.ndarray:
    return c.clip(min=0)


def neg(c: np.ndarray) -> np.ndarray:
    return c.clip(max=0)


def epsilon_oracle(w, x, b, r):
    z = w @ x + b
    return (r / (z + np.where(z < 0, -0.3, 0.3))) @ (w * x)


def alpha_beta_oracle(alpha, beta):
    def oracle(w, x, b, r):
        c = w * x
        return alpha * dense.shared(pos(c), pos(b), r) - beta * dense.shared(neg(c), neg(b), r)

    return oracle


ORACLES = {
    "gradient": (rules.gradient, lambda w, x, b, r: r @ w),
    "z": (rules.z, lambda w, x, b, r: dense.shared(w * x, b, r)),
    "epsilon": (rules.epsilon(0.3), epsilon_oracle),
    "gamma": (
        rules.gamma(0.5),
        lambda w, x, b, r: dense.shared(w * x + 0.5 * pos(w * x), b + 0.5 * pos(b), r),
    ),
    "z_plus": (rules.z_plus, lambda w, x, b, r: dense.shared(pos(w * x), pos(b), r)),
    "z_minus": (rules.z_minus, lambda w, x, b, r: dense.shared(neg(w * x), neg(b), r)),
    "alpha_beta_2_1": (rules.alpha_beta(2, 1), alpha_beta_oracle(2, 1)),
    "alpha_beta_1_0": (rules.alpha_beta(1, 0), alpha_beta_oracle(1, 0)),
    "alpha_beta_half": (rules.alpha_beta(-0.5, 0.25), alpha_beta_oracle(-0.5, 0.25)),
    "excite": (rules.excite, lambda w, x, b, r: dense.shared(pos(w) * pos(x), 0 * b, r)),
    "contrast": (
        rules.contrast,
        lambda w, x, b, r: dense.shared(pos(w) * pos(x), 0 * b, r) - dense.shared(pos(-w) * pos(x), 0 * b, r),
    ),
}


@pytest.mark.parametrize("node,values", NODES)
@pytest.mark.parametrize("name", ORACLES)
def test_rule_is_its_sum_over_contributions(name: str, node, values) -> None:
    if type(node.op).__name__ == "Concatenation":
        values = (node.value,)  # the join of its inputs; split by test_graph
        node = dense.as_one_input(node)
    check(*ORACLES[name], node, values)


def test_negative_weights_are_not_made_for_inputs_without_negative_entries() -> None:
    op = dense.layer([[1.0, -2.0], [0.5, 1.0]], [0.0, 1.0])
    rules.z_plus(op, torch.ones(1, 2, dtype=nets.DTYPE), op.forward(torch.ones(1, 2, dtype=nets.DTYPE)))
    assert "positive" in vars(op) and "negative" not in vars(op)


@pytest.mark.parametrize("node,values", WEIGHTED)
def test_w_squared_is_its_sum_over_contributions(node, values) -> None:
    check(rules.squares, lambda w, x, b, r: dense.shared(w**2 + 0 * x, 0 * b, r), node, values)


@pytest.mark.parametrize("node,values", WEIGHTED)
def test_z_b_is_its_sum_over_contributions(node, values) -> None:
    """For scalar bounds and for bounds per channel."""
    low, high = float(values[0].min()) - 0.1, float(values[0].max()) + 0.2

    def oracle(w, x, b, r):
        return dense.shared(w * x - pos(w) * low - neg(w) * high, 0 * b, r)

    check(rules.Bounded(low, high), oracle, node, values)
    channels = torch.full((values[0].shape[1], *[1] * (values[0].dim() - 2)), 1.0, dtype=nets.DTYPE)
    check(rules.Bounded(low * channels, high * channels), oracle, node, values)


@pytest.mark.parametrize("node,values", NODES)
@pytest.mark.parametrize(
    "rule",
    [rules.z, rules.epsilon(0.2), rules.gamma(0.3), rules.z_plus, rules.alpha_beta(3, 2), rules.excite],
)
def test_what_leaves_and_what_is_booked_is_what_arrived(rule, node, values) -> None:
    """Σ r_in + to the bias + to ε + lost = Σ r, for every vector and image."""
    x = node.op.join(values, node.value)
    step = rule(node.op, x, node.value)
    r = torch.randn(3, *node.value.shape, dtype=nets.DTYPE, generator=torch.Generator().manual_seed(3))
    down = sum(part.flatten(2).sum(2) for part in node.op.split(step(r)))
    agree(down + sum(step.book(r)), r.flatten(2).sum(2).numpy())


@pytest.mark.parametrize("node,values", NODES)
@pytest.mark.parametrize("rule", [rules.z, rules.z_plus, rules.alpha_beta(2, 1), rules.gamma(0.3)])
def test_using_the_memory_of_r_changes_nothing_else(rule, node, values) -> None:
    """Shares of several inputs in any order, too."""
    x = node.op.join(values, node.value)
    step = (
        rule(node.op, x, node.value)
        + 2 * rules.excite(node.op, x, node.value)
        + rules.z(node.op, x, node.value)
    )
    r = torch.randn(2, *node.value.shape, dtype=nets.DTYPE, generator=torch.Generator().manual_seed(3))
    before = r.clone()
    plain = [part.clone() for part in node.op.split(step(r))]
    np.testing.assert_array_equal(r, before)
    pulled, x = step.factored(r, None, r)
    for part, expected in zip(node.op.split(pulled if x is None else pulled * x), plain, strict=True):
        np.testing.assert_array_equal(part, expected)


def test_booking_notices_what_is_missing() -> None:
    """The books tell the bias, ε and 0/0 apart."""
    op = dense.layer([[1.0, 1.0], [-1.0, -1.0]], [2.0, 0.5])
    x = torch.tensor([[1.0, 1.0]], dtype=nets.DTYPE)
    r = torch.tensor([[[8.0, 3.0]]], dtype=nets.DTYPE)
    y = op.forward(x)
    np.testing.assert_allclose(torch.stack(rules.z_plus(op, x, y).book(r)).flatten(), [4 + 3, 0, 0])
    np.testing.assert_allclose(torch.stack(rules.excite(op, x, y).book(r)).flatten(), [0, 0, 3])
    np.testing.assert_allclose(
        torch.stack(rules.epsilon(1.0)(op, x, y).book(r)).flatten()[1], 8 / 5 + 3 * 1 / 2.5
    )


@pytest.mark.parametrize("node,values", NODES)
def test_z_plus_factors_are_non_negative(node, values) -> None:
    """A non-negative relevance stays so at every node, whatever the signs of inputs, weights and bias."""
    x = node.op.join(values, node.value)
    r = torch.rand(2, *node.value.shape, dtype=nets.DTYPE, generator=torch.Generator().manual_seed(4))
    np.testing.assert_array_less(-1e-15, rules.z_plus(node.op, x, node.value)(r))


def test_excitation_is_alpha1_beta0_on_non_negative_inputs_without_bias_only() -> None:
    op, x = dense.layer([[1.0, -2.0], [3.0, 1.0]], [0.0, 0.0]), torch.tensor([[0.5, 2.0]], dtype=nets.DTYPE)
    r = torch.tensor([[[1.0, -2.0]]], dtype=nets.DTYPE)
    agree(rules.excite(op, x, None)(r), rules.alpha_beta(1, 0)(op, x, None)(r).numpy())
    assert not torch.allclose(rules.excite(op, -x, None)(r), rules.alpha_beta(1, 0)(op, -x, None)(r))
    biased = dense.layer([[1.0, -2.0], [3.0, 1.0]], [1.0, 0.0])
    assert not torch.allclose(rules.excite(biased, x, None)(r), rules.alpha_beta(1, 0)(biased, x, None)(r))


def test_the_contrast_of_a_unit_with_both_signs_sums_to_nothing() -> None:
    op, x = dense.layer([[1.0, -2.0], [3.0, -1.0]], [0.5, 0.0]), torch.tensor([[0.5, 2.0]], dtype=nets.DTYPE)
    down = rules.contrast(op, x, None)(torch.tensor([[[1.0, 2.0]]], dtype=nets.DTYPE))
    np.testing.assert_allclose(down, [[[3.0, -3.0]]])


def test_a_denominator_too_small_to_invert_is_lost_not_infinite() -> None:
    tiny = torch.finfo(torch.float32).smallest_normal / 4
    op = dense.layer([[1.0]], [0.0], dtype=torch.float32)
    step = rules.z_plus(op, torch.tensor([[tiny]]), None)
    r = torch.ones(1, 1, 1)
    np.testing.assert_array_equal(step(r), 0)
    np.testing.assert_array_equal(torch.stack(step.book(r)).flatten(), [0, 0, 1])


RECTIFIER, Y = Rectifier(), torch.tensor([[0.0, 1.0, 2.0, 0.0, 3.0]])
R = torch.tensor([[[5.0, -1.0, 2.0, -3.0, 1.0]]])


@pytest.mark.parametrize(
    "rule,expected",
    [
        (rules.gradient, [0, -1, 2, 0, 1]),
        (rules.pass_through, [5, -1, 2, -3, 1]),
        (rules.deconvolve, [5, 0, 2, 0, 1]),
        (rules.guide, [0, 0, 2, 0, 1]),
        (rules.rectify_gradient(0.5), [0, 0, 2, 0, 1]),  # importances 0 -1 4 0 3: the median is 0
        (rules.rectify_gradient(0.8), [0, 0, 2, 0, 0]),
        (rules.rectify_gradient(0.0), [5, 0, 2, -3, 1]),
    ],
)
def test_rectifier_rules(rule, expected) -> None:
    np.testing.assert_array_equal(rule(RECTIFIER, None, Y)(R).flatten(), expected)


def test_rectifier_with_a_ceiling_blocks_saturated_units() -> None:
    relu6 = Rectifier(6.0)
    y = relu6.forward(torch.tensor([[-1.0, 3.0, 7.0]]))
    np.testing.assert_array_equal(rules.gradient(relu6, None, y)(torch.ones(1, 1, 3)).flatten(), [0, 1, 0])


@pytest.mark.parametrize(
    "make,words",
    [
        (lambda: rules.epsilon(-1.0), "epsilon"),
        (lambda: rules.epsilon(float("nan")), "epsilon"),
        (lambda: rules.gamma(float("inf")), "gamma"),
        (lambda: rules.alpha_beta(float("nan"), 1), "alpha"),
        (lambda: rules.alpha_beta(1, float("inf")), "beta"),
        (lambda: rules.rectify_gradient(1.0), "quantile"),
        (
            lambda: rules.Bounded(torch.zeros(3), 1.0)(dense.layer([[1.0]], [0.0]), torch.ones(1, 1), None),
            "bounds",
        ),
        (lambda: rules.Bounded(0.0, 0.1)(dense.layer([[1.0]], [0.0]), torch.ones(1, 1), None), "images"),
    ],
)
def test_bad_arguments_are_refused(make, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}.*: expected .*; .*"):
        make()
