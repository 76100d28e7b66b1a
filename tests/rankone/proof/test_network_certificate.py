"""The records of a network certificate and its three files: what is written is what is read, and no more."""

import json
from collections import Counter
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
from safetensors.numpy import load_file

from rankone.errors import Refusal
from rankone.proof import network as records
from rankone.proof.network import KINDS, NetworkCertificate, Start, read_certificate
from rankone.proof.network_rounding import adds, over_one_place, places_in_one, roundings, shapes
from rankone.proof.network_words import STATEMENTS, claims_of
from rankone.proof.tensor_file import TensorFile, read_tensors
from rankone.results.whole import write_parts
from tests.helpers import network_matrices as matrices
from tests.helpers.reference_producer import certificate_of
from tests.helpers.tiny_networks import NETWORKS, bounded, moves, residual

ALL = pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)


def same(a, b) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    return type(a) is type(b) and a == b


@ALL
def test_what_is_written_is_read(tmp_path, build):
    certificate = certificate_of(build)
    found = read_certificate(certificate.write(tmp_path / "net.cert.json")[0])
    assert (found.start, found.layers, found.about) == (
        certificate.start,
        certificate.layers,
        certificate.about,
    )
    for a, b in zip(certificate.nodes, found.nodes, strict=True):
        assert type(a) is type(b)
        assert all(same(value, vars(b)[name]) for name, value in vars(a).items()), a.name


def test_every_kind_is_written_by_some_test():
    """And covered by what is tested here."""
    assert {type(node) for build in NETWORKS for node in certificate_of(build).nodes} == set(KINDS.values())


@ALL
def test_the_shapes_are_those_of_the_values(build):
    nodes = certificate_of(build).nodes
    assert shapes(nodes) == {name: y.shape for name, y in matrices.values(nodes, float).items()}


def test_every_layer_makes_all_claims_of_its_route(tmp_path):
    for build in NETWORKS:
        for layer in certificate_of(build).layers:
            assert tuple(layer.bounds) == claims_of(layer.route)
    assert claims_of("pairs") == claims_of("shares") == tuple(STATEMENTS)


def test_the_tensors_are_a_safetensors_file_that_others_read(tmp_path):
    _, weights, values = certificate_of(bounded).write(
        tmp_path / "net.cert.json", weights="shared.safetensors"
    )
    assert (weights.name, values.name) == ("shared.safetensors", "net.values.safetensors")
    nodes = {node.name: node for node in certificate_of(bounded).nodes}
    theirs = {**load_file(weights), **load_file(values)}
    assert {"conv1.weight", "conv1.low", "conv1.value", "pool.winners", "input.value"} < theirs.keys()
    for name, array in theirs.items():
        node, _, field = name.rpartition(".")
        assert same(array, getattr(nodes[node], field)), name


def test_an_array_that_two_nodes_share_is_written_once(tmp_path):
    W = np.eye(3, dtype=np.float32)
    fields = {"rule": "z_plus", "weight": W}
    nodes = (
        records.Image(name="input", value=np.ones(3, np.float32)),
        records.Dense(name="a", inputs=("input",), value=np.ones(3, np.float32), **fields),
        records.Dense(name="b", inputs=("a",), value=np.ones(3, np.float32), **fields),
    )
    path, weights, _ = NetworkCertificate(nodes, Start("b"), ()).write(tmp_path / "net.cert.json")
    assert list(load_file(weights)) == ["a.weight"]
    assert [node.get("weight") for node in json.loads(path.read_text())["nodes"]] == [
        None,
        "a.weight",
        "a.weight",
    ]


def test_tensors_of_no_entries_and_of_none_axes_are_kept(tmp_path):
    file = TensorFile.of({"none": np.zeros((0, 3)), "one": np.array(2.5), "whole": np.arange(3)})
    path = write_parts(tmp_path / "some.safetensors", file.parts())
    found = read_tensors(path, file.records())
    assert all(same(file.tensors[name], np.asarray(found[name])) for name in file.tensors)


def test_what_is_no_certificate_is_refused_in_one_line(tmp_path):
    certificate = certificate_of(residual)
    path, weights, _ = certificate.write(tmp_path / "net.cert.json")
    content = path.read_text()
    for other in (
        "{}",
        "[]",
        "",
        "{",
        content.replace('"kind": "image"', '"kind": "painting"'),
        content[:-9],
    ):
        path.write_text(other)
        with pytest.raises(Refusal, match=r"net\.cert\.json"):
            read_certificate(path)
    path.write_text(content)
    weights.write_bytes(b"x" + weights.read_bytes()[1:])
    with pytest.raises(Refusal, match="another header"):
        read_certificate(path)
    for name in ("net.json", ".cert.json"):
        with pytest.raises(Refusal, match="path"):
            certificate.write(tmp_path / name)
    half = replace(certificate.nodes[0], value=np.zeros(3, np.float16))
    with pytest.raises(Refusal, match=r"input\.value: expected an array of float32"):
        replace(certificate, nodes=(half,)).write(tmp_path / "half.cert.json")


# ---------------------------------------------------------------- counts of rounding errors


def test_counts_are_the_rules_of_the_page():
    """n + m + 6 + 2e by hand, for a node of each kind."""
    nodes = {node.name: node for node in certificate_of(residual).nodes}
    shape = shapes(tuple(nodes.values()))
    counted = {name: adds(node, shape) for name, node in nodes.items()}
    assert counted == {
        "input": 0,
        "conv1": 2 * 9 + 0 + 3 * 9 + 6,
        "relu1": 0,
        "norm": 1 + 1 + 1 + 6,
        "conv2": 9 + 0 + 9 + 6,
        "add": 2 + 1 + 6,
        "relu2": 0,
        "mean": 9 + 1 + 6,
        "flat": 0,
        "fc1": 3 + 1 + 4 + 6,
        "fc1.relu": 0,
        "fc2": 4 + 0 + 3 + 6,
    }
    start = counted["fc2"] + counted["fc1"] + counted["mean"] + counted["add"]
    longest = counted["conv2"] + counted["norm"]
    found = roundings(tuple(nodes.values()), "fc2")
    assert (found["fc2"], found["conv2"], found["relu1"]) == (0, start, start + longest + 1)
    assert roundings(tuple(nodes.values()), "fc2", 5)["input"] == found["input"] + 5


def test_rules_with_rounded_terms_count_two_more():
    nodes = certificate_of(bounded).nodes
    (conv,) = (node for node in nodes if node.name == "conv1")
    plain = replace(conv, rule="z_plus", low=None, high=None)
    assert adds(conv, shapes(nodes)) == adds(plain, shapes(nodes)) + 2


def test_a_number_that_is_picked_twice_counts_one_more():
    nodes = certificate_of(moves).nodes
    picked = {node.name: adds(node, shapes(nodes)) for node in nodes}["picked"]
    assert picked == np.unique(nodes[8].index[nodes[8].index >= 0], return_counts=True)[1].max() - 1 == 2


def out_of(size, kernel, stride, dilation):
    """Windows over so many places with two around them."""
    return (size + 4 - dilation * (kernel - 1) - 1) // stride + 1


WINDOWS = [case for case in product((1, 4, 7), (1, 2, 3, 5), (1, 2, 3, 4), (1, 2, 3)) if out_of(*case) >= 1]


def reads(size, kernel, stride, dilation):
    """(window, place that it reads), of all windows."""
    out = out_of(size, kernel, stride, dilation)
    node = records.MaxPool(
        name="pool",
        winners=np.zeros((1, out), int),
        kernel=(kernel,),
        stride=(stride,),
        padding=((2, 2),),
        dilation=(dilation,),
    )
    return [(y, x) for y, _, x in matrices.windows(node, (kernel,), (dilation,), (size,), (out,))]


def most_often(found):
    return max(Counter(found).values(), default=0)


@pytest.mark.parametrize(("size", "kernel", "stride", "dilation"), WINDOWS)
def test_no_more_windows_read_a_place_and_no_more_places_are_read_by_one_than_counted(
    size, kernel, stride, dilation
):
    read = reads(size, kernel, stride, dilation)
    out = out_of(size, kernel, stride, dilation)
    assert most_often(x for _, x in read) <= over_one_place((kernel,), (stride,), (dilation,), (out,))
    assert most_often(y for y, _ in read) <= places_in_one((kernel,), (dilation,), (size,))


def test_zeros_around_an_image_are_counted_by_no_kernel():
    assert places_in_one((3, 3), (1, 1), (2, 5)) == 6
    assert places_in_one((3,), (3,), (7,)) == 3
    assert places_in_one((3,), (4,), (7,)) == 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Softmax(records.Node):
    kind = "softmax"


def test_a_kind_without_a_count_is_refused_by_name():
    nodes = (records.Image(name="input", value=np.ones(3)), Softmax(name="end", inputs=("input",)))
    with pytest.raises(Refusal, match="end: expected a kind with a shape, got Softmax"):
        roundings(nodes, "end")
    with pytest.raises(Refusal, match="end: expected a kind with a count, got Softmax"):
        adds(nodes[1], {})
