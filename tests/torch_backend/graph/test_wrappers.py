"""What networks come in: torch's wrappers, Lightning's additions, other precisions, quantised layers."""

import copy
import warnings

import pytest
import torch
from torch import nn

from tests.helpers.twins.users import images, same
from torch_backend import methods, relevance, trace

METHODS = (methods.gradient, methods.z_plus, methods.alpha2_beta1, methods.lrp_epsilon(0.01))
X = images(2, 3, 6, 6)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm, self.fc = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 5)
        self.eval()

    def forward(self, x):
        return self.fc(torch.relu(self.norm(self.conv(x))).mean((2, 3)))


class MadeInside(Net):
    """Modules that exist while they run only."""

    def forward(self, x):
        pool = nn.AdaptiveAvgPool2d(1).eval()
        return self.fc(nn.Flatten()(pool(nn.ReLU()(self.norm(self.conv(x))))))


class Lightning(Net):
    """As Lightning has it: a trainer that is not there, metrics, an example, and `self.log`."""

    def __init__(self) -> None:
        super().__init__()
        self.example_input_array = torch.randn(1, 3, 6, 6)
        self.seen: list[float] = []

    @property
    def trainer(self):
        raise RuntimeError("Lightning is not attached to a `Trainer`")

    def log(self, name, value) -> None:
        self.seen.append((name, float(value.detach().mean())))

    def training_step(self, batch, index):
        return self(batch[0]).sum()

    def forward(self, x):
        y = super().forward(x)
        self.log("mean", y)
        return y


class WithBuffers(Net):
    """Whole numbers and booleans that pick and mask."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("order", torch.tensor([4, 3, 2, 1, 0]))
        self.register_buffer("mask", torch.tensor([True] * 5))

    def forward(self, x):
        return (super().forward(x)[:, self.order] * self.mask)[:, self.order]


@pytest.mark.parametrize("kind", [MadeInside, Lightning, WithBuffers])
def test_additions_that_compute_nothing_change_nothing(kind) -> None:
    model, plain = kind().double(), Net().double()
    model.load_state_dict(plain.state_dict(), strict=False)
    graphs = trace(model, X), trace(plain, X)
    r = images(3, 2, 5)
    for method in METHODS:
        same(*(relevance(graph, method, "logits", r, "input") for graph in graphs), 1e-12)
    assert getattr(model, "seen", []) == []


@pytest.mark.parametrize("around", [nn.DataParallel, lambda m: torch.compile(m, backend="eager")])
def test_wrappers_of_torchs_change_nothing(around) -> None:
    plain = Net().double()
    graphs = trace(around(plain), X), trace(plain, X)
    for method in METHODS:
        same(*(relevance(graph, method, "logits", images(3, 2, 5), "input") for graph in graphs), 1e-12)
    assert [n.name for n in graphs[0].nodes] == [n.name for n in graphs[1].nodes]


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_weights_in_half_precision_are_computed_with_in_the_images(half, precision) -> None:
    """As those of the network that has been converted; the user's own stays as it is."""
    model = Net().to(half)
    whole = copy.deepcopy(model).to(precision)
    graphs = trace(model, X.to(precision)), trace(whole, X.to(precision))
    tolerance = 100 * torch.finfo(precision).eps
    same(*(graph.nodes[-1].value for graph in graphs), tolerance)
    for method in METHODS:
        r = images(3, 2, 5, dtype=precision)
        same(*(relevance(graph, method, "logits", r, "input") for graph in graphs), 100 * tolerance)
    assert {p.dtype for p in model.parameters()} == {half}


class Casts(Net):
    def forward(self, x):
        return super().forward(x.half())


def quantised(how: str) -> nn.Module:
    from torch.ao import quantization

    stubs = quantization.QuantStub(), quantization.DeQuantStub()
    model = nn.Sequential(stubs[0], nn.Conv2d(3, 4, 3), nn.ReLU(), stubs[1], nn.Flatten(), nn.Linear(64, 3))
    if how == "dynamic":
        return quantization.quantize_dynamic(model.eval(), {nn.Linear})
    model.eval().qconfig = quantization.get_default_qconfig("x86")
    model[5].qconfig = None
    prepared = quantization.prepare(model)
    if how == "prepared":
        return prepared
    prepared(X.float())
    return quantization.convert(prepared)


@pytest.mark.parametrize("how", ["dynamic", "prepared", "static"])
def test_quantised_layers_are_refused_by_name(how) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = quantised(how)
    with pytest.raises(ValueError, match=r"^model \(.+\): expected layers in .* a quantised one"):
        trace(model.eval(), X.float())


def test_a_network_that_waits_to_be_quantised_is_read() -> None:
    from torch.ao import quantization

    model = nn.Sequential(quantization.QuantStub(), nn.Conv2d(3, 4, 3), quantization.DeQuantStub())
    assert trace(model.double().eval(), X).layers


def test_other_precisions_are_refused_by_name() -> None:
    model = Net()
    model.register_buffer("scale", torch.ones(3).to(torch.float8_e4m3fn))
    with pytest.raises(ValueError, match=r"model \(scale\): .* float16 or bfloat16, got float8_e4m3fn"):
        trace(model, X.float())
    with pytest.raises(ValueError, match=r"precision of its weights, .* without casts such as"):
        trace(Casts(), X.float())
