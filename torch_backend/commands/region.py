"""`--region 10:50,20:80` and `--mask FILE`: the part of an output over space over which a class is summed."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.inputs.picture import shown

Region = Callable[[Sequence[int]], Tensor]  # the output's space -> a mask (*space)
SPAN = re.compile(r"(\d{0,9}):(\d{0,9})")
WHITE = 128  # of 255: inside


def read(region: str | None, mask: str | None) -> Region | None:
    """What the two options say, None if neither is given.

    region: START:END for each axis of space, counted from 0, the end not included; either may be left out.
    mask: a .npy array, inside where it is not 0, or an image file, inside where it is white. ValueError for
    anything else, OSError for a file that is not there.
    """
    if region is not None and mask is not None:
        refuse("region", expected="--region or --mask", got="both", do="leave one out")
    if mask is not None:
        inside = _mask(Path(mask))
        return lambda _: inside
    return None if region is None else _rectangle(region)


def _rectangle(text: str) -> Region:
    spans = [SPAN.fullmatch(part) for part in text.split(",")]
    if None in spans:
        do = "write it as 10:50,20:80"
        refuse("region", expected="START:END for each axis of space", got=repr(text), do=do)
    ends = [tuple(int(end) if end else None for end in span.groups()) for span in spans if span]

    def inside(space: Sequence[int]) -> Tensor:
        found = torch.zeros(tuple(space), dtype=torch.bool)
        within = len(ends) == len(space) and all((b or 0) <= n for (_, b), n in zip(ends, space, strict=True))
        if within:
            found[tuple(slice(a, b) for a, b in ends)] = True
        if not found.any():
            size = "x".join(map(str, space)) + " places" if space else "space, which it does not have"
            do = "give START:END inside it"
            refuse("region", expected=f"a part of the output's {size}", got=text, do=do)
        return found

    return inside


def _mask(path: Path) -> Tensor:
    if path.suffix != ".npy":
        return torch.from_numpy(np.asarray(shown(path).convert("L")) >= WHITE)
    try:
        array = np.load(path, allow_pickle=False)
        if (
            not isinstance(array, np.ndarray)
            or array.dtype.kind not in "biuf"
            or not np.isfinite(array).all()
        ):
            raise ValueError("no finite numbers")
        return torch.from_numpy(array != 0)
    except (ValueError, EOFError, TypeError) as error:
        return refuse("mask", expected="a .npy array", got=f"{path} ({error})", do="save it with numpy.save")
