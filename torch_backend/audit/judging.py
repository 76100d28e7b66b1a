"""What may be said of a method: the numbers of an audit that each question is judged by (rankone.verdict)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rankone.verdict import (
    QUESTIONS,
    Bound,
    Direction,
    Likeness,
    Missing,
    OfClasses,
    Sameness,
    Verdict,
    judged,
)
from rankone.verdict.question import Numbers
from rankone.verdict.thresholds import UNDEFINED
from torch_backend.audit.measured.convergence import NAME as CONVERGENCE
from torch_backend.audit.measured.image import NAME as IMAGE
from torch_backend.audit.measured.other_classes import NAME as OTHER_CLASSES
from torch_backend.audit.measured.repeats import NAME as REPEATS
from torch_backend.audit.measured.values import Values
from torch_backend.audit.measured.weights import NAME as WEIGHTS

SCORE = "ssim_flip"  # the paper's, of either sign; of all scores it tells the known methods apart best
SCORE_NAME = "SSIM of either sign"
MEASUREMENT = {
    "class": OTHER_CLASSES,
    "weights": WEIGHTS,
    "image": IMAGE,
    "collapse": CONVERGENCE,
    "repeat": REPEATS,
    "batch": REPEATS,
}
QUANTITY = {"class": "logit", "weights": "cascade", "image": "another", "collapse": "csc"}
GAPS = {"repeat": "repeat_gap", "batch": "batch_gap"}
NO_CHAIN = "it hands nothing down from layer to layer"

Floats = NDArray[np.float64]


def verdicts(
    values: Values, method: str, subject: str, classes: int | None, closely: int, why_not: Mapping[str, str]
) -> tuple[Verdict, ...]:
    """One for each question. subject: the method and the network in words; classes: of the network, None
    where nothing is known of those that were not asked for; closely: images that were looked at layer by
    layer; why_not: why the method has no numbers of a measurement, by its name.
    """
    m = values.place("method", method)
    numbers = (_numbers(values, m, q, subject, classes, closely, why_not) for q in QUESTIONS)
    return tuple(judged(question, found) for question, found in zip(QUESTIONS, numbers, strict=True))


def _numbers(
    values: Values,
    m: int,
    question: str,
    subject: str,
    classes: int | None,
    closely: int,
    why_not: Mapping[str, str],
) -> Numbers:
    if why := why_not.get(MEASUREMENT[question]):
        missing = Missing(subject, why, QUANTITY.get(question) or GAPS[question])
        bounds = _bounds(values, m, subject, classes) if question == "class" else ()
        return OfClasses(bounds, missing) if bounds else missing
    match question:
        case "class":
            return OfClasses(_bounds(values, m, subject, classes), _of_classes(values, m, subject, classes))
        case "weights":
            return _of_weights(values, m, subject)
        case "image":
            return _of_images(values, m, subject)
        case "collapse":
            return _of_directions(values, m, subject, closely)
    return _of_repeats(values, m, subject, GAPS[question], closely)


def _of_classes(values: Values, m: int, subject: str, classes: int | None) -> Likeness | Missing:
    if (scores := _scores(values, "logit", m)) is None:
        why = "the network has one class only" if classes == 1 else "no other class was asked for"
        return Missing(subject, why, "logit")
    known = (~np.isnan(scores)).sum(1)
    few = scores.shape[1] - known > UNDEFINED.value * scores.shape[1]
    count = int(known[~few].min()) if not few.all() else scores.shape[1]  # in each image
    of = f"sampled over {count} {'class' if count == 1 else 'classes'}"
    basis = "all classes" if classes is not None and count == classes - 1 else of
    values_of_images = np.where(few, np.nan, middle(scores, 1))
    null = _scores(values, "logit_null", m)
    return Likeness(subject, SCORE_NAME, values_of_images, middle(null, 1), basis, "", "logit")


def _of_weights(values: Values, m: int, subject: str) -> Likeness | Missing:
    if (scores := _scores(values, "cascade", m)) is None:
        return Missing(subject, "no weights were destroyed", "cascade")
    null, lowest = _scores(values, "cascade_null", m), values.coordinates["stage"][-1]
    found = middle(scores[-1], 0), middle(null[-1], 0)
    return Likeness(subject, SCORE_NAME, *found, "measured", f"down to {lowest}", "cascade")


def _of_images(values: Values, m: int, subject: str) -> Likeness | Missing:
    if len(values.coordinates["image"]) < 2:
        return Missing(subject, "there is one image only", "another")
    scores, null = _scores(values, "another", m), _scores(values, "another_null", m)
    return Likeness(subject, SCORE_NAME, scores, null, quantity="another")


def _of_directions(values: Values, m: int, subject: str, closely: int) -> Direction | Missing:
    """From the topmost start, at the lowest layer above the image."""
    layer = len(values.coordinates["layer"]) - 2
    numbers = {name: values.arrays[name][m, 0, layer] for name in _CSC if name in values.arrays}
    if len(numbers) < len(_CSC) or layer < 1:
        return Missing(subject, "no layer lies between the output and the image", "csc")
    median, low, high, null, missing = (float(numbers[name]) for name in _CSC)
    start, where = values.coordinates["start"][0], values.coordinates["layer"][layer]
    return Direction(subject, start, where, closely, median, low, high, null, missing)


_CSC = ("csc", "csc_low", "csc_high", "csc_null", "csc_missing")


def _of_repeats(values: Values, m: int, subject: str, name: str, closely: int) -> Sameness | Missing:
    if name == GAPS["batch"] and len(values.coordinates["image"]) < 2:
        return Missing(subject, "there is one image only", name)
    return Sameness(subject, _array(values, name)[m, :closely], name)


def _bounds(values: Values, m: int, subject: str, classes: int | None) -> tuple[Bound, ...]:
    """What is proved of the map at the image, and what float64 finds for all classes."""
    found = []
    for name, counts, basis in OF_ALL_CLASSES:
        at_image = _array(values, name)[m, :, -1]
        if not np.isnan(at_image).all():
            compared = int(values.arrays[counts][m, ~np.isnan(at_image), -1].min())
            silent = 0 if classes is None else classes - compared
            found.append(Bound(subject, at_image, compared, basis, name, silent))
    return tuple(found)


OF_ALL_CLASSES = (
    ("certified_total_variation", "certified_classes", "proved"),
    ("total_variation", "classes_compared", "all classes"),
)


def _array(values: Values, name: str) -> Floats:
    """A variable, NaN where it was not measured."""
    return np.asarray(values.arrays[name] if name in values.arrays else values.empty(name), dtype=np.float64)


def _scores(values: Values, name: str, m: int) -> Floats | None:
    """A variable of a method by SCORE, without its last axis; None where it was not measured at all."""
    if name not in values.arrays:
        return None
    return np.asarray(values.arrays[name][m, ..., values.place("score", SCORE)])


def middle(scores: Floats, axis: int) -> Floats:
    """The median along an axis, of what is known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all-NaN rows are NaN
        return np.asarray(np.nanmedian(scores, axis=axis))
