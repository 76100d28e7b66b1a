"""Images: shipped samples are offline and fixed, files are read or named."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from torch_backend import images
from torch_backend.inputs import photographs
from torch_backend.randomness import digest


def test_digits_split_is_fixed_disjoint_and_complete():
    train, train_labels = images.digits("train")
    test, test_labels = images.digits("test")
    assert train.shape == (1437, 3, 32, 32) and test.shape == (360, 3, 32, 32)
    assert torch.bincount(torch.cat([train_labels, test_labels])).sum() == 1797
    assert digest(test[0]) != digest(test[1])
    again, _ = images.digits("test")
    assert torch.equal(test, again)
    torch.testing.assert_close(train[:, 0], train[:, 2])


def test_photographs_are_bundled_normalised_and_upright():
    sample = images.read("sample", images.IMAGENET)
    assert sample.shape == (len(images.PHOTOGRAPHS), 3, 224, 224)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (images.IMAGENET.mean, images.IMAGENET.std))
    pixels = sample * std + mean
    assert pixels.min() >= -1e-6 and pixels.max() <= 1 + 1e-6 and pixels.std() > 0.1
    rocket = pixels[images.PHOTOGRAPHS.index("rocket")]
    assert rocket[:, 180:].mean() > rocket[:, :40].mean()  # the lit launch pad is below the dark sky


def test_without_the_packages_that_bring_further_photographs_the_first_six_are_the_same(monkeypatch):
    """Nine: a 99 % interval of a median needs eight."""
    all_of_them = images.photographs()
    assert len(all_of_them) == 9
    monkeypatch.setattr(photographs, "find_spec", lambda _: None)
    assert torch.equal(images.photographs(), all_of_them[:6])


def test_a_constant_image_becomes_its_normalised_colour(tmp_path):
    Image.new("RGB", (50, 31), (255, 0, 51)).save(tmp_path / "flat.png")
    view = images.Preprocessing(8, (0.5, 0.5, 0.1), (0.5, 0.25, 0.1))
    got = images.read(tmp_path / "flat.png", view)
    assert got.shape == (1, 3, 8, 8)
    torch.testing.assert_close(got[0, :, 3, 4], torch.tensor([1.0, -2.0, 1.0]))


def test_a_folder_is_read_in_the_order_of_its_names_whatever_the_modes(tmp_path):
    for name, mode, colour in [("c.png", "L", 255), ("a.png", "RGBA", (0, 0, 0, 9)), ("b.gif", "P", 0)]:
        Image.new(mode, (9, 12), colour).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not an image")
    view = images.Preprocessing(4, (0, 0, 0), (1, 1, 1))
    got = images.read(tmp_path, view)
    assert got.shape == (3, 3, 4, 4) and got[2].min() == 1 and got[0].max() == 0
    assert len(images.read(tmp_path, view, limit=2)) == 2


def test_whole_numbers_are_tokens_if_there_is_a_row_for_each(tmp_path):
    np.save(tmp_path / "tokens.npy", np.arange(6, dtype=np.uint16).reshape(3, 2))
    for dtype in (torch.float32, torch.float64):
        found = images.read(tmp_path / "tokens.npy", images.IMAGENET, 2, dtype)
        assert found.dtype == torch.int64 and found.tolist() == [[0, 1], [2, 3]]


def test_arrays_are_used_as_they_are(tmp_path):
    """float64 keeps every digit where it is asked for; float32 is the nearest."""
    array = np.random.default_rng(0).standard_normal((2, 1, 5, 5))
    np.save(tmp_path / "own.npy", array)
    for dtype, name in ((torch.float32, np.float32), (torch.float64, np.float64)):
        got = images.read(tmp_path / "own.npy", images.IMAGENET, dtype=dtype)
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, array.astype(name))
    assert len(images.read(tmp_path / "own.npy", images.IMAGENET, limit=1)) == 1


def mapped(path) -> bool:
    """Whether this process has the file in its address space."""
    return str(path) in Path("/proc/self/maps").read_text()


def test_an_array_in_the_same_precision_is_mapped_and_its_file_stays_as_it_is(tmp_path):
    path, array = tmp_path / "own.npy", np.ones((100, 3, 4, 4), np.float32)
    np.save(path, array)
    found = images.read(path, images.IMAGENET, 90)
    assert mapped(path) and found.shape == (90, 3, 4, 4)
    found.zero_()
    assert np.array_equal(np.load(path), array) and not found.any()
    del found
    wider = images.read(path, images.IMAGENET, dtype=torch.float64)
    assert not mapped(path) and wider.all()


def test_a_number_that_is_not_finite_is_found_wherever_it_stands(tmp_path):
    for place in (0, 63, 64, 99):
        array = np.ones((100, 3, 4, 4), np.float32)
        array[place, 2, 3, 3] = np.inf
        np.save(tmp_path / "own.npy", array)
        with pytest.raises(ValueError, match="finite numbers in float32"):
            images.read(tmp_path / "own.npy", images.IMAGENET)


def test_what_float32_cannot_hold_is_refused_unless_float64_is_asked_for(tmp_path):
    np.save(tmp_path / "large.npy", np.full((1, 3, 4, 4), 1e300))
    with pytest.raises(ValueError, match=r"finite numbers in float32, got float64 .*or take --float64"):
        images.read(tmp_path / "large.npy", images.IMAGENET)
    assert images.read(tmp_path / "large.npy", images.IMAGENET, dtype=torch.float64).max() == 1e300


def test_pictures_and_digits_are_the_same_numbers_in_both_precisions(tmp_path):
    Image.new("L", (9, 9), 77).save(tmp_path / "grey.png")
    for source in (tmp_path / "grey.png", tmp_path, "sample"):
        single, double = (
            images.read(source, images.DIGITS, 1, dtype) for dtype in (torch.float32, torch.float64)
        )
        assert double.dtype == torch.float64 and torch.equal(single.double(), double)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    Image.effect_noise((60, 60), 90).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:600])
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY broken")
    np.save(tmp_path / "integers.npy", np.ones((1, 3, 4, 4), dtype=int))
    np.save(tmp_path / "booleans.npy", np.ones((2, 1, 4, 4), dtype=bool))
    np.save(tmp_path / "one.npy", np.ones(5))
    np.save(tmp_path / "empty.npy", np.ones((0, 3, 4, 4)))
    np.savez(tmp_path / "archive.npz", np.ones((2, 16)))
    (tmp_path / "archive.npz").rename(tmp_path / "archive.npy")
    np.save(tmp_path / "nan.npy", np.full((1, 3, 4, 4), np.nan))
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object))
    return tmp_path


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("empty", "a folder with image files"),
        ("broken.png", r"readable image, got .*broken\.png"),
        ("cut.jpg", r"readable image, got .*cut\.jpg"),
        ("text.png", r"readable image, got .*text\.png"),
        ("bad.npy", r"a \.npy array, got .*bad\.npy"),
        ("integers.npy", r"floating-point numbers, .* got int64 \(1, 3, 4, 4\) .* look like raw pixels"),
        ("booleans.npy", "floating-point numbers, .* got bool .* in float32"),
        ("one.npy", r"got float64 \(5,\) .* batch axis first"),
        ("empty.npy", "a .npy array|batch axis first"),
        ("archive.npy", "an archive of arrays"),
        ("nan.npy", "finite numbers in float32"),
        ("objects.npy", r"a \.npy array"),
        ("absent.png", "absent.png"),
        ("absent.npy", "absent.npy"),
    ],
)
def test_what_cannot_be_read_is_named(folder, file, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        images.read(folder / file, images.IMAGENET)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="split: expected"):
        images.digits("validation")
    with pytest.raises(ValueError, match="limit: expected at least 1"):
        images.read("sample", images.DIGITS, limit=0)
    with pytest.raises(ValueError, match="at least one image file"):
        images.from_files([], images.IMAGENET)


def test_digests_depend_on_every_number_and_the_shape_but_not_on_the_precision():
    image = torch.linspace(0, 1, 12).reshape(3, 2, 2)
    changed = image.clone()
    changed[2, 1, 1] += 1e-6
    names = {digest(x) for x in (image, changed, image.reshape(3, 4, 1))}
    assert len(names) == 3
    assert digest(image.double()) == digest(image)
    assert digest(image.permute(0, 2, 1).contiguous().permute(0, 2, 1)) == digest(image)
