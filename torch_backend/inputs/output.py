"""One of the outputs of a network that has several: entries of tuples, lists, dictionaries, dataclasses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor, nn

from rankone.errors import refuse
from torch_backend.inputs.around import Around


class Output(Around):
    """The user's network with one of its outputs, as `named_outputs` names it."""

    def __init__(self, model: nn.Module, name: str | int) -> None:
        super().__init__(model)
        self.name = str(name)

    def forward(self, *arguments: Any, **keywords: Any) -> Tensor:
        """ValueError that lists the outputs, if none has the name."""
        found = named_outputs(returned := self.model(*arguments, **keywords))
        if self.name not in found:
            refuse(
                "output",
                expected=f"one of {', '.join(found)}" if found else "a network that returns several tensors",
                got=f"{self.name!r}" if found else f"{self.name!r} of one that returns {_kind(returned)}",
                do="copy a name" if found else "leave it out",
            )
        return found[self.name]


def named_outputs(returned: Any) -> dict[str, Tensor]:
    """The tensors in what a network returned, by key, field or place: "aux", "0", "features.2"; none of a
    tensor alone.
    """
    found: dict[str, Tensor] = {}
    for name, part in _entries(returned):
        if isinstance(part, Tensor):
            found[name] = part
        else:
            found |= {f"{name}.{inner}": tensor for inner, tensor in named_outputs(part).items()}
    return found


def _entries(returned: Any) -> Iterable[tuple[str, Any]]:
    """Names and parts of a container; nothing of anything else."""
    if isinstance(returned, Mapping):
        return [(str(key), part) for key, part in returned.items()]
    if isinstance(returned, tuple | list):
        return zip(getattr(returned, "_fields", map(str, range(len(returned)))), returned, strict=True)
    if is_dataclass(returned) and not isinstance(returned, type):
        return [(field.name, getattr(returned, field.name)) for field in fields(returned)]
    if isinstance(returned, Tensor) or not hasattr(returned, "__dict__"):
        return ()
    return [(name, part) for name, part in vars(returned).items() if isinstance(part, Tensor)]


def _kind(returned: Any) -> str:
    return f"shape {tuple(returned.shape)}" if isinstance(returned, Tensor) else type(returned).__name__
