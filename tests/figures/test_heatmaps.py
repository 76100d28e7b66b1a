"""Maps in rows of methods: what cannot be compared is a crossed box with its reason."""

import warnings
from math import nan
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from paper_figs import heatmaps
from rankone.results.arrays import SANITY_MAPS
from rankone.results.tables import FAILED
from simulations.sanity_maps import as_drawn


def arrays(methods=2, columns=("trained", "another class", "fc", "conv")):
    shape = (methods, len(columns))
    condition = np.full(shape, "fine", dtype="<U12")
    return {
        "picture": np.random.default_rng(0).random((3, 9, 9)),
        "methods": [f"alpha_beta:{k + 1}:{k}" for k in range(methods)],
        "columns": columns,
        "maps": np.random.default_rng(1).uniform(0, 1, (*shape, 9, 9)),
        "signed": [k % 2 == 1 for k in range(methods)],
        "condition": condition,
        "scores": np.where(np.arange(len(columns)) == 0, nan, np.full(shape, 0.75)),
        "null": np.full(shape, 0.25),
        "score": "ssim_flip",
        "model": "a network (its weights), 1 photograph",
        "protocol": "corrected",
    }


def drawn(path, data, **options):
    file = SANITY_MAPS.write(path / "maps.npz", **data)
    with warnings.catch_warnings(), mock.patch.object(plt, "close"):
        warnings.simplefilter("error")
        heatmaps.draw(file, path / "maps.png", **options)
        return plt.gcf()


@pytest.mark.parametrize("methods", [1, 7])
def test_a_row_per_method_a_column_per_layer(methods, tmp_path):
    figure = drawn(tmp_path, arrays(methods))
    shown = [axes for axes in figure.axes if axes.images and axes.images[0].get_array().ndim == 2]
    assert len(shown) == 4 * methods
    assert "LRP α1β0" in [text.get_text() for axes in figure.axes for text in axes.texts]
    assert any(axes.get_title() == "another class\n0.75 (0.25)" for axes in shown)
    width, _ = figure.get_size_inches() * 150
    assert width <= 2400 and "a network (its weights), 1 photograph" in figure._suptitle.get_text()
    plt.close(figure)


def test_what_cannot_be_compared_is_a_crossed_box_with_its_reason(tmp_path):
    data = arrays()
    data["condition"][1, 2], data["maps"][1, 2], data["scores"][1, 2] = "not finite", nan, nan
    reason = "numbers: expected finite ones, got inf; ask for --float64"
    failed = FAILED.write(tmp_path / "failed.csv", [{"method": "lrp_z", "reason": reason}])
    figure = drawn(tmp_path, data, failed=failed)
    boxes = [a for a in figure.axes if "not finite" in [text.get_text() for text in a.texts]]
    assert len(boxes) == 1 and boxes[0].lines and not boxes[0].images
    assert "1 of the 8 maps cannot be compared (1 not finite)" in (tmp_path / "maps.txt").read_text()
    assert "not shown: lrp_z" in figure._supxlabel.get_text()
    plt.close(figure)


def test_maps_are_drawn_between_the_ends_that_the_legend_names():
    maps = torch.randn(3, 40, 50, generator=torch.Generator().manual_seed(0)).double()
    drawn_, signed = as_drawn(maps)
    assert signed and drawn_.abs().max() == 1
    high = np.percentile(maps[1].abs().numpy(), 99.5)
    np.testing.assert_allclose(drawn_[1], np.clip(maps[1].numpy() / high, -1, 1), atol=1e-12)
    drawn_, signed = as_drawn(maps.abs())
    low, high = np.percentile(maps[2].abs().numpy(), [0.5, 99.5])
    np.testing.assert_allclose(
        drawn_[2], np.clip((maps[2].abs().numpy() - low) / (high - low), 0, 1), atol=1e-12
    )
    assert not signed


def test_zero_and_sparse_maps_stay_in_range():
    maps = torch.zeros(2, 40, 50).double()
    maps[1, 3, 4:6] = torch.tensor([2.0, 5.0])
    drawn_, signed = as_drawn(maps)
    assert not signed and drawn_.max() == 1 and (drawn_[0] == 0).all() and drawn_[1, 3, 4] == 0.4
    assert as_drawn(-maps)[0].min() == -1
