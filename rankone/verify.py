"""The independent verifier of a certificate: standard library and NumPy, no numerical code of the producer.

It trusts no field: it compares the digests of the factors, recomputes every bound with error bounds of its
own and confirms a claim only if its own bound is not larger. Small chains are multiplied in integers, from
left to right; larger ones in binary64, in one pass over blocks of rows of Z1; `exact=True` takes integers,
multiplied by python-flint. Assumed: IEEE binary64 to nearest, a matrix product that adds ordinary
products in any order, and functions of the C library that err by at most 8 units in the last place.
"""

import hashlib
import json
import math
import os
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import partial, reduce
from itertools import combinations, pairwise
from operator import mul
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

FORMAT = "rankone certificate 1"
INFINITE = "infinite"
ARITHMETIC = {"binary64": "binary64 with rounding bounds, nothing flushed", "exact": "exact integers"}
_ALL = "for all non-negative starts u, v ≠ 0: "
_BELOW = "for every matrix A ≥ 0 without zero columns and all non-negative starts u, v ≠ 0: "
STATEMENTS = {
    "one_minus_cos": _ALL + "1 - cos of the angle between C u and C v is at most the bound",
    "angle": _ALL + "the angle between C u and C v, in radians, is at most the bound",
    "total_variation": _ALL + "½ Σ |p_i - q_i| is at most the bound, p, q being C u, C v over their sums",
    "hilbert_diameter": _ALL + "Hilbert's distance between C u and C v is at most the bound",
    "one_minus_cos_below": _BELOW + "1 - cos of the angle between A C u and A C v is at most the bound",
    "share_below": _BELOW + "a coordinate's share of the sum of A C u exceeds its share of that of A C v "
    "by at most the bound, relatively",
    "signed_one_minus_cos": "for independent starts v, w ~ N(0, I): 1 - |cos| of the angle between C v and "
    "C w is at most the bound, with the probability or more",
}
_COLUMNS = "the largest over all pairs of columns of C, which span the cone of all maps"
METHODS = {
    **dict.fromkeys(("one_minus_cos", "angle", "total_variation", "hilbert_diameter"), _COLUMNS),
    "one_minus_cos_below": "1 - 1/cosh(Δ/2), Δ the Hilbert diameter, which no further factor increases",
    "share_below": "exp(Δ) - 1, Δ the Hilbert diameter, which no further factor increases",
    "signed_one_minus_cos": "the residual beside the rank-one part, from the angle; Gaussian concentration",
}
UNLIMITED = ("hilbert_diameter", "share_below")  # may be infinite
UNPROVED = ("signed_one_minus_cos",)  # has a probability below one
SMALL = 3 * 2**30  # multiplications times bits that are done in integers, in some seconds
LARGEST_EXACT = 2**23  # entries that --exact turns into integers
ROWS, COLUMNS = 1024, 64  # a block of pairs: half a megabyte
U, LIBM = Fraction(1, 2**53), 2.0**-50  # unit roundoff; relative error granted to the C library
FLUSH = 2.0**-940  # above n^3 times anything that was flushed below 2^-1022


class Unreadable(ValueError):
    """The certificate or the factors are no file that can be checked (exit status 2)."""


class NotConfirmed(Exception):
    """The input was read, and something in it is not so (exit status 1)."""


def verify(certificate: str | Path, factors: str | Path | None = None, *, exact: bool = False) -> str:
    """Confirm every claim of a certificate file, and say so in one line.

    Args:
        certificate: the JSON file.
        factors: the npz file; by default the recorded file name beside the certificate.
        exact: recompute in integers with python-flint, up to LARGEST_EXACT entries.

    Raises:
        NotConfirmed: a field, a digest or a bound does not hold; the message says which.
        Unreadable, OSError: no strict JSON, no readable npz, or python-flint is absent.
    """
    fields = {"format": str, "factors": dict, "rounding": dict, "claims": dict, "versions": dict}
    record = _object(_read_json(Path(certificate)), "certificate", fields)
    _same(record["format"], FORMAT, "format")
    source = _object(record["factors"], "factors", {"file": str, "arrays": list})
    name = source["file"]
    if not name or Path(name).name != name or "\\" in name or "\0" in name:
        _deny("factors.file", "is not a bare file name")
    if not all(type(text) is str and len(text) < 100 for text in record["versions"].values()):
        _deny("versions", "holds something other than short strings")
    claims = _read_claims(record["claims"])
    chain = _read_factors(Path(factors or Path(certificate).parent / name), source["arrays"])
    _check_rounding(record["rounding"], [Z.shape[1] for Z in chain[:-1]])
    if exact:
        maxima, how = _exact_maxima(_flint_product(chain)), "integers, with python-flint"
    elif _work(chain) <= SMALL:
        maxima, how = _exact_maxima(reduce(np.matmul, map(_integers, chain))), "integers"
    else:
        maxima, how = _floating_maxima(chain), "binary64 with error bounds of its own"
    for claim, (bound, probability) in claims.items():
        own = _bounds(*maxima, probability)[claim]
        if not own <= bound:
            _deny(claim, f"is claimed at most {bound!r}, but the verifier finds {own!r} in {how}")
    return f"confirmed: {len(claims)} claims about {len(chain)} factors, recomputed in {how}"


def _deny(what: str, why: str) -> NoReturn:
    raise NotConfirmed(f"{what} {why}")


def _object(value: Any, what: str, fields: dict[str, Any]) -> dict[str, Any]:
    """`value`, if it is an object with exactly these fields of exactly these types."""
    if type(value) is not dict or set(value) != set(fields):
        _deny(what, f"is not an object with the fields {', '.join(fields)}")
    for field, kind in fields.items():
        if kind is not Any and type(value[field]) is not kind:
            _deny(f"{what}.{field}", f"is not of type {kind.__name__}")
    return value


def _same(value: object, expected: object, what: str) -> None:
    if type(value) is not type(expected) or value != expected:
        _deny(what, f"is not {expected!r}")


def _read_json(path: Path) -> Any:
    """Strict JSON: no key twice, no NaN or Infinity."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a key appears twice")
        return dict(pairs)

    def constant(text: str) -> NoReturn:
        raise ValueError(f"{text} is not JSON")

    content = path.read_bytes()
    try:
        return json.loads(content.decode(), object_pairs_hook=unique, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path.name}: no certificate ({type(error).__name__}: {error})") from None


def _read_factors(path: Path, arrays: list[Any]) -> list[NDArray[np.float64]]:
    """The factors in binary64, which holds float32 exactly, if they are the ones that were recorded."""
    if not arrays:
        _deny("factors.arrays", "is empty")
    for l, array in enumerate(arrays, start=1):
        _object(array, "factors.arrays", {"name": str, "dtype": str, "shape": list, "sha256": str})
        _same(array["name"], f"Z{l}", f"the name of factor {l}")
        if array["dtype"] not in ("float64", "float32"):
            _deny(array["name"], "is recorded as neither float64 nor float32")
        if [type(n) for n in array["shape"]] != [int, int] or min(array["shape"]) < 1:
            _deny(array["name"], "is recorded with a shape that is not two positive integers")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if sorted(archive.files) != sorted(array["name"] for array in arrays):
                _deny(path.name, f"holds {sorted(archive.files)}, not the {len(arrays)} recorded factors")
            for array in arrays:  # before anything is unpacked
                size = archive.zip.getinfo(f"{array['name']}.npy").file_size
                if size > 8 * math.prod(array["shape"]) + 4096:
                    _deny(array["name"], "is larger than recorded")
            loaded = [archive[array["name"]] for array in arrays]
    except (NotConfirmed, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:  # damaged bytes make zipfile, zlib and NumPy raise a dozen kinds
        raise Unreadable(f"{path.name}: no readable npz file ({type(error).__name__}: {error})") from None
    for Z, array in zip(loaded, arrays, strict=True):
        if Z.dtype != np.dtype(array["dtype"]) or list(Z.shape) != array["shape"]:
            _deny(array["name"], f"is {Z.dtype} {list(Z.shape)}, not what is recorded")
        digest = hashlib.sha256(f"{Z.dtype.str} {Z.shape[0]}x{Z.shape[1]}\n".encode())
        digest.update(np.ascontiguousarray(Z).data)
        if digest.hexdigest() != array["sha256"]:
            _deny(array["name"], "has another SHA-256 than recorded")
        if not (Z.min() >= 0 and Z.max() < np.inf):
            _deny(array["name"], "has a negative or non-finite entry")
    if any(A.shape[1] != B.shape[0] for A, B in pairwise(loaded)):
        _deny("factors", "do not fit together")
    return [Z.astype(np.float64, copy=False) for Z in loaded]


def _check_rounding(value: Any, inner: list[int]) -> None:
    """γ_n = n u / (1 - n u) and δ = Π (1 + γ_n) - 1, rounded up; all zero if the producer claims integers."""
    fields = {"arithmetic": str, "unit_roundoff": float, "gammas": list, "delta": float}
    rounding = _object(value, "rounding", fields)
    if rounding["arithmetic"] == ARITHMETIC["exact"]:
        unit, gammas = Fraction(0), [Fraction(0) for _ in inner]
    else:
        _same(rounding["arithmetic"], ARITHMETIC["binary64"], "rounding.arithmetic")
        unit, gammas = U, [_gamma(n) for n in inner]
    _same(rounding["unit_roundoff"], float(unit), "rounding.unit_roundoff")
    _same(rounding["gammas"], [_up(g) for g in gammas], "rounding.gammas")
    _same(rounding["delta"], _up(math.prod((1 + g for g in gammas), start=Fraction(1)) - 1), "rounding.delta")


def _read_claims(value: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Bound and probability of every claim; the words must be those of STATEMENTS and METHODS."""
    if set(value) != set(STATEMENTS):
        _deny("claims", f"are not exactly {', '.join(STATEMENTS)}")
    claims = {}
    for name, claim in value.items():
        _object(claim, name, {"statement": str, "method": str, "bound": Any, "probability": float})
        _same(claim["statement"], STATEMENTS[name], f"{name}: the statement")
        _same(claim["method"], METHODS[name], f"{name}: the method")
        bound, probability = claim["bound"], claim["probability"]
        if bound == INFINITE and name in UNLIMITED:
            bound = math.inf
        elif type(bound) is not float or not 0 <= bound < math.inf:
            _deny(name, f"has a bound that is neither a number ≥ 0 nor {INFINITE!r}")
        if not (0 < probability < 1 if name in UNPROVED else probability == 1):
            _deny(name, "has a probability that it cannot have")
        claims[name] = (bound, probability)
    return claims


def _gamma(n: int) -> Fraction:
    return n * U / (1 - n * U)


def _up(x: Fraction) -> float:
    """The smallest float ≥ x."""
    try:
        nearest = float(x)
    except OverflowError:
        return math.inf
    return nearest if Fraction(nearest) >= x else math.nextafter(nearest, math.inf)


Maxima = tuple[float, float, float]  # upper bounds: angle, total variation, Hilbert diameter


def _bounds(theta: float, variation: float, diameter: float, probability: float) -> dict[str, float]:
    """Every claim from the three maxima; margin and floor cover the rounding of these lines."""
    failure = (1 - probability) / 2  # of one signed start; a tenth of it for the norm of the residual
    signed = below = 1.0
    share = math.inf
    if theta < math.pi / 4 and probability < 1:
        tail = 1 + math.sqrt(-2 * math.log(0.1 * failure))
        tangent = math.tan(theta) * tail / (0.9 * failure * math.sqrt(math.pi / 2))
        signed = 2 * tangent**2 / (1 + tangent**2) if tangent < 1 else 1.0
    if diameter < 700:
        share = math.expm1(diameter)
        below = math.expm1(diameter / 2) ** 2 / (share + 2)  # 1 - 1/cosh(x) = (e^x - 1)² / (e^2x + 1)
    bounds = {
        "one_minus_cos": 2 * math.sin(theta / 2) ** 2,
        "angle": theta,
        "total_variation": variation,
        "hilbert_diameter": diameter,
        "one_minus_cos_below": below,
        "share_below": share,
        "signed_one_minus_cos": signed,
    }
    margin = 1 + 16 * LIBM * max(1.0, min(diameter, 700))
    floor = 2.0**-1040 if theta or variation or diameter else 0.0
    cap = {name: math.inf if name in (*UNLIMITED, "angle") else 1.0 for name in bounds}
    return {name: min(bound * margin + floor, cap[name]) for name, bound in bounds.items()}


def _work(chain: list[NDArray[np.float64]]) -> int:
    """Integer multiplications times the bits of the integers; a pair of columns costs at least 256."""
    n, k = chain[0].shape[0], chain[-1].shape[1]
    ends = [(Z.max(), np.min(Z, where=Z > 0, initial=Z.max())) for Z in chain]
    bits = sum(53 + math.frexp(high)[1] - math.frexp(low)[1] for high, low in ends)
    return int(bits * (n * sum(Z.size for Z in chain[1:]) + (n + 256) * k * k))


def _integers(Z: NDArray[np.float64]) -> NDArray[Any]:
    """Z times a common denominator."""
    ratios = [z.as_integer_ratio() for z in Z.ravel().tolist()]
    common = max(q for _, q in ratios)
    integers = np.empty(len(ratios), object)
    integers[:] = [p * (common // q) for p, q in ratios]
    return integers.reshape(Z.shape)


def _flint_product(chain: list[NDArray[np.float64]]) -> NDArray[Any]:
    try:
        from flint import fmpz_mat
    except ImportError:
        raise Unreadable("--exact needs python-flint; do: pip install 'rankone[certificates]'") from None
    if sum(Z.size for Z in chain) > LARGEST_EXACT:
        raise Unreadable(f"--exact: more than {LARGEST_EXACT} entries; verify without it")
    C = reduce(mul, (fmpz_mat(_integers(Z).tolist()) for Z in chain))
    return np.array([[int(c) for c in row] for row in C.tolist()], object)


def _exact_maxima(C: NDArray[Any]) -> Maxima:
    """The maxima over pairs of columns of an integer C; only their last operations are rounded."""
    C = C[C.any(axis=1)]
    S = C.sum(axis=0)
    if not S.all():
        _deny("the product", "has a zero column")
    positive = bool((C > 0).all())
    theta = variation = diameter = 0.0
    for j, k in combinations(range(len(S)), 2):
        x, y = C[:, j] * S[k], C[:, k] * S[j]  # shares of the sum, over a common denominator
        cos2 = Fraction(int(x.dot(y) ** 2), int(x.dot(x) * y.dot(y)))
        theta = max(theta, math.atan2(math.sqrt(_up(1 - cos2)), math.sqrt(cos2)) * (1 + LIBM))
        variation = max(variation, _up(Fraction(int(abs(x - y).sum()), int(2 * S[j] * S[k]))))
        diameter = max(diameter, _log_cross_ratio(x, y)) if positive else math.inf
    return theta, variation, diameter


def _log_cross_ratio(x: NDArray[Any], y: NDArray[Any]) -> float:
    """ln (max x/y · max y/x), the quotients rounded up 128 bits below the least that can part them from 1."""
    bits = 128 + int(x.max()).bit_length() + int(y.max()).bit_length()
    there, back = (int((-((-a << bits) // b)).max()) for a, b in ((x, y), (y, x)))
    excess = Fraction(there * back, 1 << 2 * bits) - 1
    return (math.log1p(_up(excess)) if excess < 1 else math.log(_up(1 + excess))) * (1 + LIBM)


def _floating_maxima(chain: list[NDArray[np.float64]]) -> Maxima:
    """One pass over rows of C = Z1 P: x_j = c_j / s_j, s near the column sums, p their mean, e_j = x_j - p.

    `delta`: relative error of an entry of x; `g`: relative error of a sum of n non-negative products.
    """
    n, k = chain[0].shape[0], chain[-1].shape[1]
    g = _up(_gamma(n + 16))
    delta = _up(math.prod((1 + _gamma(Z.shape[1]) for Z in chain[:-1]), start=1 + 3 * U) - 1)
    first, P = _tame(chain[0]), np.eye(k) if len(chain) == 1 else _tame(chain[-1])
    for Z in reversed(chain[1:-1]):
        P = _tame(_product(_tame(Z), P))
    scale = np.ones(n) @ first @ P
    if not scale.all():
        _deny("the product", "has a zero column")
    K, G, along, p2 = np.zeros((k, k)), np.zeros((k, k)), np.zeros(k), 0.0
    total, pairs = np.zeros(k), _Pairs(k)
    for start in range(0, n, ROWS):
        X = _product(first[start : start + ROWS], P) / scale
        p = X.mean(axis=1)
        E = X - p[:, None]
        K += X.T @ X
        G += E.T @ E
        along += p @ E
        p2 += float(p @ p)
        total += X.sum(axis=0)
        pairs.add(X, p)
    theta = _largest_angle(K, G, along, math.sqrt(p2), g) + 2 * math.asin(min(delta, 1.0))
    off = float(np.abs(total - 1).max()) + g
    variation = float(pairs.distance.max()) / 2 * (1 + g) + off + 2 * delta / (1 - delta)
    if pairs.largest_log == math.inf:
        return min(theta, math.pi / 2), variation, math.inf
    spread = float((pairs.highest - pairs.lowest)[np.triu_indices(k)].max())
    error = 4 * (delta / (1 - delta) + 2 * LIBM * pairs.largest_log + 4 * float(U))
    return min(theta, math.pi / 2), variation, spread * (1 + LIBM) + error


def _largest_angle(K: NDArray[Any], G: NDArray[Any], along: NDArray[Any], p: float, g: float) -> float:
    """Over pairs of columns, from K = XᵀX (to relative g), G = EᵀE (to g |e_j| |e_k|), p·e_j and |p|.

    sin² ∠(x_j, x_k) = (|d|² - (x_j·d)² / |x_j|²) / |x_k|² with d = e_j - e_k: small angles do not cancel.
    """
    x2, e2 = np.diag(K), np.diag(G)
    x, e = np.sqrt(x2), np.sqrt(e2) * (1 + g) + FLUSH
    largest = 0.0
    for j in range(len(K)):
        d2 = e2[j] + e2 - 2 * G[j] + 2 * g * (e[j] + e) ** 2
        xd = np.abs(along[j] - along + e2[j] - G[j]) - 4 * g * (e[j] + e) * (x[j] + p + e)  # x_j·d, towards 0
        sin2 = (d2 - np.maximum(xd, 0) ** 2 / (x2[j] * (1 + 4 * g))) / (x2 * (1 - 4 * g)) + FLUSH
        cos = K[j] / (x[j] * x) * (1 - 4 * g)
        angle = np.where(sin2 < 0.5, np.arcsin(np.sqrt(np.clip(sin2, 0, 1))), np.arccos(np.clip(cos, 0, 1)))
        largest = max(largest, float(np.delete(angle, j).max(initial=0.0)))
    return largest * (1 + LIBM) + 8 * float(U) * float((e / x).max())


class _Pairs:
    """Sums of |x_j - x_k| and extremes of ln x_j - ln x_k over the rows seen, for every pair j ≤ k."""

    def __init__(self, k: int) -> None:
        self.distance = np.zeros((k, k))
        self.highest, self.lowest = np.full((k, k), -np.inf), np.full((k, k), np.inf)
        self.largest_log = 0.0  # infinite once supports differ, or entries are too far apart for a logarithm

    def add(self, X: NDArray[np.float64], p: NDArray[np.float64]) -> None:
        ratio = X[p > 0] / p[p > 0, None]
        if ratio.size and not (ratio.min() > FLUSH and ratio.max() < 1 / FLUSH):
            self.largest_log = math.inf
        M = np.ascontiguousarray(np.log(ratio).T if self.largest_log < math.inf else ratio[:0].T)
        self.largest_log = max(self.largest_log, float(np.abs(M).max(initial=0.0)))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(partial(self._add_row, np.ascontiguousarray(X.T), M), range(len(X.T))))

    def _add_row(self, X: NDArray[np.float64], M: NDArray[np.float64], j: int) -> None:
        for start in range(j, len(X), COLUMNS):
            to = slice(start, start + COLUMNS)
            self.distance[j, to] += np.abs(X[to] - X[j]).sum(axis=1)
            if M.size:
                difference = M[to] - M[j]
                self.highest[j, to] = np.maximum(self.highest[j, to], difference.max(axis=1))
                self.lowest[j, to] = np.minimum(self.lowest[j, to], difference.min(axis=1))


def _product(A: NDArray[np.float64], B: NDArray[np.float64]) -> NDArray[np.float64]:
    """A B, if no product of two non-zero entries can be flushed (both are at most 1, see `_tame`)."""
    if A.any() and B.any() and A[A > 0].min() * B[B > 0].min() < FLUSH:
        _deny("the product", "may flush a number to zero: verify with --exact")
    return A @ B


def _tame(A: NDArray[np.float64]) -> NDArray[np.float64]:
    """A times a power of two: at most 1, and exact."""
    exponent = int(np.frexp(A.max())[1])
    if A.any() and math.ldexp(float(A[A > 0].min()), -exponent) < FLUSH:
        _deny("a factor", "has entries too far apart for binary64: verify with --exact")
    return np.ldexp(A, -exponent) if exponent else A
