"""What an image costs: CPU seconds, memory and disk of the sanity checks of one method, in units of B images.

    python -m benchmarks.scale [--cases mri-vgg16/gradient,...] [--images 1,4]

CPU seconds on one thread, since they hardly depend on what else the machine does. Of each case three kinds of
unit: the maps of the trained network with its recording, other classes, weights destroyed down to the lowest
layer. Each case and B is a process of its own, so that its peak memory is its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import write_table
from rankone.results.runs import Units
from torch_backend.audit.stages import stages, top_down
from torch_backend.audit.study import Examined, Plan, study
from torch_backend.commands.subjects import Spelling, bounds
from torch_backend.graph.graph import trace
from torch_backend.inputs import images as pictures
from torch_backend.inputs import models

CASES = "mri-vgg16/gradient,mri-vgg16/z_plus,moderation-resnet50/gradient,moderation-resnet50/z_plus"
CLASSES = 3  # others that are asked for, of those that have so many
ONE = "--one"


class Timed:
    """CPU seconds of each unit of a study, by what is done in it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, work: Iterable[Any]) -> Iterator[Any]:
        for unit in work:
            _, test, _ = unit
            begun = time.process_time()
            yield unit
            name = "maps" if test is None else test.name
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - begun


def one(model: str, method: str, count: int) -> dict[str, float]:
    """In a process of its own: CPU seconds of each kind of unit, peak memory and bytes on disk."""
    torch.set_num_threads(1)
    network = models.load(model)
    images = pictures.read("sample", pictures.preprocessing(model), count)
    images = images.repeat(-(-count // len(images)), 1, 1, 1)[:count]
    lowest = stages(trace(network, images[:1]))[-1].name
    classes = min(CLASSES, network(images[:1]).shape[1] - 1)
    plan = Plan(classes, (top_down,), (lowest,))
    subject, timed = Spelling(images, bounds(model, "sample")).subject(method), Timed()
    with tempfile.TemporaryDirectory() as folder:
        _, failed = study(Examined(network, images, None), [subject], plan, Units(folder), timed)
        if failed:
            raise failed[subject.name]
        disk = sum(path.stat().st_size for path in Path(folder).glob("*.npz"))
    memory = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {**timed.seconds, "classes": classes, "disk": disk, "memory": memory}


def row(model: str, method: str, count: int) -> list[str]:
    """Of the table; measured by `one`."""
    command = [sys.executable, "-m", "benchmarks.scale", ONE, model, method, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    seconds = [found[kind] / count for kind in ("maps", "random_logit", "top_down")]
    cells = [model, method, str(count), *(f"{each:.2f}" for each in seconds), str(found["classes"])]
    cells += [f"{found['memory'] / 1e9:.1f}", f"{found['disk'] / count / 1e3:.0f}"]
    print(*cells, sep="  ", flush=True)
    return cells


def main() -> None:
    if sys.argv[1:2] == [ONE]:
        model, method, count = sys.argv[2:]
        print(json.dumps(one(model, method, int(count))))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=CASES)
    parser.add_argument("--images", default="1,4")
    arguments = parser.parse_args()
    cases = [case.split("/") for case in arguments.cases.split(",")]
    rows = [row(*case, int(count)) for case in cases for count in arguments.images.split(",")]
    header = ["network", "method", "images in a unit", "maps", "other classes", "one stage destroyed"]
    write_table(
        "scale",
        "CPU seconds an image and method",
        [*header, "other classes asked for", "memory at most, GB", "disk an image, kB"],
        rows,
        "CPU seconds of one thread an image, of each kind of unit; the machine was shared with other work, "
        "which CPU seconds leave out but for caches and the clock. Maps: with recording the network. One "
        "stage: all weights drawn anew, the network run with them, and its maps, with all scores, nulls and "
        "what the forward pass alone does. Memory: the peak of the process. Disk: all three units.",
    )


if __name__ == "__main__":
    main()
