"""What follows from an answer, and what it leaves open, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rankone.verdict.verdict import FAILS, HOLDS, NOT_JUDGED


@dataclass(frozen=True)
class Wording:
    """whether: the question; asked: what was done; holds, fails: what follows; limit: what nobody has judged
    by it.
    """

    whether: str
    asked: str
    holds: str
    fails: str
    limit: str

    def consequence(self, state: str, reason: str) -> str:
        """What follows from a state; where it was not judged, the reason."""
        not_judged = f"Not judged whether {self.whether}: {reason}."
        return {HOLDS: self.holds, FAILS: self.fails, NOT_JUDGED: not_judged}[state]


WORDING: Mapping[str, Wording] = {
    "class": Wording(
        "the map depends on the class",
        "asked for another class",
        "It can be used to compare classes.",
        "Do not use it to argue which class.",
        "Not judged: whether the map finds what the class is about.",
    ),
    "weights": Wording(
        "the map depends on what was learned",
        "with all its weights drawn anew",
        "It depends on what the network has learned.",
        "Do not use it to argue what the network has learned.",
        "Not judged: whether it shows what was learned rightly.",
    ),
    "image": Wording(
        "the map depends on the image",
        "for another image",
        "It depends on the image.",
        "Do not show it as the explanation of an image.",
        "Not judged: whether it depends on more than edges and brightness.",
    ),
    "collapse": Wording(
        "directions differ when relevance arrives",
        "random relevance from above",
        "Directions over channels still tell where relevance started.",
        "Do not read its direction over channels: it is the same wherever relevance started.",
        "Not judged: how relevance is spread over locations.",
    ),
    "repeat": Wording(
        "the map is the same the next time",
        "computed once more",
        "It can be computed again.",
        "Do not show one map: it is another the next time.",
        "Not judged: other machines, devices and versions.",
    ),
    "batch": Wording(
        "the map is the same in a batch",
        "computed in a batch with other images",
        "It does not depend on the batch.",
        "Do not compute it in batches: it is not the map of the image alone, be it by the images beside it "
        "or by rounding (--float64 tells).",
        "Not judged: other batch sizes.",
    ),
}
