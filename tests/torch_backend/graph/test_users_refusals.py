"""What users write is read, with autograd's derivative, or refused in one line that names the cause."""

import copy
import re
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.helpers.twins.calls import WithDefaultTensor, WithInnerParallel, WithKeyword, WithMask
from tests.helpers.twins.spelling import drawn
from tests.helpers.twins.users import autograd, images, net, same, start_at
from torch_backend import methods, relevance, trace


def called(kind):
    """A network of the twins' classes."""

    def make():
        parts = drawn({"conv": nn.Conv2d(3, 4, 3), "norm": nn.BatchNorm2d(4), "fc": nn.Linear(16, 4)}, 0)
        return kind(type("Parts", (), parts)).double().eval()

    return make


def dense(body):
    """A network over two dense layers and one that makes scores."""
    return lambda: net(body, a=nn.Linear(5, 6), b=nn.Linear(6, 4), g=nn.Linear(5, 6))


class Gated(nn.Module):
    """A GRU whose state is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.fc = nn.GRU(3, 4, batch_first=True), nn.Linear(4, 4)

    def forward(self, x):
        o, _ = self.gru(x)
        return self.fc(o[:, -1])


def _seeded(kind):
    def make():
        torch.manual_seed(0)
        return kind().double().eval()

    return make


def _cloned_then_rectified(m, x):
    h = m.a(x)
    k = h.clone()
    h.relu_()
    return m.b(h + 0.5 * k)


def _masked(m, x):
    h = m.a(x)
    return m.b(h * (h > 0) + torch.where(h < -1, h, torch.zeros_like(h)))


def _masked_to_float(m, x):
    h = m.a(x)
    return m.b(h * (h.abs() > 0.1).to(h.dtype))


def _flipped_rows(m, x):
    h = m.a(x)
    h[:, 0], h[:, 1] = h[:, 1].clone(), h[:, 0].clone()
    return m.b(torch.relu(h))


# What a network read by running it reads: name -> (makes the model, shape of the images).
READ = {
    "mask=None": (called(WithMask), (3, 6, 6)),
    "a default tensor": (called(WithDefaultTensor), (3, 6, 6)),
    "self.act(input=h)": (called(WithKeyword), (3, 6, 6)),
    "an inner DataParallel": (called(WithInnerParallel), (3, 6, 6)),
    "DataParallel": (lambda: nn.DataParallel(called(WithMask)()).eval(), (3, 6, 6)),
    "a GRU's unused state": (_seeded(Gated), (5, 3)),
    "masks": (dense(_masked), (5,)),
    "a mask as numbers": (dense(_masked_to_float), (5,)),
    "a clone, then relu_": (dense(_cloned_then_rectified), (5,)),
    "h + 0": (dense(lambda m, x: m.b((h := m.a(x)) + 0 + torch.relu(h))), (5,)),
    "leaky_relu_": (dense(lambda m, x: m.b(F.leaky_relu_(m.a(x), 0.2))), (5,)),
    "leaky_relu in place": (dense(lambda m, x: m.b(F.leaky_relu(m.a(x), 0.2, inplace=True))), (5,)),
    "an exchange in place": (dense(_flipped_rows), (5,)),
    "a mean over everything else": (
        dense(lambda m, x: m.b(m.a(x) / m.a(x).abs().mean(1, keepdim=True))),
        (5,),
    ),
    "softmax over channels": (dense(lambda m, x: m.b(m.a(x).softmax(1))), (5,)),
    "cumsum over channels": (dense(lambda m, x: m.b(m.a(x).cumsum(1))), (5,)),
    "a bilinear gate": (dense(lambda m, x: m.b(m.a(x) * torch.sigmoid(m.g(x)))), (5,)),
    "batched products": (
        dense(lambda m, x: m.b((m.a(x)[:, :, None] @ m.g(x)[:, None]).softmax(-1).sum(1))),
        (5,),
    ),
}


def check(make, shape, must: str | None) -> None:
    """The map is autograd's; or, unless it must be read, one line with the words `must`."""
    model, x = make(), images(2, *shape)
    wanted = copy.deepcopy(model) if must is None else model
    try:
        graph = trace(model, x)
        found = relevance(graph, methods.gradient, "logits", start_at(graph.nodes[-1].value), "input")
    except ValueError as refusal:
        assert must is not None, refusal
        assert "\n" not in str(refusal)
        assert re.search(must, str(refusal)), refusal
        return
    same(graph.nodes[-1].value, wanted(x), 1e-6 if must else 1e-9)
    same(found, autograd(wanted, x), 1e-6 if must else 1e-9)


@pytest.mark.parametrize("case", READ)
def test_what_users_write_is_read(case: str) -> None:
    """With the model's values and autograd's derivative."""
    make, shape = READ[case]
    check(make, shape, None)


class HalfInside(nn.Module):
    """One layer in half precision inside a network in single precision."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.lin, self.b = nn.Linear(5, 6), nn.Linear(6, 6).half(), nn.Linear(6, 4)

    def forward(self, x):
        return self.b(self.lin(torch.relu(self.a(x)).half()).float())


def _scripted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4)).double().eval())


def _jit_traced():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.trace(
            nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4)).double().eval(), images(2, 5)
        )


def _compiled():
    net_ = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4)).double().eval()
    return torch.compile(net_, backend="eager")


def _through_complex(h):
    return torch.view_as_real(h.to(torch.cfloat)).sum(-1).double()


class Forces(nn.Module):
    """A derivative inside the forward pass, as in force fields."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(5, 6), nn.Linear(6, 1)

    def forward(self, x):
        with torch.enable_grad():
            x = x if x.requires_grad else x.detach().requires_grad_()
            energy = self.b(torch.tanh(self.a(x))).sum()
            (force,) = torch.autograd.grad(energy, x, create_graph=True)
        return force


class Vmapped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(5, 4)

    def forward(self, x):
        return torch.vmap(lambda image: torch.tanh(self.a(image)))(x)


# What may be read, or refused by one line that matches: name -> (makes the model, shape, words).
ONE_LINE = {
    "a script": (_scripted, (5,), "script|jit"),
    "a jit trace": (_jit_traced, (5,), "script|jit|trace"),
    "a compiled model": (_compiled, (5,), "compile"),
    "a derivative inside": (_seeded(Forces), (5,), "autograd|derivative|gradient|grad"),
    "vmap": (_seeded(Vmapped), (5,), "vmap|transform|functorch"),
    "Fourier": (dense(lambda m, x: m.b(torch.fft.fft(m.a(x)).abs())), (5,), "complex|fft"),
    "complex inside": (dense(lambda m, x: m.b(_through_complex(m.a(x)))), (5,), "complex"),
    "a sparse product": (
        dense(lambda m, x: m.b(torch.sparse.mm(torch.eye(6).double().to_sparse(), m.a(x).T).T)),
        (5,),
        "sparse|first axis|images",
    ),
    "NumPy inside": (
        dense(lambda m, x: m.b(m.a(x) + torch.from_numpy(x.detach().numpy().sum(1))[:, None])),
        (5,),
        "(?i)numpy|derivative|gradient|constant|record",
    ),
    "a value as a number": (
        dense(lambda m, x: m.b(m.a(x) * float(x.detach().abs().max()))),
        (5,),
        "first axis|images|batch|derivative|number|mix",
    ),
}


@pytest.mark.parametrize("case", ONE_LINE)
@pytest.mark.filterwarnings("ignore")
def test_what_is_out_of_the_ordinary_is_read_or_refused_in_one_line(case: str) -> None:
    """With autograd's derivative, or words that name the cause."""
    check(*ONE_LINE[case])


def test_a_layer_in_half_precision_is_read_or_named() -> None:
    """In single precision its map is autograd's through the rounding, or a line names the layer."""
    torch.manual_seed(0)
    model, x = HalfInside().eval(), images(2, 5).float()
    try:
        graph = trace(model, x)
        found = relevance(graph, methods.gradient, "logits", start_at(graph.nodes[-1].value), "input")
    except ValueError as refusal:
        assert re.search(r"lin|half|float16", str(refusal))
        assert "\n" not in str(refusal)
        return
    same(found, autograd(model, x), 1e-2)


# ---------------------------------------------------------------- what must be refused


class TwoInputs(nn.Module):
    """A second input that is required."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(5, 4)

    def forward(self, x, lengths):
        return self.a(x) * lengths


class Segmentation(nn.Module):
    """As in torchvision: a dictionary of outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        return {"out": self.a(x), "aux": self.a(x)}


def _noisy(m, x):
    return m.b(torch.relu(m.a(x)) + 0.1 * torch.randn(6, dtype=x.dtype))


X = images(2, 5)
# name -> (makes the model, the images, words that must be there, words that must not)
REFUSED = {
    "a second input": (_seeded(TwoInputs), X, "lengths|second|two inputs|one input", "channels"),
    "a dictionary of outputs": (_seeded(Segmentation), images(2, 3, 4, 4), r"\bout\b", None),
    "complex images": (dense(lambda m, x: m.b(m.a(x))), X.to(torch.cfloat), "complex", r"\.float\(\)"),
    "noise": (dense(_noisy), X, "random|twice|two forward|again", None),
    "dropout in eval": (
        dense(lambda m, x: m.b(F.dropout(m.a(x), 0.5, training=True))),
        X,
        "dropout|random|twice",
        None,
    ),
    "NaN inside": (dense(lambda m, x: m.b(torch.log(m.a(x)).relu())), X, "NaN|finite|infin", None),
    "infinity inside": (dense(lambda m, x: m.b(1 / (m.a(x) * 0.0).abs())), X, "NaN|finite|infin", None),
    "NaN that goes again": (
        dense(lambda m, x: m.b(torch.sqrt(m.a(x)).nan_to_num())),
        X,
        "NaN|finite|infin",
        None,
    ),
    "softmax over the images": (dense(lambda m, x: m.b((h := m.a(x)) + h.softmax(0))), X, "softmax", None),
    "centred over the images": (dense(lambda m, x: m.b((h := m.a(x)) - h.mean(0))), X, "mean|image", None),
    "divided by a norm of all": (dense(lambda m, x: m.b((h := m.a(x)) / h.norm())), X, "norm|image", None),
    "images added up": (dense(lambda m, x: m.b(m.a(x).cumsum(0))), X, "cumsum|images|batch", None),
    "the other image": (dense(lambda m, x: m.b(m.a(x).flip(0))), X, "flip|images|batch", None),
    "statistics of the batch": (
        lambda: nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4, track_running_stats=False)).double().eval(),
        X,
        "batch norm|statistics",
        None,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_map_is_refused_in_one_line(case: str) -> None:
    """The line names the cause, and gives no advice that does not help; at `trace` or before a map."""
    make, x, words, misleading = REFUSED[case]
    model = make()
    with pytest.raises(ValueError, match=words) as refusal:
        graph = trace(model, x)
        relevance(graph, methods.gradient, "logits", start_at(graph.nodes[-1].value), "input")
    assert "\n" not in str(refusal.value)
    assert misleading is None or not re.search(misleading, str(refusal.value))


def test_the_two_images_that_a_model_mixes_are_named() -> None:
    """`h + h.softmax(0)`: the line names the operation and says that images are mixed."""
    with pytest.raises(ValueError, match=r"softmax") as refusal:
        trace(dense(lambda m, x: m.b((h := m.a(x)) + h.softmax(0)))(), X)
    assert "image" in str(refusal.value)
