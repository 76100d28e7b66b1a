"""How alike the maps of the trained networks remain when another class is asked for, or weights are
destroyed: measured once, for all claims.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rankone.results.median import order_statistic_median
from rankone.results.protocol import corrected
from torch_backend.audit import cascade as cascades
from torch_backend.audit.case import Case
from torch_backend.audit.claims.networks import trained
from torch_backend.audit.comparison import Reference
from torch_backend.audit.random_logit import random_logit
from torch_backend.audit.stages import destroyed as destroyed_down_to
from torch_backend.audit.stages import stages, top_down
from torch_backend.audit.study import scored
from torch_backend.audit.subject import Examined, Subject, estimated, fixed
from torch_backend.graph.rebuilt import Rebuilt
from torch_backend.inputs import images
from torch_backend.maps.averaged import smooth_grad
from torch_backend.maps.controls import another, edges, luminance
from torch_backend.maps.scores import SCORES, all_scores
from torch_backend.methods import Method, pattern_attribution
from torch_backend.propagation.malloc import kept_pages
from torch_backend.randomness import digest

#: Rank correlation of either sign: one logit's sign turns a whole map, and that is no change of the map.
SCORE = [score.name for score in SCORES].index("spearman_flip")
SEED = 0

KEPT = 0.9  # four fifths of the ranks' variance is shared

SMOOTH_GRAD = smooth_grad(samples=10)  # of the paper's 50: rank correlations of maps move by 0.01
BATCH = 60  # images at a time that patterns are estimated from


@dataclass(frozen=True)
class Agreement:
    """Rank correlation, of either sign, of the trained network's maps of the predicted class with others.

    median, low, high  over images, the ends of its exact 99 % interval
    null               with independent maps as smooth and with the same values, median
    alone              with the trained forward pass kept, if weights are destroyed; else nan
    """

    median: float
    low: float
    high: float
    null: float
    alone: float = float("nan")

    @property
    def kept(self) -> bool:
        """The interval lies above KEPT."""
        return self.low > KEPT

    @property
    def changed(self) -> bool:
        """The interval lies below KEPT."""
        return self.high < KEPT


@dataclass(frozen=True)
class Controls:
    """The same of the maps of the predicted class with what knows no class: another image's map; the image's
    edges; the image (its luminance). null: the median over images with independent maps.
    """

    another: float
    edges: float
    image: float
    null: float


@cache
@kept_pages()
def other_class(network: str, method: Examined | Subject) -> Agreement:
    """With the map of one other class for each image."""
    found = random_logit(case(network), subject(method), reference(network, method))
    return agreement(found.scores, found.null)


@cache
@kept_pages()
def destroyed(network: str, method: Examined | Subject, stage: str, draw: int = 0) -> Agreement:
    """With the map once all weights from the output down to this stage are drawn at random."""
    here = case(network)
    layers = tuple(sorted(destroyed_down_to(stages(here.trained), top_down, stage)))
    found = cascades.cascade(here, subject(method), reference(network, method), layers, draw)
    return agreement(found.compared.scores, found.compared.null, found.forward_alone)


@cache
@kept_pages()
def controls(network: str, method: Examined | Subject) -> Controls:
    """Of the trained network's maps."""
    maps, pictures = trained_maps(network, method), trained(network).pictures
    other = maps[another(len(maps))]
    known = reference(network, method)
    return Controls(
        _median(scored(maps, other, corrected)),
        _median(scored(maps, edges(pictures), corrected)),
        _median(scored(maps, luminance(pictures), corrected)),
        _median(all_scores(known.maps, known.independent[0])),
    )


@lru_cache(maxsize=1)
@kept_pages()
def case(network: str) -> Case:
    """The network, its images and the classes it predicts."""
    net = trained(network)
    graph = net.graph.record(net.images)
    return Case(graph, Rebuilt.of(net.graph), graph.nodes[-1].value.argmax(1), corrected, SEED)


@cache
@kept_pages()
def trained_maps(network: str, method: Examined | Subject) -> Tensor:
    """(B, H, W), of the predicted classes."""
    here = case(network)
    return here.maps(subject(method).of(here.trained), here.trained)


@lru_cache(maxsize=4)
def reference(network: str, method: Examined | Subject) -> Reference:
    """What others are compared with."""
    names = [digest(image) for image in trained(network).images]
    return Reference.of(trained_maps(network, method), names, corrected, SEED)


def subject(method: Examined | Subject) -> Subject:
    """The same method on every network, unless it is said how it is made anew."""
    return method if isinstance(method, Subject) else fixed(method)


@cache
def pattern_attribution_on(network: str) -> Subject:
    """PatternAttribution, its patterns estimated again, from all sample images, for every network."""
    every = images.read("sample", images.preprocessing(network))
    return estimated("pattern_attribution", pattern_attribution, every.split(BATCH))


def agreement(scores: Tensor, null: Tensor, alone: Tensor | None = None) -> Agreement:
    """Of scores (K, B, S)."""
    known = order_statistic_median(scores[0, :, SCORE].numpy())
    of_alone = float("nan") if alone is None else _median(alone[0])
    return Agreement(*known, _median(null[0]), of_alone)


def _median(scores: Tensor) -> float:
    """Over images, of (B, S)."""
    return float(order_statistic_median(scores[:, SCORE].numpy()).median)


def listed(found: Mapping[str, Agreement]) -> str:
    """Name, median and interval."""
    return ", ".join(f"{name} {a.median:.2f} [{a.low:.2f}, {a.high:.2f}]" for name, a in found.items())


@cache
def roughness(network: str, method: Examined | Subject) -> float:
    """1 − the correlation of neighbouring pixels of a map, both directions; median over images."""
    maps = trained_maps(network, method).double()
    centred = maps - maps.mean((1, 2), keepdim=True)
    power = centred.square().mean((1, 2))
    beside = (centred[:, :, 1:] * centred[:, :, :-1]).mean((1, 2))
    below = (centred[:, 1:] * centred[:, :-1]).mean((1, 2))
    return float((1 - (beside + below) / 2 / power).quantile(0.5))


@kept_pages()
def scores_of_draws(network: str, method: Method, stage: str, draws: int, count: int) -> NDArray[np.float64]:
    """Scores of images (draws, count), each draw one of the weights from the output down to a stage."""
    net = trained(network)
    batch = images.read("sample", images.preprocessing(network), count)
    graph = net.graph.record(batch)
    here = Case(graph, Rebuilt.of(net.graph), graph.nodes[-1].value.argmax(1), corrected, SEED)
    layers = tuple(sorted(destroyed_down_to(stages(graph), top_down, stage)))
    known = here.maps(method, graph)
    redrawn = (here.redrawn(layers, here.key(fixed(method), draw)).graph for draw in range(draws))
    found = [scored(known, here.maps(method, other), corrected)[:, SCORE] for other in redrawn]
    return np.asarray(torch.stack(found))
