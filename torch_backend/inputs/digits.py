"""scikit-learn's handwritten digits, as the shipped networks read them."""

import numpy as np
import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.inputs.preprocessing import Preprocessing

DIGITS_TEST = 360  # held-out digits of 1797: a fifth


def digits(split: str) -> tuple[Tensor, Tensor]:
    """scikit-learn's handwritten digits (Alpaydin, Kaynak 1998): images (B, 3, 32, 32), labels (B,) 0 to 9.

    Grey values are repeated over three channels, so that a cosine over input channels has a meaning, and
    upscaled from 8x8. `split` is "train" (1437 images) or "test" (360), fixed once by a seeded permutation.
    """
    from sklearn.datasets import load_digits

    if split not in ("train", "test"):
        refuse(
            "split",
            expected="'train' or 'test'",
            got=repr(split),
            do="take test for measurements, train for training",
        )
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    chosen = torch.from_numpy(order[DIGITS_TEST:] if split == "train" else order[:DIGITS_TEST])
    grey = torch.from_numpy(data.images / 16).float()[chosen, None]  # (B, 1, 8, 8) in [0, 1]
    large = torch.nn.functional.interpolate(grey, size=DIGITS.side, mode="bilinear", align_corners=False)
    return DIGITS(large.expand(-1, 3, -1, -1)).contiguous(), torch.from_numpy(data.target)[chosen].long()


DIGITS = Preprocessing(32, (0.305,) * 3, (0.340,) * 3, sample=lambda: digits("test")[0])
