"""Networks by name: the shipped ones know their digits, and nothing is loaded that does not fit."""

import hashlib
import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from simulations import train_digits
from torch_backend import images, models


@pytest.fixture(scope="module")
def digits_test():
    return images.digits("test")


@pytest.mark.parametrize("name", sorted(models.SHIPPED))
def test_shipped_network_reads_real_digits(name, digits_test):
    x, labels = digits_test
    with torch.no_grad():
        correct = models.load(name)(x).argmax(1) == labels
    assert len(labels) == 360
    assert correct.float().mean() >= 0.97
    assert (models.WEIGHTS_FOLDER / f"{name}.safetensors").stat().st_size <= 2_000_000


def test_shipped_networks_have_the_shapes_they_are_named_for():
    vgg, resnet = (models.load(name) for name in ("digits-vgg", "digits-resnet"))
    kinds = [type(m) for m in vgg.modules()]
    assert kinds.count(nn.Conv2d) == 13 and kinds.count(nn.Linear) == 3
    assert sum(type(m).__name__ == "BasicBlock" for m in resnet.modules()) == 12
    assert not any(m.training for net in (vgg, resnet) for m in net.modules())


def test_the_training_script_is_seeded_and_writes_what_load_reads(tmp_path):
    for name in "ab":
        train_digits.main(["--network", "digits-vgg", "--epochs", "1", "--out", str(tmp_path / name)])
    first, second = (models.load("digits-vgg", tmp_path / name / "digits-vgg.safetensors") for name in "ab")
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(a, b)
    with pytest.raises(ValueError, match="--epochs: expected"):
        train_digits.main(["--epochs", "0"])


def test_random_weights_are_seeded_and_leave_the_global_generator_alone():
    state = torch.random.get_rng_state()
    one, same, other = (models.load("digits-vgg", "random", seed=s)[0].weight for s in (1, 1, 2))
    torch.testing.assert_close(one, same, rtol=0, atol=0)
    assert not torch.equal(one, other)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert models.label("vgg16", "random") == "vgg16 (random weights)"
    assert models.label("some/dir/net.py:Net") == "net.py:Net"


def test_torchvision_networks_are_built_with_seeded_random_weights():
    first, second = (models.load("alexnet", "random", seed=3) for _ in range(2))
    assert not first.training
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_survive_a_round_trip_through_a_file(tmp_path, suffix):
    path = tmp_path / f"weights{suffix}"
    source = models.load("digits-resnet", "random", seed=5)
    (save_file if suffix == ".safetensors" else torch.save)(source.state_dict(), path)
    loaded = models.load("digits-resnet", path)
    for name, tensor in source.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


def test_own_model_from_a_file_by_function_class_or_instance(tmp_path):
    (tmp_path / "own.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Linear):\n    def __init__(self):\n        super().__init__(3, 2)\n"
        "def make():\n    return Net()\nready = Net()\nnumber = 3\n"
    )
    for attribute in ("Net", "make", "ready"):
        network = models.load(f"{tmp_path}/own.py:{attribute}")
        assert type(network).__name__ == "Net" and not network.training
    torch.save(nn.Linear(3, 2).state_dict(), tmp_path / "own.pth")
    models.load(f"{tmp_path}/own.py:Net", tmp_path / "own.pth")
    with pytest.raises(ValueError, match=r"model: expected a torch\.nn\.Module, got int"):
        models.load(f"{tmp_path}/own.py:number")


HALF = """
import torch
from torch import nn

part = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2).half())
whole = nn.Linear(4, 2).half()
two = nn.Sequential(nn.Linear(3, 4).bfloat16(), nn.Linear(4, 2).half())
for layer in (part[1], whole, two[1]):
    nn.init.constant_(layer.weight, 1 / 3)
table = nn.Linear(3, 4)
table.register_buffer("table", torch.zeros(2, dtype=torch.complex64))
"""


def test_float64_weights_keep_every_digit_where_float64_is_asked_for(tmp_path):
    """float32 is the nearest; whole numbers stay what they are."""
    source = models.load("digits-resnet", "random", dtype=torch.float64)
    for tensor in source.parameters():
        torch.nn.init.normal_(tensor)
    torch.save(source.state_dict(), tmp_path / "double.pth")
    for dtype in (torch.float32, torch.float64):
        loaded = models.load("digits-resnet", tmp_path / "double.pth", dtype=dtype).state_dict()
        for name, tensor in source.state_dict().items():
            wanted = tensor.to(dtype) if tensor.is_floating_point() else tensor
            assert loaded[name].dtype == wanted.dtype and torch.equal(loaded[name], wanted), name


@pytest.mark.parametrize("name", ["digits-vgg", "alexnet", "{}/own.py:Net"])
def test_every_network_comes_in_the_precision_that_is_asked_for(name, tmp_path):
    (tmp_path / "own.py").write_text("from torch import nn\nNet = nn.Linear(3, 2).double()\n")
    for dtype in (torch.float32, torch.float64):
        network = models.load(name.format(tmp_path), "random", dtype=dtype)
        assert {p.dtype for p in network.parameters()} == {dtype}


@pytest.mark.parametrize(
    ("name", "kinds"), [("part", "float16"), ("whole", "float16"), ("two", "bfloat16 and float16")]
)
def test_half_precision_is_taken_at_its_value_and_said(name, kinds, tmp_path):
    (tmp_path / "half.py").write_text(HALF)
    for dtype in (torch.float32, torch.float64):
        precision = str(dtype).removeprefix("torch.")
        with pytest.warns(UserWarning, match=f"^model: weights in {kinds}, computed in {precision}$"):
            network = models.load(f"{tmp_path}/half.py:{name}", dtype=dtype)
        assert {p.dtype for p in network.parameters()} == {dtype}
    assert torch.equal(
        network.state_dict()["1.weight" if name != "whole" else "weight"],
        torch.full((2, 4), 1 / 3).half().double(),
    )


@pytest.mark.parametrize("file", ["half.pth", "bfloat16.safetensors"])
def test_files_in_half_precision_are_taken_at_their_value_and_said(folder, file):
    kind = {"half.pth": "float16", "bfloat16.safetensors": "bfloat16"}[file]
    with pytest.warns(UserWarning, match=f"^weights: .*{file} in {kind}, computed in float64$"):
        loaded = models.load("digits-vgg", folder / file, dtype=torch.float64).state_dict()
    for name, tensor in models.read_weights(folder / file).items():
        assert torch.equal(loaded[name], tensor.double()), name


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
@pytest.mark.parametrize("name", ["digits-vgg", "alexnet"])
def test_a_seed_that_torch_does_not_take_is_refused(seed, name):
    with pytest.raises(ValueError, match=rf"^seed: expected a whole number from .* got {seed}; take 0"):
        models.load(name, "random", seed=seed)
    models.load(name, "random", seed=2**64 - 1)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "garbage.pth").write_bytes(b"not a checkpoint")
    (tmp_path / "garbage.safetensors").write_bytes(b"not a checkpoint")
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({"epoch": 3, "state_dict": {}}, tmp_path / "nested.pth")
    entries = models.load("digits-vgg", "random").state_dict()
    torch.save({k: v for k, v in entries.items() if k != "0.bias"}, tmp_path / "short.pth")
    torch.save({**entries, "extra": torch.zeros(1)}, tmp_path / "long.pth")
    torch.save({**entries, "0.bias": torch.zeros(9)}, tmp_path / "reshaped.pth")
    torch.save({**entries, "0.weight": entries["0.weight"].mul(99).to(torch.int8)}, tmp_path / "int8.pth")
    torch.save({**entries, "0.weight": entries["0.weight"].half()}, tmp_path / "half.pth")
    save_file({k: v.bfloat16() for k, v in entries.items()}, tmp_path / "bfloat16.safetensors")
    entries = models.load("digits-resnet", "random").state_dict()
    torch.save({k: v.float() for k, v in entries.items()}, tmp_path / "tracked.pth")
    (tmp_path / "half.py").write_text(HALF)
    (tmp_path / "broken.py").write_text("import nothing_of_this_name\n")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("vgg17", None, "model: expected one of digits-vgg.* got 'vgg17'"),
        ("vgg16", None, "weights: expected 'random', 'download' or a file, got none"),
        ("digits-vgg", "download", "nothing to download"),
        ("digits-vgg", "IMAGENET1K_V1", "got 'IMAGENET1K_V1'; digits-vgg has nothing to download"),
        ("digits-vgg", "{}/absent.pth", "weights: no file"),
        ("digits-vgg", "{}/garbage.pth", "to hold tensors"),
        ("digits-vgg", "{}/garbage.safetensors", "to hold tensors"),
        ("digits-vgg", "{}/list.pth", "a state_dict"),
        ("digits-vgg", "{}/nested.pth", "a state_dict"),
        ("digits-vgg", "{}/short.pth", r"1 missing \(first: 0\.bias\)"),
        ("digits-vgg", "{}/long.pth", r"1 not in the network \(first: extra\)"),
        ("digits-vgg", "{}/reshaped.pth", r"1 of another shape \(first: 0\.bias\)"),
        ("digits-vgg", "{}/int8.pth", r"1 of another kind \(first: 0\.weight, int8 instead of float32\)"),
        ("digits-resnet", "{}/tracked.pth", "num_batches_tracked, float32 instead of int64"),
        ("{}/half.py:table", None, "got complex64 in table"),
        ("alexnet", "{}/short.pth", "missing"),
        ("{}/absent.py:Net", None, "model: no file"),
        ("{}/broken.py:Net", None, "nothing_of_this_name"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(folder, name, weights, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        models.load(name.format(folder), weights and weights.format(folder))
    assert "\n" not in str(caught.value)


def test_weights_of_a_published_name_are_another_file_than_the_default(monkeypatch):
    asked = []

    def refuse_connection(url, *_args, **_keywords):
        asked.append(url)
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse_connection)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: "/nonexistent/hub")
    monkeypatch.setattr(models.Path, "mkdir", lambda *_args, **_keywords: None)
    for weights in ("IMAGENET1K_V1", "download"):
        with pytest.raises(ValueError, match="no route to host"):
            models.load("resnet50", weights)
        assert len(models.classes("resnet50", weights)) == 1000
    assert [url.rpartition("/")[2] for url in asked] == ["resnet50-0676ba61.pth", "resnet50-11ad3fa6.pth"]


def test_downloads_need_the_network_or_a_file_whose_bytes_match_its_name(tmp_path, monkeypatch):
    def refuse_connection(*_args, **_keywords):
        raise OSError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse_connection)
    with pytest.raises(ValueError, match=r"to download squeezenet1_1-.*no route to host; put the file at"):
        models.load("squeezenet1_1", "download")

    cached = tmp_path / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
    torch.save(models.load("squeezenet1_1", "random").state_dict(), cached)
    with pytest.raises(ValueError, match="SHA-256 b8a52dc0"):
        models.load("squeezenet1_1", "download")

    true_name = cached.with_name(f"net-{hashlib.sha256(cached.read_bytes()).hexdigest()[:8]}.pth")
    cached.rename(true_name)
    models.verify(true_name)


@pytest.mark.parametrize(
    "error", [ImportError("No module"), RuntimeError("operator torchvision::nms does not exist")]
)
def test_a_missing_or_mismatched_torchvision_says_what_to_install(monkeypatch, error):
    class Refusing:
        def find_spec(self, name, *_):
            if name.split(".")[0] == "torchvision":
                raise error

    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Refusing(), *sys.meta_path])
    with pytest.raises(
        ValueError, match=r"torchvision: expected a build that matches torch.*install the pair"
    ):
        models.load("vgg16", "random")
    models.load("digits-vgg")  # needs no torchvision
