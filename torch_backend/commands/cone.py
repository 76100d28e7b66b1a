"""What `rankone cone` runs: measure the cone of all classes, write the table, say how wide it is."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor, nn
from tqdm import tqdm

from rankone.results.tables import CONE
from rankone.results.text import aligned, two_digits
from torch_backend.methods import Method
from torch_backend.proof.class_cone import ClassCone, class_cones

MEASURES = ("diameter", "one_minus_min_cos", "total_variation", "stable_rank_excess")
ROWS = 17  # layers in a table; more would hide the trend

Cones = Mapping[str, Sequence[tuple[ClassCone, ...]]]  # method -> image -> layers, output first


def measure(
    label: str,
    network: nn.Module,
    images: Tensor,
    methods: Sequence[Method],
    layers: str | Sequence[str] = "trunk",
) -> Cones:
    """`class_cones` for each method and image, with a progress bar on stderr."""
    work = [(method, k) for method in methods for k in range(len(images))]
    cones: dict[str, list[tuple[ClassCone, ...]]] = {method.name: [] for method in methods}
    for method, k in tqdm(work, desc=label, unit="image", file=sys.stderr, leave=False, disable=None):
        cones[method.name].append(class_cones(network, images[k : k + 1], method, layers))
    return cones


def write(folder: Path, label: str, cones: Cones) -> Path:
    """Write folder/cone.csv, a row per method, image and layer; returns its path."""
    return CONE.write(
        folder / "cone.csv",
        (
            {
                "model": label,
                "method": method,
                "image": k,
                "layer": cone.layer,
                "classes": cone.classes,
                "missing": cone.missing,
                **{name: getattr(cone, name) for name in MEASURES},
            }
            for method, images in cones.items()
            for k, layers in enumerate(images)
            for cone in layers
        ),
    )


def summary(label: str, cones: Cones) -> str:
    """For each method a table of the worst image at each layer, and what it says at the lowest."""
    return "\n\n".join(_of_method(label, method, images) for method, images in cones.items())


def _of_method(label: str, method: str, images: Sequence[tuple[ClassCone, ...]]) -> str:
    worst = [_worst(layer) for layer in zip(*images, strict=True)]
    chosen = sorted({round(k * (len(worst) - 1) / (ROWS - 1)) for k in range(ROWS)}) if worst else []
    header = ("layer", "diameter", "1 - min cos", "total variation", "stable rank - 1")
    rows = [(layer, *map(two_digits, numbers)) for layer, numbers in (worst[k] for k in chosen)]
    layer, (diameter, _, variation, _) = worst[-1]
    moved = two_digits(variation)
    count = min(cone.classes for cones in images for cone in cones)
    return "\n".join(
        [
            f"{label}, {method}",
            f"between any two of {count} classes and their mixtures, the worst of {len(images)} images:",
            "",
            *aligned([header, *rows]),
            "",
            f"  At {layer}, whatever the classes, at most {moved} of the relevance lies elsewhere",
            f"  and the share of no unit changes by more than a factor of {np.exp(diameter):.5g}.",
        ]
    )


def _worst(cones: Sequence[ClassCone]) -> tuple[str, list[float]]:
    """The largest of each number over the images; nan, where a number is missing."""
    return cones[0].layer, [max((getattr(c, name) for c in cones), key=_nan_first) for name in MEASURES]


def _nan_first(x: float) -> float:
    return float("inf") if np.isnan(x) else x
