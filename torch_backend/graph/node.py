"""One operation of a network, with the activation recorded for some images."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from torch_backend.operators.linear import Shape

KINDS = (
    "input",
    "convolution",
    "dense",
    "affine",
    "average",
    "add",
    "route",
    "relu",
    "max_pool",
    "smooth",
    "product",
)


@dataclass(frozen=True, eq=False)
class Node:
    """One operation of a network.

    name: unique; the paper's name where it has one. kind: one of KINDS, what a Method names a rule for.
    inputs: indices of the nodes it reads. label: the module path or the function in the user's code.
    value: the recorded output (B, *shape). is_first: the convolution or dense layer that reads the image;
    is_last: the one that makes the logits.
    """

    index: int
    name: str
    kind: str
    inputs: tuple[int, ...]
    label: str
    op: Any = field(repr=False)
    value: Tensor = field(repr=False)
    is_first: bool = False
    is_last: bool = False

    @property
    def shape(self) -> Shape:
        """The shape of one image's activation."""
        return tuple(self.value.shape[1:])
