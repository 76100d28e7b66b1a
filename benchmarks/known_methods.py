"""What known methods get in an audit of trained networks: the table behind the thresholds of rankone.verdict.

Run: python -m benchmarks.known_methods. Writes benchmarks/results/known_methods.md from audits in
out/known_methods; those that are there are not made again. Needs the extra zoo, and half an hour.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import xarray

from benchmarks.measure import write_table
from rankone.results.audit import read
from rankone.verdict.likeness import beyond_chance
from torch_backend.audit.comparison import SURROGATES
from torch_backend.audit.judging import SCORE, middle
from torch_backend.maps.null import surrogates

NETWORKS = ("digits-vgg", "digits-resnet", "mri-vgg16")
METHODS = (
    "gradient",
    "gradient_times_input",
    "deconv",
    "guided_backprop",
    "lrp_z",
    "deeplift_rescale",
    "z_plus",
    "deep_taylor",
    "excitation_backprop",
    "alpha_beta:2:1",
    "pattern_attribution",
    "occlusion",
)
#: Audited with the defaults of the command: more takes hours.
LARGE = {"mri-vgg16"}
IMAGES, OUT = 6, Path("out/known_methods")
HEADER = (
    "network",
    "method",
    "images",
    "class",
    "weights",
    "image",
    "moves",
    "of unrelated maps",
    "1 − cos",
    "unrelated",
    "repeat",
    "batch",
)
NOTES = (
    "class, weights, image: agreement beyond chance, (s − n) / (1 − n) of SSIM of either sign and its "
    "null, the median over images with the smallest and the largest: asked for another class, with all "
    "weights drawn anew, for another image. moves: the largest share of a map at the image that lies "
    "elsewhere for one class than for another, in float64, of chains ≥ 0; of unrelated maps: the smallest "
    "share by which a map shown on the page differs from one with its values and its smoothness at other "
    "places. 1 − cos: over channels at the "
    "lowest layer above the image, of two random starts at the output; unrelated: of independent "
    "directions. repeat, batch: the largest ‖m − m'‖/‖m‖ of the same map again."
)


def audited(network: str) -> xarray.Dataset:
    """The results of the network's audit, made if they are not there."""
    if not (results := OUT / network / "results.nc").exists():
        words = ["audit", "--model", network, "--fail-on", "none", "--out", str(OUT / network)]
        if network not in LARGE:
            words += ["--methods", ",".join(METHODS), "--limit", str(IMAGES)]
        subprocess.run([sys.executable, "-c", "from rankone.cli import main; main()", *words], check=True)
    return read(results)


def rows(network: str) -> Iterator[tuple[str, ...]]:
    """A row for each method."""
    data = audited(network).sel(score=SCORE)
    for method in data["method"].values:
        of = data.sel({"method": method})
        lowest = of["csc"].isel(start=0, layer=-2), of["csc_null"].isel(start=0, layer=-2)
        yield (
            network,
            str(method),
            str(data.sizes["image"]),
            *(_likeness(of, *names) for names in LIKENESSES),
            _number(_largest(of["total_variation"].isel(layer=-1))),
            _number(_unrelated(of)),
            *(_number(float(value)) for value in lowest),
            *(_number(_largest(of[gap])) for gap in ("repeat_gap", "batch_gap")),
        )


LIKENESSES = (("logit", "logit_null"), ("cascade", "cascade_null"), ("another", "another_null"))


def _likeness(of: xarray.Dataset, name: str, null: str) -> str:
    scores, chance = (_of_images(of[variable]) for variable in (name, null))
    found = beyond_chance(scores, chance)
    if np.isnan(found).all():
        return "–"
    return f"{np.nanmedian(found):.2f} ({np.nanmin(found):.2f} to {np.nanmax(found):.2f})"


def _of_images(scores: xarray.DataArray) -> np.ndarray:
    """(B,): with all weights destroyed, the median over draws or classes."""
    lowest = scores.isel(stage=-1) if "stage" in scores.dims else scores
    values = lowest.transpose(..., "image").values
    return values if values.ndim == 1 else middle(values, 0)


def _largest(values: xarray.DataArray) -> float:
    return float(values.max())


def _unrelated(of: xarray.Dataset) -> float:
    """The smallest total variation of a kept map and its surrogates, of chains ≥ 0; NaN for others."""
    if of["total_variation"].isnull().all():
        return float("nan")
    maps = torch.from_numpy(of["map"].isel(shown_class=0).values).double().abs()
    drawn = surrogates(maps, seed=0, names=[str(k) for k in range(len(maps))], count=SURROGATES)
    shares, others = (m / m.sum((-2, -1), keepdim=True) for m in (maps, drawn))
    return float((shares - others).abs().sum((-2, -1)).min()) / 2


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2g}"


if __name__ == "__main__":
    title = "What known methods get: agreement beyond chance, bounds, directions, gaps"
    write_table("known_methods", title, HEADER, (row for network in NETWORKS for row in rows(network)), NOTES)
