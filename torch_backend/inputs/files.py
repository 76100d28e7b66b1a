"""Image files as a network reads them."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.inputs.picture import shown
from torch_backend.inputs.preprocessing import Preprocessing, pixels
from torch_backend.memory import refuse_beyond_memory


def from_files(paths: Sequence[str | Path], preprocessing: Preprocessing) -> Tensor:
    """Image files as a viewer shows them -> (B, 3, side, side), fitted and normalised by `preprocessing`.

    Raises ValueError naming the first file that `picture.shown` refuses.
    """
    if not paths:
        refuse(
            "images", expected="at least one image file", got="none", do="name a file or a folder of images"
        )
    needed = 2 * len(paths) * 3 * preprocessing.side**2 * 4  # the pixels, and normalised
    refuse_beyond_memory("images", needed, got=f"{len(paths)} files", do="take fewer: --limit")
    return preprocessing(torch.stack([pixels(preprocessing.fit(shown(Path(path)))) for path in paths]))
