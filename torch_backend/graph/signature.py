"""What an operator of ATen says of itself: its name, what it writes to, whether it draws random numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from torch_backend.graph.step import leaves


@dataclass(frozen=True)
class Signature:
    """name: without its library. is_view: it returns memory that it is given. writes: the positions and names
    of the arguments that it writes to. out_of_place: the operator that computes what this one writes (relu
    for relu_), itself if it writes nothing, None if there is none.
    """

    name: str
    is_view: bool
    is_random: bool
    writes: tuple[tuple[int, str], ...]
    out_of_place: Any

    def written(self, args: tuple, kwargs: dict) -> list[Tensor]:
        """The tensors that a call with these arguments writes to."""
        given = [args[i] if i < len(args) else kwargs.get(name) for i, name in self.writes]
        return [t for t in leaves(given) if isinstance(t, Tensor)]


@cache
def signature(operator: Any) -> Signature:
    schema = operator._schema
    name = schema.name.partition("::")[2]
    aliases = [r.alias_info for r in schema.returns if r.alias_info is not None]
    writes = tuple(
        (i, a.name)
        for i, a in enumerate(schema.arguments)
        if a.alias_info is not None and a.alias_info.is_write
    )
    return Signature(
        name,
        any(not alias.is_write for alias in aliases),
        torch.Tag.nondeterministic_seeded in operator.tags,
        writes,
        next(_computing_the_same(operator, name), None) if writes else operator,
    )


def _computing_the_same(operator: Any, name: str) -> Iterator[Any]:
    """Overloads of the operator without the underscore that take the same arguments."""
    packet = getattr(torch.ops.aten, name.removesuffix("_"), None)
    single = all("List" not in str(a.type) for a in operator._schema.arguments if a.alias_info)
    for overload in packet.overloads() if packet and single else ():
        other = getattr(packet, overload)
        if not other._schema.is_mutable and _takes(other) == _takes(operator):
            yield other


def _takes(operator: Any) -> list[tuple[str, str]]:
    return [(a.name, str(a.type)) for a in operator._schema.arguments]
