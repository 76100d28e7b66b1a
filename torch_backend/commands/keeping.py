"""Parts of a measurement as units on disk, under keys of all that their numbers depend on."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

import rankone
import torch_backend
from rankone.results.runs import Units
from torch_backend.convergence import tallies
from torch_backend.convergence.csc import Keep
from torch_backend.methods import Method
from torch_backend.randomness import digest_of, digest_of_tensors

ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # of an object, in its repr: another in each process


@dataclass(frozen=True)
class Keeping:
    """Units of a command. about: what all of them depend on; methods: what a method's own depend on, by its
    name.
    """

    units: Units
    about: Mapping[str, Any]
    methods: Mapping[str, Any]

    def part(
        self,
        method: Method,
        images: Tensor,
        what: Mapping[str, Any],
        compute: Callable[[], Mapping[str, ArrayLike]],
    ) -> dict[str, NDArray[Any]]:
        """What a method gives for some images, (B, *input shape); what: the further settings."""
        key = {
            **self.about,
            "method": self.methods[method.name],
            "images": digest_of_tensors([("images", images)]),
            **what,
        }
        return self.units.get(method.name, key, compute)

    def tallies(self, method: Method, what: Mapping[str, Any]) -> Keep:
        """The `keep` of `csc`."""

        def kept(images: Tensor, compute: Callable[[], tallies.Tallies]) -> tallies.Tallies:
            arrays = self.part(method, images, what, lambda: tallies.as_arrays(compute()))
            return tallies.from_arrays(arrays)

        return kept


def keep_in(
    folder: Path, network: nn.Module, words: Iterable[object], methods: Mapping[str, Method]
) -> Keeping:
    """Units in a folder, for a command on a network. methods: by how each is written there."""
    own = {method.name: {"text": text, "files": files([text])} for text, method in methods.items()}
    return Keeping(Units(folder), about(network, map(str, words)), own)


def about(network: nn.Module, words: Iterable[str]) -> dict[str, Any]:
    """What the numbers of all units depend on: the network's weights and form, what the command's words say,
    the files that these name, and the code of this project and the release of PyTorch that compute them.

    Of what a user's own file imports, only the .py files beside it are among them.
    """
    words = list(words)
    return {
        "weights": digest_of(network),
        "network": ADDRESS.sub("", repr(network)),
        "words": words,
        "files": files(words),
        "code": code(),
        "torch": str(torch.__version__),
    }


def files(words: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each file that a word names, as in my.py:build, pattern_net:FILE and NAME=FILE.npy:each, and
    of the .py files beside a .py file.
    """
    found = {Path(path) for word in words for path in _pieces(word) if path and Path(path).is_file()}
    beside = {near for path in found if path.suffix == ".py" for near in path.parent.glob("*.py")}
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(found | beside)}


def _pieces(word: str) -> list[str]:
    """What lies between any two of its colons and equals signs."""
    cuts = [0, *(m.end() for m in re.finditer("[:=]", word)), len(word) + 1]
    return [word[begin : end - 1] for begin, end in combinations(cuts, 2)]


@cache
def code() -> str:
    """SHA-256 of this project's source files, as they are when it is first asked for."""
    sha = hashlib.sha256()
    for package in (rankone, torch_backend):
        folder = Path(package.__file__).parent
        for path in sorted(folder.rglob("*.py")):
            sha.update(f"{package.__name__}/{path.relative_to(folder)}\0".encode())
            sha.update(path.read_bytes())
    return sha.hexdigest()
