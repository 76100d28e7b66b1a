"""Networks by name: trained ones, torchvision's classifiers, the user's own file.

    load("digits-vgg")                          trained on real digits, shipped with this package
    load("mri-vgg16")                           trained, in a package of its own (see zoo)
    load("vgg16", "random")                     torchvision's architecture and initialisation, seeded
    load("vgg16", "vgg16-397923af.pth")         a file of weights (.pth or .safetensors); every entry must fit
    load("vgg16", "download")                   torchvision's published weights, their checksum verified
    load("resnet50", "IMAGENET1K_V1")           those of that name, where torchvision has several
    load("my_model.py:MyNet", "my.safetensors") a class or function of one's own, called without arguments
    load("net.onnx")                            a network in a file, with its weights

torchvision and onnx are imported only when one of their networks is asked for.
"""

import hashlib
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from rankone.errors import refuse
from torch_backend.inputs.digits_networks import DigitsResNet, DigitsVGG
from torch_backend.inputs.onnx_file import load_onnx
from torch_backend.inputs.user_file import own
from torch_backend.inputs.zoo.networks import ZOO

SHIPPED: Mapping[str, Callable[[], nn.Module]] = {"digits-vgg": DigitsVGG, "digits-resnet": DigitsResNet}
PRECISIONS = frozenset({torch.float32, torch.float64})
HALF = frozenset({torch.float16, torch.bfloat16})
PUBLISHED = {"download": "DEFAULT", "IMAGENET1K_V1": "IMAGENET1K_V1"}  # torchvision's weights, by its names
WEIGHTS_FOLDER = Path(__file__).parent / "weights"
# torchvision builds these two so that they undo the published weights' own input normalisation.
TRANSFORMS_INPUT = frozenset({"googlenet", "inception_v3"})


def load(
    name: str, weights: str | Path | None = None, *, seed: int = 0, dtype: torch.dtype = torch.float32
) -> nn.Module:
    """The named network in eval mode, in float32 or float64 (`dtype`), on the CPU.

    name     a shipped or trained network, a torchvision classifier, "path/to/file.py:function_or_class", or a
             file .onnx
    weights  "random" (the library's own initialisation, drawn with `seed`), "download" or "IMAGENET1K_V1"
             (torchvision only), or a file; None means the shipped weights, or for a file of one's own the
             model as it is built.
             A torchvision network has no default: random weights must be asked for by name.
    Weights are float32 or float64; float64 is rounded only where float32 is asked for.
    Raises ValueError in one line if the name, the file or the fit of the weights is wrong, OSError if a file
    is missing.
    """
    if name in SHIPPED:
        network = build(SHIPPED[name], seed, dtype)
        default: str | Path | None = WEIGHTS_FOLDER / f"{name}.safetensors"
    elif name in ZOO:
        if weights is not None:
            do = "leave --weights out: random weights can be had for torchvision's networks"
            refuse("weights", expected=f"none: {name} brings its own", got=repr(str(weights)), do=do)
        return build(ZOO[name].build, seed, dtype).eval()
    elif ".py:" in name:
        network = build(own(name), seed, dtype)
        default = None
    elif is_onnx(name):
        if weights is not None:
            do = "leave out --weights"
            refuse("weights", expected=f"none: {name} holds its own", got=repr(str(weights)), do=do)
        return load_onnx(name, dtype)
    else:
        return from_torchvision(name, weights, seed, dtype).eval()
    if weights in PUBLISHED:
        refuse(
            "weights", expected="a file or 'random'", got=repr(weights), do=f"{name} has nothing to download"
        )
    if weights == "random" or (weights or default) is None:
        return network.eval()
    return fill(network, read_weights(weights or default), str(weights or default)).eval()


def label(name: str, weights: str | Path | None = None) -> str:
    """The network's name in tables and pictures, with the source and licence of weights from a package;
    random weights are always called so.
    """
    if name in ZOO:
        return f"{name} (weights of {ZOO[name].source}, {ZOO[name].licence})"
    short = Path(name).name
    return f"{short} (random weights)" if weights == "random" else short


def notes(name: str, network: nn.Module) -> tuple[str, ...]:
    """What has to be said of a network: what it is, who trained it, its licence, what it is not; and what
    differs from its file.
    """
    if name not in ZOO:
        return tuple(f"Note: {change}." for change in changes(name, network))
    weights = f"Weights: the package {ZOO[name].source}; licence: {ZOO[name].licence}."
    return (*ZOO[name].provenance, weights, *(f"Note: {change}." for change in changes(name, network)))


def changes(name: str, network: nn.Module) -> tuple[str, ...]:
    """What differs between an .onnx file and the network that was made of it."""
    return network.notes if is_onnx(name) else getattr(network, "notes", ()) if name in ZOO else ()


def image_shape(name: str, network: nn.Module) -> tuple[int | None, ...] | None:
    """(C, *space) of the images that the named .onnx file declares, None for what it leaves open."""
    return network.image if is_onnx(name) else None


def check_size(name: str, images: Tensor) -> None:
    """ValueError for images of another size than a trained network reads."""
    if name not in ZOO:
        return
    size = (3, ZOO[name].reads.side, ZOO[name].reads.side)
    if tuple(images.shape[1:]) != size:
        expected = f"shape (B, {', '.join(map(str, size))}), as {name} reads them"
        refuse(
            "images", expected=expected, got=tuple(images.shape), do="give pictures, or an array of this size"
        )


def is_onnx(name: str) -> bool:
    """Whether the name is that of an .onnx file."""
    return Path(name).suffix.lower() == ".onnx"


def any_weights(name: str) -> str | None:
    """Weights for whoever asks for the names of nodes only: random ones, or the network's own."""
    return None if name in SHIPPED or name in ZOO or ".py:" in name or is_onnx(name) else "random"


def classes(name: str, weights: str | Path | None = None) -> tuple[str, ...]:
    """The names of the network's outputs, in their order; none where they are not known."""
    if name in ZOO:
        return ZOO[name].classes()
    if name in SHIPPED:
        return tuple("0123456789")
    if weights in PUBLISHED:
        return tuple(published(torchvision_models(), name, str(weights)).meta["categories"])
    return ()


def build(factory: Callable[[], object], seed: int, dtype: torch.dtype = torch.float32) -> nn.Module:
    """The module that `factory()` returns, initialised with `seed`, in float32 or float64.

    torch's global generator is restored. Weights in half precision are taken at their value, and a warning
    says so. ValueError for a seed that it does not take, for what is no module, and for weights of another
    kind.
    """
    if not -(2**63) <= seed < 2**64:
        expected = "a whole number from -2**63 to 2**64 - 1"
        refuse("seed", expected=expected, got=seed, do="take 0, or any other in this range")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = factory()
    if not isinstance(network, nn.Module):
        refuse(
            "model", expected="a torch.nn.Module", got=type(network).__name__, do="return the module itself"
        )
    half = set()
    for entry, tensor in chain(network.named_parameters(), network.named_buffers()):
        if tensor.dtype in HALF:
            half.add(tensor.dtype)
        elif tensor.dtype not in PRECISIONS and (tensor.is_floating_point() or tensor.is_complex()):
            got = f"{_short(tensor.dtype)} in {entry}"
            refuse("model", expected="weights in float32 or float64", got=got, do="return model.float()")
    say_half("model: weights", half, dtype)
    return network.to(dtype)


def say_half(what: str, half: Iterable[torch.dtype], dtype: torch.dtype) -> None:
    """Warns that numbers in half precision are computed with in another, if there are any."""
    if kinds := sorted(set(map(_short, half))):
        warnings.warn(f"{what} in {' and '.join(kinds)}, computed in {_short(dtype)}", stacklevel=3)


def from_torchvision(
    name: str, weights: str | Path | None, seed: int, dtype: torch.dtype = torch.float32
) -> nn.Module:
    models = torchvision_models()
    names = models.list_models(module=models)
    if name not in names:
        known = ", ".join([*SHIPPED, *ZOO, "path/to/file.py:function", "net.onnx", "vgg16", "resnet50"])
        refuse(
            "model",
            expected=f"one of {known} or any torchvision classifier",
            got=repr(name),
            do="copy one of these, or a name of torchvision.models.list_models()",
        )
    if weights is None:
        refuse(
            "weights",
            expected="'random', 'download' or a file",
            got="none",
            do=f"say which weights {name} shall have: untrained ones must be asked for by name",
        )
    options = {"init_weights": True} if name in TRANSFORMS_INPUT else {}
    if weights != "random" and name in TRANSFORMS_INPUT:
        options["transform_input"] = True
    network = build(lambda: models.get_model(name, weights=None, **options), seed, dtype)
    if weights == "random":
        return network
    if weights in PUBLISHED:
        return fill(network, downloaded(models, name, str(weights)), f"torchvision's {name}")
    return fill(network, read_weights(weights), str(weights))


def torchvision_models() -> ModuleType:
    try:
        from torchvision import models
    except (ImportError, RuntimeError) as error:  # RuntimeError: torch and torchvision of different builds
        reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
        refuse(
            "torchvision",
            expected="a build that matches torch " + torch.__version__,
            got=reason,
            do="install the pair together: pip install 'torch>=2.11' 'torchvision>=0.26'",
        )
    return models


def published(models: ModuleType, name: str, weights: str) -> Any:
    """torchvision's entry for these weights of PUBLISHED; ValueError where it has none of that name."""
    known = models.get_model_weights(name).__members__
    entry = PUBLISHED[weights]
    if entry not in known:
        refuse("weights", expected=f"one of {', '.join(known)}", got=weights, do="take download")
    return known[entry]


def downloaded(models: ModuleType, name: str, weights: str) -> Mapping[str, Tensor]:
    """torchvision's weights, from its cache or the network; the file's bytes must match its name."""
    url = published(models, name, weights).url
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), progress=sys.stderr.isatty())
        except (OSError, RuntimeError) as error:
            refuse(
                "weights",
                expected=f"to download {Path(url).name}",
                got=str(error),
                do=f"put the file at {path} or pass its path as weights",
            )
    verify(path)
    return read_weights(path)


def verify(path: Path) -> None:
    """Refuse a file whose SHA-256 does not begin with the digits in its name (name-<digits>.pth)."""
    stated = re.search(r"-([a-f0-9]{8,})\.", path.name)
    if stated and not (digest := hashlib.sha256(path.read_bytes()).hexdigest()).startswith(stated[1]):
        refuse(
            "weights",
            expected=f"bytes with SHA-256 {stated[1]}…",
            got=digest[:8] + "…",
            do=f"delete the damaged file {path}",
        )


def read_weights(path: str | Path) -> Mapping[str, Tensor]:
    """The named tensors in a .safetensors file, or in a torch file read without running any code in it."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"weights: no file {path}; expected 'random', 'download' or a file")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            tensors = load_file(path)
        else:
            tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises five unrelated types for damaged or unsafe files
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        refuse(
            "weights",
            expected=f"{path} to hold tensors",
            got=reason,
            do="save it anew with torch.save(network.state_dict(), path)",
        )
    if not isinstance(tensors, Mapping) or not all(isinstance(t, Tensor) for t in tensors.values()):
        refuse(
            "weights",
            expected="named tensors (a state_dict)",
            got=f"{type(tensors).__name__} of other things in {path}",
            do="save network.state_dict()",
        )
    return tensors


def fill(network: nn.Module, tensors: Mapping[str, Tensor], source: str) -> nn.Module:
    """Copy `tensors` into `network`; every entry must be there, none over, of the right shape and kind.

    float32 and float64 may stand for each other; half precision is taken at its value, and a warning says so.
    ValueError with the first entry that does not fit.
    """
    wanted = network.state_dict()
    problems = [
        f"{len(found)} {what} (first: {found[0]})"
        for what, found in (
            ("missing", [k for k in wanted if k not in tensors]),
            ("not in the network", [k for k in tensors if k not in wanted]),
            (
                "of another shape",
                [k for k in wanted if k in tensors and wanted[k].shape != tensors[k].shape],
            ),
            (
                "of another kind",
                [
                    f"{k}, {_short(tensors[k].dtype)} instead of {_short(wanted[k].dtype)}"
                    for k in wanted
                    if k in tensors and not _fits(tensors[k].dtype, wanted[k].dtype)
                ],
            ),
        )
        if found
    ]
    if problems:
        refuse(
            "weights",
            expected=f"{len(wanted)} entries of {type(network).__name__}",
            got=f"{source} with {', '.join(problems)}",
            do="pass the file that belongs to this network",
        )
    half = [t.dtype for t in tensors.values() if t.dtype in HALF]
    if half:
        say_half(f"weights: {source}", half, next(t.dtype for t in wanted.values() if t.dtype in PRECISIONS))
    network.load_state_dict(tensors, strict=True)
    return network


def _fits(found: torch.dtype, wanted: torch.dtype) -> bool:
    return found == wanted or (found in PRECISIONS | HALF and wanted in PRECISIONS)


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
