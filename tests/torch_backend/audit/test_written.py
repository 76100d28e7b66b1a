"""Other weights in the user's own model: it computes what the network with them does, and leaves as it
came.
"""

import copy
import gc
import signal

import pytest
import torch
from torch import nn

from tests.helpers import nets
from torch_backend import trace
from torch_backend.audit.randomized import drawn
from torch_backend.audit.stages import stages
from torch_backend.audit.written import Unwritable, copied, gradients_apart, lent
from torch_backend.graph.model import Untouched
from torch_backend.graph.paths import LAYERS
from torch_backend.graph.rebuilt import Rebuilt
from torch_backend.inputs import images, models
from torch_backend.randomness import digest_of

ROUNDING = {torch.float32: 2e-5, torch.float64: 1e-9}  # of a forward pass whose batch norms are folded or not


def of_digits(name):
    return models.load(name), images.read("sample", images.preprocessing(name), 2, torch.float32)


def of_nets(kind):
    model = nets.build(kind)
    return model, nets.images_for(model)


def redrawn(model, x, layers=None):
    """The network with the weights of some layers (all) drawn anew."""
    graph = trace(model, x)
    network = Rebuilt.of(graph)
    every = [node.index for node in graph.nodes if isinstance(node.op, LAYERS)]
    return network.graph(drawn(network, layers or every, (0,)), x)


class Upside(nn.Module):
    """A transposed convolution, in groups; weights that a module without parts holds itself."""

    image = (4, 5, 5)

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(4, 6, 3, 2, groups=2)
        self.own = Own()

    def forward(self, x):
        return self.own(self.up(x).relu().mean((2, 3)))


class Own(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.matrix, self.shift = nn.Parameter(torch.empty(3, 6)), nn.Parameter(torch.empty(3))

    def forward(self, x):
        return nn.functional.linear(x, self.matrix, self.shift)


class Before(nn.Module):
    """A batch norm in front of a convolution, and one in front of a ReLU, which stays by itself."""

    image = (3, 8, 8)

    def __init__(self) -> None:
        super().__init__()
        self.first, self.conv = nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3)
        self.pool, self.norm, self.end = nn.MaxPool2d(2), nn.BatchNorm2d(4), nn.Linear(36, 4)

    def forward(self, x):
        x = self.pool(self.conv(self.first(x)).relu())
        return self.end(self.norm(x).relu().flatten(1))


NETWORKS = {
    "digits-vgg": lambda: of_digits("digits-vgg"),
    "digits-resnet": lambda: of_digits("digits-resnet"),
    **{
        kind.__name__: (lambda kind=kind: of_nets(kind))
        for kind in (nets.Chain, nets.Residual, Upside, Before)
    },
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_model_computes_what_the_network_with_other_weights_does(name) -> None:
    model, x = NETWORKS[name]()
    for layers in ([*stages(trace(model, x))[0].layers], None):
        graph = redrawn(model, x, layers)
        expected = graph.nodes[-1].value
        close = {"rtol": 0, "atol": ROUNDING[x.dtype] * expected.abs().max().item()}
        with lent(graph) as lent_to, torch.no_grad():
            torch.testing.assert_close(lent_to(x), expected, **close)
        with torch.no_grad():
            torch.testing.assert_close(copied(graph)(x), expected, **close)
            assert not torch.allclose(model(x), expected, rtol=1e-3, atol=1e-3)


def state(model):
    """All that a model is, but for its code: bits, whose tensors, hooks, attributes."""
    tensors = [(n, id(t), t.requires_grad, t.data_ptr()) for n, t in model.state_dict(keep_vars=True).items()]
    hooks = [
        (name, module_name, list(hooks))
        for module_name, module in model.named_modules()
        for name, hooks in vars(module).items()
        if "hooks" in name and hooks
    ]
    return digest_of(model), tensors, hooks, [sorted(vars(module)) for module in model.modules()]


def spoil(model):
    """Everything that a tool might do to a model."""
    model.conv1.register_forward_hook(lambda *_: None)
    model.bn1.running_mean.add_(1)
    model.fc.bias.requires_grad_(False)  # noqa: FBT003 (torch's)
    model.fc.bias.data = torch.zeros(4)
    model.conv1.kept = 1
    model.fc = nn.Linear(6, 4)


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt, SystemExit])
def test_the_model_leaves_as_it_came_whatever_happens(error) -> None:
    model = nets.build(nets.Residual)
    model.layer1.register_forward_hook(lambda *_: None)
    graph = redrawn(model, nets.images_for(model))
    before = state(model)
    with pytest.raises(error or ZeroDivisionError), lent(graph):
        assert digest_of(model) != before[0]
        spoil(model)
        raise (error or ZeroDivisionError)
    assert state(model) == before


@pytest.fixture
def timer():
    """`timer(seconds)`: Ctrl-C once so many seconds of this process's time have passed.

    Not while garbage is collected: what is raised in others' callbacks there is not raised here.
    """

    def stop(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGVTALRM, stop)
    gc.disable()
    yield lambda seconds: signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)
    gc.enable()


def test_the_model_leaves_as_it_came_wherever_ctrl_c_comes(timer) -> None:
    """Before, while other weights are written, in the tool, and while the model's own come back."""
    model = nets.build(nets.Residual)
    graph = redrawn(model, nets.images_for(model))
    before, stopped = state(model), 0
    for k in range(20):
        try:
            timer(0.002 + 0.001 * k)
            for _ in range(20):
                with lent(graph):
                    spoil(model)
            timer(0)
        except KeyboardInterrupt:
            stopped += 1
        assert state(model) == before, k
    assert stopped >= 10


def test_where_ctrl_c_comes_while_the_model_comes_back_it_comes_back(monkeypatch) -> None:
    model = nets.build(nets.Residual)
    graph = redrawn(model, nets.images_for(model))
    before, whole, stops = state(model), Untouched.restore, []

    def restore(self):
        if stops:
            raise stops.pop()
        whole(self)

    monkeypatch.setattr(Untouched, "restore", restore)
    with pytest.raises(KeyboardInterrupt), lent(graph):
        spoil(model)
        stops += [KeyboardInterrupt, KeyboardInterrupt]
    assert state(model) == before


def test_a_change_that_stays_is_noticed() -> None:
    model = nets.build(nets.Residual)
    before = state(model)
    spoil(model)
    assert all(a != b for a, b in zip(before, state(model), strict=True))


def test_a_copy_leaves_the_model_alone() -> None:
    model = nets.build(nets.Residual)
    graph = redrawn(model, nets.images_for(model))
    before = state(model)
    assert digest_of(copied(graph)) != before[0]
    assert state(model) == before


def test_gradients_of_the_model_stay_its_own() -> None:
    model = nets.build(nets.Chain)
    x = nets.images_for(model)
    model(x).sum().backward()
    before = {name: (p.grad, p.grad.clone()) for name, p in model.named_parameters()}
    with gradients_apart(model):
        model(x).sum().backward()
    for name, p in model.named_parameters():
        assert p.grad is before[name][0] and torch.equal(p.grad, before[name][1])


class Twice(nn.Module):
    image = (6,)

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.end = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.end(self.shared(self.shared(x).relu()).relu())


def parametrised(_):
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)).double()
    nn.utils.parametrizations.weight_norm(model[0])
    return model.eval()


@pytest.mark.parametrize("build", [lambda _: nets.build(Twice), parametrised])
def test_weights_that_cannot_be_written_are_refused_by_name(build) -> None:
    model = build(None)
    before = digest_of(model)
    graph = redrawn(model, torch.randn(2, 6, dtype=torch.float64))
    for use in (lambda: copied(graph), lambda: lent(graph).__enter__()):
        with pytest.raises(Unwritable, match=r"^layer '.*': expected its weights \("):
            use()
    assert digest_of(model) == before


def test_a_model_that_cannot_be_copied_is_refused() -> None:
    model = nets.build(nets.Chain)
    model.lock = (n for n in range(3))
    graph = redrawn(model, nets.images_for(model))
    with pytest.raises(Unwritable, match="deepcopy"):
        copied(graph)


def test_trained_weights_are_left_alone() -> None:
    model = nets.build(nets.Chain)
    graph = trace(model, nets.images_for(model))
    with lent(graph):
        assert digest_of(model) == digest_of(copy.deepcopy(model)) == digest_of(copied(graph))
