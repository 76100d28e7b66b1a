"""What is examined: a method, or how a method is made anew for each network that it is tried on.

PatternNet and PatternAttribution need the directions of the signal in a network's data. Those of the trained
network say nothing about one with other weights: unless they are given and stay frozen, they are estimated
again for every network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from torch_backend.audit.hidden import Hidden
from torch_backend.graph.graph import Graph, Reader
from torch_backend.maps.saliency import Attribution
from torch_backend.methods import Method, Patterns, estimate_patterns
from torch_backend.randomness import digest_of_tensors

Examined = Method | Attribution


@dataclass(frozen=True, eq=False)
class Subject:
    """of: the method for a network, given its graph; note: what has to be said beside its name, if
    anything; source: what tells it from others of its name, if the name does not say all: the digest of a
    file, or of the images that patterns are estimated from. hides: what is done to its maps before they are
    seen, and so to those of its null. again: the same with other random numbers, if it draws any: what a
    second call is.
    """

    name: str
    of: Callable[[Graph], Examined] = field(repr=False)
    note: str = ""
    source: str = ""
    hides: tuple[Hidden, ...] = ()
    again: Subject | None = None

    @property
    def key(self) -> list[str]:
        """What its numbers are stored under."""
        return [self.name, self.note, self.source, *(hidden.said for hidden in self.hides)]


def fixed(method: Examined, note: str = "") -> Subject:
    """The same method on every network."""
    return Subject(method.name, lambda _: method, note)


def estimated(name: str, method: Callable[[Patterns], Method], batches: Sequence[Tensor]) -> Subject:
    """A method whose patterns are estimated from these images (B, *input shape) for every network."""
    known: dict[Reader, Method] = {}

    def of(graph: Graph) -> Method:
        if graph.network not in known:
            while len(known) > 1:  # the trained network's, which came first, stay
                known.popitem()
            like = graph.nodes[0].value
            known[graph.network] = method(estimate_patterns(graph, [some.to(like) for some in batches]))
        return known[graph.network]

    source = digest_of_tensors((str(k), some) for k, some in enumerate(batches))
    return Subject(name, of, "patterns estimated again for every network", source)
