"""The cone of all classes: what holds for the relevance of every class, and of every non-negative mixture.

For a non-negative chain the columns of C, the maps of the single classes, span a cone that holds the map of
every non-negative mixture of classes. The smallest cosine, Hilbert's distance, the total variation and the
change of a share over the whole cone are attained at two columns: one sweep with V = classes vectors makes a
statement about all of them, without sampling (the cone lemma, in rankone.contraction; Birkhoff 1957, Bushell
1973). A difference of two classes is no such mixture: nothing is said of contrastive maps.

The numbers are float64's, without an error bound; proved bounds, of a chain of matrices, are those of
`rankone.certificate`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import aslinearoperator
from torch import Tensor, nn

from rankone import contraction
from rankone.errors import refuse
from rankone.stable_rank import stable_rank
from torch_backend.graph.graph import Graph, begun, trace
from torch_backend.graph.paths import trunk
from torch_backend.methods import Method
from torch_backend.propagation.classes import class_start
from torch_backend.propagation.starts import Starts
from torch_backend.propagation.sweep import sweep

COLUMNS_BYTES = 1 << 31  # bytes of one layer's columns, float64; a sweep holds a few times as much


@dataclass(frozen=True)
class ClassCone:
    """What holds at `layer` between the maps of any two classes of one image, or non-negative mixtures.

    A unit's share is what it has of the relevance that arrives at the layer: maps are compared without their
    amounts, which `least` and `most` state.

    classes      columns compared
    silent       the numbers of the others: they carry no relevance there and have no direction
    least, most  the smallest and largest amount that arrives of relevance 1 at a compared class
    diameter     Hilbert's projective diameter Δ ≥ 0; +∞ where classes reach different units
    share_change e^R − 1 ≥ 0, R = max_i ln(max_j p_ij / min_j p_ij) of unit i's shares p_ij: by how much a
                 unit's share is larger for one class than for another, at most; Δ/2 ≤ R ≤ Δ
    angle        the largest angle, in radians, in [0, π/2]
    total_variation  the largest share of a map that moves to other units, in [0, 1]
    stable_rank_excess  ‖C‖_F²/‖C‖₂² − 1 ≥ 0 of the columns: for Gaussian, signed starts at the logits
    """

    layer: str
    classes: int
    silent: tuple[int, ...]
    least: float
    most: float
    diameter: float
    share_change: float
    angle: float
    total_variation: float
    stable_rank_excess: float

    @property
    def missing(self) -> int:
        """How many classes are silent."""
        return len(self.silent)

    @property
    def one_minus_min_cos(self) -> float:
        """1 − the smallest cosine between any two maps, without cancellation."""
        return float(2 * np.sin(self.angle / 2) ** 2)


def class_cones(
    model: nn.Module,
    image: Tensor,
    method: Method,
    layers: str | Sequence[str] = "trunk",
    *,
    memory: int = COLUMNS_BYTES,
) -> tuple[ClassCone, ...]:
    """The cone of all classes at each layer, from the output to the input, for one image (1, *input shape).

    layers: names of layers, or "trunk": the image and the layers that no skip goes around; at others the
    numbers cover one branch only, the relevance that takes it. Computed in float64.

    A class of an output over space, (1, classes, *space), is the mean of its map.

    Raises ValueError for more than one image, an output that is not (1, classes, ...) with two classes or
    more, layers that together with the number of classes need more than `memory` bytes, a chain with negative
    entries (only z_plus, excitation_backprop, deep_taylor, alpha_beta:1:0 and their like have none), and
    whatever `trace` and the method refuse.
    """
    network, image = begun(model, image)
    return cones_of(trace(network, image.double()), method, layers, memory=memory)


def cones_of(
    graph: Graph, method: Method, layers: str | Sequence[str] = "trunk", *, memory: int = COLUMNS_BYTES
) -> tuple[ClassCone, ...]:
    """`class_cones` of the one image that the graph has recorded, in its precision."""
    return tuple(
        cone_of_columns(layer, columns, method.name)
        for layer, columns in columns_of(graph, method, layers, memory=memory)
    )


def columns_of(
    graph: Graph, method: Method, layers: str | Sequence[str] = "trunk", *, memory: int = COLUMNS_BYTES
) -> Iterator[tuple[str, NDArray[np.floating]]]:
    """The maps of the single classes at each layer, (units, classes), output first: of the graph's image, for
    relevance 1 at a class. ValueError as `class_cones`, without the signs.
    """
    logits = graph.nodes[-1]
    if len(logits.value) != 1 or logits.shape[0] < 2:
        got = f"output {tuple(logits.value.shape)}"
        refuse(
            "model and image", expected="output (1, classes, ...)", got=got, do="give one image: images[:1]"
        )
    names = _layers(graph, layers)
    _check_memory(graph, names, memory)
    each = torch.arange(logits.shape[0], device=logits.value.device)
    (one_hot,) = class_start(logits.value.expand(len(each), *logits.shape), each)
    places = prod(logits.shape[1:])
    one_hot = one_hot[:, None] / places  # (V = classes, B = 1, classes, ...), each adds up to 1
    starts = Starts({logits.name: len(one_hot)}, lambda _: one_hot)
    for layer, relevance in sweep(graph, method, starts, names):
        yield layer, relevance[logits.name].flatten(1).T.cpu().numpy()


def cone_of_columns(layer: str, C: NDArray[np.float64], method: str = "the method") -> ClassCone:
    """The cone spanned by the columns of C (units, classes) ≥ 0; zero columns are silent.

    Numbers are nan where fewer than two columns are left. Raises ValueError for negative or infinite
    entries.
    """
    if not np.isfinite(C).all() or (C < 0).any():
        what = "negative entries" if np.isfinite(C).all() else "infinite or NaN entries"
        refuse(
            f"{method} at {layer}",
            expected="a non-negative chain",
            got=what,
            do="take z_plus, excitation_backprop or alpha_beta:1:0; for signed chains, the stable rank",
        )
    speaks = C.any(axis=0)
    some, silent = C[:, speaks], tuple(np.flatnonzero(~speaks).tolist())
    if some.shape[1] < 2:
        return ClassCone(layer, some.shape[1], silent, *[float("nan")] * 7)
    amounts = some.sum(axis=0)
    return ClassCone(
        layer,
        some.shape[1],
        silent,
        least=float(amounts.min()),
        most=float(amounts.max()),
        diameter=contraction.projective_diameter(some),
        share_change=_share_change(some / amounts),
        angle=contraction.cone_angle(some),
        total_variation=contraction.total_variation_diameter(some),
        stable_rank_excess=stable_rank(aslinearoperator(some)).excess,
    )


def _share_change(P: NDArray[np.float64]) -> float:
    """max_i (max_j p_ij / min_j p_ij) − 1 of shares P (units, classes); +∞ where some class misses a unit."""
    P = P[P.any(axis=1)]
    least = P.min(axis=1)
    return float((np.ptp(P, axis=1) / least).max()) if least.all() else float("inf")


def _layers(graph: Graph, layers: str | Sequence[str]) -> list[str]:
    """The asked layers in the graph's order, output first, without the logits."""
    if layers == "trunk":
        asked = trunk(graph.nodes, graph.layers)
    else:
        asked = [graph.node(name) for name in ([layers] if isinstance(layers, str) else layers)]
    below = {node.index: node.name for node in asked if node.index < len(graph.nodes) - 1}
    return [below[index] for index in sorted(below, reverse=True)]


def _check_memory(graph: Graph, names: Sequence[str], memory: int) -> None:
    if not names:
        refuse("layers", expected="layers below the logits", got="none", do="name some, or 'trunk'")
    lowest = graph.node(names[-1]).index
    widest = max(graph.nodes[lowest:], key=lambda node: node.value.numel())
    needed = widest.value.nbytes * graph.nodes[-1].shape[0]
    if needed > memory:
        refuse(
            "layers",
            expected=f"at most {memory / 1e9:.3g} GB for the columns of a layer",
            got=f"{needed / 1e9:.3g} GB at {widest.name}",
            do="name higher layers only (the diameter does not grow below), or raise memory",
        )
