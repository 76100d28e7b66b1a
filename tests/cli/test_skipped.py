"""Bad images of a folder are left out, listed and said; --strict stops at the first."""

import shutil

import numpy as np
import pytest
from PIL import Image

from rankone.results.tables import SKIPPED
from tests.helpers.command import rankone, refused

COMMANDS = {
    "csc": ("--methods", "z_plus", "--starts", "fc3", "--vectors", 2),
    "cone": ("--layers", "input"),
    "relevance": ("--method", "z_plus"),
    "patterns": (),
    "model": (),
}
BAD = ("a_text.png", "b_cut.jpg", "c_empty.gif", "e_folder.png", "f_float.tif", "g_gone.png", "h_huge.ppm")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Seven bad ones and, among them, three good ones: of 16 bits, CMYK and 1 × 1."""
    folder = tmp_path_factory.mktemp("photos")
    grey = np.random.default_rng(0).integers(0, 255, (40, 50), np.uint8)
    Image.fromarray(grey.astype(np.uint16) * 257).save(folder / "d_sixteen.png")
    Image.fromarray(grey).convert("CMYK").save(folder / "i_cmyk.jpg")
    Image.new("L", (1, 1)).save(folder / "j_point.png")
    (folder / "a_text.png").write_text("no image")
    (folder / "b_cut.jpg").write_bytes((folder / "i_cmyk.jpg").read_bytes()[:900])
    (folder / "c_empty.gif").write_bytes(b"")
    (folder / "e_folder.png").mkdir()
    Image.fromarray(grey.astype(np.float32)).save(folder / "f_float.tif")
    (folder / "g_gone.png").symlink_to(folder / "absent")
    (folder / "h_huge.ppm").write_bytes(b"P6 13000 13000 255\n")
    (folder / "notes.txt").write_text("not asked for")
    return folder


def words(command, photos, tmp_path):
    out = tmp_path / "patterns.safetensors" if command == "patterns" else tmp_path
    place = () if command == "model" else ("--out", out)
    return (command, "--model", "digits-vgg", "--images", photos, *place, *COMMANDS[command])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_goes_on_without_the_bad_ones(command, photos, tmp_path):
    done = rankone(*words(command, photos, tmp_path))
    assert done.status == 0
    if command == "model":  # it takes the first
        assert [line.split(" skipped: ")[0] for line in done.err.splitlines()] == [
            f"rankone: {name}" for name in BAD[:3]
        ]
        return
    table = tmp_path / "skipped.csv"
    assert done.err == f"rankone: 7 of 10 images skipped: see {table}\n"
    rows = SKIPPED.read(table)
    assert [row["file"] for row in rows] == list(BAD)
    assert all(row["reason"].startswith("images: expected ") for row in rows)
    reasons = {row["file"]: row["reason"] for row in rows}
    assert "the folder" in reasons["e_folder.png"] and "a link to nothing" in reasons["g_gone.png"]


@pytest.mark.parametrize("command", COMMANDS)
def test_strict_stops_at_the_first(command, photos, tmp_path):
    line = refused(rankone(*words(command, photos, tmp_path), "--strict"))
    assert "a_text.png" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_named_itself_is_refused(name, photos, tmp_path):
    assert name in refused(rankone(*words("cone", photos / name, tmp_path)))


def test_where_none_is_left_it_is_one_line(photos, tmp_path):
    (tmp_path / "bad").mkdir()
    for name in BAD[:3]:
        shutil.copy(photos / name, tmp_path / "bad")
    line = refused(rankone(*words("csc", tmp_path / "bad", tmp_path / "out")))
    assert "images: expected at least one that can be read, got none of 3; of the first: " in line
    assert "a_text.png" in line and not (tmp_path / "out").exists()


def test_the_next_ones_take_their_places_and_are_read_as_if_alone(photos, tmp_path):
    """Limit 2 of the good ones; the same table as that of a folder of them."""
    rankone(*words("cone", photos, tmp_path / "mixed"), "--limit", 2)
    (tmp_path / "good").mkdir()
    for name in ("d_sixteen.png", "i_cmyk.jpg"):
        shutil.copy(photos / name, tmp_path / "good")
    assert rankone(*words("cone", tmp_path / "good", tmp_path / "alone")).err == ""
    tables = [(tmp_path / out / "cone.csv").read_bytes() for out in ("mixed", "alone")]
    assert tables[0] == tables[1]


def test_a_later_run_without_bad_ones_leaves_no_list(photos, tmp_path):
    rankone(*words("cone", photos, tmp_path))
    assert (tmp_path / "skipped.csv").exists()
    rankone(*words("cone", photos / "j_point.png", tmp_path))
    assert not (tmp_path / "skipped.csv").exists()
    (tmp_path / "skipped.csv").write_text("mine")
    rankone(*words("cone", photos / "j_point.png", tmp_path))
    assert (tmp_path / "skipped.csv").read_text() == "mine"


def test_rows_for_each_image_do_not_slip(photos, tmp_path):
    """Without the bad images, the second row would be given to the third image."""
    (tmp_path / "net.py").write_text(
        "import torch\nclass Net(torch.nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.fc = torch.nn.Linear(3, 4)\n"
        "    def forward(self, image, scale):\n"
        "        return torch.relu(self.fc(image.mean((2, 3)) * scale[:, None]))\n"
    )
    np.save(tmp_path / "scale.npy", np.ones(10, np.float32))
    network = ("--model", f"{tmp_path}/net.py:Net", "--extra", f"scale={tmp_path}/scale.npy:each")
    done = rankone("cone", *network, "--images", photos, "--out", tmp_path / "out")
    assert done.status == 2
    assert "extra: expected a row for each image, got 7 skipped; remove the bad images" in done.err
