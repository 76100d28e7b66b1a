"""What may be said of an attribution method: questions, each answered in words with the number behind it.

    judged("weights", Likeness("z_plus on mri-vgg16", "SSIM", values, null))   # a Verdict

verdict     the answer: its state, its sentence in parts, its numbers: Verdict; HOLDS, FAILS, NOT_JUDGED
likeness    does the map become another one: class, weights, image: Likeness
bound       how much of the map any class moves, where that is bounded for all classes: Bound
direction   do directions differ when relevance arrives: collapse: Direction
sameness    is it the same map again: repeat, batch: Sameness
question    which of the QUESTIONS has which answer: judged; OfClasses, Missing
wording     what follows from an answer, and what it leaves open
thresholds  where one state ends and another begins, with the reasons: THRESHOLDS
"""

from rankone.verdict.bound import Bound
from rankone.verdict.direction import Direction
from rankone.verdict.likeness import Likeness
from rankone.verdict.question import QUESTIONS, Missing, OfClasses, judged
from rankone.verdict.sameness import Sameness
from rankone.verdict.thresholds import THRESHOLDS
from rankone.verdict.verdict import FAILS, HOLDS, NOT_JUDGED, Verdict

__all__ = [
    "FAILS",
    "HOLDS",
    "NOT_JUDGED",
    "QUESTIONS",
    "THRESHOLDS",
    "Bound",
    "Direction",
    "Likeness",
    "Missing",
    "OfClasses",
    "Sameness",
    "Verdict",
    "judged",
]
