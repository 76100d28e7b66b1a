"""Sanity checks: what is compared with what, whatever the batches; runs that resume; the model stays."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from rankone.results.protocol import corrected, paper
from rankone.results.runs import Units
from tests.helpers import nets
from torch_backend import methods, smooth_grad, trace
from torch_backend.audit import study as module
from torch_backend.audit.part import Examined, Plan
from torch_backend.audit.stages import bottom_up, single, top_down
from torch_backend.audit.study import study
from torch_backend.audit.subject import estimated, fixed
from torch_backend.maps.saliency import plain_sum, saliency, sum_of_magnitudes
from torch_backend.maps.scores import SCORES

NAMES = [score.name for score in SCORES]
CHAINS = (methods.gradient, methods.z_plus, methods.lrp_z)


class Wider(nets.Residual):
    """Maps of 11 × 11, which SSIM's windows fit into."""


def examined(count=6, kind=Wider, seed=1):
    model = nets.build(kind)
    images = nets.images_for(model, count, seed=seed)
    return Examined(model, images, (images - images.min()) / (images.max() - images.min()))


PLAN = Plan()


def run(folder, case, subjects=CHAINS, plan=PLAN, **more):
    chosen = [subject if hasattr(subject, "of") else fixed(subject) for subject in subjects]
    return study(case, chosen, plan, Units(folder), **more)


def by(outcomes, method, test, stage=None):
    (found,) = [
        o
        for o in outcomes
        if (o.subject.name, o.test.name) == (method, test) and stage in (None, o.test.stage)
    ]
    return found


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    plan = Plan(classes=None, orders=(top_down, bottom_up, single), draws=2)
    found, failed = run(tmp_path_factory.mktemp("units"), examined(), plan=plan)
    assert not failed
    return found


def test_every_method_has_an_outcome_of_every_test(outcomes):
    stages = ["dense", "block3_1", "block2_2", "block2_1", "conv1"]
    expected = ["another class", *stages, *stages[::-1], *stages]
    for method in CHAINS:
        assert [o.test.stage for o in outcomes if o.subject.name == method.name] == expected
    for o in outcomes:
        k = 3 if o.test.name == "random_logit" else 2
        assert o.scores.shape == o.null.shape == o.forward_alone.shape == (k, 6, len(SCORES))
        assert o.fine.shape == (k, 6) and o.edges.shape == o.another.shape == (6, len(SCORES))


def test_random_logit_compares_the_maps_of_all_other_classes(outcomes):
    case = examined()
    logits = trace(case.network, case.images).nodes[-1].value
    target = logits.argmax(1)
    found = by(outcomes, "z_plus", "random_logit").scores
    own = plain_sum(saliency(case.network, case.images, methods.z_plus, target))
    expected = {
        c: [
            score(own, plain_sum(saliency(case.network, case.images, methods.z_plus, target * 0 + c)))
            for score in SCORES
        ]
        for c in range(4)
    }
    for b, t in enumerate(target.tolist()):
        others = {tuple(np.round([e[b].item() for e in expected[c]], 9)) for c in range(4) if c != t}
        assert {tuple(np.round(found[k, b], 9)) for k in range(3)} == others


def test_destroying_all_is_the_same_whatever_the_order(outcomes):
    for method in CHAINS:
        down = by(outcomes, method.name, "top_down", "conv1").scores
        up = by(outcomes, method.name, "bottom_up", "dense").scores
        np.testing.assert_array_equal(down, up)


def test_the_first_step_is_one_layer_alone(outcomes):
    for method in CHAINS:
        np.testing.assert_array_equal(
            by(outcomes, method.name, "top_down", "dense").scores,
            by(outcomes, method.name, "single", "dense").scores,
        )


def test_draws_differ(outcomes):
    scores = by(outcomes, "gradient", "top_down", "block3_1").scores
    assert not np.allclose(scores[0], scores[1])


def test_with_the_head_destroyed_the_forward_below_it_is_the_trained_one(outcomes):
    """The gradient's masks are all below the dense layer: forward alone is all there is."""
    found = by(outcomes, "gradient", "top_down", "dense")
    np.testing.assert_allclose(found.forward_alone, found.scores, atol=1e-9)


def test_controls_are_of_the_trained_network(outcomes):
    case = examined()
    maps = sum_of_magnitudes(saliency(case.network, case.images, methods.gradient))
    other = maps[(torch.arange(6) + 3) % 6]
    found = by(outcomes, "gradient", "top_down", "conv1").another
    expected = np.stack([score(maps, other).numpy() for score in SCORES], 1)
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_outcomes_do_not_depend_on_the_batches(outcomes, chunk, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", chunk)
    plan = Plan(classes=None, names=("block2_2",), draws=2)
    found, _ = run(tmp_path, examined(), plan=plan)
    for method in CHAINS:
        for test in ("random_logit", "top_down"):
            a = by(found, method.name, test, None)
            b = by(outcomes, method.name, test, None if test == "random_logit" else "block2_2")
            np.testing.assert_allclose(a.scores, b.scores, atol=1e-7)
            np.testing.assert_allclose(a.another, b.another, atol=1e-7)
            np.testing.assert_allclose(a.null, b.null, atol=1e-7)


def test_all_methods_see_the_same_weights_and_classes_and_under_the_paper_s_protocol_not(tmp_path):
    again = replace(fixed(methods.gradient), name="again")
    for protocol, same in ((corrected, True), (paper, False)):
        plan = Plan(names=("block2_1",), protocol=protocol)
        found, _ = run(tmp_path, examined(), (methods.gradient, again), plan)
        for test in ("random_logit", "top_down"):
            a, b = (by(found, name, test).scores for name in ("gradient", "again"))
            assert np.array_equal(a, b) == same


def test_patterns_are_estimated_again_for_every_network(tmp_path):
    case = examined()
    batches = case.images.split(3)
    again = estimated("again", methods.pattern_attribution, batches)
    patterns = methods.estimate_patterns(trace(case.network, case.images), batches)
    frozen = replace(fixed(methods.pattern_attribution(patterns)), name="frozen")
    found, _ = run(tmp_path, case, (again, frozen), Plan(names=("conv1",)))
    logit = [by(found, name, "random_logit").scores for name in ("again", "frozen")]
    np.testing.assert_allclose(*logit, atol=1e-9)
    down = [by(found, name, "top_down").scores for name in ("again", "frozen")]
    assert not np.allclose(*down, atol=1e-3)
    net, _ = run(tmp_path, case, (estimated("net", methods.pattern_net, batches),), Plan(names=("conv1",)))
    assert (by(net, "net", "top_down").forward_alone < 0.999).all(), "its patterns are redrawn, too"


def test_a_second_run_computes_nothing_and_gives_the_same(tmp_path):
    case, plan = examined(3), Plan(names=("dense", "conv1"))
    first, _ = run(tmp_path, case, plan=plan)
    units = Units(tmp_path)
    second, _ = study(case, [fixed(m) for m in CHAINS], plan, units)
    assert units.found == len(CHAINS) * 4 and not units.computed
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.scores, b.scores) and np.array_equal(a.null, b.null)


@pytest.mark.parametrize("change", ["weights", "images", "seed", "protocol", "about"])
def test_units_of_something_else_are_not_taken(change, tmp_path):
    case, plan, about = examined(2), Plan(names=("dense",)), {}
    run(tmp_path, case, plan=plan)
    if change == "weights":
        case.network.conv1.weight.data[0, 0, 0, 0] += 1e-6
    if change == "images":
        case = examined(2, seed=9)
    if change == "seed":
        plan = replace(plan, seed=1)
    if change == "protocol":
        plan = replace(plan, protocol=replace(corrected, ssim_data_range=2.0))
    if change == "about":
        about = {"code": "another"}
    units = Units(tmp_path)
    study(case, [fixed(m) for m in CHAINS], plan, units, about=about)
    assert units.found == 0 and units.computed == len(CHAINS) * 3


def test_a_method_that_fails_costs_itself_only(tmp_path):
    broken = replace(methods.gradient, name="broken", max_pool=None)
    found, failed = run(tmp_path, examined(2), (methods.gradient, broken), Plan(names=("dense",)))
    assert set(failed) == {"broken"} and "without: " in str(failed["broken"])
    assert {o.subject.name for o in found} == {"gradient"}


def test_what_overflows_in_float32_is_computed_in_float64(tmp_path):
    def huge(op, x, y):
        return lambda r: 1e30 * op.adjoint(r)

    large = replace(methods.gradient, name="large", convolution=huge, dense=huge)
    case = examined(2, nets.Chain)
    case = Examined(case.network.float(), case.images.float(), case.pictures)
    found, _ = run(tmp_path, case, (methods.gradient, large), Plan(names=("fc2",)))
    assert not by(found, "gradient", "top_down").float64.any()
    wide = by(found, "large", "top_down")
    assert wide.float64.all() and np.isfinite(wide.scores).all()
    np.testing.assert_allclose(wide.scores, by(found, "gradient", "top_down").scores, atol=2e-3)


def test_what_overflows_with_the_forward_pass_kept_is_computed_in_float64_too(tmp_path):
    def larger(op, x, y):  # than float32 holds, for the redrawn weights alone
        return lambda r: (1 if torch.equal(op.weight, trained) else 1e30) ** 2 * op.adjoint(r)

    case = examined(2, nets.Chain)
    case = Examined(case.network.float(), case.images.float(), case.pictures)
    trained = case.network.fc2.weight.detach().clone()
    large = replace(methods.gradient, name="large", dense=larger)
    (outcome, *_) = [
        o for o in run(tmp_path, case, (large,), Plan(0, names=("fc2",)))[0] if o.test.name == "top_down"
    ]
    assert outcome.float64.all() and np.isfinite(outcome.forward_alone).all()


def test_a_reference_that_cannot_be_compared_is_counted(tmp_path):
    def silent_when_trained(op, x, y):
        return lambda r: (0 if torch.equal(op.weight, trained) else 1) * op.adjoint(r)

    case = examined(2, nets.Chain)
    trained = case.network.fc2.weight.detach().clone()
    silent = replace(methods.gradient, name="silent", dense=silent_when_trained)
    found, _ = run(tmp_path, case, (silent,), Plan(0, names=("fc2",)))
    for o in found:
        assert not o.fine.any() and np.isnan(o.scores).all()


@pytest.mark.parametrize("shape", [(2, 3, 4, 9), (2, 3, 9, 1), (2, 9), (2, 3, 9, 9, 9)])
def test_images_whose_maps_cannot_be_compared_are_refused(shape, tmp_path):
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(int(np.prod(shape[1:])), 3)).double()
    case = Examined(network, torch.rand(shape, dtype=torch.float64), None)
    with pytest.raises(ValueError, match=r"images: expected shape \(B, C, H, W\), H and W at least 5"):
        run(tmp_path, case, (methods.gradient,), Plan())


def test_maps_that_cannot_be_compared_are_counted_not_averaged(tmp_path):
    silent = replace(methods.gradient, name="silent", dense=lambda op, x, y: lambda r: 0 * op.adjoint(r))
    found, _ = run(tmp_path, examined(2), (silent,), Plan(names=("dense",)))
    for o in found:
        assert not o.fine.any() and np.isnan(o.scores).all()


def test_the_model_leaves_as_it_came_bit_for_bit(tmp_path):
    case = examined(2)
    before, entries = (
        copy.deepcopy(case.network.state_dict()),
        {k: set(vars(m)) for k, m in case.network.named_modules()},
    )
    plan = Plan(names=("conv1",), orders=(top_down, bottom_up))
    run(tmp_path, case, (methods.z_plus, smooth_grad(samples=2)), plan)
    after = case.network.state_dict()
    assert before.keys() == after.keys() and all(torch.equal(before[k], after[k]) for k in before)
    assert entries == {k: set(vars(m)) for k, m in case.network.named_modules()}


def test_maps_are_kept_where_they_are_asked_for(tmp_path):
    plan = Plan(names=("dense", "conv1"), keeps_maps=True)
    found, _ = run(tmp_path, examined(2), (methods.z_plus,), plan)
    kept = by(found, "z_plus", "top_down", "conv1")
    assert kept.maps.shape == (1, 2, 11, 11) and kept.reference.shape == (2, 11, 11)
    again = SCORES[2](torch.from_numpy(kept.reference), torch.from_numpy(kept.maps[0]))
    np.testing.assert_allclose(kept.scores[0, :, 2], again, atol=1e-12)


def test_bad_arguments_are_refused(tmp_path):
    case = examined(2)
    for plan, words in (
        (Plan(names=("nowhere",)), "stage: expected one of dense, block3_1"),
        (Plan(classes=9), "classes: expected 1 to 3 other classes"),
        (Plan(classes=0, orders=()), "plan: expected other classes, or orders of destruction, got neither"),
    ):
        try:
            _, failed = run(tmp_path, case, plan=plan)
            said = {str(e) for e in failed.values()}
        except ValueError as error:
            said = {str(error)}
        assert len(said) == 1 and words in said.pop()
    with pytest.raises(ValueError, match="methods: expected different ones, got gradient twice"):
        run(tmp_path, case, (methods.gradient, methods.gradient))


def test_a_bug_in_one_method_costs_itself_only(tmp_path):
    def broken(op, x, y):
        raise RuntimeError("a bug")

    bad = replace(methods.z_plus, name="bad", dense=broken)
    found, failed = run(tmp_path, examined(2), (methods.gradient, bad), Plan(names=("dense",)))
    assert isinstance(failed["bad"], RuntimeError) and {o.subject.name for o in found} == {"gradient"}


def test_stages_come_in_the_network_s_order_whatever_is_asked(tmp_path):
    found, _ = run(tmp_path, examined(1), CHAINS[:1], Plan(names=("conv1", "dense", "dense")))
    assert [o.test.stage for o in found] == ["another class", "dense", "conv1"]


def test_without_other_classes_only_weights_are_destroyed(tmp_path):
    found, _ = run(tmp_path, examined(1), CHAINS[:1], Plan(classes=0, names=("dense",)))
    assert [o.test.name for o in found] == ["top_down"]


def test_the_edges_are_those_of_the_pictures_of_this_run(tmp_path):
    case, plan = examined(2), Plan(names=("dense",))
    without, _ = run(tmp_path, Examined(case.network, case.images, None), CHAINS[:1], plan)
    again, _ = run(tmp_path, case, CHAINS[:1], plan)
    assert np.isnan(without[0].edges).all() and np.isfinite(again[0].edges[:, 0]).all()
