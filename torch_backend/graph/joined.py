"""Several inputs as one: a network of several inputs becomes one of rows in which they stand side by side.

    network, images = join(model, {"image": image, "depth": depth})         # (B, ...) each -> (B, N)
    graph = trace(network, images)
    relevance(graph, method, "logits", start, at=["image", "depth"])         # {name: (V, B, *its shape)}

Three kinds of inputs, all named as in the model's `forward`:

    inputs  one row for each image, and relevance is read at each: a node of the input's name, "input" where
            there is only one. Tokens, whole numbers (B, T), are read at the output of their embedding, with
            channels first: (B, D, T)
    rows    one row for each image, held: constants of their images, without a derivative or relevance
    fixed   the same for all images: constants of the network; anything that `forward` takes

Held rows stay outside of the images, which name them by a number, so that arithmetic on images (a path to a
baseline, noise, a reference of zeros) does not make others of them unnoticed: it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from rankone.errors import Refusal, refuse
from torch_backend.graph.model import PRECISIONS, parameters, undisturbed
from torch_backend.graph.tokens import Lookups, are_tokens
from torch_backend.inputs.around import Around

ONLY = "input"  # the node of the only input that relevance reaches
NOTHING: Mapping[str, Any] = {}


class Part(nn.Module):
    """One input's part of the rows: (B, N) -> (B, *shape). One operation, so that it is one node."""

    def __init__(self, index: Tensor) -> None:
        super().__init__()
        self.register_buffer("index", index)
        self.eval()

    def forward(self, rows: Tensor) -> Tensor:
        return rows[:, self.index]


class Join(Around):
    """The user's network of several inputs as one of rows (B, N). Made by `join`.

    nodes: by the name of an input the name of its node, and its part of the rows; tokens: the inputs that
    are embedded; held: the held rows of all images that were joined, tokens among them.
    """

    def __init__(
        self,
        model: nn.Module,
        fixed: Mapping[str, Any],
        nodes: Mapping[str, tuple[str, Part]],
        tokens: frozenset[str],
    ) -> None:
        super().__init__(model)
        self.fixed, self.nodes, self.tokens = dict(fixed), dict(nodes), tokens
        self.held: dict[str, Tensor] = {}

    def named_modules(self, *arguments: Any, **keywords: Any) -> Iterator[tuple[str, nn.Module]]:
        yield from super().named_modules(*arguments, **keywords)
        yield from self.nodes.values()

    def forward(self, images: Tensor) -> Any:
        given: dict[str, Any] = dict(self.fixed)
        if self.held:
            numbers = self._numbers(images)
            given |= {name: rows[numbers] for name, rows in self.held.items()}
        given = {name: in_precision(value, images) for name, value in given.items()}
        read = {name: part(images) for name, (_, part) in self.nodes.items()}
        with ExitStack() as lookups:
            for name in self.tokens:
                lookups.enter_context(Lookups(name, given[name], read[name].movedim(1, -1)))
            return carried_out(self.model, {**read, **given})

    def joined(self, inputs: Mapping[str, Tensor], rows: Mapping[str, Tensor] = NOTHING) -> Tensor:
        """Images (B, N) of other inputs and held rows, of the same names and shapes.

        ValueError if they are others.
        """
        _check_inputs(inputs, rows)
        tokens = {name: x for name, x in inputs.items() if are_tokens(x)}
        embedded = inputs | embeddings(self.model, {**inputs, **rows, **self.fixed}, tokens)
        held = {**rows, **tokens}
        expected = {name: tuple(part.index.shape) for name, (_, part) in self.nodes.items()}
        got = _shapes(embedded)
        if self.held:
            expected, got = expected | _shapes(self.held), got | _shapes(held)
        if got != expected:
            do = "join them with a network of their own"
            refuse("inputs", expected=f"those that were joined: {expected}", got=got, do=do)
        before = {name: self.held.get(name, x[:0]) for name, x in held.items()}
        self.held = {name: torch.cat((before[name], x.detach())) for name, x in held.items()}
        parts = [x.detach().flatten(1) for x in embedded.values()]
        if held:
            end = len(next(iter(self.held.values())))
            parts.append(torch.arange(end - len(parts[0]), end).to(parts[0])[:, None] + 1)
            self._check_that_numbers_are_told_apart(end, parts[0].dtype)
        return torch.cat(parts, 1)

    def _numbers(self, images: Tensor) -> Tensor:
        """Which of the held rows each image has, counted from 0."""
        last = images.detach()[:, -1]
        numbers = last.round().long() - 1
        count = len(next(iter(self.held.values())))
        if bool((numbers + 1 != last).any()) or not 0 <= int(numbers.min()) <= int(numbers.max()) < count:
            refuse(
                "images",
                expected=f"images as they were joined: the last number names their {', '.join(self.held)}",
                got="another number there",
                do="join others anew; methods that compute with changed images cannot be had here",
            )
        return numbers

    def _check_that_numbers_are_told_apart(self, count: int, precision: torch.dtype) -> None:
        real = {p.dtype for p in self.model.parameters() if p.is_floating_point()} | {precision}
        most = int(1 / max(torch.finfo(dtype).eps for dtype in real))
        if count > most:
            do = "join fewer, or convert the model: model.float()"
            refuse("rows", expected=f"at most {most} in the model's precision", got=count, do=do)


class Joined(NamedTuple):
    """A network of one input, and images (B, N) for it."""

    network: Join
    images: Tensor


def join(
    model: nn.Module,
    inputs: Mapping[str, Tensor],
    *,
    rows: Mapping[str, Tensor] = NOTHING,
    fixed: Mapping[str, Any] = NOTHING,
) -> Joined:
    """A model of several inputs as one of one, and its images; see above.

    inputs: floating-point tensors (B, ...) of one precision, or tokens (B, T) of whole numbers; rows: tensors
    (B, ...) of any kind; fixed: any values. Real numbers among rows and fixed are given in the precision of
    the model. The model is called, not changed. ValueError: names that its `forward` does not have, shapes
    that do not fit, tokens that are not read by one embedding, or that it has no row for.
    """
    for given in (inputs, rows, fixed):
        if not isinstance(given, Mapping):
            do = "name each as the model's forward does"
            refuse("inputs", expected="tensors by name", got=type(given).__name__, do=do)
    _check_names(model, [*inputs, *rows, *fixed])
    _check_inputs(inputs, rows)
    tokens = {name: x for name, x in inputs.items() if are_tokens(x)}
    embedded = inputs | embeddings(model, {**inputs, **rows, **fixed}, tokens)
    network = Join(model, fixed, _nodes(embedded), frozenset(tokens))
    return Joined(network, network.joined(inputs, rows))


def first_of(model: nn.Module) -> str:
    """The name of the first input."""
    named = [p.name for p in parameters(model) if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if not named:
        refuse("model", expected="a forward that names its inputs", got="none", do="wrap it in one that does")
    return named[0]


def joined_as(model: nn.Module, tokens: Tensor) -> Tensor:
    """Images of these tokens for a network that was joined of others alone; ValueError for another one."""
    while isinstance(model, Around) and not isinstance(model, Join):
        model = model.model
    if not isinstance(model, Join) or len(model.tokens) != 1:
        refuse("images", expected="images like the traced ones", got="tokens", do="join them with the rest")
    return model.joined({next(iter(model.tokens)): tokens})


def begins_at(model: nn.Module) -> str:
    """The name of the first node: the image's, or that of the rows of several inputs."""
    if isinstance(model, Join):
        return "inputs"
    return begins_at(model.model) if isinstance(model, Around) else "input"


def embeddings(model: nn.Module, given: Mapping[str, Any], tokens: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What the embedding of each of the tokens (B, T) makes of them, (B, D, T)."""
    return {name: _embedding(model, given, name).movedim(-1, 1) for name in tokens}


def _embedding(model: nn.Module, given: Mapping[str, Any], name: str) -> Tensor:
    """(B, T, D); ValueError unless one embedding reads the tokens, once."""
    lookups = Lookups(name, given[name])
    with undisturbed(model), lookups:
        carried_out(model, given)
    if len(lookups.found) != 1:
        names = {id(p): path for path, p in model.named_parameters()}
        tables = ", ".join(names.get(id(t), f"a table {tuple(t.shape)}") for t in lookups.tables)
        refuse(
            name,
            expected="tokens that one embedding reads, once",
            got=tables or "whole numbers that none reads",
            do="give what the embeddings make of them, or images in float32",
        )
    found = lookups.found[0]
    if found.shape[:-1] != given[name].shape:
        got, do = f"one of {tuple(found.shape[:-1])}", "put the images first"
        refuse(name, expected=f"a lookup of tokens {tuple(given[name].shape)}", got=got, do=do)
    return found if found.dtype in PRECISIONS else found.float()


def carried_out(model: nn.Module, given: Mapping[str, Any]) -> Any:
    """model(…) with these arguments by name; ValueError if it does not accept them."""
    first = [p.name for p in parameters(model) if p.kind is p.POSITIONAL_ONLY and p.name in given]
    by_name = {name: value for name, value in given.items() if name not in first}
    try:
        return model(*(given[name] for name in first), **by_name)
    except Refusal:
        raise
    except Exception as error:
        got = ", ".join(f"{name} {_described(value)}" for name, value in given.items())
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        do = "name and shape them as its forward has it"
        return refuse("inputs", expected="what the model accepts", got=f"{got} ({said})", do=do)


def in_precision(value: Any, images: Tensor) -> Any:
    """A copy of a tensor, which the model may write to, real numbers in the images' precision."""
    if not isinstance(value, Tensor):
        return value
    return value.detach().to(images.device, images.dtype if value.is_floating_point() else None, copy=True)


def _nodes(inputs: Mapping[str, Tensor]) -> dict[str, tuple[str, Part]]:
    """The parts of the rows, one behind the other."""
    found, end = {}, 0
    for name, x in inputs.items():
        numbers = torch.arange(end, end := end + prod(x.shape[1:]), device=x.device)
        found[name] = name if len(inputs) > 1 else ONLY, Part(numbers.view(x.shape[1:]))
    return found


def _shapes(inputs: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Of one image's."""
    return {name: tuple(x.shape[1:]) for name, x in inputs.items()}


def _check_names(model: nn.Module, names: list[str]) -> None:
    known = parameters(model)
    taken = {p.name for p in known if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    wrong = [n for n in names if n not in taken] if all(p.kind is not p.VAR_KEYWORD for p in known) else []
    wrong += [name for name in names if names.count(name) > 1]
    if wrong:
        refuse(
            "inputs",
            expected=f"each once, named as in forward({', '.join(p.name for p in known)})",
            got=wrong[0],
            do="name them as the model's forward does",
        )


def _check_inputs(inputs: Mapping[str, Tensor], rows: Mapping[str, Tensor]) -> None:
    if not inputs:
        refuse("inputs", expected="one that relevance is read at", got="none", do="name the images' argument")
    count = len(next(iter(inputs.values())))
    for name, x in {**inputs, **rows}.items():
        axes, shape = (2, "(B, ...)") if name in inputs else (1, "(B,) or (B, ...)")
        if not isinstance(x, Tensor) or x.dim() < axes or len(x) != count:
            do = "give one row for each image"
            refuse(name, expected=f"a tensor {shape} with B = {count}", got=_described(x), do=do)
    precisions = {name: x.dtype for name, x in inputs.items() if not are_tokens(x)}
    common = next(iter(precisions.values()), None)
    for name, precision in precisions.items():
        if precision not in PRECISIONS or precision != common:
            expected = "float32 or float64, one for all inputs, or tokens (B, T) of whole numbers"
            do = "convert it; what relevance is not read at is held: rows"
            refuse(name, expected=expected, got=_described(inputs[name]), do=do)


def _described(x: Any) -> str:
    if not isinstance(x, Tensor):
        return type(x).__name__
    return f"{str(x.dtype).removeprefix('torch.')} {tuple(x.shape)}"
