"""The audit of any tool's maps: what a callable attribute(x, class) -> map depends on, and what it does not.

    saliency = captum.attr.Saliency(model)
    found = of(lambda x, classes: saliency.attribute(x.requires_grad_(), target=classes), model, images)
    found.logit[..., 0].median(), found.logit_null[..., 0].median()  # SSIM of other classes, and chance

The tool is called, and nothing else is known of it. So what is found holds for the classes that were asked
for: it is sampled, never proved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from rankone.errors import Refusal, refuse
from rankone.results.protocol import Protocol, corrected
from torch_backend.audit.cascade import cascade
from torch_backend.audit.case import Case
from torch_backend.audit.class_matrix import ClassMatrix, class_matrix
from torch_backend.audit.comparison import Comparison, Reference, joined
from torch_backend.audit.hidden import Hidden
from torch_backend.audit.part import Examined, Networks, refuse_images_without_maps
from torch_backend.audit.stages import Stage, destroyed, stages, top_down
from torch_backend.audit.steadiness import batch_gap, repeat_gap
from torch_backend.audit.subject import Subject
from torch_backend.audit.tool import Attribute, Tool, in_place, made_anew
from torch_backend.audit.written import Unwritable
from torch_backend.graph.model import check_images
from torch_backend.maps.controls import another
from torch_backend.maps.saliency import explained_classes
from torch_backend.randomness import digest

BATCH = 5  # images that the tool is given at once


@dataclass(frozen=True, eq=False)
class Cascade:
    """Maps with the weights destroyed from the output down to each of L stages, D draws, beside the trained
    network's; S scores in the order of SCORES.

    scores, null (L, D, B, S): see `Comparison`.
    """

    stages: tuple[str, ...]
    scores: Tensor
    null: Tensor


@dataclass(frozen=True, eq=False)
class Audited:
    """What a tool's maps of B images depend on; S scores in the order of SCORES.

    maps (B, H, W)              of the explained classes, `matrix.classes[0]`
    matrix                      the maps of any two of K classes
    cascade                     with weights destroyed; a `Refusal` that says why where that cannot be done
    another, another_null (B, S)  the map of another image beside it; NaN for one image
    repeat_gap, batch_gap (B,)  ‖m − m'‖ / ‖m‖: the same call twice; within the batch, and alone
    """

    subject: Subject
    maps: Tensor = field(repr=False)
    matrix: ClassMatrix = field(repr=False)
    cascade: Cascade | Refusal = field(repr=False)
    another: Tensor
    another_null: Tensor
    repeat_gap: Tensor
    batch_gap: Tensor

    @property
    def logit(self) -> Tensor:
        """The map of another class beside that of the explained one, (K − 1, B, S)."""
        return self.matrix.scores[0, 1:]

    @property
    def logit_null(self) -> Tensor:
        """The same of independent maps like it, (K − 1, B, S)."""
        return self.matrix.null[0, 1:]

    @property
    def basis(self) -> str:
        """What all this rests on, to be said with it."""
        others = len(self.matrix.classes) - 1
        return f"sampled over {others} class{'es' if others > 1 else ''}"


def of(
    attribute: Attribute | Tool,
    model: nn.Module,
    images: Tensor,
    *,
    targets: Tensor | None = None,
    hides: Sequence[Hidden] = (),
    name: str | None = None,
    classes: int | None = 3,
    draws: int = 1,
    protocol: Protocol = corrected,
    seed: int = 0,
    batch: int = BATCH,
    progress: Callable[[Sequence[Any]], Iterable[Any]] = iter,
) -> Audited:
    """The audit of a tool on a model and images (B, C, H, W), without a look inside the tool.

    attribute  attribute(x, classes) -> maps, with this very model inside; x (B, C, H, W), classes (B,), maps
               (B, H, W) or (B, C, H, W). Other weights are written into the model for the time of a call.
               Or a `Tool`, which is made anew on copies
    targets    the explained classes (B,); None: the predicted ones
    hides      what the tool does to its maps before it gives them out (`torch_backend.audit.hidden`); of a
               `Tool` it says that itself
    name       what the tool is called; None: its own name
    classes    how many other classes are asked for; None: all
    draws      of the weights that are destroyed
    batch      images at once
    progress   wraps the batches, for example `tqdm.tqdm`
    The model leaves as it came, to the last bit. ValueError: what `trace` refuses, maps of other shapes or
    that are not finite, maps that do not hide what is declared, no other class, and whatever the tool raises.
    """
    subject = subject_of(attribute, hides=hides, name=name)
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        refuse("batch", expected="an integer >= 1", got=repr(batch), do="leave it out")
    check_images(images)
    refuse_images_without_maps(images)
    graph, network = Networks(Examined(model, images, None)).read(images.dtype)
    parts: list[_Part] = []
    explained = explained_classes(graph, images, targets, batch)
    for here in progress(range(0, len(images), batch)):
        some = slice(here, here + batch)
        case = Case(graph.record(images[some]), network, explained[some], protocol, seed)
        parts.append(_measured(case, subject, classes, draws))
    maps = torch.cat([part.maps for part in parts])
    names = [digest(image) for image in images]
    beside = _another(Reference.of(maps, names, protocol, seed, subject.hides), maps)
    return Audited(
        subject,
        maps,
        _joined_matrices([part.matrix for part in parts]),
        _joined_cascades([part.cascade for part in parts]),
        beside.scores[0],
        beside.null[0],
        torch.cat([part.repeat_gap for part in parts]),
        torch.cat([part.batch_gap for part in parts]),
    )


def subject_of(
    attribute: Attribute | Tool, *, hides: Sequence[Hidden] = (), name: str | None = None, source: str = ""
) -> Subject:
    """A tool as a subject of `study`. source: see `Subject`. ValueError for what is neither."""
    if isinstance(attribute, Tool):
        if hides:
            refuse(
                "hides", expected="none: a Tool says it itself", got=len(hides), do="give Tool(..., hides)"
            )
        return made_anew(attribute, source)
    if not callable(attribute):
        got = type(attribute).__name__
        refuse("attribute", expected="attribute(x, class), or a Tool", got=got, do="give a function")
    said = name or getattr(attribute, "__name__", type(attribute).__name__)
    return in_place(attribute, said, tuple(hides), source)


# ---------------------------------------------------------------- some images


class _Part(NamedTuple):
    """What is measured of some images."""

    maps: Tensor
    matrix: ClassMatrix
    cascade: Cascade | Refusal
    repeat_gap: Tensor
    batch_gap: Tensor


def _measured(case: Case, subject: Subject, classes: int | None, draws: int) -> _Part:
    maps = case.maps(subject.of(case.trained), case.trained)
    return _Part(
        maps,
        class_matrix(case, subject, classes),
        _cascade(case, subject, maps, draws),
        repeat_gap(case, subject, maps),
        batch_gap(case, subject, maps),
    )


def _cascade(case: Case, subject: Subject, maps: Tensor, draws: int) -> Cascade | Refusal:
    """From the output down; why not, where weights cannot be destroyed."""
    if isinstance(case.network, Refusal):
        return case.network
    reference = Reference.of(maps, case.digests, case.protocol, case.seed, subject.hides)
    found = stages(case.trained)

    def compared(stage: Stage) -> Comparison:
        layers = tuple(sorted(destroyed(found, top_down, stage.name)))
        steps = (cascade(case, subject, reference, layers, draw, alone=False) for draw in range(draws))
        return joined(step.compared for step in steps)

    try:
        steps = [compared(stage) for stage in found]
    except Unwritable as why:
        return why
    return Cascade(
        tuple(stage.name for stage in found),
        torch.stack([step.scores for step in steps]),
        torch.stack([step.null for step in steps]),
    )


def _joined_matrices(parts: Sequence[ClassMatrix]) -> ClassMatrix:
    classes, scores, null = zip(*parts, strict=True)
    return ClassMatrix(torch.cat(classes, 1), torch.cat(scores, 2), torch.cat(null, 2))


def _joined_cascades(parts: Sequence[Cascade | Refusal]) -> Cascade | Refusal:
    for part in parts:
        if isinstance(part, Refusal):
            return part
    arrays = ((part.scores, part.null) for part in parts)
    return Cascade(parts[0].stages, *(torch.cat(some, 2) for some in zip(*arrays, strict=True)))


def _another(reference: Reference, maps: Tensor) -> Comparison:
    """The map of another image beside each; NaN where there is none."""
    other = another(len(maps))
    if other is not None:
        return reference.compare(maps[other])
    none = (torch.full_like(part.double(), torch.nan) for part in reference.compare(maps))
    return Comparison(*none)
