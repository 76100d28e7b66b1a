"""The picture of certificates: the worst image at each layer, ∞ at the edge, zeros at a floor."""

import warnings
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np

from paper_figs import certificate
from rankone.results.table import ALL_DIGITS, WHOLE
from rankone.results.tables import CERTIFIED

LAYERS = ("fc1", "conv1", "input")


def row(image: int, layer: str, share: float) -> dict[str, object]:
    numbers = {c.name: 0.5 for c in CERTIFIED.columns if c.format is ALL_DIGITS}
    whole = {c.name: 1 for c in CERTIFIED.columns if c.format is WHOLE}
    words = {"model": "net", "method": "z_plus", "start": "logits", "layer": layer, "route": "pairs"}
    return {**numbers, **whole, **words, "image": image, "share": share}


def test_the_worst_image_is_drawn(tmp_path):
    shares = {"fc1": (np.inf, 1.0), "conv1": (0.25, 0.75), "input": (0.0, 0.0)}
    rows = [row(k, layer, shares[layer][k]) for k in range(2) for layer in LAYERS]
    table = CERTIFIED.write(tmp_path / "c.csv", rows)
    with mock.patch.object(plt, "close"):
        certificate.draw(table, tmp_path / "c.png")
        axes = plt.gcf().axes[-1]
    certified, infinite = axes.lines[0], axes.lines[1]
    np.testing.assert_array_equal(certified.get_xydata(), [[1, 0.75], [2, certificate.FLOOR]])
    assert infinite.get_xdata().tolist() == [0]
    plt.close("all")


def test_what_was_not_sampled_leaves_a_gap():
    rows = [{"layer": layer, "sampled": np.nan if layer == "conv1" else 0.5} for layer in LAYERS]
    np.testing.assert_array_equal(certificate.worst(rows, list(LAYERS), "sampled"), [0.5, np.nan, 0.5])


def test_where_all_is_without_limit_nothing_is_complained_of(tmp_path):
    table = CERTIFIED.write(tmp_path / "c.csv", [{**row(0, "fc1", np.inf), "computed_share": np.inf}])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        certificate.draw(table, tmp_path / "c.png")
