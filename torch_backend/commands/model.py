"""What `rankone model` runs: trace a network and list its nodes.

The names of the nodes are those by which start layers and layers to read at are asked for.
"""

import math
from collections.abc import Sequence
from textwrap import wrap

import torch
from torch import Tensor, nn

from rankone.errors import refuse
from rankone.results.text import aligned, shortened
from torch_backend.commands.numbers import whole
from torch_backend.graph.graph import Graph, trace
from torch_backend.graph.node import Node
from torch_backend.inputs import images
from torch_backend.memory import refuse_beyond_memory

SHOWN = 10  # classes
WIDTH = 100  # columns of the table; names are never cut, as they are what a user has to type


def summary(
    label: str,
    network: nn.Module,
    image: Tensor,
    said: Sequence[str] = (),
    classes: Sequence[str] = (),
) -> str:
    """A line per node in call order, the layers marked with a star; at most WIDTH columns for short names.

    image: (1, *input shape); said: sentences on the network; classes: the names of its outputs.
    ValueError where the network cannot be traced with it.
    """
    graph = trace(network, image)
    marks = [" ", *("*" if node.name in graph.layers else " " for node in graph.nodes)]
    cells = [("name", "kind", "shape"), *((node.name, node.kind, shape(node)) for node in graph.nodes)]
    notes = ["reads; module", *(note(graph, node) for node in graph.nodes)]
    lines = [
        f"{label}: {len(graph.nodes)} nodes, {len(graph.layers)} layers (*); 'logits' is the last node",
        "Relevance starts, and is read, at the output of a node; rankone csc takes layers as start layers.",
        "The last column: what it reads, if not the line above; its place in your code, if not its name.",
        *(line for sentence in [*said, *_listed(classes)] for line in wrap(sentence, WIDTH)),
        "",
    ]
    for mark, row, text in zip(marks, aligned(cells, left=3, indent=" "), notes, strict=True):
        room = WIDTH - len(mark + row) - 2
        lines.append(f"{mark}{row}  {shortened(text, room)}".rstrip())
    return "\n".join(lines)


def _listed(classes: Sequence[str]) -> list[str]:
    """A sentence on the classes; of many the first and the last."""
    if not classes:
        return []
    some = classes if len(classes) <= SHOWN else [*classes[: SHOWN - 1], "…", classes[-1]]
    return [f"{len(classes)} classes: {', '.join(some)}."]


def shape(node: Node) -> str:
    """One image's activation: 64x224x224."""
    return "x".join(map(str, node.shape))


def note(graph: Graph, node: Node) -> str:
    """Which nodes it reads, if not the one before; its place in the user's code, if that is not its name."""
    reads = [graph.nodes[i].name for i in node.inputs]
    parts = [] if node.inputs in ((), (node.index - 1,)) else [f"reads {', '.join(reads)}"]
    place = [] if node.name in (node.label, f"{node.label}.pre") else [node.label]
    return "; ".join([*parts, *place])


def one_image(model: str, shape: str | None, declared: Sequence[int | None] | None = None) -> Tensor:
    """A random image (1, C, H, W) of the shape "3x224x224" or "3,224,224"; None: the named network's own.

    declared: what its file says, None for a free size.
    """
    if shape is None:
        side = images.preprocessing(model).side
        usual = [3, *[side] * (len(declared or (3, side, side)) - 1)]
        sizes = [size or other for size, other in zip(declared or usual, usual, strict=True)]
    else:
        sizes = [whole(part) or 0 for part in shape.replace(",", "x").split("x")]
        if min(sizes) < 1:
            refuse(
                "input-shape",
                expected="sizes of one image without the batch, such as 3x224x224",
                got=repr(shape),
                do="join whole numbers with x",
            )
    refuse_beyond_memory("input-shape", 4 * math.prod(sizes), got=shape, do="give the size of one image")
    return torch.randn(1, *sizes, generator=torch.Generator().manual_seed(0))
