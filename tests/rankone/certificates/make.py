"""Makes the corpus of network certificates beside it: python -m tests.rankone.certificates.make

confirmed/      true, of every kind of node and rule, in float32 and float64, in several orders of sums
not_confirmed/  false, or about something else than it says; each differs from a true one in one respect
unreadable/     no strict JSON, or a file that is missing
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rankone.proof.network import Dense, NetworkCertificate, Start
from rankone.proof.network_rounding import roundings
from tests.helpers import network_matrices as matrices
from tests.helpers.reference_producer import certificate_of, layer
from tests.helpers.tampered import layer as layer_of
from tests.helpers.tampered import node, rewritten, with_array
from tests.helpers.tiny_networks import (
    Network,
    bounded,
    dead,
    excitation,
    flat,
    in_order,
    moves,
    pairwise,
    permuted,
    residual,
    squares,
    tree,
    volume,
    z_plus,
)

HERE = Path(__file__).parent
KEPT = 4  # layers of a certificate

TRUE: dict[str, tuple[Callable[[Network], str], Callable[[], Network]]] = {
    "z_plus": (z_plus, Network),
    "z_plus_float64": (z_plus, partial(Network, np.float64)),
    "z_plus_permuted_sums": (z_plus, partial(Network, np.float32, permuted)),
    "z_plus_tree_sums": (z_plus, partial(Network, np.float32, tree)),
    "excitation_backprop": (excitation, Network),
    "z_b": (bounded, Network),
    "w_square": (squares, Network),
    "flat": (flat, Network),
    "residual_affine_relu6_mean": (residual, Network),
    "residual_float64_pairwise_sums": (residual, partial(Network, np.float64, pairwise)),
    "moves_groups_overlapping_average": (moves, Network),
    "three_axes_and_one": (volume, Network),
    "silent_class_and_zero_over_zero": (dead, partial(Network, np.float64, in_order)),
}


def fewer(certificate: NetworkCertificate) -> NetworkCertificate:
    """The same with the lowest layers only, and those whose envelopes they are."""
    kept = certificate.layers[-KEPT:]
    above = {layer.above for layer in kept}
    return replace(certificate, layers=tuple(l for l in certificate.layers if l in kept or l.node in above))


def hidden_pair(path: Path) -> Path:
    """Two of twelve classes differ from the others; the claims leave them out."""
    net = Network()
    random = np.random.default_rng(5)
    net.image(random.uniform(1, 2, 6))
    W = (1 + 0.01 * random.uniform(size=(12, 6))).astype(np.float32)
    W[3, :3] *= 3
    W[8, 3:] *= 3
    net.linear(Dense, "logits", "input", shape=(12,), rule="z_plus", weight=W)
    C = matrices.columns(net.nodes, "logits", float)["input"]
    k = roundings(net.nodes, "logits")["input"]
    claims = (layer("input", "pairs", np.delete(C, [3, 8], axis=1), k),)
    return NetworkCertificate(tuple(net.nodes), Start("logits"), claims).write(path)[0]


def of(build: Callable[[Network], str], change: Callable[[Path], Any], path: Path) -> None:
    """A true certificate, changed."""
    change(fewer(certificate_of(build)).write(path)[0])


def record(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], Any]:
    return lambda path: rewritten(path, change)


def array(name: str, change: Callable[[Any], Any]) -> Callable[[Path], Any]:
    return lambda path: with_array(path, name, change)


def bound(name: str, claim: str, factor: float) -> Callable[[Path], Any]:
    """A claim with another number."""

    def change(record: dict[str, Any]) -> None:
        bounds = layer_of(record, name)["bounds"]
        bounds[claim] *= factor

    return lambda path: rewritten(path, change)


def moved(a: Any, at: tuple[int, ...], by: float) -> Any:
    a[at] += a.dtype.type(by)
    return a


def swapped(path: Path) -> None:
    """The weights of another network."""
    other = certificate_of(residual).write(path.with_name("other.cert.json"))
    other[1].replace(path.with_name(f"{path.name.removesuffix('.cert.json')}.weights.safetensors"))
    for file in other:
        file.unlink(missing_ok=True)


def one_byte(path: Path) -> None:
    file = path.with_name(f"{path.name.removesuffix('.cert.json')}.values.safetensors")
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)


def text(old: str, new: str) -> Callable[[Path], Any]:
    """The text of the certificate, not signed anew."""
    return lambda path: path.write_text(path.read_text().replace(old, new, 1))


FALSE: dict[str, Callable[[Path], Any]] = {
    "hidden_pair_of_columns": hidden_pair,
    "share_too_small": partial(of, residual, bound("input", "share", 0.1)),
    "total_variation_too_small": partial(of, residual, bound("relu1", "total_variation", 0.999)),
    "mass_too_large": partial(of, residual, bound("conv1", "least_mass", 1.001)),
    "below_too_small": partial(of, residual, bound("relu1", "share_below", 0.5)),
    "activation_invented": partial(of, residual, array("conv1.value", lambda a: moved(a, (0, 1, 1), 1e-3))),
    "image_of_another": partial(of, residual, array("input.value", lambda a: a[:, ::-1])),
    "weight_of_another": partial(of, residual, array("conv1.weight", lambda a: moved(a, (0, 0, 1, 1), 1e-3))),
    "winner_that_is_none": partial(of, z_plus, array("pool.winners", lambda a: moved(a, (0, 0, 0), 1))),
    "weights_swapped": partial(of, z_plus, swapped),
    "one_byte": partial(of, z_plus, one_byte),
    "another_rule": partial(of, residual, record(lambda r: node(r, "norm").update(rule="flat"))),
    "no_rule": partial(of, residual, record(lambda r: node(r, "norm").update(rule="gradient"))),
    "unknown_kind": partial(of, residual, record(lambda r: node(r, "relu2").update(kind="softmax"))),
    "another_ceiling": partial(of, residual, record(lambda r: node(r, "relu1").update(ceiling=0.5))),
    "another_stride": partial(of, z_plus, record(lambda r: node(r, "conv2").update(stride=[1, 1]))),
    "around_a_skip": partial(
        of, residual, record(lambda r: r.update(layers=[{**r["layers"][-1], "node": "norm"}]))
    ),
    "fewer_roundings": partial(of, residual, record(lambda r: r["layers"][-1].update(roundings=9))),
    "silence_denied": partial(of, dead, record(lambda r: r["layers"][-1].update(silent=[]))),
    "other_words": partial(of, dead, record(lambda r: r["statements"].update(share="no class matters"))),
    "another_version": partial(of, dead, record(lambda r: r.update(format="rankone network certificate 2"))),
    "not_signed_anew": partial(of, dead, text('"units"', '"channels"')),
    "spelled_otherwise": partial(of, dead, text('"format": ', '"format":  ')),
    "not_finite": partial(of, dead, text('"delta": ', '"delta": NaN, "x": ')),
}
UNREADABLE: dict[str, Callable[[Path], Any]] = {
    "cut_off": partial(of, dead, lambda path: path.write_text(path.read_text()[:-99])),
    "no_text": partial(of, dead, lambda path: path.write_bytes(b"\xff\xfe" + path.read_bytes())),
}


def make() -> None:
    """Writes all of it anew."""
    for folder, makers in (("not_confirmed", FALSE), ("unreadable", UNREADABLE)):
        shutil.rmtree(HERE / folder, ignore_errors=True)
        for name, maker in makers.items():
            maker(HERE / folder / f"{name}.cert.json")
    shutil.rmtree(HERE / "confirmed", ignore_errors=True)
    for name, (build, net) in TRUE.items():
        fewer(certificate_of(build, net())).write(HERE / "confirmed" / f"{name}.cert.json")


if __name__ == "__main__":
    make()
