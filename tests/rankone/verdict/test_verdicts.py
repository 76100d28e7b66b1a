"""Verdicts: monotone in the number judged, no flip at the null; a number in each; proofs before samples."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankone.verdict import (
    FAILS,
    HOLDS,
    NOT_JUDGED,
    QUESTIONS,
    THRESHOLDS,
    Bound,
    Direction,
    Likeness,
    Missing,
    OfClasses,
    Sameness,
    judged,
)
from rankone.verdict.thresholds import GAP, MOVES, NO_ROOM, PARALLEL, SAME

WHO = "z_plus on a network"
LIKENESSES = ("class", "weights", "image")
SAMENESSES = ("repeat", "batch")
ORDER = (HOLDS, NOT_JUDGED, FAILS)  # as a likeness grows
EXAMPLE = (
    "z_plus on a network: asking for another class moves at most 0.15 % of the map that arrives (proved for "
    "all 4 classes, 2 images). Do not use it to argue which class. Not judged: whether the map finds what "
    "the class is about."
)
shares = st.floats(0, 1)
rooms = st.floats(-0.2, NO_ROOM.value - 0.01)  # of a null, so that a score says something


def like(values, null, **more):
    return Likeness(WHO, "SSIM", np.asarray(values, float), np.asarray(null, float), **more)


def direction(median, low, high, null=0.9):
    return Direction(WHO, "fc", "conv", 8, median, low, high, null, 0.0)


def same(*gaps):
    return Sameness(WHO, np.asarray(gaps, float), "repeat_gap")


# ---------------------------------------------------------------- monotone, and no flip at the null


@given(st.lists(shares, min_size=6, max_size=9), rooms, st.floats(0, 1))
def test_maps_that_are_more_alike_never_pass_where_others_failed(values, null, more):
    raised = [v + more * (1 - v) for v in values]
    for question in LIKENESSES:
        before, after = (judged(question, like(v, [null] * len(v))).state for v in (values, raised))
        assert ORDER.index(after) >= ORDER.index(before)


@given(st.lists(rooms, min_size=6, max_size=9), st.floats(-1e-6, 1e-6))
def test_no_state_flips_where_the_score_is_its_null(null, off):
    for question in LIKENESSES:
        assert judged(question, like(np.array(null) + off, null)).state == HOLDS


@given(shares, st.floats(0, 0.5))
def test_a_larger_bound_never_fails_where_a_smaller_one_did_not(worst, more):
    def state(moves):
        return judged(
            "class", OfClasses((Bound(WHO, np.array([moves]), 4, "proved"),), like([0.5] * 8, [0.1] * 8))
        )

    assert not (state(worst).state == HOLDS and state(worst + more).state == FAILS)


@given(st.floats(1e-12, 1), st.floats(1, 1e6))
def test_directions_that_differ_more_never_fail_where_others_passed(median, factor):
    before, after = (judged("collapse", direction(m, m, m)).state for m in (median, median * factor))
    assert ORDER.index(after) <= ORDER.index(before)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.floats(1, 10))
def test_larger_gaps_never_pass_where_smaller_ones_failed(gaps, factor):
    for question in SAMENESSES:
        before, after = (judged(question, same(*g)).state for g in (gaps, [factor * x for x in gaps]))
        assert not (before == FAILS and after == HOLDS)


# ---------------------------------------------------------------- each state is reached, at its threshold


@pytest.mark.parametrize("question", LIKENESSES)
def test_the_same_map_fails_and_another_one_holds(question):
    assert judged(question, like([0.97] * 8, [0.1] * 8)).state == FAILS
    assert judged(question, like([0.5] * 8, [0.1] * 8)).state == HOLDS
    at = SAME.value + 0.1 * (1 - SAME.value)  # beyond chance exactly SAME
    assert judged(question, like([at + 1e-9] * 8, [0.1] * 8)).state == FAILS
    assert judged(question, like([at - 1e-9] * 8, [0.1] * 8)).state == HOLDS


def test_directions_and_gaps_at_their_thresholds():
    edge = PARALLEL.value
    assert judged("collapse", direction(edge, edge, edge)).state == FAILS
    assert judged("collapse", direction(edge, edge * 1.01, edge * 1.01)).state == HOLDS
    for question in SAMENESSES:
        assert judged(question, same(0.0, GAP.value)).state == HOLDS
        assert judged(question, same(0.0, GAP.value * 1.01)).state == FAILS


# ---------------------------------------------------------------- not judged, with the reason


NOT = [
    (like([0.97] * 5, [0.1] * 5), "5 images are too few"),
    (like([0.97], [0.1]), "1 image is too few: it takes six"),
    (like([0.97] * 3 + [np.nan] * 5, [0.1] * 8), "maps of 5 of 8 images cannot be compared"),
    (like([], []), "maps of 0 of 0 images cannot be compared"),
    (like([0.99] * 8, [0.95] * 8), "unrelated maps agree by more than 0.9"),
    (like([0.97] * 4 + [0.2] * 4, [0.1] * 8), "the images disagree"),
    (Missing(WHO, "it overflows in float64, too"), "it overflows in float64, too"),
]


@pytest.mark.parametrize(("numbers", "reason"), NOT)
@pytest.mark.parametrize("question", LIKENESSES)
def test_what_scores_cannot_decide_is_not_judged_and_says_why(question, numbers, reason):
    verdict = judged(question, numbers)
    assert verdict.state == NOT_JUDGED and reason in verdict.reason
    assert "Not judged whether the map depends on " in verdict.sentence and verdict.reason in verdict.sentence


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        (direction(np.nan, np.nan, np.nan), "no pair of random starts at fc arrives at conv"),
        (direction(1e-9, 1e-9, 1e-9, null=0.0), "any two starts are parallel there"),
        (direction(1e-9, np.nan, np.nan), "one image is too few"),
        (direction(1e-3, 1e-9, 1e-1), "the images disagree: 1e-09 to 0.1"),
    ],
)
def test_a_collapse_that_cannot_be_seen_is_not_judged(numbers, reason):
    verdict = judged("collapse", numbers)
    assert verdict.state == NOT_JUDGED and reason in verdict.sentence


def test_gaps_of_maps_that_cannot_be_compared_are_not_judged():
    assert judged("batch", same(np.nan, np.nan, 0)).state == NOT_JUDGED
    assert judged("batch", same(np.nan, 0, 0)).state == HOLDS
    assert judged("repeat", same()).state == NOT_JUDGED


# ---------------------------------------------------------------- bounds before samples


def test_a_proof_beats_what_float64_finds_and_both_beat_a_sample():
    sample = like([0.2] * 8, [0.1] * 8, basis="sampled over 1 class")
    proved = Bound(WHO, np.array([0.0015] * 3), 4, "proved", "certified_total_variation")
    found = Bound(WHO, np.array([0.001] * 3), 4, "all classes", "total_variation")
    first = judged("class", OfClasses((proved, found), sample))
    assert (first.state, first.basis, first.quantity) == (FAILS, "proved", "certified_total_variation")
    assert judged("class", OfClasses((found,), sample)).basis == "all classes"
    loose = replace(proved, values=np.array([0.5] * 3))
    assert judged("class", OfClasses((loose, found), sample)).basis == "all classes"
    assert judged("class", OfClasses((loose,), sample)).basis == "sampled over 1 class"
    assert judged("class", OfClasses((), Missing(WHO, "no such class"))).reason == "no such class"


def test_a_bound_is_the_largest_over_images_rounded_up():
    bound = Bound(WHO, np.array([0.001, np.nan, 0.001411]), 4, "proved")
    verdict = judged("class", OfClasses((bound,), Missing(WHO, "not asked")))
    assert verdict.value == 0.001411
    assert verdict.sentence == EXAMPLE


def test_what_is_proved_of_one_image_is_not_said_where_another_image_moves():
    proved = Bound(WHO, np.array([0.01, np.nan]), 4, "proved")
    found = Bound(WHO, np.array([0.009, 0.4]), 4, "all classes")
    scores = like([0.2] * 8, [0.1] * 8)
    assert judged("class", OfClasses((proved, found), scores)).state == HOLDS
    assert (
        judged("class", OfClasses((proved, replace(found, values=np.array([0.009, 0.05]))), scores)).state
        == FAILS
    )


def test_a_bound_says_of_how_many_classes_it_knows_nothing():
    bound = Bound(WHO, np.array([0.001]), 3, "proved", silent=1)
    verdict = judged("class", OfClasses((bound,), Missing(WHO, "not asked")))
    assert "(proved for all 3 classes whose relevance reaches the image, of 4, 1 image)" in verdict.measured


def test_a_map_that_moves_by_the_threshold_fails_and_by_more_is_left_to_the_scores():
    scores = like([0.2] * 8, [0.1] * 8)
    for moves, state in ((MOVES.value, FAILS), (MOVES.value * 1.001, HOLDS)):
        assert (
            judged("class", OfClasses((Bound(WHO, np.array([moves]), 4, "proved"),), scores)).state == state
        )


# ---------------------------------------------------------------- every verdict names its number


def numbers_of(question):
    if question == "collapse":
        return direction(2e-5, 1e-5, 3e-5), "2e-05", "0.9"
    if question in SAMENESSES:
        return same(0.0, 0.125), "0.13", "0.0039"
    return like([0.973] * 8, [0.128] * 8), "0.97", "0.13"


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_sentence_names_its_subject_its_number_and_its_null(question):
    numbers, value, null = numbers_of(question)
    verdict = judged(question, numbers)
    assert verdict.sentence.startswith(f"{WHO}: ")
    assert value in verdict.measured and null in verdict.null
    for part in (verdict.measured, verdict.null, verdict.consequence, verdict.limit):
        assert part and part in verdict.sentence
    assert verdict.limit.startswith("Not judged: ")


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_verdict_is_json_with_the_keys_of_the_summary(question):
    for numbers in (numbers_of(question)[0], Missing(WHO, "it failed")):
        said = judged(question, numbers).as_json()
        assert json.loads(json.dumps(said, allow_nan=False)) == said
        assert set(said) == {
            *(
                "question",
                "state",
                "basis",
                "sentence",
                "subject",
                "measured",
                "null",
                "consequence",
                "limit",
            ),
            *("quantity", "value", "low", "high", "null_value", "threshold", "reason"),
        }
        assert (said["reason"] is None) == (said["state"] != NOT_JUDGED)


def test_every_threshold_says_why():
    for threshold in THRESHOLDS.values():
        assert 0 < threshold.value <= 1 and len(threshold.why) > 40


def test_a_question_that_there_is_not_is_refused():
    with pytest.raises(KeyError):
        judged("beauty", Missing(WHO, "nothing"))
