"""The independent verifier of a certificate: standard library and NumPy, no numerical code of the producer.

It trusts no field: it compares the digests of the factors, recomputes every bound with error bounds of its
own and confirms a claim only if its own bound is not larger. Small chains are multiplied in integers, from
left to right; larger ones in binary64, or, if `exact` or the certificate claims integers, in integers by
python-flint. Assumed: IEEE binary64 to nearest, a matrix product that adds ordinary products in any order,
and functions of the C library and of NumPy that err by 2^-50 at most, relatively: four units in the last
place or more.
"""

import hashlib
import json
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import reduce
from itertools import combinations, combinations_with_replacement, pairwise
from operator import mul
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

FORMAT = "rankone certificate 2"
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
    "total_variation_below": _BELOW + "½ Σ |p_i - q_i| is at most the bound, p, q being A C u, A C v over "
    "their sums",
    "signed_one_minus_cos": "for independent starts v, w ~ N(0, I): 1 - |cos| of the angle between C v and "
    "C w is at most the bound, with the probability or more",
}
_COLUMNS = "the largest over all pairs of columns of C, which span the cone of all maps"
METHODS = {
    **dict.fromkeys(("one_minus_cos", "angle", "total_variation", "hilbert_diameter"), _COLUMNS),
    "one_minus_cos_below": "1 - 1/cosh(Δ/2), Δ the Hilbert diameter, which no further factor increases",
    "share_below": "exp(Δ) - 1, Δ the Hilbert diameter, which no further factor increases",
    "total_variation_below": "tanh(Δ/4), Δ the Hilbert diameter, which no further factor increases",
    "signed_one_minus_cos": "the residual beside the rank-one part, from the angle; Gaussian concentration",
}
UNLIMITED = ("hilbert_diameter", "share_below")  # may be infinite
UNPROVED = ("signed_one_minus_cos",)  # has a probability below one
FORM = {  # of a certificate: the text that must be there, and the types of the rest
    "format": FORMAT,
    "factors": {"file": str, "arrays": list},
    "rounding": {"arithmetic": str, "unit_roundoff": float, "gammas": list, "delta": float},
    "claims": {
        name: {"statement": STATEMENTS[name], "method": METHODS[name], "bound": object, "probability": float}
        for name in STATEMENTS
    },
    "versions": dict,
}
SMALL = 3 * 2**30  # multiplications times bits that are done in integers, in some seconds
LARGEST_EXACT = 2**23  # entries that python-flint is given as integers
UNITS = 4096  # of a Gram matrix at a time
ROWS, WIDTH = 32, 1024  # a block of differences: a quarter of a megabyte, in cache
U, LIBM = Fraction(1, 2**53), 2.0**-50  # unit roundoff; and the relative error granted to a logarithm
MOST_ROUNDINGS = Fraction(1, 4)  # n u; all bounds here take γ below 1/3, and δ / (1 - δ) below 1/2
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
        exact: recompute in integers with python-flint, up to LARGEST_EXACT entries. A certificate that claims
            integers is verified in integers whatever this says: its bounds have no room for rounding.

    Raises:
        NotConfirmed: a field, a digest or a bound does not hold; the message says which.
        Unreadable, OSError: no strict JSON, no readable npz, or python-flint is absent.
    """
    record = _read_json(Path(certificate))
    match(record, FORM, "certificate")
    for package, version in record["versions"].items():
        match(version, str, f"versions[{package!r}]")
    limits = {name: _limit(name, **record["claims"][name]) for name in STATEMENTS}
    name = record["factors"]["file"]
    if Path(name).name != name:
        deny("factors.file", "is not a bare file name")
    chain = _read_factors(Path(factors or Path(certificate).parent / name), record["factors"]["arrays"])
    match(record["rounding"], _rounding(record["rounding"]["arithmetic"], chain), "rounding")
    small, claims_integers = _work(chain) <= SMALL, record["rounding"]["arithmetic"] == ARITHMETIC["exact"]
    if exact or (claims_integers and not small):
        asker = "--exact" if exact else "a certificate that claims integers"
        maxima, how = exact_maxima(_flint_product(chain, asker)), "integers, with python-flint"
    elif small:
        maxima, how = exact_maxima(reduce(np.matmul, map(_integers, chain))), "integers"
    else:
        maxima, how = _floating_maxima(chain), "binary64 with error bounds of its own"
    for claim, bound in limits.items():
        own = _bounds(*maxima, record["claims"][claim]["probability"])[claim]
        if not own <= bound:
            deny(claim, f"is claimed at most {bound!r}, but the verifier finds {own!r} in {how}")
    return f"confirmed: {len(limits)} claims about {len(chain)} factors, recomputed in {how}"


def deny(what: str, why: str) -> NoReturn:
    raise NotConfirmed(_visible(f"{what} {why}"))


def give_up(path: Path, what: str, error: Exception) -> NoReturn:
    raise Unreadable(_visible(f"{path.name}: no {what} ({type(error).__name__}: {error})")) from None


def _visible(text: str) -> str:
    """Text with names from a file, of which a terminal obeys none: an escape is written as \\x1b."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def match(value: Any, form: Any, what: str) -> None:
    """`value` is of exactly the type `form`, or equals it: objects field by field, lists item by item."""
    kind = form if isinstance(form, type) else type(form)
    if kind is not object and type(value) is not kind:
        deny(what, f"is not of type {kind.__name__}")
    if isinstance(form, dict):
        if set(value) != set(form):
            deny(what, f"is not an object with the fields {', '.join(form)}")
        for field in form:
            match(value[field], form[field], f"{what}.{field}")
    elif isinstance(form, list) and len(value) == len(form):
        for item, item_form in zip(value, form, strict=True):
            match(item, item_form, what)
    elif not isinstance(form, type) and value != form:
        deny(what, f"is not {form!r}")


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
        give_up(path, "certificate", error)


def _limit(name: str, *, bound: object, probability: float, **_: str) -> float:
    """The bound of a claim as a number, if claim and probability can have it."""
    if not (0 < probability < 1 if name in UNPROVED else probability == 1):
        deny(name, "has a probability that it cannot have")
    if bound == INFINITE and name in UNLIMITED:
        return math.inf
    if not isinstance(bound, float) or not 0 <= bound < math.inf:
        deny(name, f"has a bound that is neither a number ≥ 0 nor {INFINITE!r}")
    return bound


def _read_factors(path: Path, arrays: list[Any]) -> list[NDArray[np.float64]]:
    """The factors in binary64, which holds float32 exactly, if they are the ones that were recorded."""
    names = [f"Z{l}" for l in range(1, len(arrays) + 1)]
    for name, array in zip(names, arrays, strict=True):
        match(array, {"name": name, "dtype": str, "shape": [int, int], "sha256": str}, name)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if not names or sorted(archive.files) != sorted(names):
                deny(path.name, f"holds {sorted(archive.files)}, not the {len(names)} recorded factors")
            for name, array in zip(names, arrays, strict=True):  # before anything is unpacked
                if archive.zip.getinfo(f"{name}.npy").file_size > 8 * math.prod(array["shape"]) + 4096:
                    deny(name, "is larger than recorded")
            chain = [archive[name] for name in names]
        if not all(isinstance(Z, np.ndarray) for Z in chain):  # NumPy hands out other members as bytes
            raise ValueError("a member is no array")
    except (NotConfirmed, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:  # damaged bytes make zipfile, zlib and NumPy raise a dozen kinds
        give_up(path, "readable npz file", error)
    for name, array, Z in zip(names, arrays, chain, strict=True):
        match(array, {**array, "dtype": str(Z.dtype), "shape": list(Z.shape)}, name)
        if str(Z.dtype) not in ("float64", "float32"):
            deny(name, "is neither float64 nor float32")
        if not (Z.size and Z.min() >= 0 and Z.max() < np.inf):
            deny(name, "is empty, or has a negative or non-finite entry")
        digest = hashlib.sha256(f"{Z.dtype.str} {Z.shape[0]}x{Z.shape[1]}\n".encode())
        digest.update(np.ascontiguousarray(Z).data)
        if digest.hexdigest() != array["sha256"]:
            deny(name, "has another SHA-256 than recorded")
    if any(A.shape[1] != B.shape[0] for A, B in pairwise(chain)):
        deny("factors", "do not fit together")
    return [Z.astype(np.float64, copy=False) for Z in chain]


def _rounding(arithmetic: str, chain: list[NDArray[np.float64]]) -> dict[str, Any]:
    """What has to be recorded: γ_n and δ = Π (1 + γ_n) - 1, rounded up; all zero if integers are claimed."""
    if arithmetic not in ARITHMETIC.values():
        deny("rounding.arithmetic", f"is none of {', '.join(ARITHMETIC.values())}")
    u = U if arithmetic == ARITHMETIC["binary64"] else Fraction(0)
    gammas = [gamma(len(Z), u) for Z in chain[1:]]
    delta = math.prod((1 + g for g in gammas), start=Fraction(1)) - 1
    gammas_up = [up(g) for g in gammas]
    return {"arithmetic": arithmetic, "unit_roundoff": float(u), "gammas": gammas_up, "delta": up(delta)}


def gamma(n: int, u: Fraction = U) -> Fraction:
    """n u / (1 - n u), which bounds nothing once n u comes near 1, and is not of the order of n u before."""
    if n * u > MOST_ROUNDINGS:
        deny("rounding", f"may add up to {n} errors of {float(u):.2g}, of which nothing can be said")
    return n * u / (1 - n * u)


def _root(x: Fraction) -> float:
    """√x, rounded up before the root is taken, of a number that no power of four takes below the floats."""
    shift = max(0, x.denominator.bit_length() - x.numerator.bit_length()) // 2
    return math.ldexp(math.sqrt(up(x * 4**shift)), -shift)


def up(x: Fraction) -> float:
    """The smallest float ≥ x."""
    try:
        nearest = float(x)
    except OverflowError:
        return math.inf
    return nearest if Fraction(nearest) >= x else math.nextafter(nearest, math.inf)


Maxima = tuple[float, float, float]  # upper bounds: angle, total variation, Hilbert diameter


def _bounds(theta: float, variation: float, diameter: float, probability: float) -> dict[str, float]:
    """Every claim from the three maxima; margin and floor cover the rounding of these lines.

    The floor also stands for what is too small for a float, a squared angle of 1e-200 for example.
    """
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
        "total_variation_below": math.tanh(diameter / 4),
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


def _flint_product(chain: list[NDArray[np.float64]], asker: str = "--exact") -> NDArray[Any]:
    try:
        from flint import fmpz_mat
    except ImportError:
        raise Unreadable(f"{asker} needs python-flint; do: pip install 'rankone[certificates]'") from None
    if sum(Z.size for Z in chain) > LARGEST_EXACT:
        raise Unreadable(f"{asker}: more than {LARGEST_EXACT} entries; certify and verify in binary64")
    C = reduce(mul, (fmpz_mat(_integers(Z).tolist()) for Z in chain))
    return np.array([[int(c) for c in row] for row in C.tolist()], object)


def exact_maxima(C: NDArray[Any]) -> Maxima:
    """The maxima over pairs of columns of an integer C; only their last operations are rounded, by 2 LIBM."""
    C = C[C.any(axis=1)]
    S = C.sum(axis=0)
    if not S.all():
        deny("the product", "has a zero column")
    positive = bool((C > 0).all())
    theta = variation = diameter = 0.0
    for j, k in combinations(range(len(S)), 2):
        x, y = C[:, j] * S[k], C[:, k] * S[j]  # shares of the sum, over a common denominator
        cos2 = Fraction(int(x.dot(y) ** 2), int(x.dot(x) * y.dot(y)))
        theta = max(theta, math.atan2(_root(1 - cos2), math.sqrt(cos2)) * (1 + 2 * LIBM))
        variation = max(variation, up(Fraction(int(abs(x - y).sum()), int(2 * S[j] * S[k]))))
        diameter = max(diameter, _log_cross_ratio(x, y)) if positive else math.inf
    return theta, variation, diameter


def _log_cross_ratio(x: NDArray[Any], y: NDArray[Any]) -> float:
    """ln (max x/y · max y/x), the quotients rounded up 128 bits below the least that can part them from 1."""
    bits = 128 + int(x.max()).bit_length() + int(y.max()).bit_length()
    there, back = (int((-((-a << bits) // b)).max()) for a, b in ((x, y), (y, x)))
    excess = Fraction(there * back, 1 << 2 * bits) - 1
    return (math.log1p(up(excess)) if excess < 1 else math.log(up(1 + excess))) * (1 + 2 * LIBM)


def _floating_maxima(chain: list[NDArray[np.float64]]) -> Maxima:
    """Of the columns of C over their sums."""
    C = _tame(reduce(lambda P, Z: _product(Z, P), reversed(chain)))
    sums = C.sum(axis=0)
    if not sums.all():
        deny("the product", "has a zero column")
    growth = math.prod((1 + gamma(len(Z)) for Z in chain[1:]), start=Fraction(1))
    return row_maxima(np.ascontiguousarray((C / sums).T), growth)


def row_maxima(X: NDArray[np.float64], growth: Fraction) -> Maxima:
    """Over all pairs of rows of X ≥ 0, which add up to 1 or nearly so; X is overwritten.

    growth: 1 + the relative error of the numbers that were divided by computed sums.

    `delta`: relative error of the entries of X, with that of dividing by sum and norm; at most `off` in
    logarithms and in total variation. `g`: relative error of a sum of n non-negative terms.
    """
    g = up(gamma(X.shape[1] + 16))
    if not (used := X.any(axis=0)).all():
        X = X[:, used]
    delta = up(growth * (1 + 3 * U) - 1)
    off = delta / (1 - delta)
    theta = min(_largest_angle(X, g) + 2 * math.asin(min(delta, 1.0)), math.pi / 2)
    distance = _largest(X, lambda d: np.abs(d, out=d).sum(axis=1)[None], np.add)
    variation = distance / 2 * (1 + g) + g + 2 * off
    if not X.all():
        return theta, variation, math.inf
    X /= X.mean(axis=0)
    if X.min() < FLUSH:
        return theta, variation, math.inf
    M = np.log(X, out=X)
    spread = _largest(M, lambda d: np.stack([d.max(axis=1), -d.min(axis=1)]), np.maximum)
    log_error = 2 * LIBM * float(np.abs(M).max()) + 4 * float(U)
    return theta, variation, spread * (1 + LIBM) + 4 * (off + log_error)


def _largest_angle(X: NDArray[np.float64], g: float) -> float:
    """2 arcsin(|y_j - y_k|/2) over pairs of rows, y = x/|x|, from E = y - p and G = E Eᵀ.

    |e_j - e_k|² is known to g (|e_j| + |e_k|)² ≤ 4 g r², r the largest |e_j|: relative to the distances, so
    small angles survive. Lengths |y| in [1 - g/2, 1 + g/2] take another 4 g r² at most of a distance ≤ 2 r.
    """
    norms, G = np.linalg.norm(X, axis=1, keepdims=True), np.zeros((len(X), len(X)))
    for c in range(0, X.shape[1], UNITS):
        Y = X[:, c : c + UNITS] / norms
        E = Y - Y.mean(axis=0)
        G += E @ E.T
    e2 = np.diag(G)
    chord2 = max(float((e2[j] + e2 - 2 * G[j]).max()) for j in range(len(G)))
    chord = math.sqrt(max(chord2, 0.0) + 8 * g * float(e2.max()) + FLUSH)
    return 2 * math.asin(min(chord / 2, 1.0)) * (1 + LIBM)


def _largest(
    A: NDArray[np.float64], parts: Callable[[NDArray[np.float64]], NDArray[np.float64]], join: np.ufunc
) -> float:
    """The largest value over pairs of rows: `parts` (r, pairs) of blocks of a_k - a_j joined, then summed."""
    blocks = [slice(c, c + WIDTH) for c in range(0, A.shape[1], WIDTH)]

    def of_block(J: NDArray[np.float64], K: NDArray[np.float64]) -> NDArray[np.float64]:
        D = np.empty_like(K)
        return np.array([parts(np.subtract(K, a, out=D)) for a in J])

    def of_tiles(starts: tuple[int, int]) -> float:
        J, K = (A[start : start + ROWS] for start in starts)
        joined = reduce(join, (of_block(J[:, b].copy(), K[:, b].copy()) for b in blocks))
        return float(joined.sum(axis=1).max())

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return max(pool.map(of_tiles, combinations_with_replacement(range(0, len(A), ROWS), 2)))


def _product(A: NDArray[np.float64], B: NDArray[np.float64]) -> NDArray[np.float64]:
    """A B up to a power of two, if no product of two non-zero entries can be flushed."""
    A, B = _tame(A), _tame(B)
    if _least(A) * _least(B) < FLUSH:
        deny("the product", "may flush a number to zero: verify with --exact")
    return A @ B


def _tame(A: NDArray[np.float64]) -> NDArray[np.float64]:
    """A times a power of two: at most 1, and exact."""
    exponent = int(np.frexp(A.max())[1])
    if math.ldexp(_least(A), -exponent) < FLUSH:
        deny("a factor", "has entries too far apart for binary64: verify with --exact")
    return np.ldexp(A, -exponent) if exponent else A


def _least(A: NDArray[np.float64]) -> float:
    return float(np.min(A, where=A > 0, initial=np.inf))
