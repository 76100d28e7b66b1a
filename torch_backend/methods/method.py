"""A method: a rule for every kind of node, and no default.

A kind without a rule is refused before anything is computed. A method of your own takes a few lines:

    from dataclasses import replace
    from torch_backend import methods, rules

    def halve(op, x, y):
        return lambda r: 0.5 * op.adjoint(r)

    mine = replace(methods.z_plus, name="mine", dense=halve)
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING

from torch import Tensor

from rankone.errors import refuse
from torch_backend.graph.node import Node
from torch_backend.operators.holding import Holding
from torch_backend.rules.backward import Rule
from torch_backend.rules.held import Held

if TYPE_CHECKING:
    from torch_backend.graph.graph import Graph


@dataclass(frozen=True)
class Method:
    """A rule for each kind of node; None where the method has no meaning.

    convolution, dense, affine (a batch norm that nothing absorbs, a constant factor), average (average
    pooling, mean), interpolation (bicubic), add and route (concatenation, reshape, slice) are linear; relu,
    activation (any other function of single numbers with f(0) = 0), max_pool, norm (by the image's own
    statistics), gate (s ⊙ x, s from a sigmoid or softmax), smooth (any other function of one node) and
    product (of two nodes) are not. A rule of norm or gate knows their derivative only, or it is a
    `rules.Held`. first: the rule of the convolution or dense layer that reads the image, if it differs from
    the others; last: that of the dense layer or convolution that makes the logits.

    from_logit: True where a saliency map starts from the value of the class's logit, which is shared out;
    False where it starts from 1, as a derivative does. contributes: True where maps are shares of the output,
    whose channels add up; False where they are derivatives by the pixels. A method of which no maps are asked
    need not say (None). carries: how many vectors go down for each start vector (see `start`).
    """

    name: str
    convolution: Rule | None = None
    dense: Rule | None = None
    affine: Rule | None = None
    average: Rule | None = None
    add: Rule | None = None
    route: Rule | None = None
    relu: Rule | None = None
    max_pool: Rule | None = None
    smooth: Rule | None = None
    product: Rule | None = None
    interpolation: Rule | None = None
    activation: Rule | None = None
    norm: Rule | None = None
    gate: Rule | None = None
    first: Rule | None = None
    last: Rule | None = None
    from_logit: bool | None = field(default=None, kw_only=True)
    contributes: bool | None = field(default=None, kw_only=True)
    carries: int = field(default=1, kw_only=True)

    def bind(self, graph: Graph) -> Method:
        """The method for the images of this graph, where it depends on more than a node's own x and y."""
        return self

    def start(self, r: Tensor) -> Tensor:
        """What is carried down from the start relevance r (V, B, *shape): (carries V, B, *shape)."""
        return r

    def read(self, node: Node, r: Tensor) -> Tensor:
        """What is read, (V, B, *shape), at a node that the carried r (carries V, B, *shape) has reached."""
        return r

    def rule(self, node: Node) -> Rule | None:
        """The rule of a node of the graph; none where the method has one for first or last layers, and the
        node is one in a part of its input, or for a part of its readers.
        """
        if any(getattr(self, place) for place in node.in_part):
            return None
        if node.is_first and self.first:
            return self.first
        if node.is_last and self.last:
            return self.last
        return getattr(self, node.kind)

    def holds(self, node: Node) -> bool:
        """Whether it holds constant what the node makes of the image: statistics, a gate."""
        return isinstance(node.op, Holding) and isinstance(self.rule(node), Held)

    @property
    def serves(self) -> tuple[str, ...]:
        """The kinds of nodes that it names a rule for."""
        return tuple(kind for kind in KINDS if getattr(self, kind))

    def said(self, name: str) -> bool:
        """What the method says of its maps: `from_logit` or `contributes`. ValueError if it does not say."""
        said = getattr(self, name)
        if said is None:
            refuse(
                f"method {self.name}",
                expected=f"{name} to be True or False, so that its maps are started and summed rightly",
                got=said,
                do=f"say so: dataclasses.replace(method, {name}=...)",
            )
        return said


def without_held(method: Method) -> Method:
    """The same method, which refuses by name what it would hold constant: normalisations by the image's own
    statistics, gates.
    """
    held = [f.name for f in fields(Method) if isinstance(getattr(method, f.name), Held)]
    return replace(method, **dict.fromkeys(held))


PLACES = ("first", "last")  # rules for a place in the network, whatever stands there
KINDS = tuple(f.name for f in fields(Method) if not f.kw_only and f.name not in ("name", *PLACES))


def as_chain(method: object) -> Method:
    """The method itself, if it is a chain. ValueError for an Attribution, or anything else."""
    if isinstance(method, Method):
        return method
    return refuse(
        "method",
        expected="a chain (a Method)",
        got=getattr(method, "name", type(method).__name__),
        do="other methods have no relevance between layers: draw their maps (torch_backend.saliency)",
    )
