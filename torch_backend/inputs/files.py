"""Image files as a network reads them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.inputs.picture import shown
from torch_backend.inputs.preprocessing import Preprocessing, pixels
from torch_backend.memory import refuse_beyond_memory


def from_files(
    paths: Sequence[str | Path],
    preprocessing: Preprocessing,
    limit: int | None = None,
    *,
    skip: Callable[[Path, str], None] | None = None,
) -> Tensor:
    """The first `limit` image files as a viewer shows them -> (B, 3, side, side), fitted and normalised by
    `preprocessing`.

    skip: is told which file is left out, and why. Raises ValueError naming the first file that
    `picture.shown` refuses, if there is no `skip`, and where no file is left.
    """
    if not paths:
        refuse(
            "images", expected="at least one image file", got="none", do="name a file or a folder of images"
        )
    count = min(len(paths), limit or len(paths))
    needed = 2 * count * 3 * preprocessing.side**2 * 4  # the pixels, and normalised
    refuse_beyond_memory("images", needed, got=f"{count} files", do="take fewer: --limit")
    found: list[Tensor] = []
    reasons: list[str] = []
    for path in map(Path, paths):
        if len(found) == count:
            break
        try:
            found.append(pixels(preprocessing.fit(shown(path))))
        except (ValueError, OSError) as error:
            if skip is None:
                raise
            skip(path, str(error))
            reasons.append(str(error))
    if not found:
        got = f"none of {len(reasons)}; of the first: {reasons[0]}"
        refuse("images", expected="at least one that can be read", got=got, do="mend them or name others")
    return preprocessing(torch.stack(found))
