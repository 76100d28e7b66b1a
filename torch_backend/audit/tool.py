"""Another tool's maps, whatever makes them: a callable attribute(x, class) -> maps, on any weights.

There are two ways to see what a tool does on other weights. A `Tool` says how it is made for a model, and is
made anew for each, on a copy: nothing that it kept of the trained weights (what SHAP expects of the output,
patterns, a composite that merged batch norms) can get into the new maps, and the user's model is not touched.
A plain callable has a model of its own inside; other weights are written into that model, in place, for the
time of each call (`written.lent`). This serves tools that read the weights at each call (captum, zennit's
attributors, pytorch-grad-cam). One that keeps copies would show its old map: if no bit of it changes with all
weights destroyed, it cannot be judged, and has to be given as a Tool.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor, nn

from rankone.errors import refuse
from torch_backend.audit.hidden import Hidden, refuse_other_than_declared
from torch_backend.audit.subject import Subject
from torch_backend.audit.written import (
    Unwritable,
    copied,
    gradients_apart,
    has_no_own_weights,
    has_other_weights,
    lent,
)
from torch_backend.graph.graph import Graph, Reader
from torch_backend.graph.model import own_copy
from torch_backend.maps.saliency import Attribution
from torch_backend.randomness import digest, seeded

#: x (B, *input shape), classes (B,) -> maps (B, H, W) or (B, C, H, W) of the images' H and W, as a tensor or
#: a NumPy array. Maps with channels are added up over them.
Attribute = Callable[[Tensor, Tensor], Tensor | np.ndarray]


@dataclass(frozen=True, eq=False)
class Tool:
    """attribute_for: the tool's maps on a model; hides: what it does to them before it gives them out."""

    name: str
    attribute_for: Callable[[nn.Module], Attribute] = field(repr=False)
    hides: tuple[Hidden, ...] = ()


def made_anew(tool: Tool, source: str = "") -> Subject:
    """The tool, made for each network on a copy of the model. source: see `Subject`."""
    again = Subject(tool.name, _On(tool, 1).a_copy, note(tool.hides), source, tool.hides)
    return replace(again, of=_On(tool, 0).a_copy, again=again)


def in_place(attribute: Attribute, name: str, hides: tuple[Hidden, ...] = (), source: str = "") -> Subject:
    """A callable that has the examined model inside; other weights are written into that, in place."""
    tool = Tool(name, lambda _: attribute, hides)
    again = Subject(name, _On(tool, 1).the_model, note(hides), source, hides)
    return replace(again, of=_On(tool, 0).the_model, again=again)


def note(hides: tuple[Hidden, ...]) -> str:
    """What has to be said beside the tool's name."""
    return f"hides {'; '.join(hidden.said for hidden in hides)}" if hides else ""


@dataclass(frozen=True, eq=False)
class _On:
    """A tool on networks. repetition: which call it is, for tools that draw random numbers: their seed
    depends on it, on the images and on the classes, and on nothing else. known: the tool by network.
    """

    tool: Tool
    repetition: int
    known: dict[Reader, Attribute] = field(default_factory=dict)

    def a_copy(self, graph: Graph) -> Attribution:
        """Made for a copy of the graph's model."""
        if graph.network not in self.known:
            while len(self.known) > 1:  # that of the trained network, which came first, stays
                self.known.popitem()
            model = copied(graph)
            with _in_one_line("a function of (x, class) for the model", "try it by itself"):
                self.known[graph.network] = self.tool.attribute_for(model)
        attribute = self.known[graph.network]
        return self._attribution(lambda x, classes: _called(attribute, x, classes, self.repetition), graph)

    def the_model(self, graph: Graph) -> Attribution:
        """On the graph's model itself. What a tool makes at its first call, such as hooks, it makes on the
        trained one.
        """
        model = graph.network.model
        attribute = self.tool.attribute_for(model)

        def called(x: Tensor, classes: Tensor) -> Tensor | np.ndarray:
            with gradients_apart(model):
                return _called(attribute, x, classes, self.repetition)

        def maps(x: Tensor, classes: Tensor) -> Tensor | np.ndarray:
            if has_other_weights(graph):
                if not self.known:
                    called(x.clone(), classes.clone())
                with lent(graph):
                    found = called(x.clone(), classes.clone())
                if has_no_own_weights(graph):
                    _refuse_the_same(found, called(x, classes))
                return found
            self.known[graph.network] = attribute
            return called(x, classes)

        return self._attribution(maps, graph)

    def _attribution(self, called: Attribute, graph: Graph) -> Attribution:
        """Its maps as (B, 1, H, W), in the images' precision."""

        def maps(_: Graph, images: Tensor, targets: Tensor) -> Tensor:
            given = called(own_copy(graph.network.model, images), targets.clone())
            found = _as_maps(self.tool.name, given, images)
            refuse_other_than_declared(self.tool.hides, found)
            return found[:, None]

        return Attribution(self.tool.name, maps, contributes=True)


def _called(attribute: Attribute, x: Tensor, classes: Tensor, repetition: int) -> Tensor | np.ndarray:
    """What the tool gives."""
    key = "tool", repetition, *(digest(image) for image in x), *classes.tolist()
    do = f"try it by itself: x {tuple(x.shape)}, class {tuple(classes.shape)}"
    own = torch.inference_mode(mode=False), torch.enable_grad()
    with _in_one_line("maps of (x, class)", do), _random_numbers_of(x, *key), own[0], own[1]:
        return attribute(x, classes)


@contextmanager
def _in_one_line(expected: str, do: str) -> Iterator[None]:
    """ValueError, in one line, for whatever a tool raises, a call of sys.exit included."""
    try:
        yield
    except (ValueError, OSError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        got = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        refuse("attribute", expected=expected, got=got, do=do)


def _refuse_the_same(maps: Tensor | np.ndarray, own: Tensor | np.ndarray) -> None:
    """Unwritable: no bit of the maps has changed although all weights have."""
    if torch.equal(torch.as_tensor(maps), torch.as_tensor(own)):
        refuse(
            "attribute",
            expected="maps of the weights that are in the model",
            got="the same to the last bit with all weights destroyed: it reads none, or keeps copies",
            do="give it as a Tool, which is made for each model: attribute(model)",
            kind=Unwritable,
        )


def _as_maps(name: str, given: object, images: Tensor) -> Tensor:
    """Maps (B, H, W) of what a tool gave for images (B, C, H, W)."""
    B, *_, H, W = images.shape
    if isinstance(given, np.ndarray):
        given = torch.from_numpy(np.ascontiguousarray(given))
    fits = isinstance(given, Tensor) and given.dim() in (3, 4) and given.is_floating_point()
    if not fits or (len(given), *given.shape[-2:]) != (B, H, W):
        got = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        refuse(
            f"maps of {name}",
            expected=f"floating-point numbers ({B}, {H}, {W}) or ({B}, channels, {H}, {W})",
            got=f"{got}, {given.dtype}" if isinstance(given, Tensor) else got,
            do="give one map for each image, as large as the image",
        )
    maps = given.detach().to(images)
    return maps.sum(1) if maps.dim() == 4 else maps.clone()


@contextmanager
def _random_numbers_of(x: Tensor, *key: object) -> Iterator[None]:
    """Python's, NumPy's and torch's (where x is) random numbers drawn from the key; afterwards they go on as
    before.
    """
    seed = int(torch.randint(2**31, (1,), generator=seeded(*key)))
    before = random.getstate(), np.random.get_state()  # noqa: NPY002 (tools draw from it)
    with torch.random.fork_rng(range(torch.cuda.device_count()) if x.is_cuda else []):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        try:
            yield
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])  # noqa: NPY002
