"""Modules around the user's network, which keeps its names; and the network inside wrappers of torch's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel


class Around(nn.Module):
    """A module that calls the user's network and changes what goes in or comes out.

    Names of modules, parameters and buffers are those of the network, `model`.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = bare(model)

    def named_modules(self, *arguments: Any, **keywords: Any) -> Iterator[tuple[str, nn.Module]]:
        return self.model.named_modules(*arguments, **keywords)


def bare(model: nn.Module) -> nn.Module:
    """The network inside torch.compile's wrapper, DataParallel and DistributedDataParallel, which compute
    what it computes; a wrapper with hooks of its own stays.
    """
    if not isinstance(model, nn.Module):
        return model
    parallel = isinstance(model, DataParallel | DistributedDataParallel)
    inner = model.module if parallel else getattr(model, "_orig_mod", None)
    if not isinstance(inner, nn.Module) or model._forward_hooks or model._forward_pre_hooks:
        return model
    return bare(inner)


def innermost(model: nn.Module) -> nn.Module:
    """The user's own network, whatever is around it."""
    inside = bare(model)
    return innermost(inside.model) if isinstance(inside, Around) else inside
