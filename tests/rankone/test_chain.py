import math
from itertools import combinations

import mpmath
import numpy as np
import pytest

from rankone import chain
from rankone.chain import Strand, bundle, linear, random_chains, rectified, written_out
from rankone.ensembles import alpha_beta, non_negative, positive, stochastic, vanilla
from rankone.laws import vanilla_law
from rankone.shapes import uniform
from rankone.similarity import one_minus_abs_cosine, pairs

# Some ten factors, each known to a few units of rounding times a condition of about 30: log10 is known to
# 1e-13 in float64, to 1e-5 in float32.
DECADES = {np.float64: 1e-11, np.float32: 1e-4}


def exact_log10_distances(start, factors, digits=300):
    """log10(1 − |cos|) of all pairs after every factor, in exact arithmetic to `digits`."""
    with mpmath.workdps(digits):
        rows = mpmath.matrix(np.asarray(start, dtype=float).tolist())
        steps = []
        for factor in [None, *factors]:
            if factor is not None:
                rows = rows * mpmath.matrix(np.asarray(factor, dtype=float).tolist())
            vectors = [rows[i, :] for i in range(rows.rows)]
            steps.append([_exact_log10_distance(u, v) for u, v in combinations(vectors, 2)])
    return np.array(steps)


def _exact_log10_distance(u, v):
    uu, vv, uv = (mpmath.fdot(a, b) for a, b in ((u, u), (v, v), (u, v)))
    if not uu or not vv:
        return math.nan
    sine_squared = 1 - uv**2 / (uu * vv)
    if abs(sine_squared) < mpmath.mpf(10) ** (10 - mpmath.mp.dps):
        return -math.inf
    return float(mpmath.log10(sine_squared / (1 + abs(uv) / mpmath.sqrt(uu * vv))))


def running_products(start, factors, *others):
    """`chain.running_products` of factors that are written as the A of r A here, from output to input."""
    return chain.running_products(start, [np.asarray(A).T for A in reversed(factors)], *others)


def distances(start, factors, step=linear, dtype=np.float64):
    return np.array([b.log10_distances() for b in running_products(start, factors, step, dtype)])


def draw(ensemble, shapes, seed=0, vectors=4):
    """A start and factors whose entries are float32 numbers, so that both precisions see the same chain."""
    rng = np.random.default_rng(seed)
    start = rng.standard_normal((vectors, shapes[0][0])).astype(np.float32)
    return start, [ensemble.draw(rng, shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("dtype", DECADES)
def test_running_products_end_with_the_columns_of_the_product(dtype):
    """C = Z1 Z2 Z3, shapes (n0, n1), (n1, n2), (n2, n3): the unit starts give C's columns."""
    rng = np.random.default_rng(0)
    factors = [rng.uniform(size=shape) for shape in ((5, 7), (7, 4), (4, 3))]
    *_, last = chain.running_products(np.eye(3), factors, linear, dtype)
    C = factors[0] @ factors[1] @ factors[2]
    np.testing.assert_allclose(
        unit(last.directions()), unit(C.T), atol=1e-6 if dtype == np.float32 else 1e-14
    )


def test_the_layout_of_a_factor_in_memory_changes_no_number():
    start, factors = draw(positive, uniform(9, 5))
    columns = [A.T for A in reversed(factors)]
    runs = [chain.running_products(start, [np.asarray(Z, order=order) for Z in columns]) for order in "CF"]
    one, other = ([b.log10_distances() for b in run] for run in runs)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", DECADES)
@pytest.mark.parametrize("ensemble", [vanilla, positive, non_negative, stochastic, alpha_beta(2, 1)])
def test_no_floor_against_exact_arithmetic(ensemble, dtype):
    shapes = [(9, 12), (12, 8), *uniform(8, 13), (8, 3)]  # 3 < 4 vectors
    start, factors = draw(ensemble, shapes)
    exact = exact_log10_distances(start, factors)
    np.testing.assert_allclose(distances(start, factors, dtype=dtype), exact, atol=DECADES[dtype], rtol=1e-5)
    if ensemble in (positive, non_negative, stochastic):
        assert exact.min() < -10
    if ensemble is positive:
        assert exact.min() < -20  # far below what 1 − cos, or even the stable formula in float32, can show


@pytest.mark.parametrize("dtype", DECADES)
def test_no_floor_down_to_1e_40(dtype):
    start, factors = draw(positive, uniform(24, 26), vectors=5)
    exact = exact_log10_distances(start, factors)
    assert exact[-1].max() < -40
    np.testing.assert_allclose(distances(start, factors, dtype=dtype), exact, atol=DECADES[dtype], rtol=1e-5)


def plain_products(start, factors, step=lambda R: R):
    """The slow way: the rows themselves, rescaled at every step."""
    R = np.asarray(start, dtype=np.float64)
    yield R
    for A in factors:
        R = step(R @ np.asarray(A, dtype=np.float64))
        R = R / np.where(R.any(axis=1, keepdims=True), np.abs(R).max(axis=1, keepdims=True), 1)
        yield R


def unit(R):
    norms = np.linalg.norm(R, axis=1, keepdims=True)
    return R / np.where(norms > 0, norms, 1)


def test_running_products_are_the_plain_ones_while_those_last():
    start, factors = draw(non_negative, [(30, 40), (40, 20), (20, 20)])
    for b, R in zip(running_products(start, factors), plain_products(start, factors), strict=True):
        np.testing.assert_allclose(unit(b.directions()), unit(R), rtol=0, atol=1e-13)
        np.testing.assert_allclose(10 ** b.log10_distances(), one_minus_abs_cosine(R), rtol=1e-7)


def test_a_rectified_step_is_a_relu_after_each_factor_and_not_after_the_start():
    start, factors = draw(vanilla, [(30, 40), *uniform(40, 4), (40, 4)], vectors=6)
    plain = plain_products(start, factors, lambda R: np.maximum(R, 0))
    for b, R in zip(running_products(start, factors, rectified), plain, strict=True):
        np.testing.assert_allclose(unit(b.directions()), unit(R), rtol=0, atol=1e-12)
        np.testing.assert_allclose(10 ** b.log10_distances(), one_minus_abs_cosine(R), rtol=1e-9, atol=1e-14)
    assert (start < 0).any()


def test_vectors_that_die_are_missing_and_stay_missing():
    start = np.array([[1.0, 2.0], [-1.0, 1.0], [-1.0, -1.0], [0.5, 0.1]])
    steps = distances(start, [np.eye(2)] * 3, rectified)
    dead = [2 in pair for pair in combinations(range(4), 2)]
    assert not np.isnan(steps[0]).any()
    for at_step in steps[1:]:
        np.testing.assert_array_equal(np.isnan(at_step), dead)


def test_a_zero_start_is_missing_and_disturbs_nobody():
    start, factors = draw(positive, uniform(6, 5))
    start[1] = 0
    with_dead = distances(start, factors)
    without = distances(np.delete(start, 1, axis=0), factors)
    alive = [1 not in pair for pair in combinations(range(4), 2)]
    np.testing.assert_allclose(with_dead[:, alive], without, rtol=1e-12)
    assert np.isnan(np.delete(with_dead, np.flatnonzero(alive), axis=1)).all()


@pytest.mark.parametrize("step", [linear, rectified])
def test_a_zero_factor_leaves_no_direction(step):
    steps = distances(np.eye(3), [np.eye(3), np.zeros((3, 2)), np.ones((2, 2))], step)
    assert not np.isnan(steps[:2]).any()
    assert np.isnan(steps[2:]).all()


def test_starts_that_are_parallel_stay_parallel():
    start, factors = draw(positive, uniform(8, 10), vectors=3)
    start = start.astype(np.float64)
    steps = distances([start[0], 2 * start[0], -3 * start[0], start[1]], factors)
    together = [3 not in pair for pair in combinations(range(4), 2)]
    assert np.isneginf(steps[:, together]).all()
    np.testing.assert_allclose(steps[:, 2], distances(start[:2], factors)[:, 0], rtol=1e-12)


def test_nearly_parallel_starts_against_exact_arithmetic():
    start, factors = draw(alpha_beta(3, 2), uniform(8, 8), vectors=3)
    start = start.astype(np.float64)
    start[1] = start[0] + 2.0**-30 * start[1]
    exact = exact_log10_distances(start, factors)
    assert exact[0, 0] < -17
    np.testing.assert_allclose(distances(start, factors), exact, atol=1e-6)  # sin is 1e-9, known to 1e-16


def test_starts_within_rounding_of_each_other_count_as_parallel():
    """1 − |cos| is 1e-27.5 of the first pair and 1e-29.7 of the second, whose angle is below ROUNDING."""
    u, w = np.random.default_rng(5).standard_normal((2, 5))
    for difference, known in ((1e-13, True), (3e-15, False)):
        start = [u, u + difference * w]
        exact, found = exact_log10_distances(start, [])[0], bundle(start).log10_distances()
        assert np.isfinite(exact).all()
        assert np.isneginf(found).all() != known
        if known:
            np.testing.assert_allclose(found, exact, atol=0.05)


def shear(x, n):
    """I + x e₁e₂ᵀ: its condition number is x², its inverse the shear of −x."""
    Z = np.eye(n)
    Z[0, 1] = x
    return Z


@pytest.mark.parametrize("n", [2, 3, 7])
@pytest.mark.parametrize("x", [1e3, 1e5])
def test_up_to_a_condition_of_1e10_factors_can_be_undone(x, n):
    """Ten times one after the other."""
    factors = [shear(x, n), shear(-x, n)] * 10
    for seed in range(4):
        start = np.random.default_rng(seed).standard_normal((3, n))
        exact = exact_log10_distances(start, [Z.T for Z in reversed(factors)])
        found = [b.log10_distances() for b in chain.running_products(start, factors)]
        np.testing.assert_allclose(found, exact, rtol=0, atol=1e-8)


def test_beyond_that_it_cannot_and_the_pair_is_parallel_before():
    """The condition of `running_products`: a shear of 1e12 is rank one as far as rounding can tell."""
    start = np.random.default_rng(1).standard_normal((2, 2))
    exact = exact_log10_distances(start, [shear(1e12, 2).T, shear(-1e12, 2).T])
    found = [b.log10_distances() for b in chain.running_products(start, [shear(-1e12, 2), shear(1e12, 2)])]
    assert exact[1] < -48
    assert np.isneginf(found[1])
    assert not np.isclose(found[2], exact[2])


def test_the_order_of_the_vectors_does_not_matter():
    start, factors = draw(positive, uniform(10, 16), vectors=6)
    order = np.array([3, 5, 0, 4, 1, 2])
    straight, permuted = distances(start, factors), distances(start[order], factors)
    i, j = pairs(6)
    table = np.zeros((17, 6, 6))
    table[:, order[i], order[j]] = table[:, order[j], order[i]] = permuted
    np.testing.assert_allclose(table[:, i, j], straight, rtol=0, atol=1e-10)


CYCLE = np.roll(np.eye(4), 1, axis=1)
KINDS = {
    "irreducible and periodic": [CYCLE] * 9,
    "reducible, blocks of different growth": [np.diag([5.0, 4.0, 1.0, 0.5]) + np.eye(4, k=1)] * 9,
    "block diagonal": [np.kron(np.diag([1.0, 30.0]), [[2, 1], [1, 1]])] * 20,
    "block diagonal, the first block dies": [np.kron(np.diag([1.0, 1e3]), [[2, 1], [1, 1]])] * 20,
    "nilpotent": [np.eye(4, k=1)] * 3,
    "rank two": [np.outer([1, 2, 3, 4], [1, 1, 0, 1]) + np.outer([1, 0, 1, -1], [0, 1, 2, 2])] * 4,
    "zero rows and columns": [np.diag([1.0, 0, 2, 0]) @ np.arange(16.0).reshape(4, 4) @ np.diag([1, 1, 0, 1])]
    * 4,
    "huge": [1e300 * np.array([[2, 1, 0, 0], [1, 1, 1, 0], [0, 1, 3, 1], [0, 0, 1, 1]])] * 12,
    "tiny": [1e-300 * np.array([[2, 1, 0, 0], [1, 1, 1, 0], [0, 1, 3, 1], [0, 0, 1, 1]])] * 12,
    "integers": [np.array([[2, 1, 0, 0], [1, 1, 1, 0], [0, 1, 3, 1], [0, 0, 1, 1]])] * 12,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_matrix_against_exact_arithmetic(kind):
    start = np.array([[1.0, 2, 0, -1], [0, 1, 1, 1], [2, -1, 0, 0], [0, 0, 1, 3], [0, 0, 2, -1]])
    if kind == "block diagonal, the first block dies":
        start[0] = [1, 2, 0, 0]  # the leading vector lives in the block that falls behind
    exact = exact_log10_distances(start, KINDS[kind], digits=900)
    computed = distances(start, KINDS[kind])
    parallel = np.isneginf(exact)
    assert (computed[parallel] < -28).all()  # what rounding may leave of exactly parallel
    np.testing.assert_allclose(computed[~parallel], exact[~parallel], atol=1e-6)


def test_depth_ten_thousand_is_finite_and_falls_at_its_rate():
    chains = random_chains(
        [Strand(positive), Strand(vanilla)], uniform(8, 10_000), vectors=3, rng=np.random.default_rng(0)
    )
    for depth, bundles in enumerate(chains):
        if depth == 5_000:
            half = np.array([b.log10_distances() for b in bundles])
    full = np.array([b.log10_distances() for b in bundles])
    assert np.isfinite(full).all()
    assert full[0].max() < -10_000
    np.testing.assert_allclose(full[0], 2 * half[0], rtol=0.02)
    np.testing.assert_allclose(full[1], math.log10(math.e) * vanilla_law(uniform(8, 10_000))[-1], rtol=0.2)


def test_width_ten_thousand_neither_overflows_nor_exists_as_a_whole():
    shapes = [(10_000, 1_000), (1_000, 10_000), (10_000, 3)]
    strands = [Strand(positive), Strand(stochastic), Strand(vanilla, rectified)]
    *_, last = random_chains(strands, shapes, vectors=4, rng=np.random.default_rng(0))
    for b in last:
        assert np.isfinite(b.directions()).all()
    for b in last[:2]:  # (three ReLUs may leave a single axis)
        assert np.isfinite(b.log10_distances()).all()
    assert chain.PANEL < 10_000 * 1_000 / 15


@pytest.mark.parametrize("step", [linear, rectified])
@pytest.mark.parametrize(
    "ensemble", [vanilla, positive, stochastic, alpha_beta(2, 1), alpha_beta(1e90, -1e-90)]
)
def test_random_chains_are_running_products_of_their_factors(monkeypatch, ensemble, step):
    monkeypatch.setattr(chain, "PANEL", 70)  # several panels, the last one narrower
    shapes = [(10, 17), (17, 5)]
    bundles = random_chains(
        [Strand(ensemble, step)], shapes, vectors=3, rng=np.random.default_rng(4), dtype=np.float64
    )
    rng = np.random.default_rng(4)
    start, factors = rng.standard_normal((3, 10)), []
    for n, m in shapes:
        width = 70 // n
        panels = [rng.standard_normal((n, min(width, m - first))) for first in range(0, m, width)]
        factors.append(ensemble.rescaled().of(np.hstack(panels)))
    for (random,), given in zip(bundles, running_products(start, factors, step), strict=True):
        np.testing.assert_allclose(random.log10_distances(), given.log10_distances(), atol=1e-11)


@pytest.mark.parametrize("dtype", DECADES)
@pytest.mark.parametrize("ensemble", [vanilla, positive, non_negative, stochastic, alpha_beta(5, 4)])
def test_what_is_simulated_can_be_written_out(monkeypatch, ensemble, dtype):
    """The factors as matrices give the distances of the chain that never has them."""
    monkeypatch.setattr(chain, "PANEL", 70)
    shapes = [(10, 17), (17, 17), (17, 5)]
    settings = {"vectors": 4, "dtype": dtype}
    start, factors = written_out(ensemble, shapes, rng=np.random.default_rng(3), **settings)
    assert [Z.shape for Z in factors] == [(5, 17), (17, 17), (17, 10)]
    assert {Z.dtype for Z in factors} == {np.dtype(dtype)}
    simulated = random_chains(
        [Strand(vanilla), Strand(ensemble)], shapes, rng=np.random.default_rng(3), **settings
    )
    given = chain.running_products(start, factors)
    for (_, bundle_of_simulation), bundle_of_factors in zip(simulated, given, strict=True):
        np.testing.assert_allclose(
            bundle_of_factors.log10_distances(), bundle_of_simulation.log10_distances(), atol=DECADES[dtype]
        )


def test_strands_share_their_numbers_and_do_not_disturb_each_other():
    strands = [Strand(vanilla), Strand(positive), Strand(vanilla, rectified), Strand(stochastic)]

    def run(some):
        chains = random_chains(some, uniform(40, 4), vectors=5, rng=np.random.default_rng(7))
        return np.array([[b.log10_distances() for b in bundles] for bundles in chains])

    together = run(strands)
    for k, strand in enumerate(strands):
        alone = run([strand])[:, 0]  # the same but for the rounding of products with more rows at a time
        np.testing.assert_allclose(alone, together[:, k], atol=DECADES[np.float32])


def test_a_second_chain_from_the_same_generator_is_another_sample():
    rng = np.random.default_rng(0)
    first, second = (
        [b.log10_distances() for (b,) in random_chains([Strand(vanilla)], uniform(9, 2), vectors=3, rng=rng)]
        for _ in range(2)
    )
    assert (np.array(first) != np.array(second)).all()


def test_both_precisions_agree_on_ill_conditioned_blocks():
    """The Cholesky way of float32 against Householder's, where vectors are almost dependent: κ = 1e3."""
    rng = np.random.default_rng(0)
    P = (rng.standard_normal((6, 1)) + 1e-3 * rng.standard_normal((6, 50))).astype(np.float32)
    fast, slow = bundle(P, np.float32), bundle(P, np.float64)
    np.testing.assert_allclose(fast.log10_distances(), slow.log10_distances(), atol=1e-4)
    np.testing.assert_allclose(fast.Q @ fast.Q.T, np.eye(6), atol=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: running_products([[1, math.nan]], []), "vectors: expected finite entries"),
        (lambda: running_products([1.0, 2.0], []), "vectors: expected a matrix"),
        (lambda: running_products(np.eye(2), [np.ones((3, 2))]), "Z1: expected 2 columns, the length"),
        (lambda: running_products(np.eye(2), [np.eye(2), np.ones((3, 2))]), "Z2: expected 3 rows, as Z1"),
        (
            lambda: running_products(np.eye(2), [[[1, math.inf], [0, 1]], np.eye(2)]),
            "Z2: expected finite",
        ),
        (lambda: running_products(np.eye(2), [np.ones(2)]), "Z1: expected a matrix"),
        (lambda: running_products(np.eye(2), []), "factors: expected at least one"),
        (
            lambda: random_chains([], uniform(2, 2), vectors=3, rng=np.random.default_rng()),
            "strands: expected at least one",
        ),
        (
            lambda: random_chains([Strand(vanilla)], [], vectors=3, rng=np.random.default_rng()),
            "shapes: expected at least one",
        ),
        (
            lambda: random_chains(
                [Strand(vanilla)], [(2, 3), (2, 3)], vectors=3, rng=np.random.default_rng()
            ),
            "expected 3 rows",
        ),
        (
            lambda: random_chains([Strand(vanilla)], uniform(2, 2), vectors=1, rng=np.random.default_rng()),
            "vectors: expected at least 2",
        ),
    ],
)
def test_bad_arguments_are_refused_before_any_work(call, message):
    with pytest.raises(ValueError, match=message):
        call()
