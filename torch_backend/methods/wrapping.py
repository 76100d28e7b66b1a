"""A method that changes the rules of another one, whatever the other binds, starts with and reads."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from torch import Tensor

from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.methods.method import Method
from torch_backend.rules import Rule

W = TypeVar("W", bound="Wrapping")


@dataclass(frozen=True, eq=False)
class Wrapping(Method):
    """As the inner method; what differs is `rule`. Made by `around`."""

    inner: Method = field(kw_only=True, repr=False)

    def bind(self, graph: Graph) -> Method:
        return replace(self, inner=self.inner.bind(graph))

    def start(self, r: Tensor) -> Tensor:
        return self.inner.start(r)

    def read(self, node: Node, r: Tensor) -> Tensor:
        return self.inner.read(node, r)

    def rule(self, node: Node) -> Rule | None:
        return self.inner.rule(node)


def around(kind: type[W], method: Method, **own: Any) -> W:
    """The method with its name and all it says, wrapped; own: the fields of the wrapping."""
    said = {f.name: getattr(method, f.name) for f in fields(Method)}
    return kind(**said, inner=method, **own)
