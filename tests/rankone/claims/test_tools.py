"""What several claims compute with, against slow or independent oracles."""

from fractions import Fraction
from itertools import product

import numpy as np
from scipy import stats

from rankone.claims import (
    applies_to_convolutions,
    entropy_rise,
    exact,
    image_recovery,
    rules,
    slow_mixing,
    top_down_randomisation,
)
from rankone.claims.conv_net import ConvNet, local_losses

E = exact.exact
SMALL = ConvNet(length=10, channels=8, depth=2, taps=3)


def test_exact_rank_is_the_rank():
    rng = np.random.default_rng(0)
    for n, m, r in product((1, 2, 4), (1, 3, 5), (0, 1, 2)):
        A = rng.integers(-2, 3, (n, r)) @ rng.integers(-2, 3, (r, m))
        assert exact.rank(E(A)) == np.linalg.matrix_rank(A)


def test_exact_cosines():
    x, y = E([3, 4]), E([4, 3])
    assert exact.cos_squared(x, y) == Fraction(24, 25) ** 2
    assert exact.least_cos_squared(E([[3, 4, 0], [4, 3, 1]])) == Fraction(9, 25)
    assert exact.orthogonal(E([[3, 4], [4, -3]])) and not exact.orthogonal(E([[1, 0, 0], [0, 1, 1]]))
    assert exact.parallel(x, -2 * x) and not exact.parallel(x, y) and not exact.parallel(x, 0 * x)
    assert exact.show(E([["1/2", 1], [0, -3]])) == "[[1/2, 1], [0, -3]]"


def test_rules_agree_with_their_sums():
    """Each matrix against its definition, written out neuron by neuron."""
    rng = np.random.default_rng(1)
    W, h, b = E(rng.integers(-3, 4, (4, 5))), E(rng.integers(0, 4, 5)), E(rng.integers(-2, 3, 4))
    z = W @ h + b
    for i, j in product(range(5), range(4)):
        up = sum(max(W[j, k] * h[k], 0) for k in range(5))
        down = sum(min(W[j, k] * h[k], 0) for k in range(5))
        plus = max(W[j, i] * h[i], 0) / up if up else 0
        minus = min(W[j, i] * h[i], 0) / down if down else 0
        assert rules.z_plus(W, h)[i, j] == rules.excitation(W, h)[i, j] == plus
        assert rules.alpha_beta(W, h, 3, 2)[i, j] == 3 * plus - 2 * minus
        assert rules.z_rule(W, h, b)[i, j] == (W[j, i] * h[i] / z[j] if z[j] else 0)
        low, high = h - 2, h + b[j] ** 2
        box = [h[k] * W[j, k] - (low if W[j, k] > 0 else high)[k] * W[j, k] for k in range(5)]
        assert rules.z_bounded(W, h, low, high)[i, j] == (box[i] / sum(box) if sum(box) else 0)
        squares = sum(W[j, k] ** 2 for k in range(5))
        assert rules.w_squared(W)[i, j] == (W[j, i] ** 2 / squares if squares else 0)
        towards_zero = -1 if z[j] < 0 else 1
        assert rules.z_rule(W, h, b, 5)[i, j] == W[j, i] * h[i] / (z[j] + 5 * towards_zero)


def test_signals_agree_with_their_sums():
    rng = np.random.default_rng(2)
    W, r, active = E(rng.integers(-3, 4, (4, 5))), E([2, -1, 3, 1]), E([1, 1, 0, 1])
    for i in range(5):
        assert rules.deconvolution(W, r)[i] == sum(W[j, i] * max(r[j], 0) for j in range(4))
        assert rules.guided(W, active, r)[i] == sum(W[j, i] * max(r[j], 0) for j in (0, 1, 3))


def test_slow_mixing_telescopes():
    for N, (P, Q) in enumerate(
        zip(
            slow_mixing.products(slow_mixing.summable, 20),
            slow_mixing.products(slow_mixing.divergent, 20),
            strict=True,
        ),
        start=1,
    ):
        assert slow_mixing.contrast(P) == Fraction(N + 2, 2 * (N + 1))
        assert slow_mixing.contrast(Q) == Fraction(1, N + 1)


def test_z_plus_of_a_convolution_is_local_and_conserves():
    h, Zs = SMALL.z_plus_chain(np.random.default_rng(2))
    blocks = Zs[0].reshape(SMALL.length, SMALL.channels, SMALL.length, SMALL.channels)
    for p, q in product(range(SMALL.length), repeat=2):
        assert (blocks[p, :, q].any()) == (abs(p - q) <= 1)
    np.testing.assert_allclose(Zs[-1][:, h > 0].sum(axis=0), 1, rtol=1e-12)


def test_local_losses_leave_out_zero_vectors():
    vectors = np.array([[[1.0, 0], [0, 2], [3, 0]], [[0.0, 0], [1, 1], [1, -1]]])
    np.testing.assert_allclose(np.sort(local_losses(vectors)), [0, 1, 1, 1], atol=1e-15)


def test_receptive_field_is_what_a_unit_reads():
    """Against the indices that one unit and its neighbour read, layer by layer."""
    layers = ((3, 1), (2, 2), (5, 1), (3, 2))
    field, stride = applies_to_convolutions.receptive_field(layers)
    reads = [{100}, {101}]
    for kernel, step in layers:
        reads = [{step * p + k for p in seen for k in range(kernel)} for seen in reads]
    first, second = reads
    assert max(first) - min(first) + 1 == field and min(second) - min(first) == stride


def test_back_is_the_adjoint_of_the_convolution():
    rng = np.random.default_rng(3)
    x, F = rng.standard_normal(image_recovery.LENGTH), rng.standard_normal((4, image_recovery.TAPS))
    S = rng.standard_normal((image_recovery.LENGTH, 4))
    np.testing.assert_allclose((image_recovery.patches(x) @ F.T * S).sum(), image_recovery.back(S, F) @ x)


def test_one_place_of_each_window_wins():
    H = np.random.default_rng(4).standard_normal((image_recovery.LENGTH, 3))
    won = image_recovery.winners(H, np.argmax)
    for p, c in product(range(0, image_recovery.LENGTH, image_recovery.POOL), range(3)):
        window = H[p : p + image_recovery.POOL, c]
        assert (won[p : p + image_recovery.POOL, c] == (window == window.max())).all()


def test_entropy_and_rank_correlation_are_scipys():
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal((2, 200)).round(1)  # with ties
    counts = np.histogram(a, entropy_rise.BINS)[0]
    np.testing.assert_allclose(entropy_rise.entropy(a), stats.entropy(counts), rtol=1e-12)
    np.testing.assert_allclose(
        top_down_randomisation.rank_correlation(a, b), stats.spearmanr(a, b).statistic, rtol=1e-12
    )
