"""`--extra`: networks of several inputs, and of tokens, from the command line."""

import numpy as np
import pytest
from PIL import Image

from tests.helpers.command import rankone, refused

SEVERAL = """
import torch
from torch import nn

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.c, self.d, self.fc = nn.Conv2d(3, 4, 3), nn.Conv2d(1, 4, 3), nn.Linear(4, 5)
    def forward(self, image, depth, scale=1, *, length=None):
        h = torch.relu(self.c(image) + scale * self.d(depth)).mean((2, 3))
        return self.fc(h if length is None else h * length[:, None])

class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.a, self.fc = nn.Embedding(10, 6), nn.Linear(6, 7), nn.Linear(7, 4)
    def forward(self, tokens, shift=0):
        return self.fc(torch.relu(self.a(self.words(tokens)) + shift).mean(1))
"""
COMMANDS = {
    "csc": ("--methods", "z_plus"),
    "cone": (),
    "relevance": ("--method", "z_plus"),
    "patterns": (),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("inputs")
    (path / "net.py").write_text(SEVERAL)
    draw = np.random.default_rng(0)
    np.save(path / "image.npy", draw.standard_normal((4, 3, 8, 8)).astype(np.float32))
    np.save(path / "depth.npy", draw.standard_normal((4, 1, 8, 8)))
    np.save(path / "one.npy", draw.standard_normal((1, 1, 8, 8)).astype(np.float32))
    np.save(path / "length.npy", np.array([1, 2, 3, 4]))
    np.save(path / "tokens.npy", np.array([[1, 2, 3, 9, 1], [3, 0, 4, 5, 5]]))
    return path


def words(folder, command, tmp_path, model, images):
    out = tmp_path / "patterns" if command == "patterns" else tmp_path
    return (command, "--model", f"{folder}/net.py:{model}", "--images", folder / images, "--out", out)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_further_inputs(folder, tmp_path, command):
    given = (*words(folder, command, tmp_path, "Two", "image.npy"), "--limit", 3, *COMMANDS[command])
    at = ("--at", "depth") if command == "relevance" else ()
    line = refused(rankone(*given))
    assert "one input, the images, got forward(image, depth); give the others: " in line
    assert "--extra depth=FILE.npy" in line
    assert rankone(*given, "--extra", f"depth={folder}/one.npy", "--extra", "scale=2").status == 0
    assert rankone(*given, "--extra", f"depth={folder}/depth.npy:read", *at).status == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_tokens(folder, tmp_path, command):
    given = (*words(folder, command, tmp_path, "Text", "tokens.npy"), *COMMANDS[command])
    assert rankone(*given).status == 0
    assert rankone(*given, "--extra", "shift=0.5").status == 0


def test_the_map_of_each_input_is_drawn_beside_it(folder, tmp_path):
    given = words(folder, "relevance", tmp_path, "Two", "image.npy")
    given = (*given, "--method", "z_plus", "--extra", f"depth={folder}/depth.npy:read")
    for at, shape in (("image", (4, 3, 8, 8)), ("depth", (4, 1, 8, 8))):
        assert rankone(*given, "--at", at).status == 0
        with np.load(tmp_path / "relevance.npz") as file:
            np.testing.assert_array_equal(file["images"], np.load(folder / f"{at}.npy").astype(np.float32))
            assert file["relevance"].shape == shape and file["map"].shape == (4, 8, 8)
    line = refused(rankone(*given))
    assert "layer: expected the name of a node (image, depth, c, d, " in line and "got 'input'" in line


def test_the_map_of_tokens_is_summed_over_the_embedding(folder, tmp_path):
    given = words(folder, "relevance", tmp_path, "Text", "tokens.npy")
    assert rankone(*given, "--method", "z_plus").status == 0
    with np.load(tmp_path / "relevance.npz") as file:
        assert file["relevance"].shape == (2, 6, 5)
        np.testing.assert_allclose(file["map"], file["relevance"].sum(1), rtol=1e-6)


def test_held_rows_go_with_their_images(folder, tmp_path):
    given = words(folder, "relevance", tmp_path, "Two", "image.npy")
    fixed = ("--method", "gradient", "--extra", f"depth={folder}/one.npy", "--unit", 0)
    assert rankone(*given, *fixed).status == 0
    plain = np.load(tmp_path / "relevance.npz")["relevance"]
    assert rankone(*given, *fixed, "--extra", f"length={folder}/length.npy:each").status == 0
    scaled = np.load(tmp_path / "relevance.npz")["relevance"]
    np.testing.assert_allclose(
        scaled, plain * np.array([1, 2, 3, 4])[:, None, None, None], rtol=1e-5, atol=1e-8
    )


def test_model_lists_the_inputs(folder):
    shape = ("model", "--model", f"{folder}/net.py:Two", "--input-shape", "3x8x8", "--extra")
    lines = rankone(*shape, f"depth={folder}/depth.npy:read").out.splitlines()
    assert [line.split()[0] for line in lines[5:8]] == ["inputs", "image", "depth"]
    done = rankone("model", "--model", f"{folder}/net.py:Text", "--images", folder / "tokens.npy")
    assert done.out.splitlines()[6].split() == ["input", "route", "6x5"]


@pytest.mark.parametrize(
    ("extra", "line"),
    [
        ("depth", "extra: expected NAME=NUMBER or NAME=FILE.npy, with :each or :read behind it"),
        ("=x.npy", "extra: expected NAME="),
        ("depth=", "extra: expected NAME="),
        ("depth=absent.npy", "absent.npy"),
        ("depth={}/net.py", "extra: expected a .npy array, got"),
        ("deep={}/one.npy", "named as in forward(image, depth, scale, length), got deep"),
        ("depth={}/one.npy:read", "depth: expected a tensor (B, ...) with B = 4, got float32 (1, 1, 8, 8)"),
        ("depth={}/length.npy:read", "depth: expected a tensor (B, ...) with B = 4, got int64 (4,)"),
        ("depth={}/one.npy:reed", "one.npy:reed"),
        ("image={}/image.npy:read", "extra: expected each further input once, got image, which is --images"),
    ],
)
def test_what_is_no_input_is_one_line(folder, tmp_path, extra, line):
    given = words(folder, "relevance", tmp_path / "out", "Two", "image.npy")
    assert line in refused(rankone(*given, "--method", "z_plus", "--extra", extra.format(folder)))
    assert not (tmp_path / "out").exists()


def test_an_input_is_given_once(folder, tmp_path):
    given = words(folder, "relevance", tmp_path / "out", "Two", "image.npy")
    twice = ("--extra", f"depth={folder}/depth.npy:read") * 2
    line = refused(rankone(*given, "--method", "z_plus", *twice))
    assert "extra: expected each further input once, got depth twice" in line


def test_pictures_of_the_first_input_stand_above_its_maps_only(folder, tmp_path):
    """A picture of the first input is not drawn above the map of another."""
    Image.fromarray(np.full((8, 8, 3), 200, np.uint8)).save(tmp_path / "grey.png")
    np.save(tmp_path / "depth.npy", np.ones((1, 1, 224, 224), np.float32))
    for at, space in (("image", (1, 3, 224, 224)), ("depth", (1, 1, 224, 224))):
        given = words(folder, "relevance", tmp_path / at, "Two", tmp_path / "grey.png")
        done = rankone(
            *given, "--method", "z_plus", "--at", at, "--extra", f"depth={tmp_path}/depth.npy:read"
        )
        assert done.status == 0, done.err
        with np.load(tmp_path / at / "relevance.npz") as file:
            assert file["pictures"].shape == space
