"""Rigorous certificates: how far the maps of any two non-negative starts can differ under C = Z1 Z2 ⋯.

By the cone lemma the angle, Hilbert's distance and the total variation over *all* non-negative starts are
largest at two columns of C. Small chains are multiplied in integers, large ones in binary64 with every
rounding error added to the bound. `rankone.verify` owns the words of the statements and checks the numbers.
"""

import decimal
import hashlib
import json
import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from rankone.errors import refuse
from rankone.pattern import refuse_gaps
from rankone.proof.column_pairs import Extremes, floating_extremes
from rankone.proof.exact_chain import MAX_WORK, exact_extremes, exact_product, work
from rankone.proof.rounding import (
    UNIT_ROUNDOFF,
    allowed_error,
    chain_error,
    chain_product,
    gamma,
    outward,
    round_up,
)
from rankone.proof.verify import ARITHMETIC, FORMAT, INFINITE, METHODS, STATEMENTS
from rankone.results.arrays import read_arrays
from rankone.results.whole import write_whole

PROBABILITY = 0.9  # of the statement about signed starts
NORM_SHARE = 0.1  # of its failure probability, given to ‖E v‖; the rest goes to |γᵀv|

SIX_DIGITS_UP = decimal.Context(prec=6, rounding=decimal.ROUND_CEILING)

Factor = NDArray[np.floating]


@dataclass(frozen=True)
class CertifiedBound:
    """One statement with its number, in the words of `rankone.verify`; `probability` is 1 for a proof."""

    name: str
    bound: float
    probability: float = 1.0

    @property
    def statement(self) -> str:
        return STATEMENTS[self.name]

    @property
    def method(self) -> str:
        return METHODS[self.name]

    def sentence(self) -> str:
        """The statement with its number in place, rounded up."""
        bound = f"{SIX_DIGITS_UP.create_decimal(self.bound):g}"
        return self.statement.replace("the bound", bound).replace(
            "the probability", f"probability {self.probability:g}"
        )

    def record(self) -> dict[str, Any]:
        bound = INFINITE if math.isinf(self.bound) else self.bound
        return {
            "statement": self.statement,
            "method": self.method,
            "bound": bound,
            "probability": self.probability,
        }


@dataclass(frozen=True)
class Rounding:
    """The rounding analysis: γ_n for every product, and δ = Π (1 + γ_n) - 1; all zero in exact arithmetic."""

    arithmetic: str
    unit_roundoff: float
    gammas: tuple[float, ...]
    delta: float


@dataclass(frozen=True)
class FactorRecord:
    """Which array was meant: name in the npz, dtype, shape, and the SHA-256 of dtype, shape and bytes."""

    name: str
    dtype: str
    shape: tuple[int, int]
    sha256: str


@dataclass(frozen=True)
class Certificate:
    """Upper bounds that hold in exact arithmetic for the product of the recorded factors; see `certify`."""

    file: str
    factors: tuple[FactorRecord, ...]
    rounding: Rounding
    bounds: tuple[CertifiedBound, ...]
    versions: tuple[tuple[str, str], ...]

    def bound(self, name: str) -> float:
        """The number of one statement, a key of `rankone.verify.STATEMENTS`; KeyError for others."""
        return {certified.name: certified.bound for certified in self.bounds}[name]

    def to_json(self) -> str:
        """The certificate as strict JSON; an infinite bound is the string "infinite"."""
        record = {
            "format": FORMAT,
            "factors": {"file": self.file, "arrays": [vars(factor) for factor in self.factors]},
            "rounding": vars(self.rounding),
            "claims": {certified.name: certified.record() for certified in self.bounds},
            "versions": dict(self.versions),
        }
        return json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def write(self, path: str | Path) -> None:
        """Write `to_json` to `path`, whole or not at all; OSError if that fails."""
        write_whole(path, self.to_json().encode())

    def describe(self) -> str:
        """The chain, then every statement with its bound, rounded up to six digits."""
        shape = f"{self.factors[0].shape[0]} × {self.factors[-1].shape[1]}"
        chain = f"C = {' '.join(factor.name for factor in self.factors)}, {shape}, {self.rounding.arithmetic}"
        return "\n".join([chain, *(certified.sentence() for certified in self.bounds)])


def certify(
    factors: Sequence[Factor],
    *,
    probability: float = PROBABILITY,
    exact: bool | None = None,
    file: str = "factors.npz",
) -> Certificate:
    """Certify the chain C = Z1 Z2 ⋯, Z1 nearest the input.

    Args:
        factors: matrices Z_l ≥ 0 of shapes (n0, n1), (n1, n2), …, float64 or float32. A float32 matrix is
            read as the float64 matrix that it is exactly: no arithmetic is done in float32.
        probability: in (0, 1), of the statement about two signed starts v ~ N(0, I).
        exact: True for integers, False for binary64; None takes integers for chains of a few seconds at most.
            Where integers take longer, the verifier needs python-flint.
        file: name of the npz that holds the factors, without its folder.

    Returns:
        Upper bounds for the exact product of the given floats. From integers they exceed the true maxima by
        1e-8 at most, relatively, as long as those are above 1e-290. From binary64 the excess of 1 - cos is
        16 ε / θ at most, θ being the largest angle: below 1e-6 while θ ≥ 1.6e7 ε; for smaller angles the
        bound levels off near 18 ε². Here ε = δ + n0 u + 16 u, and δ, which the certificate records, is about
        n u for every product with inner dimension n.

    Raises:
        ValueError: a factor has the wrong dtype or shape, or a negative or non-finite entry; a column of C is
            zero (that start has no map); or a number may be flushed to zero in binary64.
    """
    _check(factors)
    if not 0 < probability < 1:
        refuse("probability", expected="a number in (0, 1)", got=probability, do="take 0.9, or leave it out")
    if not file or Path(file).name != file:
        refuse(
            "file",
            expected="a file name without folders",
            got=repr(file),
            do="give the name alone: verify looks beside the certificate",
        )
    if exact is None:
        exact = work(factors) <= MAX_WORK
    extremes, rounding = (_in_integers if exact else _in_binary64)(factors)
    return Certificate(
        file=file,
        factors=tuple(_record(Z, f"Z{l}") for l, Z in enumerate(factors, start=1)),
        rounding=rounding,
        bounds=_bounds(extremes, float(probability)),
        versions=_versions(),
    )


def _in_integers(factors: Sequence[Factor]) -> tuple[Extremes, Rounding]:
    C = _without_zero_column(exact_product(factors))
    return exact_extremes(C), Rounding(ARITHMETIC["exact"], 0.0, (0.0,) * (len(factors) - 1), 0.0)


def _in_binary64(factors: Sequence[Factor]) -> tuple[Extremes, Rounding]:
    inner = [Z.shape[1] for Z in factors[:-1]]
    C = _without_zero_column(chain_product(factors))
    gammas = tuple(round_up(*gamma(n).as_integer_ratio()) for n in inner)
    delta = round_up(*chain_error(inner).as_integer_ratio())
    rounding = Rounding(ARITHMETIC["binary64"], float(UNIT_ROUNDOFF), gammas, delta)
    return floating_extremes(C, allowed_error(len(C), inner)), rounding


def _bounds(extremes: Extremes, probability: float) -> tuple[CertifiedBound, ...]:
    """All follow from the three maxima; moving outward covers the rounding of these few lines."""
    angle, diameter = extremes.angle, extremes.diameter
    of_every_start = {
        "one_minus_cos": min(outward(2 * math.sin(angle / 2) ** 2), 1.0),
        "angle": outward(angle),
        "total_variation": min(outward(extremes.total_variation), 1.0),
        "hilbert_diameter": outward(diameter),
        "one_minus_cos_below": min(outward(one_minus_cos_from_hilbert(diameter)), 1.0),
        "share_below": outward(math.expm1(diameter)),
        "total_variation_below": min(outward(math.tanh(diameter / 4)), 1.0),
    }
    signed = min(outward(signed_one_minus_cos(outward(angle), probability)), 1.0)
    bounds = (
        *(CertifiedBound(name, bound) for name, bound in of_every_start.items()),
        CertifiedBound("signed_one_minus_cos", signed, probability),
    )
    rank_one = extremes == Extremes(0.0, 0.0, 0.0)
    return tuple(replace(certified, bound=0.0) for certified in bounds) if rank_one else bounds


def one_minus_cos_from_hilbert(diameter: float) -> float:
    """1 - 1 / cosh(Δ/2) (sharp): 1 - cos of two vectors at Hilbert distance Δ."""
    return 2 * math.sinh(diameter / 4) ** 2 / math.cosh(diameter / 2) if diameter < math.inf else 1.0


def signed_one_minus_cos(angle: float, probability: float) -> float:
    """1 - |cos| of C v and C v' for independent v, v' ~ N(0, I), with the given probability.

    Let p̂ be the direction of a column of C, γ = Cᵀp̂ and E = (I - p̂p̂ᵀ) C, so that C v = (γᵀv) p̂ + E v with
    E v ⊥ p̂. Column j has ‖E e_j‖ = γ_j tan∠(c_j, p̂), hence ‖E‖_F ≤ tan θ ‖γ‖, θ the largest angle between
    columns. For one v, ‖E v‖ > (1 + √(2 ln(1/q))) ‖E‖_F has probability ≤ q (Gaussian concentration) and
    |γᵀv| < t ‖γ‖ has probability ≤ t √(2/π). Otherwise C v lies within φ of the line of p̂,
    tan φ = tan θ (1 + √(2 ln(1/q))) / t, and the two lines within 2 φ of each other.
    """
    if angle >= math.pi / 4:
        return 1.0
    failure = (1 - probability) / 2
    q = NORM_SHARE * failure
    t = (failure - q) * math.sqrt(math.pi / 2)
    tangent = math.tan(angle) * (1 + math.sqrt(2 * math.log(1 / q))) / t
    return 2 * tangent**2 / (1 + tangent**2) if tangent < 1 else 1.0


def read_factors(path: str | Path) -> list[Factor]:
    """The arrays Z1, Z2, … of an npz file; ValueError or OSError if there are none or the file is damaged."""
    arrays = read_arrays(path)
    names = [f"Z{l}" for l in range(1, len(arrays) + 1)]
    if not names or sorted(names) != sorted(arrays):
        do = "write them with np.savez(path, Z1=…, Z2=…)"
        refuse(str(path), expected="arrays Z1, Z2, …", got=sorted(arrays), do=do)
    return [arrays[name] for name in names]


def _check(factors: Sequence[Factor]) -> None:
    """ValueError that names the factor unless all are non-negative matrices that fit together."""
    for l, Z in enumerate(factors, start=1):
        if (
            not isinstance(Z, np.ndarray)
            or Z.dtype not in (np.float64, np.float32)
            or Z.ndim != 2
            or not Z.size
        ):
            got = f"{Z.dtype} {Z.shape}" if isinstance(Z, np.ndarray) else type(Z).__name__
            refuse(
                f"Z{l}",
                expected="a float64 or float32 matrix with entries",
                got=got,
                do="convert it with np.asarray(Z, float)",
            )
        if not (Z.min() >= 0 and Z.max() < np.inf):
            i, j = np.argwhere(~((Z >= 0) & np.isfinite(Z)))[0]
            refuse(
                f"Z{l}",
                expected="finite entries ≥ 0",
                got=f"{Z[i, j]} at row {i}, column {j}",
                do="take a non-negative chain, z_plus for example: of others no certificate is known",
            )
    refuse_gaps(factors)


def _without_zero_column(C: NDArray[Any]) -> NDArray[Any]:
    """C itself; ValueError when a column is zero."""
    zero = np.flatnonzero(~np.any(C != 0, axis=0))
    if zero.size:
        refuse(
            "product",
            expected="no zero column",
            got=f"{zero.size} of {C.shape[1]}, the first is column {zero[0]}",
            do="leave out start neurons that send nothing down",
        )
    return C


def _record(Z: Factor, name: str) -> FactorRecord:
    header = f"{Z.dtype.str} {Z.shape[0]}x{Z.shape[1]}\n".encode()
    digest = hashlib.sha256(header)
    digest.update(np.ascontiguousarray(Z).data)
    return FactorRecord(name, str(Z.dtype), (Z.shape[0], Z.shape[1]), digest.hexdigest())


def _versions() -> tuple[tuple[str, str], ...]:
    from rankone import __version__

    return (
        ("rankone", __version__),
        ("numpy", np.__version__),
        ("scipy", scipy.__version__),
        ("python", platform.python_version()),
    )
