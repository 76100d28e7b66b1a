"""An audit in tasks: each number is that of the measurement by itself, whatever the order, and is kept."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rankone.errors import TooLarge, refuse
from rankone.results.runs import Units
from rankone.stable_rank import stable_rank
from torch_backend import class_cones, csc, ledger, methods, trace
from torch_backend.audit import tasks as module
from torch_backend.audit.judging import verdicts
from torch_backend.audit.measured import columns
from torch_backend.audit.measured.every import OF_METHODS
from torch_backend.audit.options import Options
from torch_backend.audit.part import Examined, Plan
from torch_backend.audit.stages import stages
from torch_backend.audit.study import study
from torch_backend.audit.subject import fixed
from torch_backend.audit.tasks import gathered, perform, tasks
from torch_backend.commands.audit import laid
from torch_backend.commands.audited import judgements
from torch_backend.commands.carrying import worker
from torch_backend.convergence.predicted import predict
from torch_backend.proof.all_columns import Room
from torch_backend.proof.network_proof import begin, best
from torch_backend.propagation.classes import class_start
from torch_backend.propagation.operator import ChainOperator

OWN = f"{Path(__file__).parents[2] / 'helpers' / 'own_model.py'}:Net"
IMAGES = 6
CHAINS = {"gradient": methods.gradient, "z_plus": methods.z_plus, "guided_backprop": methods.guided_backprop}
NAMES = (*CHAINS, "smooth_grad:2")


def options(folder, **more):
    given = {"model": OWN, "methods": NAMES, "images": str(folder / "images.npy"), "limit": IMAGES}
    given |= {"out": str(folder / "out"), "classes": 2, "vectors": 3, "float64": True}
    return Options(**{**given, **more})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("audit")
    np.save(path / "images.npy", np.random.default_rng(0).random((IMAGES, 3, 12, 12)))
    return path


@pytest.fixture(scope="module")
def asked(folder):
    return options(folder)


@pytest.fixture(scope="module")
def bench(asked):
    return laid(asked)


@pytest.fixture(scope="module")
def found(bench, asked):
    carried_out = worker(bench, asked)
    for place in range(len(tasks(bench, asked))):
        carried_out(place)
    return gathered(bench, asked)


def at(found, variable, method):
    return found.values.arrays[variable][found.values.place("method", method)]


# ---------------------------------------------------------------- tasks


def test_tasks_have_names_of_their_own_and_travel(bench, asked):
    work = tasks(bench, asked)
    assert len({task.name for task in work}) == len(work)
    assert pickle.loads(pickle.dumps((asked, work))) == (asked, work)
    assert tasks(laid(asked), asked) == work


def test_every_method_has_every_measurement_that_it_can_have(bench, asked):
    done = {(task.method, task.measurement) for task in tasks(bench, asked)}
    every = {measurement.name for measurement in OF_METHODS}
    without_chain = {"another image", "another class", "weights down to", "repeats"}
    without_chain |= {"maps of classes", "maps with weights destroyed"}
    assert {name for method, name in done if method == "z_plus"} == every
    assert {name for method, name in done if method == "smooth_grad:2"} == without_chain


def test_each_task_writes_one_unit_and_a_second_run_computes_none(bench, asked, found):
    files = {path.name: path.read_bytes() for path in Path(asked.out, "units").glob("*.npz")}
    assert len(files) == len(tasks(bench, asked))
    again = gathered(laid(asked), asked)
    assert {path.name: path.read_bytes() for path in Path(asked.out, "units").glob("*.npz")} == files
    for name, array in found.values.arrays.items():
        np.testing.assert_array_equal(array, again.values.arrays[name])


def test_the_order_of_the_tasks_changes_no_bit(bench, asked, found, folder):
    other = options(folder, out=str(folder / "reversed"), methods=("z_plus", "smooth_grad:2"))
    fresh = laid(other)
    for task in reversed(work := tasks(fresh, other)):
        perform(fresh, other, task)
    backwards = {path.name: path.read_bytes() for path in (folder / "reversed" / "units").glob("*.npz")}
    assert len(backwards) == len(work)
    for name, content in backwards.items():
        assert Path(asked.out, "units", name).read_bytes() == content


# ---------------------------------------------------------------- numbers


@pytest.fixture(scope="module")
def outcomes(bench, asked, tmp_path_factory):
    names = tuple(stage.name for stage in stages(bench.network))
    subjects = [fixed(method) for method in CHAINS.values()]
    examined = Examined(bench.examined.network, bench.images, None)
    made, failed = study(examined, subjects, Plan(2, names=names), Units(tmp_path_factory.mktemp("study")))
    assert not failed
    return {(o.subject.name, o.test.stage): o for o in made}


@pytest.mark.parametrize("method", CHAINS)
def test_other_classes_and_destroyed_weights_are_those_of_a_study(method, bench, found, outcomes):
    other = outcomes[method, "another class"]
    np.testing.assert_allclose(at(found, "logit", method), other.scores.swapaxes(0, 1), atol=1e-9)
    np.testing.assert_allclose(at(found, "logit_null", method), other.null.swapaxes(0, 1), atol=1e-9)
    np.testing.assert_allclose(at(found, "another", method), other.another, atol=1e-9)
    for stage in found.values.coordinates["stage"]:
        outcome, k = outcomes[method, stage], found.values.place("stage", stage)
        np.testing.assert_allclose(at(found, "cascade", method)[k], outcome.scores, atol=1e-9)
        np.testing.assert_allclose(at(found, "forward_alone", method)[k], outcome.forward_alone, atol=1e-9)


@pytest.mark.parametrize("method", ["gradient", "z_plus"])
def test_convergence_and_its_prediction_are_those_of_the_commands(method, bench, asked, found):
    starts = found.values.coordinates["start"]
    images = bench.images[: asked.closely]
    measured = csc(bench.examined.network, images, CHAINS[method], starts, 3)
    law = predict(bench.examined.network, images, CHAINS[method], starts)
    for reading in measured.readings:
        place = found.values.place("start", reading.start), found.values.place("layer", reading.layer)
        assert at(found, "csc", method)[place] == pytest.approx(10**reading.median, rel=1e-6)
        assert at(found, "csc_whole", method)[place] == pytest.approx(10**reading.whole.median, rel=1e-6)
        expected = 10 ** law.at(reading.start, reading.layer).median
        assert at(found, "predicted", method)[place] == pytest.approx(expected, rel=1e-6)


def test_all_classes_are_those_of_the_cone_and_of_the_operator(bench, found):
    network, image = bench.examined.network, bench.images[:1]
    graph = trace(network, image)
    for cone in class_cones(network, image, methods.z_plus):
        layer = found.values.place("layer", cone.layer)
        for name in ("total_variation", "share_change", "diameter", "one_minus_min_cos"):
            assert at(found, name, "z_plus")[0, layer] == pytest.approx(getattr(cone, name), rel=1e-9)
        assert np.isnan(at(found, "total_variation", "gradient")[0, layer])
        for method in ("gradient", "z_plus"):
            excess = stable_rank(ChainOperator(graph, CHAINS[method], "logits", cone.layer)).excess
            assert at(found, "stable_rank_excess", method)[0, layer] == pytest.approx(excess, rel=1e-6)


def test_the_certificate_is_that_of_the_first_image(bench, found):
    layers = list(begin(bench.examined.network, bench.images[:1], methods.z_plus).layers(Room(1 << 30, 1e12)))
    for certified, bounds in zip(layers, best(layers), strict=True):
        layer = found.values.place("layer", certified.layer.node)
        proved = at(found, "certified_total_variation", "z_plus")[:, layer]
        assert proved[0] == bounds["total_variation"] and np.isnan(proved[1:]).all()
        assert at(found, "total_variation", "z_plus")[0, layer] <= proved[0]


def test_the_books_are_those_of_the_ledger_and_add_up(bench, found):
    graph = trace(bench.examined.network, bench.images[:1])
    logits = graph.nodes[-1].value
    entries = ledger(graph, methods.z_plus, "logits", class_start(logits, logits.argmax(1)))
    books = at(found, "books", "z_plus")
    assert books[0, 1] == pytest.approx(float(sum(entry.bias.sum() for entry in entries)))
    np.testing.assert_allclose(books[:2].sum(1), 1, atol=1e-9)
    assert np.isnan(at(found, "books", "gradient")).all(), "a derivative shares nothing out"


def test_maps_are_the_same_again_and_in_a_batch(found):
    for method in NAMES:
        assert (at(found, "repeat_gap", method)[:2] == 0).all()
        assert (at(found, "batch_gap", method)[:2] < 1e-9).all()


# ---------------------------------------------------------------- what there is not


def test_what_a_method_cannot_have_is_missing_with_the_reason(found):
    assert not found.failed
    assert "linear" in found.missing["guided_backprop", "all classes"]
    assert "all of what is given" in found.missing["gradient", "books"]
    assert np.isnan(at(found, "stable_rank_excess", "guided_backprop")).all()


BROKEN = """
from dataclasses import replace
from torch_backend import methods

def bug(op, x, y):
    raise RuntimeError("a bug")

none = replace(methods.gradient, name="none", max_pool=None)
bugged = replace(methods.gradient, name="bugged", dense=bug)
"""


@pytest.mark.parametrize(("name", "why"), [("none", "without: "), ("bugged", "RuntimeError: a bug")])
def test_a_method_that_fails_is_named_and_the_others_stay(name, why, folder, tmp_path):
    (tmp_path / "rules.py").write_text(BROKEN)
    method = f"{tmp_path / 'rules.py'}:{name}"
    asked = options(folder, out=str(tmp_path / "out"), methods=("gradient", method), limit=2, closely=1)
    bench = laid(asked)
    result = gathered(bench, asked)
    assert set(result.failed) == {method} and why in result.failed[method]
    assert np.isfinite(at(result, "logit", "gradient")[..., 0]).all()
    assert np.isnan(at(result, "logit", method)).all()


def test_what_has_no_room_here_and_what_is_a_bug_are_not_kept(folder, tmp_path, monkeypatch):
    asked = options(folder, out=str(tmp_path), methods=("gradient",), limit=1)
    bench = laid(asked)
    (task,) = [task for task in tasks(bench, asked) if task.measurement == "books"]

    def without_room(*_):
        refuse("columns", expected="room", got="none", do="buy some", kind=TooLarge)

    books = module.MEASUREMENTS["books"]
    monkeypatch.setitem(module.MEASUREMENTS, "books", replace(books, compute=without_room))
    assert module.attempted(bench, asked, task) == (None, "columns: expected room, got none; buy some")
    assert not list((tmp_path / "units").glob("*.npz"))


def test_what_is_proved_is_said_though_all_classes_have_no_room_at_once(folder, tmp_path, monkeypatch):
    """As with the 1,000 classes of ImageNet."""
    monkeypatch.setattr(columns, "MEMORY", 1)
    asked = options(folder, out=str(tmp_path), methods=("z_plus",), limit=1, closely=1)
    bench = laid(asked)
    result = gathered(bench, asked)
    assert "room" in result.missing["z_plus", "all classes"]
    assert "classes_compared" not in result.values.arrays
    assert at(result, "certified_classes", "z_plus")[0, -1] == len(bench.network.nodes[-1].value[0])
    assert "class" in {verdict.question for verdict in judgements(bench, asked, result)["z_plus"]}


# ---------------------------------------------------------------- no answer without what it takes


def answers(asked):
    bench = laid(asked)
    return {
        m: {v.question: v for v in said}
        for m, said in judgements(bench, asked, gathered(bench, asked)).items()
    }


SILENT = """
import torch
from torch import nn

def net(classes, silent):
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, classes)
    with torch.no_grad():
        layers[-1].weight[:silent] = -layers[-1].weight[:silent].abs()
    return nn.Sequential(*layers)

def one_of_three_speaks(): return net(3, 2)
def three_of_four_speak(): return net(4, 1)
def one_class(): return net(1, 0)
"""


def of_silent(folder, tmp_path, name, **more):
    (tmp_path / "silent.py").write_text(SILENT)
    given = {"model": f"{tmp_path / 'silent.py'}:{name}", "out": str(tmp_path / "out"), "classes": 9}
    return answers(options(folder, **{**given, "methods": ("z_plus", "gradient"), "limit": 2, **more}))


def test_where_one_class_alone_arrives_no_class_is_judged(folder, tmp_path):
    verdict = of_silent(folder, tmp_path, "one_of_three_speaks")["z_plus"]["class"]
    assert verdict.state == "not judged" and "all 1 classes" not in verdict.sentence


def test_classes_that_do_not_arrive_are_not_among_all_classes(folder, tmp_path):
    said = of_silent(folder, tmp_path, "three_of_four_speak")
    assert "2 classes" in said["z_plus"]["class"].basis or "of 4" in said["z_plus"]["class"].measured
    assert said["gradient"]["class"].basis == "all classes"


def test_a_network_of_one_class_is_not_judged_by_its_only_direction(folder, tmp_path):
    said = of_silent(folder, tmp_path, "one_class")["gradient"]
    assert said["collapse"].state == "not judged" and "has one unit" in said["collapse"].reason
    assert said["class"].reason == "the network has one class only"


def test_where_nothing_is_looked_at_closely_the_reason_says_so(folder, tmp_path):
    asked = options(folder, out=str(tmp_path), methods=("z_plus", "smooth_grad:2"), limit=2, closely=0)
    said = answers(asked)
    for question in ("collapse", "repeat", "batch"):
        assert said["z_plus"][question].reason == "no image was looked at closely"
    assert "hands nothing down" in said["smooth_grad:2"]["collapse"].reason


def test_weights_are_not_judged_where_the_lowest_are_as_trained(folder, tmp_path, bench):
    top, *_, lowest = [stage.name for stage in stages(bench.network)]
    some = {"methods": ("z_plus",), "limit": IMAGES, "out": str(tmp_path), "closely": 0}
    verdict = answers(options(folder, stages=(top,), **some))["z_plus"]["weights"]
    assert verdict.state == "not judged" and f"down to {top} only" in verdict.reason
    verdict = answers(options(folder, stages=(top, lowest), **some))["z_plus"]["weights"]
    assert verdict.measured and "as trained" not in verdict.reason


def test_an_image_that_is_there_twice_is_no_other_image(folder, tmp_path):
    image = np.load(folder / "images.npy")[:1]
    np.save(tmp_path / "twice.npy", np.repeat(image, IMAGES, 0))
    given = {"images": str(tmp_path / "twice.npy"), "methods": ("gradient",), "closely": 0}
    verdict = answers(options(folder, out=str(tmp_path / "out"), **given))["gradient"]["image"]
    assert verdict.reason == f"maps of {IMAGES} of {IMAGES} images cannot be compared"


def test_a_map_that_is_zero_is_counted_among_those_that_cannot_be_compared(found):
    gaps = found.values.arrays["batch_gap"].copy()
    m = found.values.place("method", "gradient")
    gaps[m] = np.nan
    gaps[m, 0] = 0.0
    values = replace(found.values, arrays={**found.values.arrays, "batch_gap": gaps})
    said = {v.question: v for v in verdicts(values, "gradient", "gradient", 5, IMAGES, {})}
    assert said["batch"].reason == f"maps of {IMAGES - 1} of {IMAGES} images cannot be compared"


def test_units_that_cannot_be_written_end_the_audit(folder, tmp_path):
    (tmp_path / "units").write_text("mine")
    asked = options(folder, out=str(tmp_path), methods=("gradient",), limit=1)
    bench = laid(asked)
    with pytest.raises(OSError, match="expected a place for a file"):
        gathered(bench, asked)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stages": ("nowhere",)}, "stage: expected one of dense"),
        ({"methods": ()}, "methods: expected some, got none"),
        ({"draws": 0}, "draws: expected an integer >= 1"),
        ({"starts": ("nowhere",)}, "layer: expected the name of a node"),
        ({"device": "abacus"}, "device: expected cpu"),
        ({"device": "meta"}, "device: expected cpu"),
        ({"protocol": "mine"}, "protocol: expected corrected or paper"),
    ],
)
def test_bad_options_are_refused_in_one_line(change, words, folder):
    asked = options(folder, **change)
    with pytest.raises(ValueError, match=words):
        tasks(laid(asked), asked)


def test_the_paper_s_protocol_asks_each_method_for_its_own_classes(folder, tmp_path):
    asked = options(
        folder, out=str(tmp_path), protocol="paper", methods=("gradient", "z_plus"), limit=2, closely=1
    )
    bench = laid(asked)
    result = gathered(bench, asked)
    assert (result.values.arrays["other_class"] == -1).all()
