"""One operation of a network, carried out: with its value for some images."""

from dataclasses import dataclass, field

from torch import Tensor

from torch_backend.operators.layout import Shape
from torch_backend.operators.operator import Operator


@dataclass(frozen=True, eq=False)
class Node:
    """One operation of a network.

    name: unique; the paper's name where it has one. inputs: indices of the nodes it reads. label: the module
    path or the function in the user's code. op: what it computes; its class decides on the node's kind.
    value: the recorded output (B, *shape). is_first: a convolution or dense layer that reads the image, with
    no other between; is_last: one that makes the logits. in_part: which of the two ("first", "last") it is
    with a part of what it reads, or for a part of what reads it.
    """

    index: int
    name: str
    inputs: tuple[int, ...]
    label: str
    op: Operator = field(repr=False)
    value: Tensor = field(repr=False)
    is_first: bool = False
    is_last: bool = False
    in_part: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """The kind of its operator: what a Method names a rule for, or "input"."""
        return self.op.kind

    @property
    def shape(self) -> Shape:
        """The shape of one image's activation."""
        return tuple(self.value.shape[1:])
