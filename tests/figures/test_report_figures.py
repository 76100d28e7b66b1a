"""Figures of an audit: what was measured is drawn, what was not leaves no figure."""

import tomllib
import warnings
from fnmatch import fnmatch
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from paper_figs.report.figures import convergence, maps, scores, verdicts
from paper_figs.report.figures.written import write_figures
from paper_figs.report.reading import Audit
from tests.helpers import audit_example as example
from tests.helpers import sources

SMALL = {"layers": 4, "starts": 2, "stages": 2, "draws": 1, "side": 6}
ALL = [
    "verdicts.png",
    "verdicts.svg",
    "convergence.png",
    "convergence.svg",
    "scores.png",
    "scores.svg",
    "maps.png",
]


def audit(**options) -> Audit:
    said = {name: options[name] for name in ("methods", "images", "name") if name in options}
    return Audit(example.dataset(**{**SMALL, **options}), example.summary(**said))


def written(folder, whole: Audit) -> list[str]:
    """The names of the figures; every warning is an error."""
    files = example.written(folder, whole.data, whole.summary)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return [path.name for path in write_figures(*files, folder / "figures")]


@pytest.mark.parametrize(
    "options", [{}, {"methods": ("one",), "images": 1}, {"methods": example.SEVENTEEN}], ids=str
)
def test_all_figures_are_written_and_can_be_read(tmp_path, options) -> None:
    assert written(tmp_path, audit(**options)) == ALL
    for path in (tmp_path / "figures").iterdir():
        if path.suffix == ".svg":
            assert ElementTree.parse(path).getroot().tag.endswith("svg")
        else:
            with Image.open(path) as picture:
                assert min(picture.size) > 200


@pytest.mark.parametrize("hostile", [example.HOSTILE[0], example.HOSTILE[5], r"$\frac{ %s {0}"])
def test_names_are_text_and_no_formulas(tmp_path, hostile) -> None:
    assert written(tmp_path, audit(methods=("one",), name=lambda text: hostile + text)) == ALL


def test_what_was_not_measured_leaves_no_figure(tmp_path) -> None:
    data = example.dataset(**SMALL)
    empty = Audit(data.drop_vars(list(data.variables)), example.summary())
    assert written(tmp_path, empty) == ["verdicts.png", "verdicts.svg"]


def test_the_curves_are_the_numbers() -> None:
    whole = audit()
    figure = convergence.draw(whole)
    drawn = [line.get_ydata() for line in figure.axes[0].lines]
    for variable in ("csc", "predicted", "csc_null"):
        for values in whole.array(variable, "method", "start", "layer")[:, 0]:
            known = values[~np.isnan(values)]
            assert any(len(y) == len(known) and np.array_equal(y, known) for y in drawn)
    plt.close(figure)


def test_an_exact_zero_is_drawn_at_the_bottom() -> None:
    whole = audit()
    whole.data["csc"][0, 0, -1] = 0.0
    figure = convergence.draw(whole)
    assert min(line.get_ydata().min() for line in figure.axes[0].lines) == convergence.LOWEST
    assert figure.axes[0].get_ylim()[0] > convergence.LOWEST
    plt.close(figure)


def test_a_map_that_was_not_made_says_so() -> None:
    whole = audit()
    whole.data["map"][0, 0, 1] = np.nan
    figure = maps.draw(whole)
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert said == ["not\nmeasured"]
    plt.close(figure)


def test_states_differ_in_shape_and_are_written_as_words() -> None:
    figure = verdicts.draw(audit())
    words = [text.get_text() for text in figure.axes[0].texts]
    assert {"holds", "fails", "not judged"} <= set(words)
    assert len({shape["marker"] for shape in verdicts.SHAPES.values()}) == 3
    plt.close(figure)


def test_scores_without_destroyed_weights_are_drawn() -> None:
    whole = audit()
    figure = scores.draw(Audit(whole.data.drop_vars("cascade"), whole.summary))
    assert [axes.get_title() for axes in figure.axes][:2] == ["Another class", "Another image"]
    plt.close(figure)


def test_the_package_has_the_files_that_the_page_is_made_of() -> None:
    kept = tomllib.loads((sources.ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    files = [path.name for path in (sources.ROOT / "paper_figs/report").iterdir() if path.is_file()]
    data = {name for name in files if not name.endswith(".py")}
    assert data == {name for name in data if any(fnmatch(name, p) for p in kept["paper_figs.report"])}
    assert {"page.html.j2", "page.css", "page.js"} <= data
