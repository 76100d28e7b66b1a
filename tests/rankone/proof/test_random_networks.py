"""Random small networks: what the producer certifies is true, and the verifier confirms it; a little less
than the truth it refuses.
"""

import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rankone.proof import network as records
from rankone.proof.network import NetworkCertificate
from rankone.proof.verify import NotConfirmed
from rankone.proof.verify_network import verify_network
from tests.helpers import network_matrices as matrices
from tests.helpers.network_truth import mp, truth, untrue
from tests.helpers.reference_producer import certified, trunk
from tests.helpers.tiny_networks import ORDERS, Network

NUMBERS = st.integers(-8, 8).map(lambda n: n / 4)
RULES = st.sampled_from(["z_plus", "excitation_backprop", "w_square", "flat"])


def arrays(draw, *shape):
    numbers = draw(st.lists(NUMBERS, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    return np.array(numbers, np.float32).reshape(shape)


@st.composite
def networks(draw):
    """Convolutions over one axis, some with a skip around them, a rectifier after each, a dense layer."""
    net = Network(draw(st.sampled_from([np.float32, np.float64])), draw(st.sampled_from(ORDERS)))
    channels, size = draw(st.integers(1, 2)), draw(st.integers(2, 4))
    below = net.image(arrays(draw, channels, size))
    for k in range(draw(st.integers(0, 2))):
        out = draw(st.integers(1, 3))
        fields = {"rule": draw(RULES), "weight": arrays(draw, out, channels, 3), "bias": None}
        if draw(st.booleans()):
            fields["bias"] = arrays(draw, out, 1)
        fields |= {"stride": (1,), "padding": ((1, 1),), "dilation": (1,)}
        last = net.linear(records.Convolution, f"conv{k}", below, shape=(out, size), **fields)
        if out == channels and draw(st.booleans()):
            last = net.linear(records.Add, f"add{k}", last, below, shape=(out, size), rule="z_plus")
        below, channels = net.put(records.Rectifier, f"relu{k}", last), out
    flat = net.put(records.Reshape, "flat", below, shape=(channels * size,))
    weight = arrays(draw, draw(st.integers(2, 3)), channels * size)
    net.linear(records.Dense, "logits", flat, shape=(len(weight),), rule="z_plus", weight=weight)
    return net.nodes


def produced(nodes) -> NetworkCertificate:
    """The certificate of the layers that some class reaches."""
    C = matrices.columns(nodes, "logits", Fraction)
    assume(all(C[name].any() for name in trunk(nodes, "logits")))
    return certified(nodes, "logits")


def verdict(certificate: NetworkCertificate, *, exact: bool = False) -> str:
    with tempfile.TemporaryDirectory() as folder:
        return verify_network(certificate.write(Path(folder) / "net.cert.json")[0], exact=exact)


@given(networks())
@settings(max_examples=40, deadline=None)
def test_what_is_certified_is_true_and_confirmed(nodes):
    certificate = produced(nodes)
    assert untrue(certificate, trunk(nodes, "logits")) == []
    assert "confirmed" in verdict(certificate)
    assert "confirmed" in verdict(certificate, exact=True)


@given(networks(), st.data())
@settings(max_examples=40, deadline=None)
def test_a_little_less_than_the_truth_is_refused(nodes, data):
    certificate = produced(nodes)
    pairs = [layer for layer in certificate.layers if layer.route == "pairs"]
    assume(pairs)
    one = data.draw(st.sampled_from(pairs))
    found = truth(matrices.columns(nodes, "logits", Fraction)[one.node])
    claims = [name for name, value in found.items() if 1e-9 < value < mp.inf and name != "least_mass"]
    assume(claims)
    claim = data.draw(st.sampled_from(claims))
    less = replace(one, bounds={**one.bounds, claim: float(found[claim]) * (1 - 1e-9)})
    layers = tuple(less if layer is one else layer for layer in certificate.layers)
    for exact in (False, True):
        with pytest.raises(NotConfirmed, match=f"{one.node}.{claim} is claimed"):
            verdict(replace(certificate, layers=layers), exact=exact)
