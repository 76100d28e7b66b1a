"""What is claimed at a layer, from what was measured there in binary64, with room for every honest verifier.

The logarithm R or ρ of a quotient of k-fold rounded numbers is measured up to 2 (-ln(1 - γ_k)); a verifier
may be off as much the other way, and adds as much for itself. So six times -ln(1 - γ_k) are allowed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from rankone.proof.column_pairs import LIBM, Extremes, finite
from rankone.proof.network import Layer
from rankone.proof.network_rounding import ROOM, delta
from rankone.proof.network_words import claims_of
from rankone.proof.rounding import UNIT_ROUNDOFF, gamma, outward, round_up


@dataclass(frozen=True)
class Measured:
    """Of all columns at one layer of n units, in binary64: log_ratio R = max_i ln(max_j p_ij / min_j p_ij) of
    the shares of columns that are not silent, ≥ 0 or infinite; their least and most mass; the silent ones.
    """

    n: int
    log_ratio: float
    least: float
    most: float
    silent: tuple[int, ...]


def layer_of_pairs(node: str, measured: Measured, k: int, extremes: Extremes) -> Layer:
    """The claims at `node`, from all pairs of columns.

    k: K of the node. extremes: `column_pairs.floating_extremes(C, network_rounding.allowance(k, n))` of the
    columns C (n, V) that are not silent.
    """
    return _of_columns(node, "pairs", measured, k, extremes)


def layer_of_shares(node: str, measured: Measured, k: int) -> Layer:
    """The claims at `node`, from the largest and smallest shares alone: Δ ≤ 2 R."""
    return _of_columns(node, "shares", measured, k, None)


def layer_of_envelope(node: str, above: Layer, log_ratio: float, k: int) -> Layer:
    """The claims at `node`, from the envelope of `above`, carried down: Δ ≤ 2 ρ.

    log_ratio: ρ = max_i ln(h_i / l_i) as measured. k: K of the node, counted from `above` on.
    """
    rho = _allowed(log_ratio, k)
    bounds = _bounds(2 * rho, _from_diameter(2 * rho))
    return _layer(node, "envelope", above.node, above.silent, k, bounds)


def layer_of_one(node: str, measured: Measured, k: int) -> Layer:
    """The claims at `node` where all but one column are silent: all maps are the same."""
    nothing = dict.fromkeys(claims_of("envelope"), 0.0)
    return _layer(node, "shares", None, measured.silent, k, {**_masses(measured, k), **nothing})


def _of_columns(node: str, route: str, measured: Measured, k: int, extremes: Extremes | None) -> Layer:
    R = _allowed(measured.log_ratio, 2 * k + measured.n + 1)
    bounds = _bounds(R, extremes or _from_diameter(2 * R))
    return _layer(node, route, None, measured.silent, k, {**_masses(measured, k), **bounds})


def _layer(
    node: str, route: str, above: str | None, silent: tuple[int, ...], k: int, bounds: dict[str, float]
) -> Layer:
    return Layer(node, route, above, silent, k, delta(k), {name: bounds[name] for name in claims_of(route)})


def _allowed(log_ratio: float, k: int) -> float:
    """An upper bound of a logarithm that was measured of numbers with k rounding errors."""
    slack = round_up(*(6 * gamma(k) / (1 - gamma(k)) + ROOM * UNIT_ROUNDOFF).as_integer_ratio())
    return outward(log_ratio * (1 + 8 * LIBM) + slack)


def _masses(measured: Measured, k: int) -> dict[str, float]:
    off = float(6 * gamma(k + measured.n) + ROOM * UNIT_ROUNDOFF)
    return {"least_mass": max(measured.least * (1 - off), 0.0), "most_mass": measured.most * (1 + off)}


def _from_diameter(diameter: float) -> Extremes:
    """What Hilbert's Δ leaves to the angle, cos ≥ 1 / cosh(Δ/2), and to total variation, ≤ tanh(Δ/4)."""
    share = math.tanh(diameter / 4)
    return Extremes(2 * math.atan(share), share, diameter)


def _bounds(log_share: float, extremes: Extremes) -> dict[str, float]:
    """Every claim but the masses, moved outward."""
    extremes = replace(extremes, diameter=finite(extremes.diameter))
    below = _from_diameter(extremes.diameter)
    return {
        "share": outward(math.expm1(log_share)) if finite(log_share) < math.inf else math.inf,
        "one_minus_cos": min(outward(2 * math.sin(extremes.angle / 2) ** 2), 1.0),
        "angle": outward(extremes.angle),
        "total_variation": min(outward(extremes.total_variation), 1.0),
        "hilbert_diameter": outward(extremes.diameter),
        "share_below": outward(math.expm1(extremes.diameter)) if extremes.diameter < math.inf else math.inf,
        "one_minus_cos_below": min(outward(2 * math.sin(below.angle / 2) ** 2), 1.0),
        "total_variation_below": min(outward(below.total_variation), 1.0),
    }
