"""A caption says what its table holds, whatever that is."""

from math import nan

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from paper_figs import sanity_caption
from tests.helpers.sanity_rows import sanity_rows

MEDIANS = st.dictionaries(
    st.sampled_from(["gradient", "z_plus", "lrp_z", "deconv", "mine"]),
    st.one_of(st.just(nan), st.floats(-1, 1)),
    min_size=1,
)


def of(medians, **more):
    return sanity_caption.of_scores(sanity_rows(medians, **more), "ssim_flip")


@given(MEDIANS, st.sampled_from([0.05, nan]))
def test_the_methods_that_a_caption_counts_are_those_whose_numbers_say_so(medians, half):
    known = [m for m in medians.values() if m == m]
    text = of(medians, half=half)
    if not known:
        assert text.count("no map could be compared") == 2
        return
    lows = [m if half != half else m - half for m in known]
    by = "by their medians" if half != half else "at 99 %"
    stays = sum(low > 0.2 for low in lows)
    said = f"{stays} of {len(known)} methods agree with the original more than chance {by}:"
    assert text.count(said) == 2
    assert f"SSIM {max(known):.2f} (independent maps 0.20)" in text
    assert f"{sum(m <= 0.4 for m in known)} of {len(known)} methods do not exceed" in text
    assert f"of the {len(known)} chains {sum(m <= 0.3 for m in known)} agree as much" in text


def test_a_caption_of_other_numbers_is_another():
    one = of({"gradient": 0.21, "z_plus": 0.98})
    assert "1 of 2 methods agree with the original more than chance at 99 %" in one
    assert "most z⁺ has SSIM 0.98 (independent maps 0.20), least Gradient 0.21" in one
    assert "2 of 2 methods agree" in of({"gradient": 0.31, "z_plus": 0.98})
    assert "least Gradient" not in of({"gradient": 0.99, "z_plus": 0.98})


def test_a_caption_says_where_intervals_lack():
    rows = sanity_rows({"gradient": 0.3, "z_plus": 0.9})
    for row in rows:
        if row["method"] == "gradient":
            row["low"] = nan
    text = sanity_caption.of_scores(rows, "ssim_flip")
    assert (
        "2 of 2 methods agree with the original more than chance at 99 %, or with too few images by" in text
    )


def test_no_sentence_is_longer_than_what_the_table_knows():
    kept = of({"grad_cam:conv5_3": 0.5}, forward_alone=nan)
    assert "chains" not in kept and "Grad-CAM conv5_3 has SSIM 0.50" in kept
    assert "No weights were destroyed" in of({"z_plus": 0.5}, orders=())
    assert "from the image up to conv" in of({"z_plus": 0.5}, orders=("bottom_up", "top_down"))


def test_what_is_not_known_of_the_controls_is_not_said():
    text = of({"z_plus": 0.5}, another=nan)
    assert "two images" not in text and "of the 1 chains 0 agree as much" in text
    assert "There are no controls" in of({"z_plus": 0.5}, another=nan, forward_alone=nan)
    assert "Under another class, 1 of 1 methods do not exceed" in of({"z_plus": 0.3}, orders=())
    assert "no map could be compared" in of({"z_plus": 0.3}, null=nan)


def maps(scores, condition):
    shape = np.shape(scores)
    return {
        "columns": np.array(["trained", "another class", "fc", "conv"]),
        "methods": np.array(["gradient", "z_plus"]),
        "scores": np.array(scores),
        "null": np.full(shape, 0.2),
        "condition": np.array(condition),
        "score": np.array("ssim_flip"),
    }


def test_a_caption_of_maps_counts_those_that_cannot_be_compared():
    fine = [["fine"] * 4] * 2
    scores = [[nan, 0.1, 0.5, 0.9], [nan, 0.99, 0.5, 0.3]]
    text = sanity_caption.of_maps(maps(scores, fine))
    assert "1 of 2 methods give a map more like the original" in text
    assert "most z⁺ has SSIM 0.99 (independent maps 0.20), least Gradient 0.10" in text
    assert "down to conv, 2 of 2 methods" in text and "All 8 maps can be compared" in text
    bad = [["fine", "zero", "fine", "sparse"], ["fine", "zero", "not finite", "fine"]]
    scores = [[nan, nan, 0.5, 0.9], [nan, nan, nan, 0.3]]
    text = sanity_caption.of_maps(maps(scores, bad))
    assert "Asked for another class, no map could be compared" in text
    assert "3 of the 8 maps cannot be compared (2 zero, 1 not finite)" in text
