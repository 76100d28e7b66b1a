"""What makes a wrong reading impossible to miss: a network is compared with what was read of it.

At the images that it is traced with, every node's forward is compared with the numbers that the model
computed there, one vector-Jacobian product of the nodes with autograd's through the model, and the output
with that of other runs: an image alone, or twice over. Later batches carry out the same calls with the same
weights, and their numbers are the model's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.graph.node import Node
from torch_backend.operators.layout import is_finite
from torch_backend.operators.linear import Linear

# What was computed twice is the same up to rounding: as a fraction of the spread of each channel. A folded
# batch norm rounds differently, and in half precision whole layers do.
TOLERANCE = {torch.float64: 1e-8, torch.float32: 2e-3, torch.float16: 5e-2, torch.bfloat16: 2e-1}
# A derivative also differs where rounding opens a rectifier; as a fraction of its norm.
DERIVATIVE_TOLERANCE = {torch.float64: 1e-7, torch.float32: 1e-2, torch.float16: 0.2, torch.bfloat16: 0.5}
ROUNDINGS = 64  # are granted to every number, each of one unit in its last place


def agree(a: Tensor, b: Tensor, precision: torch.dtype, magnitude: Tensor | float = 0.0) -> bool:
    """Whether a and b (B, C, ...) differ by no more than rounding in this precision: in each channel relative
    to how much b varies there, over images and places. magnitude: of the terms that each number is a sum of.
    """
    if a.shape != b.shape or not a.numel():
        return a.shape == b.shape
    a, b = a.detach().double(), b.detach().double()
    same = (a == b) | (a.isnan() & b.isnan())
    difference = torch.where(same, 0.0, (a - b).abs())
    finite = torch.where(b.isfinite(), b, 0.0)
    each = finite.movedim(1, 0).flatten(1) if b.dim() > 1 else finite[None]
    spread = each.amax(1) - each.amin(1)
    if each.shape[1] == 1:  # one number for each channel: they are compared with each other
        spread = (finite.max() - finite.min()).expand_as(spread)
    allowed = TOLERANCE[precision] * spread.view(-1, *[1] * (b.dim() - 2))
    rounding = torch.finfo(precision).eps * (ROUNDINGS * (finite.abs() + magnitude) + 4 * finite.abs().max())
    return bool((difference <= allowed + rounding).all())


def check_forward(nodes: Sequence[Node], model: Sequence[Tensor | None], precision: torch.dtype) -> None:
    """ValueError that names the first node which does not compute what the model did there."""
    for node, computed in zip(nodes[1:], model[1:], strict=True):
        if computed is None:
            continue
        if bool(computed.isnan().any()):
            refuse(
                f"node {node.name!r}",
                expected="numbers",
                got="NaN",
                do="find out where it arises: model(images) has it there, too",
            )
        x = node.op.join(tuple(nodes[i].value for i in node.inputs))
        said = _what_differs(node, x, computed, precision)
        if not said:
            continue
        refuse(
            f"node {node.name!r}",
            expected="the numbers that the model computes there",
            got=f"{said} ({node.kind}, {node.label})",
            do="look for a hook, a graph that changes itself, or an operator that is read wrongly: report it",
        )


def _what_differs(node: Node, x: Any, computed: Tensor, precision: torch.dtype) -> str:
    """How the node's numbers for x are others than those computed; nothing if they are the same."""
    try:
        y = node.op.forward(x)
    except RuntimeError as error:
        return f"none: {' '.join(str(error).split())[:200]}"
    if y.shape != computed.shape:
        return f"others, of shape {tuple(y.shape)} for {tuple(computed.shape)}"
    if agree(y, computed, precision) or agree(y, computed, precision, magnitude(node, x)):
        return ""
    return f"others, by up to {float((y - computed).abs().max()):.1e}"


def magnitude(node: Node, x: Tensor) -> Tensor | float:
    """|W||x| + |b| of a linear node: what its numbers are sums of."""
    if not isinstance(node.op, Linear):
        return 0.0
    return node.op.part(1, -1).forward(x.abs()).double().reshape(node.value.shape)


def random_vector(logits: Tensor) -> Tensor:
    """What is pulled back."""
    return torch.randn(logits.shape, generator=torch.Generator().manual_seed(0)).to(logits)


def by_autograd(logits: Tensor, tensors: Sequence[Tensor]) -> list[Tensor | None]:
    """Vector-Jacobian products through the model at these of its tensors; ValueError if it has none."""
    try:
        return list(torch.autograd.grad(logits, tensors, random_vector(logits), allow_unused=True))
    except Exception as error:
        return refuse(
            "model",
            expected="a forward pass that autograd can go back through",
            got=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}",
            do="do not work in place on what it names, or give its autograd.Function a backward",
        )


def check_derivative(
    nodes: Sequence[Node],
    logits: Tensor,
    expected: Sequence[Tensor | None],
    precision: torch.dtype,
    own: Sequence[str],
) -> None:
    """One vector-Jacobian product, of the nodes and by autograd through the model; ValueError if they differ.

    expected: autograd's at every node, the image's first; None where it is not known. own: the user's own
    autograd functions.
    """
    arrived = pulled_back(nodes, random_vector(logits))
    if _same_direction(arrived[0], expected[0], precision):
        return
    first = nodes[0]
    for node, there in zip(reversed(nodes), reversed(expected), strict=True):
        if there is not None and not _same_direction(arrived[node.index], there, precision):
            first = node
            break
    names = ", ".join(repr(other.name) for other in nodes if first.index in other.inputs) or repr(first.name)
    refuse(
        "model",
        expected="the derivative of what it computes",
        got=f"another one from autograd, first at {names}" + (f" ({', '.join(own)})" if own else ""),
        do="look for an autograd.Function or a backward hook of your own: relevance needs the function's own",
    )


def own_functions(tensors: Iterable[Tensor | None]) -> list[str]:
    """The user's own autograd functions that made these tensors."""
    own = (t for t in tensors if t is not None and _is_own(t))
    return sorted({type(t.grad_fn).__name__.removesuffix("Backward") for t in own})


def _is_own(t: Tensor) -> bool:
    return isinstance(t.grad_fn, torch.autograd.function.BackwardCFunction)


def pulled_back(nodes: Sequence[Node], r: Tensor) -> dict[int, Tensor]:
    """The vector-Jacobian products of r (B, *shape of the output) at all nodes, by index."""
    zero = torch.zeros(())
    arrived = {node.index: zero for node in nodes}
    arrived[nodes[-1].index] = r.to(nodes[-1].value)[None]
    for node in reversed(nodes[1:]):
        if arrived[node.index] is zero:
            continue
        x = node.op.join(tuple(nodes[i].value for i in node.inputs), node.value)
        parts = node.op.split(node.op.pullback(x, node.value)(arrived[node.index]))
        for i, part in zip(node.inputs, parts, strict=True):
            arrived[i] = part + arrived[i]
    return {i: value[0] if value.dim() else value for i, value in arrived.items()}


def _same_direction(a: Tensor, b: Tensor | None, precision: torch.dtype) -> bool:
    """Whether a and b (B, ...) are the same up to rounding, image by image."""
    if b is None:
        return not bool(a.any())
    a, b = a.double(), b.double()
    if not (is_finite(a) and is_finite(b)):  # an overflow: nothing can be told
        return is_finite(a) == is_finite(b)
    difference = a - b if a.dim() == 0 else a.reshape(b.shape) - b
    distance, size = (v.reshape(len(b), -1).norm(dim=1) for v in (difference, b))
    rounding = torch.finfo(precision).eps ** 2 * size.max()
    return bool((distance <= DERIVATIVE_TOLERANCE[precision] * size + rounding).all())
