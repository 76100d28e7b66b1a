"""`rankone audit --attribute`: any tool's maps, judged as our own are."""

import json
from pathlib import Path

import pytest

from rankone.results.audit import read
from tests.helpers.command import rankone, refused

ROOT = Path(__file__).parents[2]
QUICK = ["--limit", 6, "--closely", 1, "--classes", 9, "--stages", "fc3,conv1_1", "--vectors", 2]
MINE = """
from torch_backend import methods, reduction, saliency

def of(method):
    def attribute(model):
        return lambda x, c: saliency(model, x, method, c, reduce=reduction(method))
    return attribute

z_plus, gradient, guided_backprop = map(of, (methods.z_plus, methods.gradient, methods.guided_backprop))
"""
NUMBERS = ("value", "low", "high", "null_value")


def verdicts(folder: Path) -> dict[str, dict[str, dict]]:
    said = json.loads((folder / "summary.json").read_text())
    return {m["name"]: {v["question"]: v for v in m["verdicts"]} for m in said["methods"]}


@pytest.mark.parametrize("method", ["z_plus", "gradient", "guided_backprop"])
def test_our_own_method_through_a_function_has_the_verdict_that_it_has_natively(tmp_path, method) -> None:
    """Side by side: the states are the same; what is proved natively is sampled of a function."""
    (tmp_path / "mine.py").write_text(MINE)
    tool = f"{tmp_path / 'mine.py'}:{method}"
    given = ["audit", "--model", "digits-vgg", "--methods", method, "--attribute", tool, "--out", tmp_path]
    assert rankone(*given, *QUICK).status in (0, 1, 3)
    said = verdicts(tmp_path)
    for question in ("class", "weights", "image", "repeat", "batch"):
        native, through = said[method][question], said[tool][question]
        assert through["state"] == native["state"], question
        if native["quantity"] == through["quantity"]:
            for number in NUMBERS:
                assert through[number] == pytest.approx(native[number], abs=1e-4, nan_ok=True)
    assert said[tool]["class"]["basis"] == "sampled over 9 classes", "also where there are no more"
    assert said[tool]["collapse"]["state"] == "not judged"


def test_the_example_with_captum_is_audited_as_it_is_written(tmp_path) -> None:
    example = f"{ROOT / 'examples' / 'my_tool.py'}:attribute"
    given = ["audit", "--model", "digits-vgg", "--attribute", example, "--out", tmp_path, *QUICK]
    assert rankone(*given).status in (0, 3)
    found, said = read(tmp_path / "results.nc"), verdicts(tmp_path)
    assert list(found.method.values) == [example] and found.attrs["kind"] == "attribute"
    assert "absolute values" in json.loads(found.attrs["hides"])[example][0]
    assert said[example]["class"]["state"] == "holds"


def test_the_example_with_a_network_of_its_own_is_audited_as_it_is_written(tmp_path) -> None:
    example = f"{ROOT / 'examples' / 'my_network_and_tool.py'}:attribute"
    given = ["audit", "--attribute", example, "--out", tmp_path, "--limit", 6, "--closely", 1, "--classes", 2]
    done = rankone(*given)
    assert done.status in (0, 3), done.err
    assert verdicts(tmp_path)[example]["weights"]["state"] == "holds"


def test_weights_for_a_tool_s_own_network_are_refused(tmp_path) -> None:
    example = f"{ROOT / 'examples' / 'my_network_and_tool.py'}:attribute"
    done = rankone("audit", "--attribute", example, "--weights", "random", "--out", tmp_path)
    assert refused(done).startswith("rankone: weights: expected none")


def test_a_tool_without_a_network_and_no_tool_without_one_are_refused(tmp_path) -> None:
    example = f"{ROOT / 'examples' / 'my_tool.py'}:attribute"
    assert "--model" in refused(rankone("audit", "--attribute", example, "--out", tmp_path))
    assert "--attribute" in refused(rankone("audit", "--out", tmp_path))
