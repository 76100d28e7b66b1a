"""Sanity checks of several methods on a network, in units on disk: what is there is not computed again.

A unit is one method, one test (other classes; weights destroyed down to a stage, one draw) and some images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rankone.errors import Refusal, refuse
from rankone.results.protocol import Protocol
from rankone.results.runs import Units
from torch_backend.audit.part import (
    Examined,
    Floats,
    Networks,
    Part,
    Plan,
    Test,
    refuse_images_without_maps,
    tests_of,
)
from torch_backend.audit.stages import stages
from torch_backend.audit.subject import Subject
from torch_backend.maps.controls import another, edges
from torch_backend.maps.scores import SCORES, Prepared, all_scores
from torch_backend.propagation.malloc import kept_pages
from torch_backend.randomness import digest_of

CHUNK = 5  # images of a unit: their activations are kept

Progress = Callable[[Sequence[Any]], Iterable[Any]]


@dataclass(frozen=True, eq=False)
class Outcome:
    """One method under one test; B images, K classes or draws, S scores in the order of SCORES.

    scores, null, forward_alone (K, B, S) and fine (K, B): see `Comparison` and `Destroyed`; NaN where there
    is no forward_alone. float64 (K, B): whether it was computed in that. edges, another (B, S): the scores of
    the trained network's map with the edges of its image, and with the map of another image; NaN where there
    is none. reference (B, H, W) and maps (K, B, H, W): the trained network's, and those that are compared
    with them, if the plan keeps them.
    """

    subject: Subject
    test: Test
    scores: Floats
    null: Floats
    forward_alone: Floats
    fine: NDArray[np.bool_]
    float64: NDArray[np.bool_]
    edges: Floats
    another: Floats
    reference: Floats
    maps: Floats | None = None


def study(
    examined: Examined,
    subjects: Sequence[Subject],
    plan: Plan,
    units: Units,
    progress: Progress = iter,
    *,
    about: Mapping[str, Any] | None = None,
) -> tuple[list[Outcome], dict[str, Exception]]:
    """The outcomes of all subjects; and, by name, what those raised that came to no end.

    progress  wraps the units, for example `tqdm.tqdm`
    about     what the numbers depend on beside the arguments, such as the code; part of each unit's key
    Where maps in float32 are not finite they are computed again in float64.
    ValueError for what `trace` and `Rebuilt.of` refuse, images whose maps cannot be compared, unknown stages,
    two subjects of one name, fewer than one draw.
    """
    _refuse_repeated(subjects)
    refuse_images_without_maps(examined.images)
    if isinstance(plan.draws, bool) or not isinstance(plan.draws, int) or plan.draws < 1:
        refuse("draws", expected="an integer >= 1", got=repr(plan.draws), do="1 is the paper's")
    networks = Networks(examined)
    graph, again = networks.read(examined.images.dtype)
    if isinstance(again, Refusal):
        raise again
    tests = tests_of(stages(graph), plan)
    if not tests:
        refuse("plan", expected="other classes, or orders of destruction", got="neither", do="ask for one")
    nodes = [(node.name, node.kind, list(node.shape), list(node.inputs)) for node in graph.nodes]
    about = {**(about or {}), "weights": digest_of(examined.network), "nodes": repr(nodes)}
    done: dict[tuple[str, Test | None], list[dict[str, Floats]]] = {}
    failed: dict[str, Exception] = {}
    images = range(len(examined.images))
    chunks = [tuple(images[k : k + CHUNK]) for k in images[::CHUNK]]
    work = list(product(chunks, (None, *tests), subjects))
    part = None
    with kept_pages():
        for places, test, subject in progress(work):
            if subject.name in failed:
                continue
            if part is None or part.places != places:
                part = Part(networks, plan, places)
            try:
                found = part.unit(units, about, subject, test)
            except Exception as error:  # whatever it is, it must not cost the others' results
                failed[subject.name] = error
            else:
                done.setdefault((subject.name, test), []).append(found)
    left = [subject for subject in subjects if subject.name not in failed]
    how = plan.protocol, examined.pictures
    return [_outcome(subject, test, done, *how) for test in tests for subject in left], failed


def _refuse_repeated(subjects: Sequence[Subject]) -> None:
    names = [subject.name for subject in subjects]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        refuse("methods", expected="different ones", got=f"{repeated[0]} twice", do="name each once")


def _outcome(
    subject: Subject,
    test: Test,
    done: dict[tuple[str, Test | None], list[dict[str, Floats]]],
    protocol: Protocol,
    pictures: Tensor | None,
) -> Outcome:
    parts, trained = done[subject.name, test], done[subject.name, None]
    compared = {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
    maps = torch.from_numpy(np.concatenate([part["maps"] for part in trained]))
    return Outcome(
        subject,
        test,
        **compared,
        edges=with_edges(maps, pictures, protocol),
        another=_with_another(maps, protocol),
        reference=maps.numpy(),
    )


def with_edges(maps: Tensor, pictures: Tensor | None, protocol: Protocol) -> Floats:
    """The scores (B, S) of each map with the edges of its image; NaN where its picture is not known."""
    if pictures is None or pictures.shape[2:] != maps.shape[1:]:
        return np.full((len(maps), len(SCORES)), np.nan)
    return scored(maps, edges(pictures), protocol).numpy()


def _with_another(maps: Tensor, protocol: Protocol) -> Floats:
    """The scores (B, S) of each map with that of another image; NaN where there is none."""
    other = another(len(maps))
    if other is None:
        return np.full((len(maps), len(SCORES)), np.nan)
    return scored(maps, maps[other], protocol).numpy()


def scored(a: Tensor, b: Tensor, protocol: Protocol) -> Tensor:
    """All SCORES of maps (B, H, W) with maps (B, H, W): (B, S)."""
    return all_scores(Prepared.of(a, protocol), Prepared.of(b, protocol))
