"""`--extra`: further inputs of a network, beside the images; each named as its `forward` names it.

scale=2             a number, the same for all images
mask=mask.npy       an array, the same for all images, given as it is
length=n.npy:each   a row for each image, held: a constant of that image
depth=d.npy:read    a row for each image, and relevance is read there: --at depth
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from rankone.errors import refuse
from torch_backend.graph.joined import first_of, join

KINDS = ("each", "read")


class Extra(NamedTuple):
    """A further input. kind: "" (the same for all images), "each" or "read"."""

    name: str
    value: Any
    kind: str


def read(text: str) -> Extra:
    """What one `--extra` says; ValueError for another form, OSError for a file that is not there."""
    name, given, value = text.partition("=")
    file, _, kind = (
        value.rpartition(":") if value.endswith(tuple(f":{k}" for k in KINDS)) else (value, "", "")
    )
    if not given or not name.isidentifier() or not value:
        expected = "NAME=NUMBER or NAME=FILE.npy, with :each or :read behind it for a row for each image"
        refuse("extra", expected=expected, got=repr(text), do="name it as the model's forward does")
    number = None if kind else _number(file)
    return Extra(name, _array(Path(file)) if number is None else number, kind)


def with_extra(
    network: nn.Module, images: Tensor, extras: Sequence[Extra], limit: int
) -> tuple[nn.Module, Tensor]:
    """The network and images with further inputs joined; as they are where there are none.

    Of rows for each image the first `limit` are taken, as of the images.
    """
    if not extras:
        return network, images
    first = first_of(network)
    names = [first, *(extra.name for extra in extras)]
    if doubled := [name for k, name in enumerate(names) if name in names[:k]]:
        whose = f"{first}, which is --images" if doubled[0] == first else f"{doubled[0]} twice"
        refuse("extra", expected="each further input once", got=whose, do="leave one of them out")
    real = images.dtype if images.is_floating_point() else torch.float32

    def of(kind: str) -> dict[str, Any]:
        return {e.name: e.value if kind == "" else e.value[:limit] for e in extras if e.kind == kind}

    read = {name: x.to(real) if x.is_floating_point() else x for name, x in of("read").items()}
    return join(network, {first: images, **read}, rows=of("each"), fixed=of(""))


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None


def _array(path: Path) -> Tensor:
    try:
        array = np.load(path, allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("an archive of arrays")
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))
    except (ValueError, EOFError, TypeError) as error:
        return refuse("extra", expected="a .npy array", got=f"{path} ({error})", do="save it with numpy.save")
