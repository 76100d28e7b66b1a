"""`--output`: each command on a network that returns several tensors."""

import numpy as np
import pytest

from tests.helpers.command import rankone, refused

SEVERAL = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc, self.aux = nn.Conv2d(3, 4, 3), nn.Linear(4, 5), nn.Linear(4, 2)
    def forward(self, x):
        h = torch.relu(self.conv(x)).mean((2, 3))
        return {"out": self.fc(h), "aux": [self.aux(h)]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("several")
    (path / "net.py").write_text(SEVERAL)
    np.save(path / "images.npy", np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype(np.float32))
    return path


COMMANDS = {
    "csc": ("--methods", "z_plus"),
    "cone": (),
    "relevance": ("--method", "z_plus"),
    "patterns": (),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_an_output(folder, tmp_path, command):
    out = tmp_path / "patterns" if command == "patterns" else tmp_path
    words = (command, "--model", f"{folder}/net.py:Net", "--images", folder / "images.npy", "--out", out)
    line = refused(rankone(*words, *COMMANDS[command]))
    assert "got dict with out, aux.0; choose one: output='out', --output out" in line
    assert rankone(*words, *COMMANDS[command], "--output", "aux.0").status == 0


def test_model_lists_what_leads_to_the_output(folder):
    words = ("model", "--model", f"{folder}/net.py:Net", "--input-shape", "3x8x8", "--output")
    assert rankone(*words, "aux.0").out.endswith(" aux\n")
    assert rankone(*words, "out").out.endswith(" fc\n")
    assert "output: expected one of out, aux.0, got '1'" in refused(rankone(*words, 1))
