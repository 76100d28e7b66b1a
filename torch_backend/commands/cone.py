"""What `rankone cone` runs: measure the cone of all classes, write the table, say how wide it is."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path
from textwrap import fill

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from rankone.results.tables import CONE
from rankone.results.text import aligned, at_least, at_most
from torch_backend.commands.keeping import Keeping
from torch_backend.commands.progress import Progress
from torch_backend.methods import Method
from torch_backend.proof.class_cone import ClassCone, class_cones

MEASURES = ("diameter", "one_minus_min_cos", "total_variation", "share_change", "stable_rank_excess")
HEADER = ("layer", "diameter", "1 - min cos", "total variation", "share change", "stable rank - 1")
ROWS = 17  # layers in a table; more would hide the trend
WIDTH = 98  # columns of a sentence
NAMED = 10  # classes; more are counted
DIGITS = 3  # of a bound
PERCENT_BELOW = 1.0  # a larger change of a share is said as a factor
NUMBERS = tuple(f.name for f in fields(ClassCone))[3:]
ROUNDING = 1e-9  # of float64 in an amount: 99.9999999 % are 100 %

Cones = Mapping[str, Sequence[tuple[ClassCone, ...]]]  # method -> image -> layers, output first


def measure(
    label: str,
    network: nn.Module,
    images: Tensor,
    methods: Sequence[Method],
    layers: str | Sequence[str] = "trunk",
    *,
    report: Progress | None = None,
    keeping: Keeping | None = None,
) -> Cones:
    """`class_cones` for each method and image.

    report: how far it is, in images; None: of these methods alone. keeping: where images' cones are kept.
    """

    def of(method: Method, image: Tensor) -> tuple[ClassCone, ...]:
        def compute() -> tuple[ClassCone, ...]:
            return class_cones(network, image, method, layers)

        if keeping is None:
            return compute()
        what = {"run": "class_cones", "layers": layers}
        return _cones(keeping.part(method, image, what, lambda: _arrays(compute())))

    cones: dict[str, list[tuple[ClassCone, ...]]] = {}
    with nullcontext(report) if report else Progress(label, len(methods) * len(images), "image") as report:
        for method in methods:
            with report.part(len(images)):
                cones[method.name] = [of(method, image) for image in report.over(images.split(1))]
    return cones


def _arrays(cones: Sequence[ClassCone]) -> dict[str, ArrayLike]:
    """Cones as arrays, to be kept: their numbers (layers, 7), and the silent classes, one after the other."""
    return {
        "layers": np.array([cone.layer for cone in cones], dtype=str),
        "classes": np.array([(cone.classes, cone.missing) for cone in cones], dtype=np.int64).reshape(-1, 2),
        "silent": np.array([number for cone in cones for number in cone.silent], dtype=np.int64),
        "numbers": np.array([[getattr(cone, name) for name in NUMBERS] for cone in cones], dtype=np.float64),
    }


def _cones(arrays: Mapping[str, NDArray]) -> tuple[ClassCone, ...]:
    """The cones that `_arrays` made them of."""
    layers, classes = arrays["layers"].tolist(), arrays["classes"]
    silent = np.split(arrays["silent"], np.cumsum(classes[:, 1])[:-1])
    rows = zip(layers, classes[:, 0].tolist(), silent, arrays["numbers"].tolist(), strict=True)
    return tuple(ClassCone(layer, count, tuple(none.tolist()), *row) for layer, count, none, row in rows)


def write(folder: Path, cones: Mapping[str, Cones]) -> Path:
    """Write folder/cone.csv, a row per network (by its label), method, image and layer; returns its path."""
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
                "least": cone.least,
                "most": cone.most,
                **{name: getattr(cone, name) for name in MEASURES},
            }
            for label, of_network in cones.items()
            for method, images in of_network.items()
            for k, layers in enumerate(images)
            for cone in layers
        ),
    )


def summary(label: str, cones: Cones, names: Sequence[str] = ()) -> str:
    """For each method a table of the worst image at each layer, and what it says at the lowest.

    names: of the classes, in the order of the outputs; () if they have none.
    """
    return "\n\n".join(_of_method(label, method, images, names) for method, images in cones.items())


def _of_method(label: str, method: str, images: Sequence[tuple[ClassCone, ...]], names: Sequence[str]) -> str:
    worst = [_worst(layer) for layer in zip(*images, strict=True)]
    chosen = sorted({round(k * (len(worst) - 1) / (ROWS - 1)) for k in range(ROWS)}) if worst else []
    rows = [(layer, *(at_most(x, DIGITS) for x in numbers)) for layer, numbers in (worst[k] for k in chosen)]
    classes = images[0][0].classes + images[0][0].missing
    silent = any(cone.silent for cones in images for cone in cones)
    named = len(names) == classes <= NAMED
    compared = (f"{classes} classes ({', '.join(names)})" if named else f"{classes} classes") + (
        " (without those that send nothing down)" if silent else ""
    )
    return "\n".join(
        [
            f"{label}, {method}",
            f"between any two of {compared} and their non-negative mixtures,",
            f"the worst of {len(images)} images, rounded up:",
            "",
            *aligned([HEADER, *rows]),
            "",
            *(
                fill(said, WIDTH, initial_indent="  ", subsequent_indent="    ")
                for said in sentences([cones[-1] for cones in images], names)
            ),
        ]
    )


def sentences(cones: Sequence[ClassCone], names: Sequence[str] = ()) -> list[str]:
    """What the cones of some images say of one layer, the worst of them; all bounds are rounded up."""
    layer, (_, _, variation, change, _) = _worst(cones)
    if np.isnan(variation):
        return [f"At {layer} some image has no two classes to compare.", *_left_out(cones, names)]
    return [
        f"Of the relevance that arrives at {layer} ({_arriving(cones)} of what a class is given), at most "
        f"{_percent(variation)} lies elsewhere for one class, or non-negative mixture, than for another; "
        f"{_share(change)}.",
        *_left_out(cones, names),
        "In float64, without an error bound; proved bounds: rankone certify.",
    ]


def _left_out(cones: Sequence[ClassCone], names: Sequence[str]) -> list[str]:
    """Which classes are silent, if any."""
    silent = sorted({number for cone in cones for number in cone.silent})
    names = [names[k] if k < len(names) else str(k) for k in silent]
    if not silent:
        return []
    who = f"class {names[0]} sends" if len(names) == 1 else f"classes {', '.join(names)} send"
    where = " for some image" if len({cone.silent for cone in cones}) > 1 else ""
    return [f"Left out: {who} nothing down to {cones[0].layer}{where}."]


def _arriving(cones: Sequence[ClassCone]) -> str:
    """The amounts that arrive, over classes and images, rounded outward: 31-41 %."""
    least = at_least(100 * min(cone.least for cone in cones) * (1 + ROUNDING))
    most = at_most(100 * max(cone.most for cone in cones) * (1 - ROUNDING))
    return f"{least} %" if least == most else f"{least}-{most} %"


def _share(change: float) -> str:
    if np.isinf(change):
        return "some unit has a share for one class and none for another"
    if change < PERCENT_BELOW:
        return f"no unit's share is larger by more than {_percent(change)}"
    return f"no unit's share is more than {at_most(1 + change, DIGITS)} times as large"


def _percent(share: float) -> str:
    return f"{at_most(100 * share, DIGITS)} %"


def _worst(cones: Sequence[ClassCone]) -> tuple[str, list[float]]:
    """The largest of each number over the images; nan, where a number is missing."""
    return cones[0].layer, [max((getattr(c, name) for c in cones), key=_nan_first) for name in MEASURES]


def _nan_first(x: float) -> float:
    return float("inf") if np.isnan(x) else x
