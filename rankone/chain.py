"""Running products of a chain C = Z1 Z2 … Zk, Z1 nearest the input: v, Zk v, Z_{k−1} Zk v, …, rescaled.

Z_l is (n_{l−1}, n_l) and its columns are maps, as everywhere in rankone. Inside this file, and for `Step`s,
vectors are rows: r A with A = Zᵀ stands for Z v.

V vectors are carried as M·diag(e^s)·Q, Q with orthonormal rows. So vectors that grow parallel never become
equal numbers: the columns of M decay at their own rates (the Lyapunov exponents), each with its own logarithm
s, and 1 − |cos| stays known when it is 1e-24000. In float32, too: a rounding of Q moves all vectors alike.
Vectors of an invariant subspace (one-hot starts of a reducible chain) are kept in it, unless a single factor
stretches another subspace more than 1e6 times as much.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from rankone.ensembles import Ensemble
from rankone.errors import refuse
from rankone.pattern import refuse_gaps
from rankone.shapes import Shape, Shapes, chain_shapes
from rankone.similarity import Array, finite_matrix, log10_graded, log_abs

Matrix = NDArray[np.floating[Any]]

#: A coefficient is known to this part of the terms that it sums, in float64. (Single precision is for random
#: factors: they have no structure that its rounding could break.)
ROUNDING = 64 * np.finfo(np.float64).eps

LARGE = 1e100  # bounds above it say the same: nothing is known

#: Entries of a random factor that exist at one time: a panel of whole columns that stays in cache (2 MB in
#: float32). The order of the random numbers depends on it.
PANEL = 2**19


@dataclass(frozen=True)
class Bundle:
    """V vectors of length n, the rows of M·diag(e^s)·Q up to a positive factor for each row."""

    M: Array  # (V, r), r ≤ min(V, n): every row and column has a largest entry about 1, or is zero
    E: Array  # (V, r), a running bound of the rounding in M; where |M| ≤ E, M is zero
    s: Array  # (r,), −inf where the column is zero
    Q: Matrix  # (r, n), orthonormal rows, in the precision of the products

    def log10_distances(self) -> Array:
        """log10(1 − |cos|) of all pairs, (V(V−1)/2,), ordered as `similarity.pairs`; NaN for zero vectors.

        −inf: parallel as far as rounding can tell. Starts that differ by less than ROUNDING = 1.4e-14 of
        their length count as parallel, though 1 − |cos| is 1e-29, and so does a pair that a single factor
        brings as near: from there on.
        """
        return log10_graded(self.M, self.s)

    def directions(self) -> Array:
        """The vectors themselves (V, n), rescaled; zero vectors stay zero."""
        return np.asarray(self.coefficients() @ self.Q)

    def coefficients(self) -> Array:
        """The vectors in the basis Q (V, r), each with a largest entry of 1; zero vectors stay zero."""
        log_size = log_abs(self.M) + self.s
        return np.asarray(
            np.copysign(np.exp(log_size - _finite(log_size.max(axis=1, keepdims=True))), self.M)
        )


Step = Callable[[Bundle, Matrix], Bundle]


def bundle(R: ArrayLike, dtype: DTypeLike = np.float64) -> Bundle:
    """The rows of R (V, n) as a Bundle that multiplies in `dtype`; ValueError unless R is a finite matrix."""
    R = finite_matrix("vectors", R).astype(np.float64)
    largest = np.abs(R).max(axis=1, keepdims=True)
    L, Q = _lq(R / np.where(largest > 0, largest, 1))
    E = ROUNDING * np.linalg.norm(L, axis=1, keepdims=True) * np.tri(*L.shape)
    return _graded(L, E, np.zeros(L.shape[1]), Q.astype(dtype))


def linear(vectors: Bundle, product: Matrix) -> Bundle:
    """The vectors r A, from product = Q A (r, m): Q A = L Q′ is factored and M·diag(e^s)·L is graded anew.

    The columns of M are in the order of their growth and L is lower triangular: slower columns are added to
    faster ones and never the reverse, so that no column loses its digits to a faster one.
    """
    L, Q = _lq(product)
    log_L = log_abs(L) + vectors.s[:, None]
    top = _finite(log_L.max(axis=0))
    G = np.copysign(np.exp(log_L - top), L)
    with np.errstate(over="ignore"):
        row = np.linalg.norm(L, axis=1).max() * np.exp(vectors.s[:, None] - top)
    E = vectors.E @ np.abs(G) + ROUNDING * np.abs(vectors.M) @ np.tril(np.minimum(row, LARGE))
    return _graded(vectors.M @ G, E, top, Q.astype(product.dtype, copy=False))


def rectified(vectors: Bundle, product: Matrix) -> Bundle:
    """The vectors max(r A, 0), from product = Q A (r, m): a ReLU after the factor."""
    return bundle(np.maximum(vectors.coefficients() @ product, 0), product.dtype)


def _lq(P: Matrix) -> tuple[Matrix, Matrix]:
    """P (r, m) = L Q in float64, L lower triangular (r, min(r, m)), Q with orthonormal rows.

    By Householder's reflections, or, where P is float32, by Cholesky's factor of P Pᵀ: five times faster, and
    a condition κ costs it κ² 1e-16, less than the κ 6e-8 by which P is rounded, while κ < 1e8.
    """
    P64 = P.astype(np.float64)
    if P.dtype == np.float32 and P.shape[0] <= P.shape[1]:
        with suppress(np.linalg.LinAlgError):
            L = np.linalg.cholesky(P64 @ P64.T)
            if L.diagonal().min() > 1e-6 * np.abs(L).max():
                return L, np.linalg.inv(L).astype(P.dtype) @ P
    Q, R = np.linalg.qr(P64.T)
    return np.ascontiguousarray(R.T), np.ascontiguousarray(Q.T)


def _graded(M: Matrix, E: Array, s: Array, Q: Matrix) -> Bundle:
    """M·diag(e^s)·Q with what is mere rounding set to zero, rows and columns scaled, columns in order.

    Zeros matter: a vector that A maps to zero dies, and one of an invariant subspace stays in it.
    """
    M = np.where(np.abs(M) <= E, 0, M)
    rows = np.abs(M).max(axis=1, keepdims=True)
    rows[rows == 0] = 1
    columns = np.abs(M / rows).max(axis=0)
    scale = rows * np.where(columns > 0, columns, 1)
    s = s + log_abs(columns)
    order = np.argsort(-s, kind="stable")
    return Bundle((M / scale)[:, order], np.minimum(E / scale, LARGE)[:, order], s[order], Q[order])


def _finite(logs: Array) -> Array:
    """Logarithms to subtract: those of nothing but zeros (−inf) count as 0."""
    return np.where(np.isneginf(logs), 0, logs)


def running_products(
    start: ArrayLike, factors: Sequence[ArrayLike], step: Step = linear, dtype: DTypeLike = np.float64
) -> Iterator[Bundle]:
    """The start vectors v, rows of (V, n_k), after 0, 1, …, k factors: v, Zk v, …, C v = Z1 ⋯ Zk v.

    factors: [Z1, …, Zk] of C = Z1 Z2 … Zk, Z_l (n_{l−1}, n_l), one's own weights for example.

    The condition: on the span of the vectors no factor stretches one direction over 1e10 times as much as
    another, unless it maps the other to zero. Within it distances are known to 1e-8 decades in float64. A
    factor beyond it, I + 1e12 e₁e₂ᵀ for example, is rank one as far as rounding can tell; where a later one
    undoes it, as its inverse does, the distances are wrong. Such chains need exact arithmetic.

    ValueError, before any product, for no factor, one that is not a finite matrix, shapes that do not meet.
    """
    vectors = bundle(start, dtype)
    chain = [finite_matrix(f"Z{l}", Z) for l, Z in enumerate(factors, start=1)]
    refuse_gaps(chain)
    if chain[-1].shape[1] != vectors.Q.shape[1]:
        expected = f"{vectors.Q.shape[1]} columns, the length of the start vectors"
        do = "order the factors from the input to the output"
        refuse(f"Z{len(chain)}", expected=expected, got=f"shape {chain[-1].shape}", do=do)
    return _running_products(vectors, chain, step)


def _running_products(vectors: Bundle, chain: list[Matrix], step: Step) -> Iterator[Bundle]:
    yield vectors
    for Z in reversed(chain):
        exponent = -np.frexp(np.abs(Z).max())[1]
        A = np.ldexp(Z.T, exponent, order="C")  # exact, and a scale is no part of a direction
        yield (vectors := step(vectors, vectors.Q @ A.astype(vectors.Q.dtype)))


class Strand(NamedTuple):
    """One chain among those that share random numbers: what its factors are made of, and its step."""

    ensemble: Ensemble
    step: Step = linear


def random_chains(
    strands: Sequence[Strand],
    shapes: Iterable[Iterable[int]],
    *,
    vectors: int,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> Iterator[list[Bundle]]:
    """The vectors of every strand after 0, 1, 2, … random factors, from one N(0, 1) start (vectors, n_k).

    Each factor is one standard normal matrix that all strands share (common random numbers); a second call is
    an independent sample. A factor never exists as a whole, so time bounds the width, not memory;
    `written_out` has them as matrices. float32 suffices: rounding moves a product by 1e-7 of its size,
    sampling by 1e-2.

    shapes: (n_k, n_{k−1}), …, (n_1, n_0), from output to input, as in rankone.shapes.
    ValueError for an empty chain, shapes that do not meet, no strand, or fewer than two vectors.
    """
    shapes = chain_shapes(shapes)
    if not strands:
        refuse("strands", expected="at least one", got="none", do="pass [Strand(vanilla)], for example")
    if vectors < 2:
        refuse("vectors", expected="at least 2, to have a pair", got=vectors, do="ask for two or more")
    return _random_chains(list(strands), shapes, vectors, rng, np.dtype(dtype))


def written_out(
    ensemble: Ensemble,
    shapes: Iterable[Iterable[int]],
    *,
    vectors: int,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float32,
) -> tuple[Array, list[Matrix]]:
    """The start (vectors, n_k) and the factors [Z1, …, Zk] of one of `random_chains`' linear chains.

    Given a generator in the same state and the same vectors, shapes and dtype, they are the very numbers that
    `random_chains` draws for a strand of this ensemble, each factor up to a positive scale: what it simulates
    can be multiplied by `running_products` and certified by `rankone.certificate`.

    ValueError for an empty chain and shapes that do not meet.
    """
    shapes, kind = chain_shapes(shapes), np.dtype(dtype)
    start = _starts(vectors, shapes, rng)
    factors = []
    for n, m in shapes:
        Z = np.empty((m, n), kind)
        for columns, N in _panels(n, m, kind, rng):
            Z[columns] = ensemble.rescaled().of(N).T
        factors.append(Z)
    return start, factors[::-1]


def _random_chains(
    strands: list[Strand], shapes: Shapes, V: int, rng: np.random.Generator, dtype: np.dtype[Any]
) -> Iterator[list[Bundle]]:
    bundles = [bundle(_starts(V, shapes, rng), dtype)] * len(strands)
    yield bundles
    ensembles = [strand.ensemble.rescaled() for strand in strands]
    for shape in shapes:
        products = _shared_products([b.Q for b in bundles], ensembles, shape, rng)
        bundles = [strand.step(b, P) for strand, b, P in zip(strands, bundles, products, strict=True)]
        yield bundles


def _starts(V: int, shapes: Shapes, rng: np.random.Generator) -> Array:
    return rng.standard_normal((V, shapes[0][0]))


def _panels(n: int, m: int, dtype: np.dtype[Any], rng: np.random.Generator) -> Iterator[tuple[slice, Matrix]]:
    """One standard normal matrix (n, m), drawn panel after panel of whole columns into the same memory."""
    width = max(1, min(m, PANEL // n))
    scratch = np.empty(n * width, dtype)
    for first in range(0, m, width):
        columns = slice(first, min(first + width, m))
        N = scratch[: n * (columns.stop - first)].reshape(n, -1)
        rng.standard_normal(dtype=dtype.type, out=N)
        yield columns, N


def _shared_products(
    bases: list[Matrix], ensembles: list[Ensemble], shape: Shape, rng: np.random.Generator
) -> list[Matrix]:
    """Q_e A_e for every strand e, the A_e (n, m) made of one standard normal matrix N, panel after panel.

    As A = odd·N + even·|N|, all Q_e N are one product and all Q_e |N| another. Where columns are normalised,
    a row of ones below Q_e gives their sums.
    """
    n, m = shape
    dtype = bases[0].dtype
    ones = np.ones((1, n), dtype)
    blocks = [np.vstack([Q, ones]) if e.normalised else Q for Q, e in zip(bases, ensembles, strict=True)]
    parts = [e.odd for e in ensembles], [e.even for e in ensembles]
    strands = [[k for k, coefficient in enumerate(part) if coefficient] for part in parts]
    stacks = [np.vstack([ones[:0], *(blocks[k] for k in those)]) for those in strands]
    images = [np.empty((len(Q), m), dtype) for Q in stacks]

    for columns, N in _panels(n, m, dtype, rng):
        images[0][:, columns] = stacks[0] @ N
        images[1][:, columns] = stacks[1] @ np.abs(N, out=N)

    products = [np.zeros((len(Q), m), dtype) for Q in blocks]
    for part, those, image in zip(parts, strands, images, strict=True):
        ends = np.cumsum([len(blocks[k]) for k in those], dtype=int)
        for k, QN in zip(those, np.split(image, ends), strict=False):  # the last piece is empty
            products[k] += part[k] * QN
    return [QA[:-1] / QA[-1] if e.normalised else QA for QA, e in zip(products, ensembles, strict=True)]
