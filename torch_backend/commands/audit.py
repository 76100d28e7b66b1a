"""What `rankone audit` runs: the bench from its options, an estimate, and its provenance."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import rankone
from rankone.errors import refuse
from rankone.results.audit import NAME
from rankone.results.protocol import named
from torch_backend.audit.bench import Bench, plan_of
from torch_backend.audit.measured.measurement import Task
from torch_backend.audit.measured.predictions import NO_METHOD
from torch_backend.audit.options import Options, refuse_bad
from torch_backend.audit.part import Examined, Networks, refuse_images_without_maps
from torch_backend.audit.tasks import key, units
from torch_backend.commands.device import device_of
from torch_backend.commands.keeping import about
from torch_backend.commands.opening import image_names, opening
from torch_backend.commands.subjects import Spelling, bounds
from torch_backend.commands.tool_file import read
from torch_backend.graph.graph import Graph
from torch_backend.maps.saliency import maps_of
from torch_backend.randomness import digest_of

TRIES, PATIENCE = 5, 1.0  # maps that an estimate is made of, and seconds after which it has enough of them
PACKAGES = ("rankone", "torch", "numpy", "scipy", "xarray")


def laid(options: Options) -> Bench:
    """The bench that the options name, once in each process. ValueError, OSError: it cannot be audited."""
    refuse_bad(options)
    tool = None if options.attribute is None else read(options.attribute, options.model or None)
    own, reads = (None, "") if tool is None else (tool.model, tool.reads)
    if own is not None and options.weights is not None:
        do = "leave --weights out"
        refuse("weights", expected="none: the tool's file has the network", got=options.weights, do=do)
    model = options.model or f"{options.attribute.rpartition(':')[0]}:model"
    found = opening(
        model,
        options.weights,
        options.images,
        options.limit,
        seed=options.seed,
        output=options.output,
        extra=options.extra,
        float64=options.float64,
        strict=options.strict,
        own=own,
        reads=reads,
    )
    refuse_images_without_maps(found.images)
    device = device_of(options.device)
    network, images = found.network.to(device), found.images.to(device)
    spelling = Spelling(images, bounds(reads or model, options.images), options.held)
    subjects = {
        text: spelling.subject(text) if text != options.attribute else tool.subject
        for text in options.methods
    }
    examined = Examined(network, images, found.pictures)
    networks = Networks(examined)
    graph, _ = networks.read(images.dtype)
    _refuse_outputs_over_space(graph)
    return Bench(
        found.label,
        examined,
        image_names(options.images, len(images), found.skipped),
        found.classes,
        subjects,
        about(network, map(str, (model, options.output, list(options.extra), options.held))),
        plan_of(options, graph, named(options.protocol)),
        networks,
        tuple(found.skipped),
    )


def _refuse_outputs_over_space(graph: Graph) -> None:
    shape = graph.nodes[-1].shape
    if len(shape) != 1:
        got, do = f"(B, {', '.join(map(str, shape))})", "wrap it to return the logits of one region"
        refuse("model", expected="logits (B, classes)", got=got, do=do)


def left(bench: Bench, options: Options, work: tuple[Task, ...]) -> tuple[Task, ...]:
    """The tasks whose units are not there."""
    there = units(options)
    return tuple(task for task in work if there.read(task.name, key(bench, options, task)) is None)


def estimate(bench: Bench, work: tuple[Task, ...], clock: Callable[[], float] = time.monotonic) -> float:
    """Seconds that the tasks will take, about: of each method one map of one image, times what tasks cost."""
    graph = bench.graph(0, bench.images.dtype)
    methods = {task.method for task in work} - {NO_METHOD}
    seconds = {method: _seconds(bench, graph, method, clock) for method in sorted(methods)}
    return sum(task.cost * seconds.get(task.method, 0.0) for task in work)


def _seconds(bench: Bench, graph: Graph, method: str, clock: Callable[[], float]) -> float:
    """For a map, the fastest of a few: the first pays for what is prepared once, and others disturb. 0 if
    there is none.
    """
    taken: list[float] = []
    try:
        while len(taken) < TRIES and sum(taken) < PATIENCE:
            began = clock()
            maps_of(graph, bench.subjects[method].of(graph), graph.nodes[-1].value.argmax(1))
            taken.append(clock() - began)
    except Exception:  # it will be named when its turn comes
        return 0.0
    return min(taken)


def provenance(bench: Bench, options: Options, command: str, seconds: float, date: str) -> dict[str, Any]:
    """The attributes of the results."""
    return {
        "schema": NAME,
        "kind": "native" if options.attribute is None else "attribute",
        "model": bench.label,
        "weights_digest": digest_of(bench.examined.network),
        "command": command,
        "device": str(bench.images.device),
        "precision": str(bench.images.dtype).removeprefix("torch."),
        "seed": options.seed,
        "protocol": options.protocol,
        "date": date,
        "versions": json.dumps(versions()),
        "hides": json.dumps({m: [h.said for h in s.hides] for m, s in bench.subjects.items() if s.hides}),
        "seconds": float(seconds),
    }


def versions() -> dict[str, str]:
    """Of what computed the numbers."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {**found, "rankone": rankone.__version__}
