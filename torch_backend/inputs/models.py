"""Networks by name: two small trained ones that are shipped, torchvision's classifiers, the user's own file.

    load("digits-vgg")                          trained on real digits, shipped with this package
    load("vgg16", "random")                     torchvision's architecture and initialisation, seeded
    load("vgg16", "vgg16-397923af.pth")         a file of weights (.pth or .safetensors); every entry must fit
    load("vgg16", "download")                   torchvision's published weights, their checksum verified
    load("my_model.py:MyNet", "my.safetensors") a class or function of one's own, called without arguments

torchvision is imported only when one of its networks is asked for.
"""

import hashlib
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from rankone.errors import refuse
from torch_backend.inputs.digits_networks import DigitsResNet, DigitsVGG
from torch_backend.inputs.user_file import own

SHIPPED: Mapping[str, Callable[[], nn.Module]] = {"digits-vgg": DigitsVGG, "digits-resnet": DigitsResNet}
WEIGHTS_FOLDER = Path(__file__).parent / "weights"
# torchvision builds these two so that they undo the published weights' own input normalisation.
TRANSFORMS_INPUT = frozenset({"googlenet", "inception_v3"})


def load(name: str, weights: str | Path | None = None, *, seed: int = 0) -> nn.Module:
    """The named network in eval mode, float32, on the CPU.

    name     a shipped network, a torchvision classifier, or "path/to/file.py:function_or_class"
    weights  "random" (the library's own initialisation, drawn with `seed`), "download" (torchvision only), or
             a file; None means the shipped weights, or for a file of one's own the model as it is built.
             A torchvision network has no default: random weights must be asked for by name.
    Raises ValueError in one line if the name, the file or the fit of the weights is wrong, OSError if a file
    is missing.
    """
    if name in SHIPPED:
        network = build(SHIPPED[name], seed)
        default: str | Path | None = WEIGHTS_FOLDER / f"{name}.safetensors"
    elif ".py:" in name:
        network = build(own(name), seed)
        default = None
    else:
        return from_torchvision(name, weights, seed).eval()
    if weights == "download":
        refuse(
            "weights", expected="a file or 'random'", got="'download'", do=f"{name} has nothing to download"
        )
    if weights == "random" or (weights or default) is None:
        return network.eval()
    return fill(network, read_weights(weights or default), str(weights or default)).eval()


def label(name: str, weights: str | Path | None = None) -> str:
    """The network's name in tables and pictures; random weights are always called so."""
    short = Path(name).name
    return f"{short} (random weights)" if weights == "random" else short


def build(factory: Callable[[], object], seed: int) -> nn.Module:
    """The module that `factory()` returns, initialised with `seed`; torch's global generator is restored."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = factory()
    if not isinstance(network, nn.Module):
        refuse(
            "model", expected="a torch.nn.Module", got=type(network).__name__, do="return the module itself"
        )
    return network


def from_torchvision(name: str, weights: str | Path | None, seed: int) -> nn.Module:
    models = torchvision_models()
    names = models.list_models(module=models)
    if name not in names:
        known = ", ".join([*SHIPPED, "path/to/file.py:function", "vgg16", "resnet50"])
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
    network = build(lambda: models.get_model(name, weights=None, **options), seed)
    if weights == "random":
        return network
    if weights == "download":
        return fill(network, downloaded(models, name), f"torchvision's {name}")
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


def downloaded(models: ModuleType, name: str) -> Mapping[str, Tensor]:
    """torchvision's default weights, from its cache or the network; the file's bytes must match its name."""
    url = models.get_model_weights(name).DEFAULT.url
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
    """Copy `tensors` into `network`; every entry must be there, none over, all of the right shape."""
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
    network.load_state_dict(tensors, strict=True)
    return network
