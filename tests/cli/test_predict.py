"""`rankone predict`: a picture, a row for each start and layer, the layer of collapse in words."""

from rankone.results.tables import CONVERGENCE, PREDICTION
from tests.helpers.command import rankone, refused
from torch_backend import images, methods, models, predict

MODEL = ("--model", "digits-vgg", "--limit", 1, "--starts", "fc1,conv4_3")


def test_command(tmp_path) -> None:
    done = rankone("predict", *MODEL, "--methods", "z_plus,gradient", "--out", tmp_path)
    assert (done.status, done.err) == (0, "")
    assert "the layer from which on the pairs of random starts will be parallel, predicted" in done.out
    (row,) = [line.split() for line in done.out.splitlines() if line.strip().startswith("fc1")]
    assert row[1].startswith("conv") and row[3] == "-", "z⁺ collapses, the gradient does not"
    assert max(map(len, done.out.splitlines()[:-1])) <= 100
    assert (tmp_path / "predict.png").stat().st_size > 10_000
    rows = PREDICTION.read(tmp_path / "predict.csv")
    network, x = models.load("digits-vgg"), images.read("sample", images.DIGITS, 1)
    law = predict(network, x, methods.z_plus, ["fc1", "conv4_3"])
    mine = {(r["start"], r["layer"]): r["predicted"] for r in rows if r["method"] == "z_plus"}
    assert len(mine) == len(law.readings)
    for reading in law.readings:
        assert abs(mine[reading.start, reading.layer] / 10**reading.median - 1) < 1e-5


def test_beside_what_csc_has_measured(tmp_path) -> None:
    assert rankone("csc", *MODEL, "--methods", "z_plus", "--vectors", 2, "--out", tmp_path).status == 0
    table = tmp_path / "csc.csv"
    assert CONVERGENCE.read(table)
    alone = rankone("predict", *MODEL, "--methods", "z_plus", "--out", tmp_path / "alone")
    both = rankone("predict", *MODEL, "--methods", "z_plus", "--measured", table, "--out", tmp_path)
    assert alone.status == both.status == 0
    assert (tmp_path / "predict.png").read_bytes() != (tmp_path / "alone/predict.png").read_bytes()


def test_a_method_without_a_factor_is_named_and_the_others_are_kept(tmp_path) -> None:
    done = rankone("predict", *MODEL, "--methods", "guided_backprop,z_plus", "--out", tmp_path)
    assert done.status == 3
    assert "guided_backprop failed" in done.err and "a rule that shares relevance out" in done.err
    assert {row["method"] for row in PREDICTION.read(tmp_path / "predict.csv")} == {"z_plus"}


def test_another_table_is_refused(tmp_path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    line = refused(
        rankone(
            "predict",
            *MODEL,
            "--methods",
            "z_plus",
            "--measured",
            tmp_path / "other.csv",
            "--out",
            tmp_path / "out",
        )
    )
    assert "other.csv: expected columns" in line
