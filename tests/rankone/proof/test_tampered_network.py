"""No byte of a network certificate can change; signing anew brings no false claim through."""

import copy
import json
import math
import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from rankone.proof import network as records
from rankone.proof.network import NetworkCertificate, read_certificate, signed, spelled
from rankone.proof.network_rounding import delta, roundings
from rankone.proof.network_words import UNLIMITED, claims_of
from rankone.proof.verify import NotConfirmed, Unreadable, gamma
from rankone.proof.verify_network import verify_network
from tests.helpers.network_truth import untrue
from tests.helpers.reference_producer import certificate_of, trunk
from tests.helpers.tampered import places, put, rewritten, with_array
from tests.helpers.tiny_networks import Network, bounded, dead, moves, residual, z_plus

MUTATIONS = 150  # of each network
STEP = 7  # of the text, every so many bytes; of the tensors every byte
STRANGE = [
    None,
    True,
    0,
    1,
    2,
    -1,
    10**30,
    1.5,
    "",
    "infinite",
    "input",
    "z_plus",
    "flat",
    [],
    {},
    [[1, 1]],
    -0.0,
]
UNSEEN = ("sha256", "about")  # the digest itself, and what no verifier checks


def written(folder: Path, certificate: NetworkCertificate) -> tuple[Path, Path, Path]:
    return certificate.write(folder / "net.cert.json")


def test_every_byte_of_the_three_files_counts(tmp_path):
    files = written(tmp_path, certificate_of(dead))
    assert "confirmed" in verify_network(files[0])
    for file in files:
        content = file.read_bytes()
        for place in range(0, len(content), STEP if file is files[0] else 1):
            file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            with pytest.raises((NotConfirmed, Unreadable)):
                verify_network(files[0])
        for other in (content[:-1], content + b" ", b""):
            file.write_bytes(other)
            with pytest.raises((NotConfirmed, Unreadable)):
                verify_network(files[0])
        file.write_bytes(content)
    assert "confirmed" in verify_network(files[0])


def test_a_missing_file_is_said_by_its_name(tmp_path):
    files = written(tmp_path, certificate_of(dead))
    for file in files[1:]:
        content = file.read_bytes()
        file.unlink()
        with pytest.raises(Unreadable, match=f"{file.name} is not beside"):
            verify_network(files[0])
        file.write_bytes(content)


@pytest.mark.parametrize("build", [residual, moves, bounded, dead], ids=lambda build: build.__name__)
def test_whatever_is_confirmed_after_a_change_is_true(tmp_path, build):
    """Single changes anywhere in the record, signed anew, with values that each type may have and others.

    Most are refused. The rest are true: a looser bound, "infinite", a rule that is the same at these values,
    a field that does not matter here, as a stride where there is one window. An oracle says so.
    """
    path = written(tmp_path, certificate_of(build))[0]
    record = json.loads(path.read_text())
    everywhere = [place for place in places(record) if place[0] not in UNSEEN]
    choose = random.Random(1)
    refused = confirmed = 0
    for _ in range(MUTATIONS):
        place = choose.choice(everywhere)
        before = value_at(record, place)
        value = choose.choice([*STRANGE, *near(before)])
        if type(value) is type(before) and value == before:
            continue
        changed = copy.deepcopy(record)
        put(changed, place, value)
        path.write_text(signed({key: changed[key] for key in changed if key != "sha256"}))
        try:
            verify_network(path)
        except (NotConfirmed, Unreadable):
            refused += 1
            continue
        confirmed += 1
        certificate = read_certificate(path)
        assert untrue(certificate, trunk(certificate.nodes, certificate.start.node)) == [], (place, value)
    assert refused > 0.6 * MUTATIONS and confirmed


def value_at(record, place):
    for key in place:
        record = record[key]
    return record


def near(value):
    if isinstance(value, bool) or value is None:
        return [1]
    if isinstance(value, float):
        return [value * factor for factor in (0.0, 0.5, 1 - 1e-6, 1 - 1e-9, 1 + 1e-9, 2.0)]
    if isinstance(value, int):
        return [value + 1, value - 1, float(value)]
    if isinstance(value, str):
        return [value + "x", value[:-1]]
    if isinstance(value, list):
        return [value[:-1], value[::-1], value * 2]
    return [{}]


FIELDS = {
    "about": dict,
    "format": str,
    "layers": list,
    "nodes": list,
    "routes": dict,
    "sha256": str,
    "start": dict,
    "statements": dict,
    "values": dict,
    "weights": dict,
}


def test_every_field_has_to_be_there_and_no_other(tmp_path):
    path = written(tmp_path, certificate_of(residual))[0]
    record = json.loads(path.read_text())
    assert {key: type(value) for key, value in record.items()} == FIELDS
    places_of_fields = [
        place for place in places(record) if isinstance(place[-1], str) and place[0] != "about"
    ]
    assert len(places_of_fields) > 250
    for place in places_of_fields[::3] + [place for place in places_of_fields if len(place) == 1]:
        lacking, more = copy.deepcopy(record), copy.deepcopy(record)
        del value_at(lacking, place[:-1])[place[-1]]
        put(more, (*place[:-1], "another"), 1)
        for changed in (lacking, more):
            path.write_text(signed({key: changed[key] for key in changed if key != "sha256"}))
            if "sha256" not in changed:
                path.write_text(spelled(changed))
            with pytest.raises(NotConfirmed):
                verify_network(path)


def test_what_may_be_infinite_is_little(tmp_path):
    path = written(tmp_path, certificate_of(residual))[0]
    record = json.loads(path.read_text())
    for claim in record["layers"][-1]["bounds"]:
        changed = copy.deepcopy(record)
        changed["layers"][-1]["bounds"][claim] = "infinite"
        changed.pop("sha256")
        path.write_text(signed(changed))
        if claim in UNLIMITED:
            assert "confirmed" in verify_network(path)
        else:
            with pytest.raises(NotConfirmed, match=f"{claim} is neither"):
                verify_network(path)


# ---------------------------------------------------------------- activations


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_an_activation_may_be_off_by_rounding_and_by_no_more(tmp_path, dtype):
    """By two units in the last place; not by a thousand times what its sums can be off."""
    u = np.finfo(dtype).eps

    def off_by(relative):
        def change(a):
            a[1, 2, 1] *= dtype(1 + relative)
            return a

        return change

    path = written(tmp_path, certificate_of(residual, Network(dtype)))[0]
    content = {file: file.read_bytes() for file in tmp_path.iterdir()}
    names = [node.name for node in certificate_of(residual).nodes if isinstance(node, records.Linear)]
    for name in [name for name in names if name not in ("mean", "fc1", "fc2")]:
        for file, its in content.items():
            file.write_bytes(its)
        with_array(path, f"{name}.value", off_by(1000 * u))
        with pytest.raises(NotConfirmed, match="its layer makes"):
            verify_network(path)


def test_winograds_convolution_is_refused_where_it_loses_digits(tmp_path):
    """F(2, 3): sums of products with differences of neighbours, so that a large neighbour's rounding error
    comes to a sum which it is no part of.
    """
    x, g = np.array([[1, 3e6, 1, 2]], np.float32), np.array([0, 1, 0.3], np.float32)

    def winograd(d, g):
        half = np.float32(0.5)
        m1, m4 = (d[0] - d[2]) * g[0], (d[1] - d[3]) * g[2]
        m2 = (d[1] + d[2]) * (half * (g[0] + g[1] + g[2]))
        m3 = (d[2] - d[1]) * (half * (g[0] - g[1] + g[2]))
        return np.array([[m1 + m2 + m3, m2 - m3 - m4]], np.float32)

    for value, verdict in ((None, True), (winograd(x[0], g), False)):
        net = Network()
        net.image(x)
        fields = {"weight": g.reshape(1, 1, 3), "stride": (1,), "padding": ((0, 0),), "dilation": (1,)}
        net.linear(records.Convolution, "conv", "input", shape=(1, 2), rule="z_plus", **fields)
        if value is not None:
            assert not np.array_equal(value, net.nodes[-1].value)
            net.nodes[-1] = records.Convolution(
                name="conv", inputs=("input",), rule="z_plus", value=value, groups=1, **fields
            )
        certificate = NetworkCertificate(tuple(net.nodes), records.Start("conv"), ())
        path = written(tmp_path, certificate)[0]
        if verdict:
            assert "confirmed: 0 claims" in verify_network(path)
        else:
            with pytest.raises(NotConfirmed, match=r"conv has the value .* at \(0, 1\)"):
                verify_network(path)


# ---------------------------------------------------------------- underflow


@pytest.mark.parametrize("size", [2.0**-600, 2.0**600], ids=["flushed", "overflowing"])
def test_numbers_that_binary64_may_flush_or_overflow_are_refused_and_left_to_fractions(tmp_path, size):
    net = Network(np.float64)
    net.image(np.array([1.0, 2.0, 3.0]))
    W = np.array([[1.0, 2.0, size], [2.0, 1.0, 1.0]])
    net.linear(records.Dense, "fc1", "input", shape=(2,), rule="z_plus", weight=W)
    net.linear(
        records.Dense, "fc2", "fc1", shape=(2,), rule="z_plus", weight=np.array([[1.0, size], [1.0, 2.0]])
    )
    nodes = tuple(net.nodes)
    bounds = dict.fromkeys(["share", "hilbert_diameter", "share_below", "most_mass"], math.inf)
    bounds |= dict.fromkeys(
        ["one_minus_cos", "total_variation", "one_minus_cos_below", "total_variation_below"], 1.0
    )
    bounds |= {"angle": 2.0, "least_mass": 0.0}
    k = roundings(nodes, "fc2")["input"]
    claim = records.Layer("input", "pairs", None, (), k, delta(k), bounds)
    path = written(tmp_path, NetworkCertificate(nodes, records.Start("fc2"), (claim,)))[0]
    with pytest.raises(NotConfirmed, match="flush or overflow"):
        verify_network(path)
    assert "confirmed" in verify_network(path, exact=True)


def claiming(nodes, start: str, *, silent=(), **bounds: float) -> NetworkCertificate:
    """A claim at the image: what is given, and of the rest that anything may be."""
    k = roundings(nodes, start)["input"]
    anything = {"least_mass": 0.0, "angle": 2.0, **dict.fromkeys(UNLIMITED, math.inf)}
    bounds = {name: bounds.get(name, anything.get(name, 1.0)) for name in claims_of("shares")}
    layer = records.Layer("input", "shares", None, silent, k, delta(k), bounds)
    return NetworkCertificate(tuple(nodes), records.Start(start), (layer,))


def test_a_column_is_not_silent_because_squares_of_its_weights_were_flushed(tmp_path):
    net = Network(np.float64)
    net.image(np.array([1.0, 1.0]))
    W = np.array([[1.0, 2.0], [2e-200, 1e-200]])
    net.linear(records.Dense, "fc", "input", shape=(2,), rule="w_square", weight=W)
    false = claiming(net.nodes, "fc", silent=(1,), share=0.0, hilbert_diameter=0.0)
    with pytest.raises(NotConfirmed, match="flush or overflow"):
        verify_network(written(tmp_path, false)[0])
    true = written(tmp_path, claiming(net.nodes, "fc"))[0]
    assert "confirmed" in verify_network(true, exact=True)


def test_no_activation_is_beyond_its_check_because_its_layer_overflows(tmp_path):
    W, x = np.array([[1.0, -1e300], [1.0, 1.0]]), np.array([1.0, 1e10])
    nodes = (
        records.Image(name="input", value=x),
        records.Dense(
            name="fc",
            inputs=("input",),
            rule="excitation_backprop",
            value=np.array([5.0, 1 + 1e10]),
            weight=W,
        ),
    )
    with np.errstate(over="ignore"), pytest.raises(NotConfirmed, match="fc has the value"):
        verify_network(written(tmp_path, claiming(nodes, "fc"))[0])


def padded(kernel: int, count: int, value: float, dtype=np.float64):
    """So many averages whose windows read one place each, and else zeros around the image; two classes."""
    x, ones = np.array([[1.0], [2.0], [1.5]], dtype), np.ones((1, 1), dtype)
    nodes = [records.Image(name="input", value=x)]
    for k in range(count):
        average = records.Average(
            name=f"mean{k}",
            inputs=(nodes[-1].name,),
            rule="z_plus",
            value=x * dtype(value),
            divisor=ones,
            kernel=(kernel,),
            stride=(1,),
            padding=((kernel - 1, 0),),
        )
        nodes.append(average)
    nodes.append(records.Reshape(name="flat", inputs=(nodes[-1].name,), shape=(3,)))
    W = np.array([[1, 2, 3], [3, 2, 1]], dtype)
    y = W @ (x * dtype(value)).ravel()
    nodes.append(records.Dense(name="logits", inputs=("flat",), rule="z_plus", value=y, weight=W))
    return nodes


@pytest.mark.parametrize("kernel", [2**22, 4 * 10**15, 10**17])
def test_zeros_around_the_image_are_no_roundings_that_an_activation_could_hide_in(tmp_path, kernel):
    assert "confirmed" in verify_network(written(tmp_path, claiming(padded(kernel, 2, 1.0), "logits"))[0])
    for dtype in (np.float32, np.float64):
        with pytest.raises(NotConfirmed, match="mean0 has the value"):
            invented = claiming(padded(kernel, 1, 1.0001, dtype), "logits")
            verify_network(written(tmp_path, invented)[0])


@pytest.mark.parametrize("n", [2**51 + 1, 2**53, 2**54])
def test_so_many_roundings_that_nothing_bounds_them_are_refused(n):
    assert gamma(2**51) == Fraction(1, 3)
    with pytest.raises(NotConfirmed, match="nothing can be said"):
        gamma(n)


# ---------------------------------------------------------------- what does not fit


def test_networks_that_do_not_fit_together_are_refused_in_one_line(tmp_path):
    """Each by the node that does not fit what it reads."""
    changes = {
        "conv1": {"padding": [[0, 1], [1, 1]]},
        "conv2": {"groups": 3},
        "pool": {"kernel": [3, 3]},
        "relu2": {"inputs": ["conv2", "pool"]},
        "flat": {"shape": [5]},
        "fc1": {"inputs": ["relu2"]},
        "relu1": {"ceiling": "six"},
        "fc2": {"low": "fc1.weight"},
    }
    endless = {"kernel": [10**9, 10**9], "padding": [[10**9, 10**9], [10**9, 10**9]], "stride": [1, 1]}
    path = written(tmp_path, certificate_of(z_plus))[0]
    content = path.read_text()
    for name, change in [*changes.items(), ("pool", endless)]:
        path.write_text(content)
        rewritten(
            path,
            lambda record, n=name, c=change: next(x for x in record["nodes"] if x["name"] == n).update(c),
        )
        with pytest.raises(NotConfirmed, match=f"^{name}") as reason:
            verify_network(path)
        assert "\n" not in str(reason.value)
