"""Randomness that depends on what it is for, not on when: a generator of its own for every key."""

import hashlib

import numpy as np
import torch
from torch import Tensor


def seeded(*key: object) -> torch.Generator:
    """A generator of its own for every key."""
    return spelled(repr(key))


def spelled(key: str) -> torch.Generator:
    """The generator of a text."""
    digits = hashlib.sha256(key.encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digits[:8], "big") >> 1)


def digest(image: Tensor) -> str:
    """SHA-256 of one image's shape and float32 numbers: the name under which its random numbers are drawn."""
    numbers = np.ascontiguousarray(image.detach().cpu().to(torch.float32).numpy())
    return hashlib.sha256(repr(numbers.shape).encode() + numbers.tobytes()).hexdigest()
