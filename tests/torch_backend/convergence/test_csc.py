"""Convergence against a slow oracle (one sweep per start, loops over pairs), its invariances and its null."""

import csv

import numpy as np
import pytest
import torch
from torch import nn

import torch_backend
from rankone.results.median import bootstrapped_median
from torch_backend import methods, trace
from torch_backend.convergence.csc import csc, start_vectors
from torch_backend.convergence.statistics import BIN, LOWEST
from torch_backend.convergence.table import write_csc
from torch_backend.propagation.relevance import relevance
from torch_backend.randomness import digest

FLOOR = -14.0  # where the oracle's subtraction 1 - |cos| ends


def small_network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(6, 5, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(45, 7),
        nn.ReLU(),
        nn.Linear(7, 4),
    ).eval()


@pytest.fixture(scope="module")
def network():
    return small_network().double()


@pytest.fixture(scope="module")
def images():
    return torch.randn(4, 3, 6, 6, generator=torch.Generator().manual_seed(1)).double()


def oracle(network, image, method, start, layer, vectors, seed):
    """log10(1 - |cos|) of one image, start and layer: its own sweep, one pair and location at a time.

    The list over locations, how many are missing, and the list of whole maps.
    """
    graph = trace(network, image[None])
    first = start_vectors(graph, start, vectors, seed, [digest(image)])
    r = relevance(graph, method, start, first, layer)[:, 0].numpy()  # (V, C, *space)
    r = r.reshape(*r.shape[:2], -1)
    logs, missing, whole = [], 0, []
    for i in range(vectors):
        for j in range(i + 1, vectors):
            whole += [log_deviation(r[i].ravel(), r[j].ravel())]
            for p in range(r.shape[2]):
                u, v = r[i, :, p], r[j, :, p]
                if not u.any() or not v.any():
                    missing += 1
                    continue
                logs.append(log_deviation(u, v))
    return np.array(logs), missing, np.array(whole)


def log_deviation(u, v):
    if not u.any() or not v.any():
        return np.nan
    return np.log10(max(1 - abs(u @ v) / np.linalg.norm(u) / np.linalg.norm(v), 10**FLOOR))


@pytest.mark.parametrize("method", [methods.gradient, methods.z_plus, methods.alpha_beta(2, 1)])
def test_one_sweep_over_all_starts_agrees_with_loops_over_everything(network, images, method):
    result = csc(network, images[:2], method, vectors=3, seed=7)
    assert result.starts == ("fc2", "fc1", "conv1_2", "conv1_1")
    assert result.layers == (*result.starts, "input")
    assert len(result.readings) == 5 + 4 + 3 + 2
    for reading in result.readings:
        lists = [oracle(network, x, method, reading.start, reading.layer, 3, 7) for x in images[:2]]
        for median, (_, _, whole) in zip(reading.whole.image_medians, lists, strict=True):
            known = whole[~np.isnan(whole)]
            exact = np.median(known) if len(known) else np.nan
            np.testing.assert_allclose(np.maximum(median, FLOOR), exact, atol=1e-6)
        for median, (logs, _, _) in zip(reading.image_medians, lists, strict=True):
            exact = np.median(logs) if len(logs) else np.nan
            np.testing.assert_allclose(np.maximum(median, FLOOR), exact, atol=1e-6)
        total = sum(len(logs) + missing for logs, missing, _ in lists)
        assert reading.missing == pytest.approx(sum(missing for _, missing, _ in lists) / total)
        pooled = np.concatenate([logs for logs, _, _ in lists])
        if len(pooled):
            exact = np.quantile(pooled, 0.3, method="inverted_cdf")
            np.testing.assert_allclose(max(reading.quantile(0.3), FLOOR), exact, atol=BIN)
            for q in (0.5, 0.9):  # never below the share's largest, and at most a bin above
                exact = np.quantile(pooled, q, method="inverted_cdf")
                assert exact - 1e-6 <= max(np.log10(reading.within(q)), FLOOR) <= exact + BIN + 1e-6
        np.testing.assert_allclose(reading.interval(0.9), bootstrapped_median(reading.image_medians, 0.9)[1:])


def test_results_depend_on_neither_batch_size_nor_order_nor_company(network, images):
    whole = csc(network, images, methods.z_plus)
    for batch in (1, 3):
        same = csc(network, images, methods.z_plus, batch=batch)
        for a, b in zip(whole.readings, same.readings, strict=True):
            np.testing.assert_allclose(a.image_medians, b.image_medians, atol=1e-6)
    reverse = csc(network, images.flip(0), methods.z_plus, starts=["fc1"])
    for a, b in zip(whole.of("fc1"), reverse.readings, strict=True):
        np.testing.assert_allclose(a.image_medians[::-1], b.image_medians, atol=1e-6)


def test_equal_calls_give_equal_answers_and_seeds_matter(network, images):
    one, two, other = (csc(network, images, methods.gradient, seed=s) for s in (0, 0, 1))
    for a, b in zip(one.readings, two.readings, strict=True):
        np.testing.assert_array_equal(a.image_medians, b.image_medians)
        np.testing.assert_array_equal(a.histogram, b.histogram)
    assert one.readings[0].median != other.readings[0].median


def test_both_precisions_send_the_same_vectors_down(network, images):
    double = csc(network, images, methods.z_plus)
    single = csc(small_network(), images.float(), methods.z_plus)
    for a, b in zip(double.readings, single.readings, strict=True):
        np.testing.assert_allclose(a.image_medians, b.image_medians, atol=2e-3)


def test_starts_are_paired_across_methods_and_standard_normal(network, images):
    graph = trace(network, images)
    digests = [digest(x) for x in images]
    starts = start_vectors(graph, "conv1_1", 20, 0, digests)
    assert starts.shape == (20, 4, 6, 6, 6) and starts.dtype == torch.float64
    assert abs(starts.mean()) < 0.03 and abs(starts.var() - 1) < 0.04
    alone = start_vectors(graph.record(images[2:3]), "conv1_1", 20, 0, digests[2:3])
    assert torch.equal(alone[:, 0], starts[:, 2])
    first_readings = [
        csc(network, images, m, starts=["fc1"]).readings[0] for m in (methods.gradient, methods.z_plus)
    ]
    np.testing.assert_array_equal(first_readings[0].image_medians, first_readings[1].image_medians)


def test_a_bottleneck_of_one_unit_makes_everything_below_parallel():
    torch.manual_seed(3)
    network = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 1), nn.Linear(1, 8)).eval().double()
    with torch.no_grad():
        network[0].bias.fill_(3)
    result = csc(network, torch.randn(3, 6).double(), methods.gradient)
    assert result.at("fc3", "fc3").median > -1
    for reading in result.of("fc3")[1:]:
        assert reading.median < -30
        assert 0 < reading.negative < 1
    assert result.at("fc3", "fc2").null() == -np.inf  # one channel: parallel whatever happens
    assert result.at("fc2", "fc1").median < -30


def test_dead_layers_are_missing_not_parallel(images):
    network = small_network()
    with torch.no_grad():
        network[2].bias.fill_(-1e6)  # conv1_2 never fires
    result = csc(network.double(), images, methods.gradient)
    reading = result.at("fc2", "conv1_1")
    assert reading.missing == 1 and np.isnan(reading.median) and np.isnan(reading.negative)
    assert np.isnan(reading.quantile(0.5)) and np.isnan(reading.null()) and np.isnan(reading.interval()).all()
    assert np.isnan([reading.within(0.5), reading.whole.median, reading.whole.within(0.5)]).all()
    assert np.isnan(reading.whole_null())


def test_a_start_layer_reads_its_own_null(network, images):
    """At the start layer itself the vectors are independent: the median is the null's, in every layer."""
    result = csc(network, images, methods.gradient, vectors=30, starts=["conv1_1", "conv1_2"])
    for start in result.starts:
        reading = result.at(start, start)
        assert reading.missing == 0 and abs(reading.median - reading.null()) < 0.05
        assert abs(reading.negative - 0.5) < 0.05
        assert abs(reading.whole.median - reading.whole_null()) < 0.05


def test_a_start_remembers_its_place_where_channels_are_forgotten():
    """Channels of equal weights are parallel at once; a convolution sees only its neighbourhood."""
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.Flatten())
    network = nn.Sequential(*network, nn.Linear(4 * 400, 2)).eval().double()
    with torch.no_grad():
        for layer in network[:2]:
            layer.weight.fill_(0.1)
            layer.bias.zero_()
    result = csc(network, torch.rand(2, 1, 20, 20).double(), methods.z_plus, "conv1_2")
    reading = result.at("conv1_2", "conv1_1")
    assert reading.median < -30 and reading.within(0.9) < 1e-25
    assert reading.whole.median > -0.1
    for image in reading.units:
        assert image == 1600


def test_csv_has_the_stated_columns_and_plain_numbers(network, images, tmp_path):
    results = [csc(network, images, m, vectors=2) for m in (methods.gradient, methods.z_plus)]
    write_csc(tmp_path / "csc.csv", [("tiny", result) for result in results])
    with open(tmp_path / "csc.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "model",
        "method",
        "start",
        "layer",
        "median",
        "low",
        "high",
        "within_90",
        "missing",
        "null_median",
        "whole_median",
        "whole_within_90",
        "whole_null_median",
        "precision",
    ]
    assert len(rows) == sum(len(result.readings) for result in results)
    for row, reading in zip(rows, [r for result in results for r in result.readings], strict=True):
        assert (row["start"], row["layer"]) == (reading.start, reading.layer)
        np.testing.assert_allclose(float(row["median"]), 10**reading.median, rtol=1e-5)
        np.testing.assert_allclose(float(row["whole_median"]), 10**reading.whole.median, rtol=1e-5)
        np.testing.assert_allclose(float(row["within_90"]), reading.within(0.9), rtol=1e-5)
        assert not float(row["low"]) > float(row["median"]) > float(row["high"])


def test_logits_name_the_output_and_the_package_exposes_the_function(network, images):
    result = torch_backend.csc(network, images[:1], methods.gradient, starts="logits")
    assert result.starts == ("fc2",)
    with pytest.raises(KeyError):
        result.at("fc1", "input")
    assert np.isnan(result.readings[0].interval()).all()  # one image says nothing about others
    assert LOWEST < result.readings[0].median < 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vectors": 1}, "vectors: expected an integer >= 2"),
        ({"vectors": 2.0}, "vectors: expected"),
        ({"vectors": True}, "vectors: expected"),
        ({"seed": 1.5}, "seed: expected"),
        ({"batch": 0}, "batch: expected"),
        ({"starts": []}, "starts: expected"),
        ({"starts": ["fc1", "fc1"]}, "starts: expected"),
        ({"starts": ["fc2", "logits"]}, "starts: expected"),
        ({"starts": ["input"]}, "starts: expected"),
        ({"starts": ["conv9_9"]}, "conv9_9"),
        ({"images": torch.zeros(0, 3, 6, 6)}, "images: expected"),
        ({"images": [1, 2]}, "images: expected"),
        ({"images": torch.full((1, 3, 6, 6), torch.nan).double()}, "images"),
    ],
)
def test_bad_arguments_are_refused(network, images, arguments, message):
    with pytest.raises(ValueError, match=message):
        csc(**{"model": network, "images": images, "method": methods.gradient, **arguments})


def test_infinite_relevance_is_refused_with_its_place(images):
    network = small_network()
    with torch.no_grad():
        for layer in (network[0], network[2], network[6], network[8]):
            layer.weight.mul_(1e12)
            if layer.bias is not None:
                layer.bias.zero_()
    with pytest.raises(ValueError, match=r"gradient relevance from fc2 at .*: expected finite numbers"):
        csc(network, images.float() * 1e-30, methods.gradient)
