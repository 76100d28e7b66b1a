"""`rankone csc` as a user meets it: files, a table, one line for every mistake."""

import csv
import re
import sys

import numpy as np
import pytest

from paper_figs import csc as figure
from rankone import cli
from rankone.results.tables import CONVERGENCE
from torch_backend import methods
from torch_backend.commands import method_names, progress

OWN_MODEL = """
import torch
from torch import nn

class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.last = nn.Linear(4, 3)

    def forward(self, x):
        x = torch.relu(self.first(x))
        x = torch.relu(x + self.second(x))
        return self.last(x.mean((2, 3)))
"""


def rankone(monkeypatch, *arguments):
    """Run the command line in this process; its exit status."""
    monkeypatch.setattr(sys, "argv", ["rankone", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code or 0


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own.py").write_text(OWN_MODEL)
    np.save(tmp_path / "images.npy", np.random.default_rng(0).random((3, 2, 6, 6)))
    return tmp_path


def test_csc_of_a_shipped_network_writes_picture_table_and_words(monkeypatch, tmp_path, capsys):
    out = tmp_path / "deep" / "out"
    arguments = ["csc", "--model", "digits-vgg", "--images", "sample", "--methods", "gradient,z_plus"]
    assert rankone(monkeypatch, *arguments, "--out", out, "--limit", 2, "--starts", "logits,conv4_3") == 0
    shown = capsys.readouterr()
    assert shown.err == ""  # no progress bar off a terminal, no warning
    printed = " ".join(shown.out.split())
    assert "z_plus: from conv5_" in printed and "half of the pairs of random starts at fc3 have" in printed
    assert "gradient: relevance from fc3 still depends on its start" in printed
    assert (out / "csc.png").read_bytes().startswith(b"\x89PNG")
    with open(out / "csc.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows} == {"gradient", "z_plus"}
    assert {row["start"] for row in rows} == {"fc3", "conv4_3"}
    assert {row["model"] for row in rows} == {"digits-vgg"}
    bottom = {r["method"]: float(r["median"]) for r in rows if (r["start"], r["layer"]) == ("fc3", "conv1_1")}
    assert bottom["z_plus"] < 1e-6 < 0.01 < bottom["gradient"]


def test_long_work_says_how_long_and_how_far_unless_it_is_to_be_quiet(monkeypatch, own, capsys):
    """As if every run were long, and half a minute had passed at each batch."""
    monkeypatch.setattr(progress, "LONG", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.0)
    model = ["csc", "--model", f"{own}/own.py:Residual", "--images", own / "images.npy"]
    assert rankone(monkeypatch, *model, "--out", own / "said") == 0
    first, *further = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"own\.py:Residual: about \d+ seconds? for 6 images", first)
    assert [re.sub(r"about \d+ seconds? left", "...", line) for line in further] == [
        "own.py:Residual: 6 of 9 images, ..."
    ]
    assert rankone(monkeypatch, *model, "--out", own / "quiet", "--quiet") == 0
    assert capsys.readouterr().err == ""


def test_csc_of_ones_own_residual_network_with_theory_in_float64(monkeypatch, own, capsys):
    model = ["csc", "--model", f"{own}/own.py:Residual", "--images", own / "images.npy", "--out", own / "out"]
    assert rankone(monkeypatch, *model, "--theory", "--float64", "--vectors", 3) == 0
    assert "own.py:Residual" in capsys.readouterr().out
    with open(own / "out" / "csc_theory.csv", newline="") as file:
        theory = list(csv.DictReader(file))
    with open(own / "out" / "csc.csv", newline="") as file:
        measured = list(csv.DictReader(file))
    keys = ("model", "method", "start", "layer")
    assert [[row[k] for k in keys] for row in theory] == [[row[k] for k in keys] for row in measured]


def test_equal_commands_write_equal_files(monkeypatch, own):
    model = [
        "csc",
        "--model",
        f"{own}/own.py:Residual",
        "--images",
        own / "images.npy",
        "--methods",
        "z_plus",
    ]
    for name in "ab":
        rankone(monkeypatch, *model, "--out", own / name)
    assert (own / "a" / "csc.csv").read_bytes() == (own / "b" / "csc.csv").read_bytes()


def test_random_weights_are_called_so_in_table_and_picture(monkeypatch, tmp_path, capsys):
    arguments = ["csc", "--model", "digits-vgg", "--weights", "random", "--methods", "z_plus", "--limit", 1]
    assert rankone(monkeypatch, *arguments, "--starts", "fc3", "--out", tmp_path) == 0
    assert "digits-vgg (random weights)" in capsys.readouterr().out
    assert "digits-vgg (random weights)" in (tmp_path / "csc.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--methods", "z_minus"], "method: expected one of .*z_plus.* got 'z_minus'"),
        (["--methods", "alpha_beta"], "method: expected alpha_beta:ALPHA:BETA"),
        (["--methods", "alpha_beta:2:x"], "method: expected alpha_beta:ALPHA:BETA"),
        (["--methods", "z_plus:2"], "method: expected z_plus"),
        (["--methods", ""], "method: expected one of"),
        (["--model", "nothing"], "model: expected one of"),
        (["--weights", "absent.pth"], "weights: no file absent.pth"),
        (["--images", "absent.png"], "absent.png"),
        (["--starts", "conv9_9"], "conv9_9"),
        (["--vectors", "1"], "vectors: expected an integer >= 2"),
        (["--limit", "0"], "limit: expected at least 1"),
    ],
)
def test_every_mistake_is_one_line_and_exit_status_two(monkeypatch, tmp_path, capsys, arguments, message):
    complete = {"--model": "digits-vgg", "--limit": "1", "--out": str(tmp_path / "out")}
    complete |= dict([arguments])
    assert rankone(monkeypatch, "csc", *[word for pair in complete.items() for word in pair]) == 2
    error = capsys.readouterr().err.strip()
    assert "\n" not in error and "Traceback" not in error
    assert re.search(message, error)
    assert not (tmp_path / "out").exists()


OWN_METHOD = """
from dataclasses import replace
from torch_backend import methods

def halve(op, x, y):
    return lambda r: 0.5 * op.adjoint(r)

mine = replace(methods.z_plus, name="mine", dense=halve)

def built():
    return replace(mine, name="built")

nothing = 1
"""


def test_an_own_method_in_a_file_is_audited_like_the_built_in_ones(own, monkeypatch, capsys):
    (own / "rules.py").write_text(OWN_METHOD)
    names = f"z_plus,{own / 'rules.py'}:mine,{own / 'rules.py'}:built"
    audit = ("csc", "--model", f"{own / 'own.py'}:Residual", "--images", own / "images.npy", "--out", own)
    assert rankone(monkeypatch, *audit, "--methods", names) == 0
    printed = capsys.readouterr().out
    assert "mine: " in printed and "built: " in printed
    assert rankone(monkeypatch, *audit, "--methods", f"{own / 'rules.py'}:nothing") == 2
    assert "to be a Method, or a function that returns one, got int" in capsys.readouterr().err
    assert rankone(monkeypatch, *audit, "--methods", f"{own / 'rules.py'}:halve") == 2
    assert "halve of" in (err := capsys.readouterr().err) and "without arguments" in err
    assert rankone(monkeypatch, *audit, "--methods", f"{own / 'rules.py'}:absent") == 2
    assert rankone(monkeypatch, *audit, "--methods", "no_such.py:mine") == 2
    assert "method: no file no_such.py" in capsys.readouterr().err


def test_patterns_are_estimated_saved_and_named(own, monkeypatch, capsys):
    model = ("--model", f"{own / 'own.py'}:Residual", "--images", own / "images.npy")
    file = own / "new" / "patterns.safetensors"
    assert rankone(monkeypatch, "patterns", *model, "--out", file) == 0
    assert "3 layers of own.py:Residual, regime relu" in capsys.readouterr().out
    named = f"pattern_attribution:{file},pattern_net:{file}"
    assert rankone(monkeypatch, "csc", *model, "--methods", named, "--out", own) == 0
    assert "pattern_attribution: " in capsys.readouterr().out
    assert rankone(monkeypatch, "csc", *model, "--methods", "pattern_net:absent", "--out", own) == 2
    assert rankone(monkeypatch, "csc", *model, "--methods", "pattern_net", "--out", own) == 2
    assert "expected pattern_net:FILE" in capsys.readouterr().err
    assert rankone(monkeypatch, "patterns", *model, "--out", file, "--regime", "none") == 2
    capsys.readouterr()
    assert rankone(monkeypatch, "patterns", *model, "--out", own) == 2
    assert "expected a place for a file, got: a folder" in capsys.readouterr().err


def test_deeplift_is_named_and_its_reference_is_zero(own, monkeypatch, capsys):
    model = ("--model", f"{own / 'own.py'}:Residual", "--images", own / "images.npy")
    names = ",".join(name for name in method_names.spellings() if name.startswith("deeplift"))
    assert names.count(",") == 5
    assert rankone(monkeypatch, "csc", *model, "--methods", names, "--out", own) == 0
    assert "deeplift_reveal_cancel_multipliers: " in capsys.readouterr().out


def test_methods_are_spelled_as_in_python():
    assert method_names.method("z_plus") is methods.z_plus
    assert method_names.method(" alpha_beta:5:4").name == methods.alpha_beta(5, 4).name
    assert method_names.spellings()["alpha_beta"] == "alpha_beta:ALPHA:BETA"
    assert "Method" not in method_names.spellings() and "gradient" in method_names.spellings()


def test_drawing_needs_rows_and_known_starts(tmp_path):
    empty = tmp_path / "empty.csv"
    empty.write_text(",".join(CONVERGENCE.names) + "\n")
    with pytest.raises(ValueError, match="empty table"):
        figure.draw(empty, tmp_path / "x.png")
    empty.write_text(
        empty.read_text()
        + "m,gradient,a,a,0.5,0.4,0.6,0.9,0,0.5,0.5,0.9,0.5,float32\n"
        + "m,gradient,a,b,nan,nan,nan,nan,1,nan,nan,nan,nan,float32\n"
    )
    with pytest.raises(ValueError, match="starts: expected"):
        figure.draw(empty, tmp_path / "x.png", starts=["z"])
    assert figure.draw(empty, tmp_path / "x.png").stat().st_size > 1000
