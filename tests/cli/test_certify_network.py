"""`rankone certify --model`: three files that are verified, a table, a picture, sentences; one line each."""

import numpy as np
import pytest

from rankone.errors import Refusal
from rankone.proof.network import read_certificate
from rankone.proof.verify import NotConfirmed
from rankone.proof.verify_network import verify_network
from rankone.results.tables import CERTIFIED
from tests.helpers.command import Done, rankone, refused
from torch_backend.commands import certify as command
from torch_backend.proof import all_columns


def certified(out, *arguments: object) -> Done:
    return rankone("certify", "--model", "digits-vgg", "--out", out / "d.cert.json", *arguments)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Two images, all the way down."""
    out = tmp_path_factory.mktemp("certified")
    return out, certified(out, "--limit", 2)


def test_files_are_written_and_verified(done):
    out, said = done
    assert (said.status, said.err) == (0, "")
    names = {"d.csv", "d.png", "d.weights.safetensors"}
    for place in range(2):
        path = out / f"d_{place}.cert.json"
        assert verify_network(path).startswith("confirmed: ")
        assert f"check it: rankone verify {path}" in said.out
        names |= {path.name, f"d_{place}.values.safetensors"}
    assert {path.name for path in out.iterdir()} == names


def test_another_image_is_not_confirmed(done):
    out, _ = done
    values = [(out / f"d_{place}.values.safetensors").read_bytes() for place in range(2)]
    (out / "d_0.values.safetensors").write_bytes(values[1])
    try:
        with pytest.raises(NotConfirmed):
            verify_network(out / "d_0.cert.json")
    finally:
        (out / "d_0.values.safetensors").write_bytes(values[0])


def test_the_table_has_what_is_certified_computed_and_sampled(done):
    out, _ = done
    rows = CERTIFIED.read(out / "d.csv")
    layers = read_certificate(out / "d_0.cert.json").layers
    assert [row["layer"] for row in rows if row["image"] == 0] == [layer.node for layer in layers]
    for row in rows:
        assert (
            row["one_minus_cos"] >= row["computed_one_minus_cos"] >= row["sampled_one_minus_cos"] * (1 - 1e-9)
        )
        assert row["share"] >= row["computed_share"]
    assert rows[-1]["layer"] == "input"


def test_the_sentences_say_what_the_certificate_claims(done):
    out, said = done
    words = " ".join(said.out.split())
    bounds = read_certificate(out / "d_1.cert.json").layers[-1].bounds
    assert f"by more than {command.changed(bounds['share'])}" in words
    assert f"nor move more than {command.percent(bounds['total_variation'])} of the map" in words
    assert "goes to biases" in words
    assert max(map(len, said.out.splitlines()[:-1])) <= 110


def test_a_layer_that_was_asked_for_is_the_last_with_all_classes(tmp_path):
    said = certified(tmp_path, "--layer", "conv5_1")
    assert said.status == 0
    routes = {row["layer"]: row["route"] for row in CERTIFIED.read(tmp_path / "d.csv")}
    assert routes["conv5_1"] == "pairs" and routes["conv4_3"] == "envelope"
    assert verify_network(tmp_path / "d.cert.json").startswith("confirmed")


@pytest.mark.parametrize(
    "arguments,reason",
    [
        (("--method", "lrp_z"), "whose chain has no negative numbers"),
        (("--method", "guided_backprop"), "no bound over all starts is known"),
        (("--layer", "conv9"), "expected one that all relevance passes"),
        (("--budget", "0.000001"), "budget: expected at least the work of"),
        (("--budget", "-1"), "expected more than 0"),
        (("--start", "nowhere"), "expected the name of a node"),
    ],
)
def test_refusals(tmp_path, arguments, reason):
    assert reason in refused(certified(tmp_path, *arguments))
    assert not list(tmp_path.iterdir())


def test_a_bad_image_and_a_bad_place_are_refused(tmp_path):
    assert "device: expected cpu" in refused(certified(tmp_path, "--device", "abacus"))
    np.save(tmp_path / "nan.npy", np.full((1, 3, 32, 32), np.nan, np.float32))
    assert "finite numbers" in refused(certified(tmp_path, "--images", tmp_path / "nan.npy"))
    (tmp_path / "d.cert.json").mkdir()
    assert "expected a place for a file" in refused(certified(tmp_path))
    out = tmp_path / "d.json"
    assert ".cert.json" in refused(rankone("certify", "--model", "digits-vgg", "--out", out))
    assert "either a file of factors or --model" in refused(rankone("certify", "--out", out))


@pytest.mark.parametrize(
    "stops,status,line", [(KeyboardInterrupt(), 130, "interrupted"), (MemoryError("no room"), 2, "no room")]
)
def test_what_was_certified_before_it_was_stopped_is_kept(tmp_path, monkeypatch, stops, status, line):
    whole = all_columns._found

    def stopped(step, *rest, **more):
        if step.stretch.bottom.name == "conv5_1":
            raise stops
        return whole(step, *rest, **more)

    monkeypatch.setattr(all_columns, "_found", stopped)
    said = certified(tmp_path)
    assert said.status == status
    assert said.err.splitlines() == [
        "rankone: stopped below conv5_2; what was certified is written",
        f"rankone: {line}",
    ]
    assert [layer.node for layer in read_certificate(tmp_path / "d.cert.json").layers][-1] == "conv5_2"
    assert verify_network(tmp_path / "d.cert.json").startswith("confirmed")


@pytest.mark.parametrize("stops,status", [(KeyboardInterrupt(), 130), (Refusal("image: no sum"), 2)])
def test_images_that_were_done_before_it_was_stopped_are_in_the_table(tmp_path, monkeypatch, stops, status):
    whole = command.measure

    def stopped(*arguments, place, **options):
        if place == 1:
            raise stops
        return whole(*arguments, place=place, **options)

    monkeypatch.setattr(command, "measure", stopped)
    said = certified(tmp_path, "--limit", 3)
    assert said.status == status
    assert said.err.splitlines()[0] == "rankone: stopped after 1 of 3 images; what was certified is written"
    assert {row["image"] for row in CERTIFIED.read(tmp_path / "d.csv")} == {0}
    assert (tmp_path / "d.png").exists() and "Written: " in said.out
    assert verify_network(tmp_path / "d_0.cert.json").startswith("confirmed")


def test_where_the_budget_leaves_nothing_to_certify_it_is_said_and_drawn(tmp_path):
    said = certified(tmp_path, "--budget", "0.00001")
    assert (said.status, said.err) == (0, "")
    assert "Nothing is certified of the map at input" in said.out and "raise --budget" in said.out
    assert (tmp_path / "d.png").exists()


def test_what_is_too_much_for_the_options_is_no_verdict(done):
    out, _ = done
    assert "fractions, more than" in refused(rankone("verify", out / "d_0.cert.json", "--exact"))
    chain = rankone("verify", out / "d_0.cert.json", "--factors", out / "d.csv")
    assert "--factors: expected a certificate of a chain" in refused(chain)


def test_what_was_not_compared_is_not_called_computed(tmp_path, monkeypatch):
    monkeypatch.setattr(all_columns, "PAIRED", 1e5)  # pairs of few layers
    assert certified(tmp_path, "--layer", "conv3_1").status == 0
    rows = CERTIFIED.read(tmp_path / "d.csv")
    assert {row["route"] for row in rows} == {"pairs", "shares", "envelope"}
    for row in rows:
        known = {name for name in command.QUANTITIES if not np.isnan(row[f"computed_{name}"])}
        assert known == set(command.ATTAINED[row["route"]])
        assert all(row[name] >= row[f"computed_{name}"] for name in known)
