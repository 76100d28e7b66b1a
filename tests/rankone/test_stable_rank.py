"""Stable rank: against all singular values, and what it says about sampled cosines."""

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from rankone.stable_rank import DENSE, median_sin2, stable_rank


def with_singular_values(sigma: np.ndarray, m: int, n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    k = len(sigma)
    u, v = (np.linalg.qr(rng.standard_normal((size, k))).Q for size in (m, n))
    return u * sigma @ v.T


def exact_excess(C: np.ndarray) -> float:
    sigma = np.linalg.svd(C, compute_uv=False)
    return float(np.square(sigma[1:] / sigma[0]).sum())


SMALL = {
    "one number": np.array([[-3.0]]),
    "one column": np.arange(1.0, 6)[:, None],
    "wide": np.random.default_rng(1).standard_normal((4, 9)),
    "tall": np.random.default_rng(2).standard_normal((200, 3)),
    "zero rows": np.diag([0, 2.0, 0, 1]),
    "permutation": np.eye(6)[[3, 1, 2, 0, 5, 4]],
    "huge": 1e150 * np.random.default_rng(3).standard_normal((5, 5)),
    "tiny": 1e-150 * np.random.default_rng(4).standard_normal((5, 5)),
}


@pytest.mark.parametrize("C", SMALL.values(), ids=SMALL.keys())
def test_small_operators_are_exact(C):
    found = stable_rank(aslinearoperator(C))
    np.testing.assert_allclose(found.excess, exact_excess(C), rtol=1e-12, atol=1e-30)
    np.testing.assert_allclose(found.sigma1, np.linalg.norm(C, 2), rtol=1e-12)
    np.testing.assert_allclose(found.value, 1 + exact_excess(C))
    assert found.standard_error == found.residual == 0


@pytest.mark.parametrize("k", [1, 2, 7])
def test_k_equal_singular_values_have_stable_rank_k(k):
    C = with_singular_values(np.full(k, 3.0), 20, 30)
    np.testing.assert_allclose(stable_rank(aslinearoperator(C)).value, k, rtol=1e-12)


LARGE = {
    "flat": np.ones(150),
    "one and a flat tail": np.array([1.0, *[0.05] * 150]),
    "algebraic": 1 / np.arange(1, 151.0),
    "geometric": 0.5 ** np.arange(150.0),
    "rank three": np.array([3.0, 2, 1]),
    "nearly one": np.array([1.0, *[1e-9] * 150]),
}


@pytest.mark.parametrize("sigma", LARGE.values(), ids=LARGE.keys())
def test_randomised_agrees_with_all_singular_values(sigma):
    """Within five standard errors; σ₁ is never too large."""
    C = with_singular_values(sigma, 260, 190)
    assert min(C.shape) > DENSE
    found = stable_rank(aslinearoperator(C))
    exact = float(np.square(sigma[1:] / sigma[0]).sum())
    rounding = 190 * np.finfo(float).eps ** 2 * 100  # of C itself, which is written down in doubles
    assert abs(found.excess - exact) <= 5 * found.standard_error + 1e-6 * exact + rounding
    assert found.standard_error <= 0.1 * max(exact, rounding)
    assert (1 - 1e-6) * sigma[0] <= found.sigma1 <= (1 + 1e-12) * sigma[0]
    assert found.residual <= 1e-3


def test_a_gaussian_matrix_has_no_gap():
    """The hardest case, as σ₁ and σ₂ are close: the stated error is still the error."""
    C = np.random.default_rng(5).standard_normal((300, 200))
    found = [stable_rank(aslinearoperator(C), seed) for seed in range(20)]
    errors = np.array([f.excess - exact_excess(C) for f in found])
    assert np.abs(errors).max() <= 0.1 * exact_excess(C)
    # The error is that of the probes: root mean square within a factor of two of what is stated.
    ratio = np.sqrt(np.mean(errors**2)) / np.mean([f.standard_error for f in found])
    assert 0.5 <= ratio <= 2


def test_same_seed_same_answer():
    C = aslinearoperator(np.random.default_rng(6).standard_normal((150, 140)))
    assert stable_rank(C, 3) == stable_rank(C, 3)
    assert stable_rank(C, 3) != stable_rank(C, 4)


@pytest.mark.parametrize("many", [False, True])
def test_median_sin2_of_gaussian_starts(many):
    """The two ends of the law: E of one singular value, E of many equal ones."""
    n, epsilon = 300, 1e-6
    tail = np.full(299, np.sqrt(epsilon / 299)) if many else np.array([np.sqrt(epsilon)])
    sigma = np.array([1.0, *tail])
    rng = np.random.default_rng(7)
    x, y = (rng.standard_normal((4000, len(sigma))) * sigma for _ in range(2))
    cross = np.square(x).sum(1) * np.square(y).sum(1) - np.square((x * y).sum(1))
    sin2 = cross / (np.square(x).sum(1) * np.square(y).sum(1))
    found = stable_rank(aslinearoperator(with_singular_values(sigma, n, n)))
    low, high = median_sin2(found.excess)
    # The standard error of a median of 4000 heavy-tailed values is about 4 %.
    np.testing.assert_allclose(np.median(sin2), high if many else low, rtol=0.15)
    assert abs(np.median(sin2) / (low if many else high) - 1) > 0.3  # the ends are apart


@pytest.mark.parametrize("C", [np.zeros((3, 2)), np.zeros((200, 200))])
def test_zero_is_refused(C):
    with pytest.raises(ValueError, match="expected an operator that is not zero"):
        stable_rank(aslinearoperator(C))


def test_nan_is_refused():
    with pytest.raises(ValueError, match="NaN or infinity"):
        stable_rank(aslinearoperator(np.full((3, 3), np.nan)))
