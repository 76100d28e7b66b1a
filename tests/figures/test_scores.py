"""The picture of sanity checks keeps its layout, names what it lacks, and is not too wide to be read."""

import warnings
from math import nan
from unittest import mock

import matplotlib.pyplot as plt
import pytest
from PIL import Image

from paper_figs import scores
from rankone.results.tables import FAILED, SANITY
from tests.helpers.sanity_rows import sanity_rows

MANY = {f"alpha_beta:{k + 1}:{k}": 0.1 * k for k in range(6)} | {"grad_cam:conv5_3": nan}


def drawn(path, rows, **options):
    """The figure, still open; every warning is an error."""
    table = SANITY.write(path / "sanity.csv", rows)
    with warnings.catch_warnings(), mock.patch.object(plt, "close"):
        warnings.simplefilter("error")
        scores.draw(table, path / "sanity.png", **options)
        return plt.gcf()


@pytest.mark.parametrize("protocol", ["corrected", "paper"])
@pytest.mark.parametrize("medians", [{"z_plus": 0.9}, MANY], ids=["one", "many"])
def test_every_method_has_a_line_and_a_panel_inside_the_picture(medians, protocol, tmp_path):
    figure = drawn(tmp_path, sanity_rows(medians, protocol=protocol))
    of_a, of_b = figure.subfigs[:2]
    names = [label.get_text() for label in of_a.axes[0].get_yticklabels()]
    assert len(names) == len(medians)
    titles = [axes.get_title() for axes in of_b.axes if axes.axison]
    assert titles == names
    width, height = figure.get_size_inches() * figure.dpi
    for axes in (*of_a.axes[:-1], *of_b.axes):
        box = axes.get_tightbbox()
        assert box.xmin >= 0 and box.xmax <= width and box.ymin >= 0 and box.ymax <= height
        assert axes.get_window_extent().height > 60
    assert len(figure.subfigs) == (2 if protocol == "paper" else 3)
    plt.close(figure)
    with Image.open(tmp_path / "sanity.png") as picture:
        assert picture.width <= 2400


def test_the_caption_is_in_the_picture_and_beside_it(tmp_path):
    rows = sanity_rows({"z_plus": 0.9, "gradient": 0.1}, protocol="paper")
    reason = "numbers: expected finite ones, got inf at block3_3; ask for --float64"
    failed = FAILED.write(tmp_path / "failed.csv", [{"method": "lrp_z", "reason": reason}])
    figure = drawn(tmp_path, rows, failed=failed)
    inside = " ".join(figure._supxlabel.get_text().split())
    beside = " ".join((tmp_path / "sanity.txt").read_text().split())
    assert inside == f"{beside} not shown: lrp_z ({reason})"
    assert beside.startswith("Asked for another class, 1 of 2 methods")
    plt.close(figure)


def legend(figure):
    return [text.get_text() for text in figure.subfigs[0].axes[-1].get_legend().get_texts()]


def test_the_legend_has_what_the_table_has(tmp_path):
    figure = drawn(tmp_path, sanity_rows({"z_plus": 0.9}, protocol="paper"))
    assert any("forward pass alone" in text for text in legend(figure))
    assert not any("could be compared" in text for text in legend(figure))
    plt.close(figure)
    figure = drawn(tmp_path, sanity_rows({"z_plus": nan}, forward_alone=nan, protocol="paper"))
    assert not any("forward pass alone" in text for text in legend(figure))
    assert any("could be compared" in text for text in legend(figure))
    plt.close(figure)


def test_images_that_could_not_be_compared_are_counted(tmp_path):
    rows = sanity_rows({"z_plus": 0.9, "gradient": 0.3}, protocol="paper")
    for row in rows:
        if row["method"] == "gradient" and row["stage"] == "conv":
            row["images"] = 3
    figure = drawn(tmp_path, rows)
    assert [axes.get_title() for axes in figure.subfigs[1].axes] == ["z⁺", "Gradient (3/8)"]
    labels = [label.get_text() for label in figure.subfigs[0].axes[0].get_yticklabels()]
    assert labels == ["z⁺", "Gradient"] and any("images whose maps can" in text for text in legend(figure))
    plt.close(figure)


def test_all_orders_and_many_stages_are_drawn(tmp_path):
    stages = [f"block{k // 9}_{k}.conv1" for k in range(42)]
    orders = ("top_down", "bottom_up")
    figure = drawn(tmp_path, sanity_rows({"z_plus": 0.9, "mine": 0.2}, stages=stages, orders=orders))
    assert len(figure.subfigs) == 1 + 2 * len(orders)
    labels = [label.get_text() for label in figure.subfigs[1].axes[0].get_xticklabels()]
    assert len(labels) <= scores.TICKS and labels[-1] == stages[-1]
    plt.close(figure)


def test_two_networks_or_protocols_are_refused(tmp_path):
    rows = [*sanity_rows({"z_plus": 0.9}), *sanity_rows({"z_plus": 0.9}, protocol="paper")]
    with pytest.raises(ValueError, match=r"protocol: expected one in a picture, got corrected, paper"):
        scores.draw(SANITY.write(tmp_path / "sanity.csv", rows), tmp_path / "sanity.png")


def test_a_quantised_picture_has_few_colours_and_fewer_bytes(tmp_path):
    table = SANITY.write(tmp_path / "sanity.csv", sanity_rows({"z_plus": 0.9}, protocol="paper"))
    with mock.patch.object(scores, "FEW", None):
        scores.draw(table, tmp_path / "all.png")
    scores.draw(table, tmp_path / "few.png")
    with Image.open(tmp_path / "few.png") as few, Image.open(tmp_path / "all.png") as every:
        assert few.size == every.size and len(few.convert("RGB").getcolors()) <= scores.FEW
    assert (tmp_path / "few.png").stat().st_size < 0.6 * (tmp_path / "all.png").stat().st_size
