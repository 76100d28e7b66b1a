"""DeepLIFT (Shrikumar, Greenside, Kundaje 2017): what the difference between the logits at an image and at a
reference image is made up of.

    method = deeplift_rescale(reference)                           # (1, *image shape); by default zeros
    relevance(graph, method, "logits", one_hot, "input").sum()     # logit - its value at the reference

Δ is the value at the image minus that at the reference. Multipliers m travel down: the contribution to the
output's difference per unit of Δ. They start and meet Wᵀ as derivatives do; only in rectifiers and
max-poolings a quotient of differences takes the derivative's place. What is read is the contribution m Δ, or
with `method.multipliers` m itself: a chain that sets and reads the same quantity, as CSC asks for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend import rules
from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.methods.gradients import DEFINITE
from torch_backend.methods.method import Method
from torch_backend.operators.entrywise import Bending
from torch_backend.operators.max_pool import MaxPool
from torch_backend.rules.backward import Backward, Plain, Rule

# The derivative everywhere, but where `DeepLift.rule` has differences; no rule for functions whose inputs
# cannot be told apart (softmax, LayerNorm, products, gates).
SAYS = {**DEFINITE, "activation": rules.gradient, "from_logit": False, "contributes": True}


def deeplift_rescale(reference: Tensor | None = None) -> DeepLift:
    """DeepLIFT with the Rescale rule (section 3.5.2): m_x = m_y Δy / Δx in whatever bends single numbers.

    reference: one image (1, *image shape), None for zeros. ValueError if it is something else.
    """
    return DeepLift("deeplift_rescale", **SAYS, reference=one_image(reference))


def one_image(reference: Tensor | None) -> Tensor | None:
    if reference is None:
        return None
    if not isinstance(reference, Tensor) or reference.dim() < 2 or len(reference) != 1:
        got = tuple(reference.shape) if isinstance(reference, Tensor) else type(reference).__name__
        refuse("reference", expected="one image (1, *image shape)", got=got, do="give one for all images")
    return reference.detach()


@dataclass(frozen=True, eq=False)
class Difference:
    """A network at the images (B, ...) against the reference (1, ...)."""

    images: Graph
    reference: Graph

    def x(self, node: Node) -> Tensor:
        """What the node reads at the images."""
        return self.images.x(node)

    def x0(self, node: Node) -> Tensor:
        """What the node reads at the reference."""
        return self.reference.x(self.reference.nodes[node.index])

    def delta(self, node: Node) -> Tensor:
        """Δ of the node's output, (B, *shape)."""
        return node.value - self.reference.nodes[node.index].value


@dataclass(frozen=True, eq=False)
class DeepLift(Method):
    """The Rescale rule. Binding it to a sweep's graph records the reference's activations."""

    reference: Tensor | None = field(kw_only=True, repr=False)
    reads_multipliers: bool = field(default=False, kw_only=True)
    difference: Difference | None = field(default=None, kw_only=True, repr=False)

    @property
    def multipliers(self) -> DeepLift:
        """The same method; what is read are the multipliers, derivatives rather than shares."""
        return replace(self, name=f"{self.name}_multipliers", reads_multipliers=True, contributes=False)

    def bind(self, graph: Graph) -> DeepLift:
        image = graph.nodes[0]
        reference = torch.zeros_like(image.value[:1]) if self.reference is None else self.reference
        if tuple(reference.shape[1:]) != image.shape:
            refuse(
                "reference",
                expected=f"shape (1, {', '.join(map(str, image.shape))}), as the images",
                got=tuple(reference.shape),
                do="give one image of the traced shape",
            )
        return replace(self, difference=Difference(graph, graph.record(reference.to(image.value))))

    def rule(self, node: Node) -> Rule | None:
        match node.op:
            case Bending():
                return rescaled(self.difference.x0(node))
            case MaxPool():
                return higher_maximum(self.difference.x0(node))
        return super().rule(node)

    def read(self, node: Node, r: Tensor) -> Tensor:
        return r if self.reads_multipliers else r * self.difference.delta(node)


def rescaled(x0: Tensor) -> Rule:
    """m ↦ m Δy / Δx, entry by entry."""

    def rule(op: Bending, x: Tensor, y: Tensor) -> Backward:
        q = slope(op, x0, x)
        return Plain(lambda m: m * q)

    return rule


def higher_maximum(x0: Tensor) -> Rule:
    """m ↦ m Δy / Δx for one input of each window of a max-pooling: the maximum at the image or the one at the
    reference, whichever is higher. There |Δx| ≥ |Δy|; captum's rule too.
    """

    def rule(op: MaxPool, x: Tensor, y: Tensor) -> Backward:
        q, winner = higher_winner(op, x0, x)
        return Plain(lambda m: op.scatter(m * q, winner))

    return rule


def higher_winner(op: MaxPool, x0: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Δy / Δx and the position of the input that takes it, both (B, C, *out)."""
    (y, here), (y0, there) = op.function(x), op.function(x0)
    winner = torch.where(y >= y0, here, there)
    return quotient(y - y0, gather(x - x0, winner), 1), winner


def gather(x: Tensor, positions: Tensor) -> Tensor:
    """The values of x (B, C, *space) at flat positions (B, C, *out)."""
    return x.flatten(2).gather(2, positions.flatten(2)).reshape(positions.shape)


def slope(op: Bending, a: Tensor, b: Tensor) -> Tensor:
    """(f(b) - f(a)) / (b - a), in [0, 1] for a rectifier, whatever is rounded; f'(b) where a = b."""
    return quotient(op.forward(b) - op.forward(a), b - a, op.derivative(b))


def quotient(dy: Tensor, dx: Tensor, limit: Tensor | float) -> Tensor:
    """Δy / Δx, and `limit` where Δx = 0."""
    return torch.where(dx == 0, limit, dy / torch.where(dx == 0, 1, dx))
