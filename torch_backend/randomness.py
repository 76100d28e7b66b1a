"""Randomness that depends on what it is for, not on when: a generator of its own for every key; and digests,
by which networks and images are told apart.
"""

import hashlib
from collections.abc import Iterable
from itertools import chain

import numpy as np
import torch
from torch import Tensor, nn


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


def digest_of(model: nn.Module) -> str:
    """SHA-256 of all parameters and buffers of a model with their names; its code has no part in it."""
    return digest_of_tensors(chain(model.named_parameters(), model.named_buffers()))


def digest_of_tensors(named: Iterable[tuple[str, Tensor]]) -> str:
    """SHA-256 over names, precisions, shapes and bytes, to the last bit; on whichever device they are."""
    sha = hashlib.sha256()
    for name, tensor in named:
        sha.update(repr((name, str(tensor.dtype), tuple(tensor.shape))).encode())
        plain = tensor.detach().cpu().resolve_conj().resolve_neg()
        sha.update(plain.reshape(-1).contiguous().view(torch.uint8).numpy())
    return sha.hexdigest()
