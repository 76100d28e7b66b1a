"""What a forward and one sweep need at least: the flops and the bytes of every pass of a layer.

A floor in seconds is the sum over the passes of max(flops / rate of matrix products, bytes / bandwidth).

The model of the bytes: a pass reads each operand from memory once and writes its result once. All vectors
pass a layer together, so that weights, x and denominators are read once for all of them. Routes move nothing.
Work entry by entry is free where a product can do it on what it writes anyway: a ReLU is, both ways; an
addition reads its other operands, as does relevance that comes down to a node from several readers. Nothing
stays in a cache from one pass to the next: small activations do, and a network of such may beat this floor.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import NamedTuple

from torch_backend import Graph, Node
from torch_backend.operators.convolution import Convolving
from torch_backend.operators.linear import Dense
from torch_backend.operators.max_pool import MaxPool
from torch_backend.operators.operator import Image, Route
from torch_backend.operators.rectifier import Rectifier
from torch_backend.operators.unweighted import Sum

PRODUCTS = (Convolving, Dense)
FREE = (Image, Rectifier, Route)


class Needs(NamedTuple):
    """What a method needs in a convolution or dense layer.

    denominators: products for an image's denominators. products: for a vector. shares: how many denominators
    divide the relevance on its way down; 0 in the gradient family, which does not read x either.
    """

    denominators: int
    products: int
    shares: int


class Pass(NamedTuple):
    """One pass of a layer: flops, two for each multiply-add, and what it moves from and to memory."""

    flops: int
    moved: int


def passes(graph: Graph, starts: Mapping[str, Sized], needs: Needs) -> Iterator[Pass]:
    """All passes of a forward and of one sweep down to the image; `moved` in bytes.

    starts: name of a node -> its vectors, which pass all nodes below it.
    """
    readers = Counter(i for node in graph.nodes for i in node.inputs)
    carried = 0
    for node in reversed(graph.nodes):
        x, y = sum(graph.nodes[i].value.numel() for i in node.inputs), node.value.numel()
        joining = max(0, readers[node.index] - 1) * carried * y
        carried += len(starts.get(node.name, ()))
        needed = [forward(node, x, y), Pass(0, joining), *backward(node, x, y, carried, needs)]
        yield from (Pass(flops, moved * node.value.element_size()) for flops, moved in needed)


def forward(node: Node, x: int, y: int) -> Pass:
    """From inputs of x entries in all to an output of y; `moved` in entries."""
    if isinstance(node.op, PRODUCTS):
        return Pass(_product(node, y), x + node.op.weight.numel() + y)
    if isinstance(node.op, FREE):
        return Pass(0, 0)
    return Pass(0, x - y if isinstance(node.op, Sum) else x + y)


def backward(node: Node, x: int, y: int, carried: int, needs: Needs) -> list[Pass]:
    """Denominators and the `carried` vectors' way from the output to the inputs; `moved` in entries."""
    if carried == 0 or isinstance(node.op, FREE):
        return []
    image = x + needs.shares * y if needs.shares else 0
    if isinstance(node.op, PRODUCTS):
        product, weights = _product(node, y), node.op.weight.numel()
        down = Pass(carried * needs.products * product, carried * (y + x) + needs.products * weights + image)
        return [forward(node, x, y)] * needs.denominators + [down]
    if isinstance(node.op, Sum):
        return [Pass(0, image)]
    return [Pass(0, carried * (y + x) + (x + y if isinstance(node.op, MaxPool) else image))]


def _product(node: Node, y: int) -> int:
    """Flops of W x."""
    return 2 * y * node.op.weight[0].numel()


def flops(needed: Iterable[Pass]) -> int:
    """Of all passes together."""
    return sum(one.flops for one in needed)


def seconds(needed: Iterable[Pass], rate: float, bandwidth: float) -> float:
    """At `rate` flops and `bandwidth` bytes a second, where each pass takes the longer of the two."""
    return sum(max(one.flops / rate, one.moved / bandwidth) for one in needed)
