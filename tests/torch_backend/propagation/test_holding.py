"""Normalisations by an image's own statistics, and gates: held constant they are the affine maps that a user
would write down with the same numbers; their derivative is that of the whole function.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.helpers import held_pieces, nets
from tests.helpers.held_pieces import GATES, NO_GATES, NORMS, around, squeezed, with_gate, with_norm
from tests.helpers.methods_to_sweep import METHODS
from tests.helpers.twins.users import autograd, images, same, start_at
from torch_backend import (
    ChainOperator,
    class_cones,
    csc,
    ledger,
    methods,
    network_law,
    relevance,
    rules,
    trace,
)
from torch_backend.operators.holding import Gate, Norm
from torch_backend.rules import Held

X = images(2, 3, 5, 5)
HOLDING = {name: method for name, method in METHODS.items() if isinstance(method.gate, Held)}
BOOKED = [methods.lrp_z, methods.lrp_epsilon(0.1), methods.z_plus, methods.alpha2_beta1]
MODELS = {**dict.fromkeys(NORMS, with_norm), **dict.fromkeys(GATES, with_gate)}


def built(name: str) -> torch.nn.Module:
    return MODELS[name](name)


def maps(graph, method) -> torch.Tensor:
    return relevance(graph, method, "logits", start_at(graph.nodes[-1].value), "input")


def made_by_the_image(graph) -> list:
    return [node for node in graph.nodes if isinstance(node.op, Norm | Gate)]


@pytest.mark.parametrize("name", MODELS)
def test_the_derivative_is_that_of_the_whole_function(name: str) -> None:
    model = built(name)
    graph = trace(model, X)
    assert made_by_the_image(graph)
    same(maps(graph, methods.gradient), autograd(model, X))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("method", BOOKED, ids=lambda m: m.name)
def test_the_books_close(name: str, method) -> None:
    graph = trace(built(name), X)
    entries = ledger(graph, method, "logits", start_at(graph.nodes[-1].value))
    assert {"norm", "gate"} & {entry.node.kind for entry in entries}
    for entry in entries:
        scale = float(entry.into.abs().max() + entry.down.abs().max())
        np.testing.assert_allclose(entry.rest, 0, atol=1e-9 * scale, err_msg=entry.node.name)


@pytest.mark.parametrize("name", MODELS)
def test_an_image_alone_has_the_map_that_it_has_in_a_batch(name: str) -> None:
    model = built(name)
    together = maps(trace(model, X), methods.z_plus)
    graph = trace(model, X[1:])
    alone = relevance(graph, methods.z_plus, "logits", start_at(model(X))[:, 1:], "input")
    same(alone, together[:, 1:])


def numbers_held(name: str, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """w and b of y = w ⊙ h + b at the image x (1, ...), from the piece itself."""
    model = built(name)
    h = torch.relu(model.conv(x)).detach()
    if name in NORMS:
        assert isinstance(model.norm, torch.nn.Module)
        y = model.norm(h).detach()
        flat = {  # the axes over which statistics are taken
            "group norm": lambda t: t.view(1, 2, 2, 5, 5).mean((2, 3, 4), keepdim=True).expand(1, 2, 2, 5, 5),
            "layer norm of channels": lambda t: t.mean(1, keepdim=True).expand_as(t),
            "layer norm without numbers": lambda t: t.mean((2, 3), keepdim=True).expand_as(t),
            "a group each": lambda t: t.mean((2, 3), keepdim=True).expand_as(t),
            "instance norm": lambda t: t.mean((2, 3), keepdim=True).expand_as(t),
            "instance norm without numbers": lambda t: t.mean((2, 3), keepdim=True).expand_as(t),
        }.get(name, lambda t: t.mean((1, 2, 3), keepdim=True).expand_as(t))
        mean = flat(h).reshape(h.shape)
        deviation = (flat((h - mean) ** 2).reshape(h.shape) + model.norm.eps).sqrt()
        gamma = getattr(model.norm, "weight", None)
        gamma = torch.ones(4, dtype=h.dtype) if gamma is None else gamma.detach()
        gamma = gamma if gamma.dim() == 3 else gamma.view(4, 1, 1)
        w = gamma / deviation
        return w[0], (y - w * h)[0]
    (node,) = made_by_the_image(trace(model, x))
    s = trace(model, x).x(node)[1]
    return s.expand_as(h)[0], torch.zeros(())


# Several nodes, or a gate on something else than h.
OTHERWISE = {
    "channels, then space",
    "coordinates",
    "selective kernel",
    "gated linear unit",
    "halves",
    "added to its input",
}
READS_H = [name for name in MODELS if name not in OTHERWISE]


@pytest.mark.parametrize("name", READS_H)
def test_held_it_is_the_affine_map_with_the_same_numbers(name: str) -> None:
    """Under every method that holds: the map of the network that a user writes down with w and b."""
    for k in range(len(X)):
        x = X[k : k + 1]
        w, b = numbers_held(name, x)
        twin = around(lambda m, h, w=w, b=b: w * h + b, **held_pieces.parts() if name in GATES else {})
        if name in NORMS:
            twin = around(lambda m, h, w=w, b=b: w * h + b, norm=NORMS[name]())
        graph, explicit = trace(built(name), x), trace(twin, x)
        same(graph.nodes[-1].value, explicit.nodes[-1].value)
        for method in HOLDING.values():
            same(maps(graph, method), maps(explicit, method))


def test_the_numbers_of_another_image_are_other_numbers() -> None:
    """The law above can fail."""
    (w, b), x = numbers_held("group norm", X[:1]), X[1:]
    twin = around(lambda m, h: w * h + b, norm=NORMS["group norm"]())
    with pytest.raises(AssertionError):
        same(maps(trace(with_norm("group norm"), x), methods.z_plus), maps(trace(twin, x), methods.z_plus))


@pytest.mark.parametrize("name", ["squeeze and excitation", "efficient channel attention"])
def test_nothing_goes_to_the_branch_that_makes_the_gate(name: str) -> None:
    """No relevance reaches its layers; one that starts there goes down from there."""
    graph = trace(with_gate(name), X)
    (branch,) = {"into", "along"} & set(graph.layers)
    with pytest.raises(ValueError, match="at: expected layers that relevance from 'logits' reaches"):
        relevance(graph, methods.z_plus, "logits", start_at(graph.nodes[-1].value), branch)
    reached = relevance(graph, methods.gradient, "logits", start_at(graph.nodes[-1].value), branch)
    assert reached.abs().max() > 0
    r = torch.ones(1, *graph.node(branch).value.shape, dtype=X.dtype)
    assert relevance(graph, methods.z_plus, branch, r, "input").abs().max() > 0


@pytest.mark.parametrize("name", ["group norm", "squeeze and excitation"])
@pytest.mark.parametrize("method", HOLDING.values(), ids=HOLDING)
def test_a_method_without_held_refuses_by_name(name: str, method) -> None:
    """And is the same elsewhere."""
    graph = trace(built(name), X)
    kind = made_by_the_image(graph)[0].kind
    strict = methods.without_held(method)
    with pytest.raises(ValueError, match=rf"without: .*\({kind}, "):
        maps(graph, strict)
    assert strict == replace(method, norm=None, gate=None)


def test_without_held_leaves_methods_that_hold_nothing() -> None:
    for method in set(METHODS.values()) - set(HOLDING.values()):
        assert methods.without_held(method) == method


@pytest.mark.parametrize("name", NO_GATES)
def test_a_product_in_which_no_factor_is_the_gate_is_refused_by_name(name: str) -> None:
    model = with_gate(name)
    graph = trace(model, X)
    assert not made_by_the_image(graph)
    same(maps(graph, methods.gradient), autograd(model, X))
    with pytest.raises(ValueError, match=r"without: .*\((product|smooth), "):
        maps(graph, methods.z_plus)


def _shifted(h):
    return torch.nn.functional.relu6(h + 3)


def _behind(m, h):
    """A signal from a layer that the gate alone reads."""
    return m.other(h)


def _at(m, h):
    return h


_HARD = torch.nn.functional.hardsigmoid
LAYER_SCALE = torch.rand(4, 1, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) + 0.3
# One gate each, of the signal x and what the gates are made of, g and k (B, 4, 1, 1).
ONE_GATE = {
    "twice": (
        lambda x, g, k: x * (2 * g.sigmoid()),
        lambda x, g, k: (2 * x) * g.sigmoid(),
        lambda x, g, k: x * g.sigmoid() * 2,
    ),
    "minus": (lambda x, g, k: x * (-3 * g.sigmoid()), lambda x, g, k: x * g.sigmoid() / -1 * 3),
    "hard": (
        lambda x, g, k: x * _HARD(g),
        lambda x, g, k: x * (_shifted(g) / 6),
        lambda x, g, k: x * _shifted(g) / 6,
        lambda x, g, k: (x / 6) * _shifted(g),
    ),
    "gate of a gate": (
        lambda x, g, k: x * (g.sigmoid() * k.sigmoid()),
        lambda x, g, k: (x * g.sigmoid()) * k.sigmoid(),
        lambda x, g, k: (x * k.sigmoid()) * g.sigmoid(),
    ),
    "gate of a multiple": (
        lambda x, g, k: x * (3 * g.sigmoid() * k.sigmoid()),
        lambda x, g, k: (x * g.sigmoid() * 3) * k.sigmoid(),
    ),
    "one and a gate": (lambda x, g, k: x * (2 + 2 * g.sigmoid()), lambda x, g, k: x * (1 + g.sigmoid()) * 2),
    "by channel": (
        lambda x, g, k: x * g.sigmoid().mean(1, keepdim=True) * LAYER_SCALE,
        lambda x, g, k: (LAYER_SCALE * x) * g.sigmoid().mean(1, keepdim=True),
    ),
}


@pytest.mark.parametrize("signal", [_at, _behind], ids=["of a rectifier", "of a layer"])
@pytest.mark.parametrize("name", ONE_GATE)
def test_constants_and_gates_around_a_gate_are_one_gate(name: str, signal) -> None:
    def traced(gate):
        made = lambda m, h: gate(signal(m, h), squeezed(m, h), m.out(m.into(h)).mean((2, 3), keepdim=True))  # noqa: E731
        model = around(made, **held_pieces.parts())
        graph = trace(model, X)
        same(maps(graph, methods.gradient), autograd(model, X))
        return graph

    one, *others = map(traced, ONE_GATE[name])
    assert [node.kind for node in one.nodes].count("gate") == 1
    for method in BOOKED:
        for other in others:
            same(maps(other, method), maps(one, method))


@pytest.mark.parametrize("name", ["deconv", "guided_backprop", "rectgrad:0.9"])
@pytest.mark.parametrize("piece", ["group norm", "squeeze and excitation"])
def test_methods_of_rectifiers_refuse_what_the_image_makes(name: str, piece: str) -> None:
    with pytest.raises(ValueError, match=r"without: .*(norm|gate)"):
        maps(trace(built(piece), X), METHODS[name])


def test_a_rule_of_ones_own_is_held() -> None:
    def halve(op, x, y):
        return lambda r: 0.5 * op.adjoint(r)

    graph = trace(with_norm("group norm"), X)
    mine = replace(methods.z_plus, name="mine", norm=Held(halve))
    half = replace(methods.z_plus, norm=Held(rules.gradient))
    same(maps(graph, mine), 0.5 * maps(graph, half))


# ---------------------------------------------------------------- whole networks


def test_the_chain_as_an_operator_holds_too() -> None:
    """C is the sweep; Cᵀ is its transpose, also past what is held."""
    model = nets.build(nets.Held)
    graph = trace(model, nets.images_for(model, 1))
    C = ChainOperator(graph, methods.z_plus, "logits", "input")
    rng = np.random.default_rng(0)
    r, u = rng.normal(size=C.shape[1]), rng.normal(size=C.shape[0])
    swept = relevance(graph, methods.z_plus, "logits", torch.from_numpy(r).view(1, 1, -1), "input")
    np.testing.assert_allclose(C @ r, swept.flatten(), rtol=1e-9)
    np.testing.assert_allclose(u @ (C @ r), r @ (C.T @ u), rtol=1e-9)


@pytest.mark.parametrize("kind", [nets.Held, nets.Decoder], ids=lambda k: k.__name__)
def test_the_cone_of_all_classes_passes(kind) -> None:
    """z⁺ stays non-negative through all of them."""
    model = nets.build(kind)
    (cone,) = class_cones(model, nets.images_for(model, 1), methods.z_plus, "input")
    assert cone.classes == 4 and cone.least > 0 and 0 <= cone.total_variation <= 1


@pytest.mark.parametrize("kind", [nets.Held, nets.Decoder], ids=lambda k: k.__name__)
@pytest.mark.parametrize("study", [csc, network_law])
def test_convergence_is_measured_and_predicted(kind, study) -> None:
    """From every layer, those of the gates' branches too."""
    model = nets.build(kind)
    result = study(model, nets.images_for(model), methods.z_plus, vectors=3)
    assert np.isfinite([reading.median for reading in result.readings]).any()


class UNet(torch.nn.Module):
    """Transposed convolutions or interpolation, cat skips, batch norm; a rectifier behind what goes up, too,
    or not, as in the first U-Net.
    """

    image = (3, 8, 8)

    def __init__(self, mode: str | None, *, rectified: bool = True) -> None:
        super().__init__()
        self.bend = torch.relu if rectified else torch.nn.Identity()
        widths = ((3, 4), (4, 6), (6, 8))
        self.down = torch.nn.ModuleList(self.block(a, b) for a, b in widths)
        self.up = torch.nn.ModuleList(
            torch.nn.ConvTranspose2d(b, a, 2, 2)
            if mode is None
            else torch.nn.Sequential(torch.nn.Upsample(scale_factor=2, mode=mode), torch.nn.Conv2d(b, a, 1))
            for a, b in ((6, 8), (4, 6))
        )
        self.merge = torch.nn.ModuleList(self.block(2 * a, a) for a in (6, 4))
        self.head = torch.nn.Conv2d(4, 2, 1)

    def block(self, inside: int, outside: int) -> torch.nn.Module:
        layers = torch.nn.Conv2d(inside, outside, 3, padding=1), torch.nn.BatchNorm2d(outside)
        return torch.nn.Sequential(*layers, torch.nn.ReLU(inplace=True))

    def forward(self, x):
        skips = []
        for k, block in enumerate(self.down):
            x = block(torch.nn.functional.max_pool2d(x, 2) if k else x)
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, skips[-2::-1], strict=True):
            x = merge(torch.cat([skip, self.bend(up(x))], 1))
        return self.head(x)


def started(mode: str | None, *, rectified: bool):
    """A U-Net without biases, and its positive outputs to start from."""
    model = nets.build(lambda: UNet(mode, rectified=rectified), bias=False)
    graph = trace(model, images(2, *UNet.image))
    return graph, graph.nodes[-1].value.clamp(min=0)[None]


@pytest.mark.parametrize("mode", [None, "nearest", "bilinear"])
def test_a_u_net_without_biases_conserves_relevance_under_z_plus(mode) -> None:
    """From the positive outputs, all over the image, to the pixels."""
    graph, start = started(mode, rectified=True)
    arrived = relevance(graph, methods.z_plus, "logits", start, "input")
    np.testing.assert_allclose(arrived.flatten(2).sum(2), start.flatten(2).sum(2), rtol=1e-9)
    assert (arrived >= 0).all()


@pytest.mark.parametrize("mode", [None, "bicubic"])
def test_what_a_negative_number_without_positive_parts_gets_is_booked_as_lost(mode) -> None:
    """Transposed convolutions that no rectifier follows; interpolation with negative weights."""
    graph, start = started(mode, rectified=False)
    arrived = relevance(graph, methods.z_plus, "logits", start, "input").flatten(2).sum(2)
    entries = ledger(graph, methods.z_plus, "logits", start)
    lost = sum(entry.lost for entry in entries)
    assert lost.min() > 0
    np.testing.assert_allclose(arrived + lost, start.flatten(2).sum(2), rtol=1e-9)
