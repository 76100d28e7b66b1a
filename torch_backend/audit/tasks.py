"""An audit as independent tasks, each one unit on disk, and the results that are gathered from them.

for task in tasks(bench, options):
    perform(bench, options, task)      # in any process, in any order
values, failed, missing = gathered(bench, options)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch.nn.functional as F
from numpy.typing import ArrayLike

from rankone.errors import Refusal, TooLarge, visible
from rankone.results.audit import DIMENSIONS, NOTHING
from rankone.results.runs import Units
from torch_backend.audit.bench import Bench, starts_of
from torch_backend.audit.measured import pictures
from torch_backend.audit.measured.books import ACCOUNTS
from torch_backend.audit.measured.every import OF_METHODS, OF_NETWORK
from torch_backend.audit.measured.measurement import Arrays, Task
from torch_backend.audit.measured.other_classes import others
from torch_backend.audit.measured.predictions import NO_METHOD
from torch_backend.audit.measured.values import Values
from torch_backend.audit.measured.weights import destructions
from torch_backend.audit.options import Options
from torch_backend.convergence.csc import layers_below
from torch_backend.maps.scores import SCORES
from torch_backend.propagation.malloc import kept_pages

MEANING = "audit 2"  # of a unit's numbers; another text where the same key would give others
REFUSED = "refused"  # the one array of a unit where a method has no such numbers: why
MEASUREMENTS = {measurement.name: measurement for measurement in (*OF_NETWORK, *OF_METHODS)}
#: What every method must have: without its maps there is nothing to be judged.
ESSENTIAL = frozenset({"predictions", "another image"})


def tasks(bench: Bench, options: Options) -> tuple[Task, ...]:
    """All tasks, the same in every process for the same options; those of one image in a row."""
    asked = [
        *((measurement, NO_METHOD) for measurement in OF_NETWORK),
        *product(OF_METHODS, options.methods),
    ]
    found = [
        ((task.images, list(MEASUREMENTS).index(measurement.name), _depth(bench, task)), task)
        for measurement, method in asked
        for task in measurement.tasks(bench, options, method)
    ]
    return tuple(task for _, task in sorted(found, key=lambda pair: pair[0]))


def _depth(bench: Bench, task: Task) -> int:
    return next((k for k, test in enumerate(destructions(bench)) if test.stage == task.stage), -1)


def perform(bench: Bench, options: Options, task: Task) -> Arrays:
    """The arrays of the task's unit, which is read if it is there, and else computed and written.

    Where the method has no such numbers they are the reason alone, REFUSED. OSError where the unit cannot be
    written; whatever else ends a method is raised.
    """
    what = key(bench, options, task)
    with kept_pages():
        return units(options).get(task.name, what, lambda: _computed(bench, options, task))


def units(options: Options) -> Units:
    """The units of the audit's folder."""
    return Units(Path(options.out) / "units")


def key(bench: Bench, options: Options, task: Task) -> dict[str, Any]:
    """What the numbers of a task depend on."""
    subject = bench.subjects.get(task.method)
    return {
        **common(bench, options),
        "measurement": task.measurement,
        "stage": task.stage,
        "method": subject.key if subject else [],
        "images": [bench.digests[k] for k in task.images],
        "more": MEASUREMENTS[task.measurement].depends(bench, options, task),
    }


def common(bench: Bench, options: Options) -> dict[str, Any]:
    """What those of all tasks depend on."""
    return {
        **bench.about,
        "meaning": MEANING,
        "device": options.device.partition(":")[0],
        "precision": str(bench.images.dtype),
        "protocol": bench.plan.protocol.decisions,
        "seed": options.seed,
    }


def _computed(bench: Bench, options: Options, task: Task) -> Mapping[str, ArrayLike]:
    try:
        return MEASUREMENTS[task.measurement].compute(bench, options, task)
    except TooLarge:  # elsewhere it may fit
        raise
    except Refusal as why:
        return {REFUSED: np.array(visible(str(why)))}


class Gathered(NamedTuple):
    """values: all numbers; failed: why a method came to no end, by method; missing: why one has no numbers of
    a measurement, by (method, measurement).
    """

    values: Values
    failed: dict[str, str]
    missing: dict[tuple[str, str], str]


def gathered(bench: Bench, options: Options) -> Gathered:
    """All numbers; of tasks that are not there, too, which are carried out here: what stops them is known
    then. OSError where a unit cannot be written.
    """
    found: dict[tuple[str, str], list[tuple[Task, Arrays]]] = {}
    missing: dict[tuple[str, str], str] = {}
    for task in tasks(bench, options):
        place = task.method, task.measurement
        if place in missing or any((task.method, essential) in missing for essential in ESSENTIAL):
            continue
        arrays, why = attempted(bench, options, task)
        if arrays is None or REFUSED in arrays:
            missing[place] = why if arrays is None else str(arrays[REFUSED])
        else:
            found.setdefault(place, []).append((task, arrays))
    failed = {method: why for (method, name), why in missing.items() if name in ESSENTIAL}
    values = Values(coordinates(bench, options))
    for (method, measurement), parts in found.items():
        if method not in failed:
            m = options.methods.index(method) if method else -1
            MEASUREMENTS[measurement].fill(values, m, parts)
    _put_known(bench, values)
    return Gathered(values, failed, missing)


def attempted(bench: Bench, options: Options, task: Task) -> tuple[Arrays | None, str]:
    """The arrays of a task, REFUSED among them; or None and what stopped it. OSError where the unit cannot be
    written.
    """
    try:
        return perform(bench, options, task), ""
    except OSError:
        raise
    except Exception as error:  # whatever it is, it must not cost the others' results
        if task.method == NO_METHOD:
            raise
        return None, said(error)


def said(error: BaseException) -> str:
    """An error in one line; of others than refusals with its kind."""
    text = visible(str(error))
    return text if text and isinstance(error, Refusal) else f"{type(error).__name__}: {text}".rstrip(": ")


def coordinates(bench: Bench, options: Options) -> dict[str, Sequence[str]]:
    """The names along each dimension of the results."""
    shown, pixels = pictures.images(bench), bench.images.shape[2:]
    height, width = (min(pictures.SIDE, side) for side in pixels)
    stages = [test.stage for test in destructions(bench)]
    named = {
        "method": options.methods,
        "image": bench.names,
        "other": others(bench),
        "draw": [str(k) for k in range(options.draws)],
        "stage": stages,
        "score": [score.name for score in SCORES],
        "start": starts_of(bench, options),
        "layer": layers_below(bench.network),
        "account": ACCOUNTS,
        "shown": [bench.names[k] for k in shown],
        "shown_class": [str(k) for k in range(pictures.class_count(bench))],
        "shown_stage": stages,
        "y": [str(k) for k in range(height)],
        "x": [str(k) for k in range(width)],
        "rgb": ["red", "green", "blue"],
    }
    return {dimension: tuple(named[dimension]) or (NOTHING,) for dimension in DIMENSIONS}


def _put_known(bench: Bench, values: Values) -> None:
    """What is known without a measurement: digests, names, pictures."""
    values.put("image_digest", ..., bench.digests)
    shown = list(pictures.images(bench))
    values.put("shown_image", ..., shown)
    values.put("shown_stage_name", ..., values.coordinates["shown_stage"])
    if bench.plan.protocol.draws_for_each_method and "other_class" in values.arrays:
        values.put("other_class", ..., -1)  # each method has its own
    values.put("target_name", ..., [name_of(bench, c) for c in values.arrays["target"].tolist()])
    if "shown_class_number" in values.arrays:
        names = [[name_of(bench, c) for c in row] for row in values.arrays["shown_class_number"].tolist()]
        values.put("shown_class_name", ..., names)
    if bench.examined.pictures is not None:
        here = bench.examined.pictures[shown].double().cpu()
        small = F.adaptive_avg_pool2d(here, [len(values.coordinates[side]) for side in "yx"])
        values.put("picture", ..., small.expand(-1, 3, -1, -1).movedim(1, -1).numpy())


def name_of(bench: Bench, number: int) -> str:
    """The name of a class, or its number."""
    return bench.classes[number] if 0 <= number < len(bench.classes) else str(number)
