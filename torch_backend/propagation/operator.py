"""The operator view: the chain from a start layer down to a layer, for one image, as one matrix C.

    C = ChainOperator(graph, methods.z_plus, "fc1", "conv3_1")   # a scipy LinearOperator
    C @ v, C.T @ u                                               # relevance down; its transpose, up
    rankone.stable_rank.stable_rank(C)                           # ‖C‖_F²/‖C‖₂²
    scipy.sparse.linalg.svds(C, 3)                               # the top singular vectors

Nothing of it is ever a dense matrix. Cᵀ walks the same nodes upwards: the rule of a node is a linear map
r ↦ r_in, and the derivative of a linear map, taken by autograd, is the map itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from rankone.errors import refuse
from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.graph.paths import path
from torch_backend.methods.method import Method
from torch_backend.propagation.holding import held
from torch_backend.propagation.passage import Passage, hand_down, prepare
from torch_backend.propagation.relevance import relevance

# Bytes of relevance of the widest node that travel at once.
GROUP_BYTES = 1 << 27
# How far a linear rule may be from additive, and from its transpose: rounding stays far below the root of
# the precision, a rectified r does not come near it.
TOLERANCE = {dtype: torch.finfo(dtype).eps ** 0.5 for dtype in (torch.float32, torch.float64)}

Handing = Callable[[Tensor], tuple[Tensor, ...]]  # relevance of a node -> relevance of each of its inputs


class ChainOperator(LinearOperator):
    """C: relevance at `start` (n,) -> relevance at `at` (m,), both flattened, for the graph's one image.

    Column j is the relevance of the one-hot start e_j; `C.matmat(X)` takes X (n, V) to (m, V), `C.rmatmat`
    goes the other way. The precision is that of the traced image.

    Raises ValueError if the graph holds more than one image, for an unknown or unreachable layer, for a node
    without a rule, and, naming the nodes, for a method that is not linear in r (deconv, guided
    backpropagation, RectGrad) or whose rule autograd cannot transpose.
    """

    def __init__(self, graph: Graph, method: Method, start: str, at: str) -> None:
        image = graph.nodes[0].value
        if len(image) != 1:
            refuse("graph", expected="one image", got=len(image), do="trace the model with images[:1]")
        self.start, self.at = graph.node(start), graph.node(at)
        relevance(graph, method, start, torch.zeros_like(self.start.value)[None], at)  # refuses what it must
        self._method = method.bind(graph)
        graph = held(graph, self._method)
        self.start, self.at = graph.node(start), graph.node(at)
        self._path = path(graph.nodes, self.start, self.at)
        self._useful = {node.index for node in self._path} | {self.at.index}
        self._passages = {node.index: _prepare(graph, self._method, node) for node in self._path}
        self._begin: Handing = lambda r: (self._method.start(r),)
        self._end: Handing = lambda r: (self._method.read(self.at, r),)
        _check_linear(
            method,
            [
                (self.start, self._begin, 1),
                *((node, self._passages[node.index], method.carries) for node in reversed(self._path)),
                (self.at, self._end, method.carries),
            ],
        )
        dtype = np.dtype(str(image.dtype).removeprefix("torch."))
        super().__init__(dtype, (self.at.value.numel(), self.start.value.numel()))

    def _matmat(self, X: NDArray) -> NDArray:
        return self._in_groups(self._down, X, self.start)

    def _rmatmat(self, X: NDArray) -> NDArray:
        return self._in_groups(self._up, X, self.at)

    def _matvec(self, x: NDArray) -> NDArray:
        return self._matmat(x.reshape(-1, 1))

    def _rmatvec(self, x: NDArray) -> NDArray:
        return self._rmatmat(x.reshape(-1, 1))

    @torch.no_grad()
    def _down(self, r: Tensor) -> Tensor:
        """C r: (V, 1, *start) -> (V, 1, *at)."""
        (carried,) = self._begin(r)
        arrived = {self.start.index: carried}
        for node in reversed(self._path):
            hand_down(node, self._passages[node.index], arrived, self._useful)
        return self._end(arrived[self.at.index])[0]

    def _up(self, u: Tensor) -> Tensor:
        """Cᵀ u: (V, 1, *at) -> (V, 1, *start)."""
        vectors = self._method.carries * len(u)
        total = {self.at.index: transposed(self._end, self.at, (u,), vectors)}
        for node in self._path:
            above = tuple(total.get(i) for i in node.inputs)
            total[node.index] = transposed(self._passages[node.index], node, above, vectors)
        return transposed(self._begin, self.start, (total[self.start.index],), len(u))

    def _in_groups(self, walk: Callable[[Tensor], Tensor], X: NDArray, end: Node) -> NDArray:
        """Walk with as many vectors at a time as GROUP_BYTES holds: (n, V) -> (m, V)."""
        like = end.value
        vectors = torch.from_numpy(np.ascontiguousarray(X.T, dtype=self.dtype)).to(like.device)
        widest = max(node.value.nbytes for node in (self.start, self.at, *self._path))
        groups = vectors.reshape(-1, *like.shape).split(max(1, GROUP_BYTES // widest))
        return torch.cat([walk(group).flatten(1) for group in groups]).cpu().numpy().T


def transposed(handing: Handing, node: Node, above: Sequence[Tensor | None], vectors: int) -> Tensor:
    """The transpose of how a node hands down: relevance of its inputs, None for 0, -> (vectors, 1, *shape).

    ⟨handing(r), u⟩ = ⟨r, transposed(handing, …, u)⟩ if that is linear.
    """
    zero = node.value.new_zeros(vectors, *node.value.shape).requires_grad_()
    with torch.enable_grad():
        parts = handing(zero)
    known = [(p, u) for p, u in zip(parts, above, strict=True) if u is not None and p.requires_grad]
    if not known:
        return zero.detach()
    outputs, vectors = zip(*known, strict=True)
    (r,) = torch.autograd.grad(outputs, zero, vectors, materialize_grads=True)
    return r


def _prepare(graph: Graph, method: Method, node: Node) -> Passage:
    """A node's rule at the recorded activations, in a way that has a derivative."""
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):  # the fast attentions have no second derivative
        return prepare(graph, method, node)


def _check_linear(method: Method, handings: Sequence[tuple[Node, Handing, int]]) -> None:
    """ValueError with all nodes whose rule is not additive, or not the transpose of its transpose."""
    generator = torch.Generator().manual_seed(0)
    nonlinear, opaque = [], []
    for node, handing, vectors in handings:
        a, b = torch.randn(2, vectors, *node.value.shape, generator=generator).to(node.value)
        with torch.no_grad():
            images = [handing(r) for r in (a, b, a + b)]
        tolerance = TOLERANCE[a.dtype] * sum(float(part.norm()) for image in images for part in image)
        if sum(float((p + q - pq).norm()) for p, q, pq in zip(*images, strict=True)) > tolerance:
            nonlinear.append(f"{node.name} ({node.kind})")
        elif not _is_transpose(handing, node, a, images[0]):
            opaque.append(f"{node.name} ({node.kind})")
    for nodes, got, do in (
        (nonlinear, "that is not linear at", "take a linear method: the gradient, an LRP rule"),
        (opaque, "that autograd cannot transpose at", "write it with differentiable torch functions of r"),
    ):
        if nodes:
            refuse(
                f"method {method.name}",
                expected="a rule linear in r",
                got=f"one {got} {', '.join(nodes)}",
                do=do,
            )


def _is_transpose(handing: Handing, node: Node, r: Tensor, image: tuple[Tensor, ...]) -> bool:
    """The dot test with u = handing(r): ⟨u, u⟩ = ⟨r, handingᵀ u⟩."""
    squared = sum(float(u.square().sum()) for u in image)
    try:
        back = float((r * transposed(handing, node, image, len(r))).sum())
    except RuntimeError:  # autograd has no derivative for something in the rule
        return False
    return abs(squared - back) <= TOLERANCE[r.dtype] * squared
