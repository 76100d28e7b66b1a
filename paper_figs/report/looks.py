"""A method's look: colour and marker say its family, dashes which member it is.

The marker repeats what the colour says, so that curves stay apart in grey.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from paper_figs.style import ALPHA_BETA, LEARNED, NON_NEGATIVE, RECTIFIED, SIGNED


@dataclass(frozen=True)
class Family:
    """Methods that do one kind of thing.

    marker  an SVG path around 0, about 7 wide; shape the same in matplotlib's letters
    """

    words: str
    colour: str
    marker: str
    shape: str


GRADIENTS = Family("gradients", SIGNED, "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0Z", "o")
RECTIFIERS = Family("gradients through another rectifier", RECTIFIED, "M-3.2-3.2H3.2V3.2H-3.2Z", "s")
POSITIVE = Family("chains of non-negative matrices", NON_NEGATIVE, "M0-4.2L4 3.2H-4Z", "^")
SIGNS = Family("positive and negative parts", ALPHA_BETA, "M0-4.6L4.2 0L0 4.6L-4.2 0Z", "D")
SHARES = Family("shares of contributions, with signs", "#5c3d00", "M0 4.2L4-3.2H-4Z", "v")
PATTERNS = Family("patterns of the data", LEARNED, "M-1.4-4H1.4V-1.4H4V1.4H1.4V4H-1.4V1.4H-4V-1.4H-1.4Z", "P")
OTHERS = Family("other maps", "#5f6b76", "M-3.6-4L0-1.2L3.6-4L1.4 0L3.6 4L0 1.2L-3.6 4L-1.4 0Z", "X")

FAMILY = {
    "gradient": GRADIENTS,
    "gradient_times_input": GRADIENTS,
    "smooth_grad": GRADIENTS,
    "integrated_gradients": GRADIENTS,
    "deconv": RECTIFIERS,
    "guided_backprop": RECTIFIERS,
    "rectgrad": RECTIFIERS,
    "z_plus": POSITIVE,
    "deep_taylor": POSITIVE,
    "excitation_backprop": POSITIVE,
    "contrastive_excitation_backprop": POSITIVE,
    "alpha1_beta0": POSITIVE,
    "alpha_beta:1:0": POSITIVE,
    "alpha_beta": SIGNS,
    "alpha2_beta1": SIGNS,
    "alpha5_beta4": SIGNS,
    "lrp_cmp": SIGNS,
    "lrp_z": SHARES,
    "lrp_epsilon": SHARES,
    "lrp_gamma": SHARES,
    "deeplift_rescale": SHARES,
    "deeplift_reveal_cancel": SHARES,
    "deeplift_without_cross_terms": SHARES,
    "pattern_net": PATTERNS,
    "pattern_attribution": PATTERNS,
}
DASHES = ("", "8 4", "2 3", "9 3 2 3", "4 2", "12 3 2 3 2 3")


@dataclass(frozen=True)
class Look:
    """One method's curve. dash: of SVG, in pixels; hollow: of the second six of a family."""

    family: Family
    dash: str
    hollow: bool

    @property
    def dashes(self) -> tuple[float, ...]:
        """As matplotlib writes them, in points; () for a solid line."""
        return tuple(float(length) for length in self.dash.split())


def looks_of(methods: Sequence[str]) -> tuple[Look, ...]:
    """One for each method, by its name on the command line; no two are alike in a family of up to 12."""
    return tuple(_looks(methods))


def _looks(methods: Sequence[str]) -> Iterator[Look]:
    seen: Counter[str] = Counter()
    for method in methods:
        family = FAMILY.get(method) or FAMILY.get(method.partition(":")[0], OTHERS)
        member = seen[family.words]
        seen[family.words] += 1
        yield Look(family, DASHES[member % len(DASHES)], member // len(DASHES) % 2 == 1)
