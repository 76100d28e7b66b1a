"""Any tool's maps: what is measured of them without a look inside is what is measured natively."""

import random

import numpy as np
import pytest
import torch

from rankone.errors import Refusal
from rankone.results.runs import Units
from tests.helpers import nets
from torch_backend import methods, reduction, saliency, trace
from torch_backend.audit import Tool, of
from torch_backend.audit.hidden import magnitudes
from torch_backend.audit.steadiness import gap
from torch_backend.audit.study import Examined, Plan, study
from torch_backend.audit.subject import fixed
from torch_backend.inputs import images, models
from torch_backend.maps.controls import another
from torch_backend.maps.scores import SCORES
from torch_backend.randomness import digest_of

METHODS = (methods.z_plus, methods.gradient, methods.guided_backprop)
# Of scores: in the model itself batch norms are not folded, and float32's sums come in another order.
ROUNDING = {torch.float32: 1e-4, torch.float64: 1e-9}


class Wider(nets.Residual):
    """Maps of 11 × 11, which SSIM's windows fit into."""


@pytest.fixture(scope="module")
def small():
    model = nets.build(Wider)
    return model, nets.images_for(model, 5)


def native(model, method):
    """Our own method, as another tool would give it."""
    return lambda x, classes: saliency(model, x, method, classes, reduce=reduction(method))


def gradient(model):
    return native(model, methods.gradient)


def digits_vgg():
    read = images.preprocessing("digits-vgg")
    return models.load("digits-vgg"), images.read("sample", read, 2, torch.float32)


def batch_norms():
    model = nets.build(Wider)
    return model, nets.images_for(model, 3)


@pytest.mark.parametrize(("network", "batch"), [(digits_vgg, 5), (batch_norms, 2)])
def test_our_own_methods_have_the_numbers_that_they_have_natively(network, batch, tmp_path) -> None:
    model, x = network()
    close = {"rtol": 0, "atol": ROUNDING[x.dtype]}
    plan = Plan(classes=2, forward_alone=False)
    outcomes, _ = study(Examined(model, x, None), [fixed(m) for m in METHODS], plan, Units(tmp_path))
    for method in METHODS:
        found = of(native(model, method), model, x, classes=2, name=method.name, batch=batch)
        logit, *destroyed = (o for o in outcomes if o.subject.name == method.name)
        np.testing.assert_allclose(found.maps, logit.reference, **close)
        np.testing.assert_allclose(found.logit, logit.scores, **close)
        np.testing.assert_allclose(found.logit_null, logit.null, **close)
        np.testing.assert_allclose(found.another, logit.another, **close)
        assert found.cascade.stages == tuple(o.test.stage for o in destroyed)
        for k, outcome in enumerate(destroyed):
            np.testing.assert_allclose(found.cascade.scores[k], outcome.scores, **close)
            np.testing.assert_allclose(found.cascade.null[k], outcome.null, **close)


def test_in_place_and_made_anew_give_the_same(small) -> None:
    model, x = small
    before = digest_of(model)
    a = of(gradient(model), model, x, name="a")
    b = of(Tool("a", gradient), model, x)
    assert digest_of(model) == before
    torch.testing.assert_close(a.matrix, b.matrix, equal_nan=True)
    torch.testing.assert_close(a.cascade.scores, b.cascade.scores, equal_nan=True)


def test_the_class_matrix_is_that_of_any_two_classes(small) -> None:
    model, x = small
    found = of(gradient(model), model, x, classes=None, batch=3)
    scores, classes = found.matrix.scores, found.matrix.classes
    assert sorted(classes[:, 0].tolist()) == [0, 1, 2, 3] and scores.shape == (4, 4, 5, len(SCORES))
    plain = slice(0, None, 2)
    torch.testing.assert_close(scores[..., plain], scores.transpose(0, 1)[..., plain])
    torch.testing.assert_close(scores[range(4), range(4)], torch.ones_like(scores[0]))
    maps = [gradient(model)(x, some) for some in classes]
    torch.testing.assert_close(scores[1, 3, :, 2], SCORES[2](maps[1], maps[3]))
    assert (classes[0] == trace(model, x).nodes[-1].value.argmax(1)).all()


def test_what_is_found_is_called_sampled(small) -> None:
    model, x = small
    assert of(gradient(model), model, x, classes=1).basis == "sampled over 1 class"
    assert of(gradient(model), model, x, classes=None).basis == "sampled over 3 classes"


def test_the_map_of_another_image_stands_beside_its_null(small) -> None:
    model, x = small
    found = of(gradient(model), model, x)
    torch.testing.assert_close(found.another[:, 2], SCORES[2](found.maps, found.maps[another(5)]))
    assert found.another_null.isfinite().all()
    assert of(gradient(model), model, x[:1]).another.isnan().all()


# ---------------------------------------------------------------- each question can be answered with no


def blurred(x, _):
    return x.abs().sum(1)


def test_a_map_that_is_no_function_of_the_model_is_seen(small) -> None:
    model, x = small
    found = of(Tool("blurred", lambda _: blurred), model, x)
    torch.testing.assert_close(found.logit, torch.ones_like(found.logit))
    torch.testing.assert_close(found.cascade.scores, torch.ones_like(found.cascade.scores))


def test_a_map_that_is_the_same_for_all_images_is_seen(small) -> None:
    model, x = small
    fixed_map = torch.randn(11, 11, dtype=x.dtype)
    found = of(lambda x, c: fixed_map + 0 * gradient(model)(x, c), model, x)
    torch.testing.assert_close(found.another, torch.ones_like(found.another))


def test_a_map_that_depends_on_the_batch_is_seen(small) -> None:
    model, x = small

    def centred(x, classes):
        maps = gradient(model)(x, classes)
        return maps - maps.mean(0)

    found = of(lambda x, c: gradient(model)(x, c) * len(x), model, x)
    torch.testing.assert_close(found.batch_gap, torch.full((5,), 0.8, dtype=torch.float64))
    assert (of(centred, model, x).batch_gap > 0.1).all()
    assert (of(gradient(model), model, x).batch_gap < 1e-9).all()


@pytest.mark.parametrize(
    "noise", [lambda: torch.rand(()), np.random.random, random.random], ids=["torch", "numpy", "python"]
)
def test_a_map_that_is_another_each_time_is_seen_and_can_be_measured_again(small, noise) -> None:
    model, x = small

    def noisy(x, classes):
        return gradient(model)(x, classes) * (1 + noise())

    states = [torch.get_rng_state(), random.getstate(), np.random.get_state()]  # noqa: NPY002
    first, second = of(noisy, model, x), of(noisy, model, x)
    assert (first.repeat_gap > 0).all() and (of(gradient(model), model, x).repeat_gap == 0).all()
    assert torch.equal(first.repeat_gap, second.repeat_gap) and torch.equal(first.maps, second.maps)
    now = [torch.get_rng_state(), random.getstate(), np.random.get_state()]  # noqa: NPY002
    assert repr(states) == repr(now)


def test_gaps_are_relative_lengths() -> None:
    m = torch.tensor([[[3.0, 4.0]], [[0.0, 0.0]], [[0.0, 0.0]]])
    other = torch.tensor([[[3.0, 3.0]], [[0.0, 0.0]], [[1.0, 0.0]]])
    assert gap(m, other)[:2].tolist() == [0.2, 0] and gap(m, other)[2].isnan()


# ---------------------------------------------------------------- tools that keep something


def keeping(model):
    """A tool that takes its copy of the weights when it is made."""
    import copy

    return gradient(copy.deepcopy(model))


def test_a_function_that_keeps_weights_is_not_judged_and_is_made_anew(small) -> None:
    """Nor is one that reads none, which cannot be told from it; as a Tool it is."""
    model, x = small
    for attribute in (keeping(model), blurred):
        found = of(attribute, model, x)
        assert isinstance(found.cascade, Refusal) and "reads none, or keeps copies" in str(found.cascade)
        assert found.logit.isfinite().all()
    made_anew = of(Tool("keeping", keeping), model, x).cascade
    torch.testing.assert_close(made_anew.scores, of(gradient(model), model, x).cascade.scores, equal_nan=True)


def test_a_map_that_does_not_read_the_upper_layers_may_stay(small) -> None:
    """Only with all weights destroyed it must change."""
    model, x = small

    def lower(x, _):
        return model.conv1(x).abs().sum(1)

    scores = of(lower, model, x).cascade.scores[..., 0]
    torch.testing.assert_close(scores[:-1], torch.ones_like(scores[:-1]))
    assert (scores[-1] < 0.9).all()


def test_what_a_tool_makes_at_its_first_call_it_makes_on_the_trained_model(small) -> None:
    """Also where the trained maps were there already, and only other weights are asked for."""
    model, x = small
    seen = []

    def attribute(x, classes):
        seen.append(digest_of(model))
        return gradient(model)(x, classes)

    from torch_backend.audit.attribute import subject_of
    from torch_backend.audit.randomized import drawn
    from torch_backend.graph.rebuilt import Rebuilt

    graph = trace(model, x)
    network = Rebuilt.of(graph)
    other = network.graph(drawn(network, [n.index for n in graph.nodes if n.name == "dense"], (0,)), x)
    subject_of(attribute).of(other).maps(other, x, torch.zeros(5, dtype=torch.long))
    assert seen[0] == digest_of(model) and seen[1] != seen[0] and len(seen) == 2


def test_gradients_and_grad_mode_are_the_tool_s_own(small) -> None:
    model, x = small

    def attribute(x, classes):
        x.requires_grad_()
        model(x).gather(1, classes[:, None]).sum().backward()
        return x.grad.abs()

    with torch.no_grad():
        found = of(attribute, model, x, hides=(magnitudes,))
    torch.testing.assert_close(found.maps, gradient(model)(x, found.matrix.classes[0]))
    assert all(p.grad is None for p in model.parameters())


# ---------------------------------------------------------------- what is refused


class Twice(Wider):
    """One convolution used twice: there is no place for two draws."""

    def forward(self, x):
        return super().forward(self.again(self.again(x).relu()))

    def __init__(self) -> None:
        super().__init__()
        self.again = torch.nn.Conv2d(3, 3, 3, padding=1)


def test_where_weights_cannot_be_destroyed_the_rest_is_measured() -> None:
    model = nets.build(Twice)
    x = nets.images_for(model, 2)
    found = of(gradient(model), model, x)
    assert isinstance(found.cascade, Refusal) and "runs once" in str(found.cascade)
    assert found.logit.isfinite().all()


def failing(error):
    def attribute(*_):
        raise error

    return attribute


REFUSED = {
    "attribute: expected maps of": failing(RuntimeError("what\nwent wrong")),
    "attribute: expected maps of .x, class., got SystemExit": failing(SystemExit(0)),
    "my own refusal": failing(ValueError("my own refusal")),
    "maps of .*: expected floating-point numbers .5, 11, 11. or": lambda x, _: x[:, 0, :5],
    "got .2, 11, 11.": lambda x, _: x[:2, 0],
    "torch.int64": lambda x, _: x[:, 0].long(),
    "got NoneType": lambda *_: None,
}


@pytest.mark.parametrize("said", REFUSED)
def test_bad_maps_are_refused_in_one_line(small, said) -> None:
    model, x = small
    with pytest.raises(ValueError, match=said) as refusal:
        of(REFUSED[said], model, x)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("said", "more"),
    [
        ("^attribute: expected attribute", {"attribute": 3}),
        ("^hides: expected none", {"attribute": Tool("t", gradient), "hides": (magnitudes,)}),
        ("^batch: expected an integer", {"batch": 0}),
        (r"^images: expected shape \(B, C, H, W\)", {"images": torch.ones(5, 12)}),
        ("^images: expected a tensor", {"images": [1.0]}),
        ("^attribute: expected a function of .*, got KeyError", {"attribute": Tool("t", {}.__getitem__)}),
        ("^classes: expected 1 to 3", {"classes": 4}),
        ("^targets: expected", {"targets": torch.tensor([0, 1, 2, 3, 4])}),
    ],
)
def test_bad_arguments_are_refused(small, said, more) -> None:
    model, x = small
    with pytest.raises(Refusal, match=said):
        of(**{"attribute": blurred, "model": model, "images": x, **more})
