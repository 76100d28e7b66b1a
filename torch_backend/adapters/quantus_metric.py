"""This project as a metric of Quantus: how much a map depends on the class that is asked for.

quantus.evaluate({"class": ClassDependence()}, {"Saliency": {"xai_lib": "captum"}}, model, x, y)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from quantus.helpers.enums import DataType, EvaluationCategory, ModelType, ScoreDirection
from quantus.metrics.base import Metric
from torch import Tensor

from rankone.errors import refuse
from torch_backend.audit.comparison import Comparison, Reference, joined
from torch_backend.audit.hidden import magnitudes
from torch_backend.audit.random_logit import others_than
from torch_backend.maps.scores import SCORES
from torch_backend.randomness import digest


class ClassDependence(Metric):
    """(1 − s) / (1 − n) for each image: s is how alike the maps of two classes are, n the same of independent
    maps as smooth and with the same numbers (`torch_backend.maps.null`). 0: the map is the same whichever
    class is asked for; 1: it differs as much as maps that have nothing to do with each other.

    similarities, nulls: s and n of the images of the last call, in their order. A map that cannot be compared
    (constant, not finite) has NaN; Quantus itself refuses maps that are 0, 1 or below 0 everywhere.
    """

    name = "Class Dependence"
    data_applicability: ClassVar = {DataType.IMAGE}
    model_applicability: ClassVar = {ModelType.TORCH, ModelType.TF}
    score_direction = ScoreDirection.HIGHER
    evaluation_category = EvaluationCategory.RANDOMISATION

    def __init__(
        self,
        *,
        score: str = "spearman",
        classes: int = 1,
        seed: int = 0,
        abs: bool = False,
        normalise: bool = False,
        normalise_func: Callable[[NDArray[Any]], NDArray[Any]] | None = None,
        normalise_func_kwargs: Mapping[str, Any] | None = None,
        return_aggregate: bool = False,
        aggregate_func: Callable[[Any], Any] | None = None,
    ) -> None:
        """score: one of `torch_backend.maps.scores.SCORES`, by name; classes: how many others are asked for,
        of which the median is taken; seed: of classes and null. The others: see Quantus' Metric. ValueError
        for another score or number.
        """
        super().__init__(
            abs=abs,
            normalise=normalise,
            normalise_func=normalise_func,
            normalise_func_kwargs=normalise_func_kwargs,
            return_aggregate=return_aggregate,
            aggregate_func=aggregate_func or np.nanmean,
            default_plot_func=None,
            disable_warnings=True,
            display_progressbar=False,
        )
        names = [known.name for known in SCORES]
        if score not in names:
            refuse("score", expected=f"one of {', '.join(names)}", got=repr(score), do="copy one of these")
        if isinstance(classes, bool) or not isinstance(classes, int) or classes < 1:
            refuse("classes", expected="an integer >= 1", got=repr(classes), do="leave it out")
        self.place, self.classes, self.seed = names.index(score), classes, seed
        self.similarities: list[float] = []
        self.nulls: list[float] = []

    def __call__(
        self,
        model: Any,
        x_batch: NDArray[Any],
        y_batch: NDArray[Any],
        a_batch: NDArray[Any] | None = None,
        s_batch: NDArray[Any] | None = None,
        channel_first: bool | None = None,  # noqa: FBT001 (Quantus')
        explain_func: Callable[..., NDArray[Any]] | None = None,
        explain_func_kwargs: dict[str, Any] | None = None,
        model_predict_kwargs: dict[str, Any] | None = None,
        softmax: bool | None = False,  # noqa: FBT001, FBT002 (Quantus')
        device: str | None = None,
        batch_size: int = 64,
        **more: Any,
    ) -> list[float]:
        """One number for each image (B, C, H, W), as Quantus calls a metric. ValueError: no `explain_func`,
        by which other classes are explained; a model with one output; fewer classes than are asked for.
        """
        self.similarities, self.nulls = [], []
        return super().__call__(
            model=model,
            x_batch=x_batch,
            y_batch=y_batch,
            a_batch=a_batch,
            s_batch=s_batch,
            channel_first=channel_first,
            explain_func=explain_func,
            explain_func_kwargs=explain_func_kwargs,
            model_predict_kwargs=model_predict_kwargs,
            softmax=softmax,
            device=device,
            batch_size=batch_size,
            custom_batch=None,
            **more,
        )

    def custom_preprocess(self, **_: Any) -> None:
        """Before any map is made."""
        if not callable(self.explain_func):
            do = "give explain_func=quantus.explain"
            refuse("explain_func", expected="a function that explains other classes", got="none", do=do)

    def evaluate_batch(
        self, model: Any, x_batch: NDArray[Any], y_batch: NDArray[Any], a_batch: NDArray[Any], **_: Any
    ) -> list[float]:
        """The numbers of some images (B, C, H, W) with their classes (B,) and maps (B, C or 1, H, W)."""
        compared = self._compared(model, x_batch, y_batch, a_batch)
        s, n = (part[..., self.place].nanmedian(0).values for part in (compared.scores, compared.null))
        self.similarities += s.tolist()
        self.nulls += n.tolist()
        return torch.where(n < 1, (1 - s) / (1 - n), torch.nan).tolist()

    def _compared(self, model: Any, x: NDArray[Any], y: NDArray[Any], maps: NDArray[Any]) -> Comparison:
        """The maps of other classes with these."""
        images = [digest(torch.from_numpy(image)) for image in x]
        outputs = model.predict(x).shape[1]
        if self.classes >= outputs:
            do = "ask for fewer" if outputs > 1 else "it has no other class"
            refuse("classes", expected=f"fewer than its outputs, {outputs}", got=self.classes, do=do)
        drawn = [
            others_than(int(target), outputs, (self.seed, image))
            for target, image in zip(y, images, strict=True)
        ]
        reference = Reference.of(_summed(maps), images, seed=self.seed, hides=(magnitudes,) * self.abs)
        others = torch.stack(drawn, 1)[: self.classes].numpy()
        return joined(reference.compare(_summed(self.explain_batch(model, x, some))) for some in others)


def _summed(maps: NDArray[Any]) -> Tensor:
    """(B, C, H, W) -> (B, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(maps)).double().sum(1)
