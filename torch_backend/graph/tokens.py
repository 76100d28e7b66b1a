"""Tokens: whole numbers that an embedding looks up. Relevance ends, or starts, at what it makes of them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from rankone.errors import refuse
from torch_backend.graph.step import leaves

# They look at a tensor's shape and kind, not at its numbers.
FACTORIES = frozenset(
    [getattr(torch, f"{kind}_like") for kind in ("zeros", "ones", "empty", "full", "rand", "randn")]
    + [getattr(Tensor, f"new_{kind}") for kind in ("zeros", "ones", "empty", "full", "tensor")]
)


def are_tokens(x: Any) -> bool:
    """Whether it is a tensor (B, T) of whole numbers."""
    return isinstance(x, Tensor) and x.dim() == 2 and is_whole(x)


def is_whole(x: Tensor) -> bool:
    return not (x.is_floating_point() or x.is_complex() or x.dtype == torch.bool)


class Lookups(TorchFunctionMode):
    """Follows tokens (B, ...) through a forward pass, to the tables of embeddings that they are looked up in.

    name: in refusals; instead: what a lookup returns in place of the table's rows, None: those. tables and
    found: what was looked up in, and the rows (B, ..., D). Comparisons end the way: what depends on a mask
    depends no longer on the tokens themselves.
    """

    def __init__(self, name: str, tokens: Tensor, instead: Tensor | None = None) -> None:
        super().__init__()
        self.name, self.instead = name, instead
        self.followed = {id(tokens): tokens}  # with the tensors, whose ids no other may have
        self.tables: list[Tensor] = []
        self.found: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        tensors = [t for t in leaves((args, kwargs)) if isinstance(t, Tensor)]
        if not any(id(t) in self.followed for t in tensors):
            return func(*args, **kwargs)
        table = _table(func, tensors, self.followed)
        if table is not None:
            (tokens,) = (t for t in tensors if id(t) in self.followed)
            return self._looked_up(table, tokens, lambda: func(*args, **kwargs))
        returned = func(*args, **kwargs)
        if func not in FACTORIES:
            kept = (t for t in leaves((returned,)) if isinstance(t, Tensor) and t.dtype != torch.bool)
            self.followed.update({id(t): t for t in kept})
        return returned

    def _looked_up(self, table: Tensor, tokens: Tensor, rows: Any) -> Tensor:
        low, high = (int(f()) for f in (tokens.min, tokens.max))
        if low < 0 or high >= len(table):
            expected = f"tokens from 0 to {len(table) - 1}, as the embedding has {len(table)} rows"
            refuse(
                self.name, expected=expected, got=low if low < 0 else high, do="take the model's tokenizer"
            )
        self.tables.append(table)
        if self.instead is None:
            self.found.append(rows())
            return self.found[-1]
        if self.instead.shape != (*tokens.shape, table.shape[1]):
            got = f"one of tokens {tuple(tokens.shape)}"
            refuse(self.name, expected="a lookup of tokens (B, ...)", got=got, do="put the images first")
        return self.instead


def _table(func: Any, tensors: list[Tensor], followed: dict[int, Tensor]) -> Tensor | None:
    """The table (rows, D) of a lookup of what is followed; None if the call is none."""
    if func not in (F.embedding, Tensor.__getitem__) or len(tensors) != 2:
        return None
    table = next((t for t in tensors if id(t) not in followed), None)
    return table if table is not None and table.dim() == 2 and table.is_floating_point() else None
