"""The words of a network certificate: what its claims say, and how each was found.

Producer and verifier share these and nothing else.
"""

FORMAT = "rankone network certificate 1"
INFINITE = "infinite"  # a bound beyond the floats, or none
RULES = ("z_plus", "excitation_backprop", "z_b", "w_square", "flat")
COLUMNS = (
    "units",
    "channels",
)  # what a column of the start is: one unit, or a channel spread evenly over space
ROUTES = {
    "pairs": "the largest over all pairs of columns, which span the cone of all maps; a share's change from "
    "the largest and the smallest share of each unit",
    "shares": "from the largest and the smallest share of each unit over all columns: e^R is their largest "
    "quotient, and Hilbert's distance at most 2 R",
    "envelope": "from the largest and the smallest share of each unit at the layer above, carried down: e^ρ "
    "is the largest quotient of the two, and Hilbert's distance at most 2 ρ",
}
_TWO = "for all non-negative starts u, v that reach the layer: "
_BELOW = "at every layer below that all relevance passes, for all non-negative starts u, v that reach it: "
STATEMENTS = {
    "least_mass": "of relevance 1 on columns that are not silent at least the bound arrives at the layer",
    "most_mass": "of relevance 1 on columns that are not silent at most the bound arrives at the layer",
    "share": _TWO + "a unit's share of the relevance at the layer for u exceeds its share for v by at most "
    "the bound, relatively",
    "one_minus_cos": _TWO + "1 - cos of the angle between their maps at the layer is at most the bound",
    "angle": _TWO + "the angle between their maps at the layer, in radians, is at most the bound",
    "total_variation": _TWO + "½ Σ |p_i - q_i| is at most the bound, p, q being their maps over their sums",
    "hilbert_diameter": _TWO + "Hilbert's distance between their maps at the layer is at most the bound",
    "share_below": _BELOW + "a unit's share for u exceeds its share for v by at most the bound, relatively",
    "one_minus_cos_below": _BELOW + "1 - cos of the angle between their maps is at most the bound",
    "total_variation_below": _BELOW + "½ Σ |p_i - q_i| is at most the bound",
}
MASSES = ("least_mass", "most_mass")  # not claimed of an envelope, which knows no amounts
UNLIMITED = ("share", "hilbert_diameter", "share_below", "most_mass")  # may be infinite


def claims_of(route: str) -> tuple[str, ...]:
    """The names of the claims that a layer found by this route makes, all of them."""
    return tuple(name for name in STATEMENTS if route != "envelope" or name not in MASSES)
