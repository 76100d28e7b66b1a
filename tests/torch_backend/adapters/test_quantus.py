"""Quantus' explain functions through the adapter, and this project as a metric of Quantus."""

import numpy as np
import pytest
import quantus
import torch
from quantus.metrics.base import Metric

from rankone.errors import Refusal
from torch_backend import methods, reduction, saliency
from torch_backend.adapters import quantus as adapter
from torch_backend.adapters.quantus_metric import ClassDependence
from torch_backend.audit import of
from torch_backend.audit.hidden import channels, magnitudes
from torch_backend.maps.averaged import integrated_gradients
from torch_backend.maps.scores import SCORES

CLOSE = {"rtol": 1e-4, "atol": 1e-5}  # float32, sums in another order
RANKS = 1e-2  # of surrogates, whose numbers have another order where two are equal up to rounding
SPEARMAN = [score.name for score in SCORES].index("spearman")


@pytest.mark.parametrize("method", ["Saliency", "Gradient", "IntegratedGradients", "InputXGradient"])
def test_maps_are_quantus_s(digits, made, method) -> None:
    model, x, classes = digits
    expected = quantus.explain(model, x.numpy(), classes.numpy(), method=method)
    np.testing.assert_array_equal(made(adapter.tool(method)), expected)


def test_maps_are_ours(digits, made) -> None:
    model, x, classes = digits
    ours = saliency(model, x, methods.gradient, classes)
    torch.testing.assert_close(made(adapter.tool("Gradient"))[:, 0], ours.sum(1), **CLOSE)
    torch.testing.assert_close(made(adapter.tool("Saliency"))[:, 0], ours.abs().sum(1), **CLOSE)
    path = saliency(model, x, integrated_gradients(), classes).sum(1)
    found = made(adapter.tool("IntegratedGradients"))[:, 0]  # ten steps of a trapezoidal rule
    assert torch.nn.functional.cosine_similarity(found.flatten(1), path.flatten(1)).min() > 0.9


def test_what_is_hidden_is_declared() -> None:
    assert adapter.tool("Saliency").hides == (magnitudes, channels)
    assert adapter.tool("Gradient").hides == (channels,)
    assert adapter.tool("Gradient", reduce_axes=()).hides == ()


# ---------------------------------------------------------------- the metric


def explained(method):
    """One of our methods, as Quantus calls an explanation."""

    def explain(model, inputs, targets, **_):
        x, classes = torch.as_tensor(inputs), torch.as_tensor(targets)
        return saliency(model, x, method, classes, reduce=reduction(method))[:, None].numpy()

    return explain


def evaluated(digits, metric, method, **more):
    model, x, classes = digits
    named = {"class": metric}
    how = {"x_batch": x.numpy(), "y_batch": classes.numpy(), "call_kwargs": {"call": {"batch_size": 2}}}
    found = quantus.evaluate(named, {"it": explained(method)}, model, explain_func_kwargs={}, **how, **more)
    return np.array(found["it"]["class"])


@pytest.mark.parametrize("method", [methods.gradient, methods.lrp_z])
def test_the_metric_has_the_numbers_of_the_audit(digits, method) -> None:
    """Through quantus.evaluate, in batches of two."""
    model, x, classes = digits
    metric = ClassDependence(classes=2)
    found = evaluated(digits, metric, method)
    how = {"targets": classes, "classes": 2, "batch": 2}
    natively = of(lambda x, c: saliency(model, x, method, c, reduce=reduction(method)), model, x, **how)
    s, n = (part[..., SPEARMAN].median(0).values for part in (natively.logit, natively.logit_null))
    np.testing.assert_allclose(metric.similarities, s, atol=1e-6)
    np.testing.assert_allclose(
        metric.nulls, n, atol=1e-2
    )  # float64 maps, float32 maps: a rank in a surrogate
    np.testing.assert_allclose(found, (1 - s) / (1 - n), atol=1e-2)


def test_a_map_that_ignores_the_class_scores_0_and_one_that_is_unrelated_1(digits) -> None:
    model, x, classes = digits
    places = torch.rand(10, 40, 40, generator=torch.Generator().manual_seed(0)).double()

    def ignoring(model, inputs, targets, **_):
        return places[:1, :32, :32].expand(len(inputs), 1, 32, 32).numpy()

    def unrelated(model, inputs, targets, **_):
        return torch.stack([places[c, :32, :32] for c in targets])[:, None].numpy()

    arrays = {"x_batch": x.numpy(), "y_batch": classes.numpy()}
    np.testing.assert_allclose(ClassDependence()(model, **arrays, explain_func=ignoring), 0, atol=1e-12)
    found = ClassDependence(classes=9)(model, **arrays, explain_func=unrelated)
    np.testing.assert_allclose(found, 1, atol=0.1)


def test_absolute_values_and_means_are_quantus_s(digits) -> None:
    signed, absolute = (ClassDependence(score="cosine", abs=some) for some in (False, True))
    a, b = (evaluated(digits, metric, methods.gradient_times_input) for metric in (signed, absolute))
    assert np.median(absolute.nulls) > np.median(signed.nulls) + 0.1 and not np.allclose(a, b)
    mean = ClassDependence(return_aggregate=True)
    np.testing.assert_allclose(
        evaluated(digits, mean, methods.gradient),
        [evaluated(digits, ClassDependence(), methods.gradient).mean()],
    )


def test_it_is_a_metric_of_quantus() -> None:
    assert issubclass(ClassDependence, Metric)
    assert ClassDependence.score_direction.value == "higher"


@pytest.mark.parametrize(
    ("said", "arguments"), [("^score: expected one of ssim", {"score": "l2"}), ("^classes: ", {"classes": 0})]
)
def test_bad_arguments_are_refused(said, arguments) -> None:
    with pytest.raises(Refusal, match=said):
        ClassDependence(**arguments)


def test_what_cannot_be_measured_is_refused(digits) -> None:
    model, x, classes = digits
    arrays = {"x_batch": x.numpy(), "y_batch": classes.numpy()}
    with pytest.raises(Refusal, match=r"^explain_func: "):
        ClassDependence()(model, **arrays, a_batch=np.eye(32)[None, None].repeat(3, 0))
    with pytest.raises(Refusal, match=r"^classes: expected fewer than its outputs, 10"):
        ClassDependence(classes=10)(model, **arrays, explain_func=explained(methods.gradient))
