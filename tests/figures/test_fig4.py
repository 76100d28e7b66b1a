import csv
import math
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from paper_figs import chains as figure
from rankone.chain import Strand, linear, running_products
from rankone.ensembles import alpha_beta, non_negative, positive, stochastic, vanilla
from rankone.proof.certificate import certify
from rankone.results.median import clustered_median
from rankone.results.tables import FIG4
from rankone.similarity import one_minus_abs_cosine
from simulations import fig4

SAMPLES = 10

# reproduction.md, "values to expect": 1 − |cos| after so many factors. They are *means* over different pairs
# (√(2/(1000 π)) = .0252 at the start; the median would be .0213) of one or a few samples.
EXPECTED = {
    Strand(vanilla): {0: 0.975, 1: 0.971, 4: 0.941, 7: 0.915, 10: 0.883, 15: 0.778, 16: 0.449},
    Strand(vanilla, fig4.rectified): {0: 0.975, 1: 0.68, 4: 0.32, 7: 0.20, 10: 0.10, 15: 0.06, 16: 0.08},
    Strand(non_negative): {4: 1.1e-7, 7: 8e-15},
    Strand(positive): {4: 2e-9},
    Strand(alpha_beta(2, 1)): {4: 8e-3, 7: 2e-7},
    Strand(alpha_beta(5, 4)): {4: 0.30, 7: 0.017},
    Strand(alpha_beta(10, 9)): {4: 0.89, 7: 0.81},
}


@pytest.fixture(scope="module")
def simulated():
    return fig4.simulate(SAMPLES, seed=1)


def of(x, strand):
    return x[:, :, fig4.STRANDS.index(strand)]


def spreads_away(value, sample_means):
    """By how many standard deviations of a sample a published value misses the samples' mean, in decades."""
    at = np.log10(sample_means[sample_means > 0])  # (in width 3, ReLU may leave all pairs exactly parallel)
    return abs(np.log10(value) - at.mean()) / at.std(ddof=1)


@pytest.mark.parametrize("strand", EXPECTED, ids=lambda s: f"{s.ensemble} {s.step.__name__}")
def test_the_published_values_lie_among_the_samples(simulated, strand):
    means = np.nanmean(10 ** of(simulated, strand), axis=2)
    for k, value in EXPECTED[strand].items():
        assert spreads_away(value, means[:, k]) < 3.5, k


def test_the_comparison_with_published_values_can_fail(simulated):
    means = np.mean(10 ** of(simulated, Strand(vanilla)), axis=2)
    assert spreads_away(EXPECTED[Strand(vanilla)][4], means[:, 1]) > 3.5


def test_the_published_values_are_means_over_pairs_and_not_medians(simulated):
    start = 10 ** of(simulated, Strand(vanilla))[:, 0]
    np.testing.assert_allclose(start.mean(axis=1).mean(), 0.975, atol=1e-3)
    assert np.median(start, axis=1).mean() > 0.975 + 3e-3


def test_the_paper_protocol_is_the_published_values_plus_self_pairs(simulated):
    x = of(simulated, Strand(vanilla))
    mean_of_different = np.median((10**x).mean(axis=2), axis=0)
    # an odd or an even number of samples: `clustered_median` takes a sample's value, numpy the middle of two
    np.testing.assert_allclose(fig4.median_of_means(x)[0], mean_of_different * 496 / 528, rtol=0.02)


@pytest.mark.parametrize(
    "curve",
    [c for c in fig4.CURVES if c.strand.step is linear],
    ids=lambda c: f"{c.ensemble} {c.alpha} {c.beta}",
)
def test_theory_lies_within_0_15_decades_and_sampling_error_of_simulation(simulated, curve):
    law = np.log10(fig4.theory(curve.strand))
    _, low, high = np.log10(fig4.median_of_pairs(of(simulated, curve.strand)))
    gap = np.maximum(law - high, low - law)  # beyond the 95 % interval
    assert gap.max() < 0.15


def test_theory_would_be_found_wrong(simulated):
    law = np.log10(fig4.theory(Strand(alpha_beta(2.2, 1))))
    _, low, high = np.log10(fig4.median_of_pairs(of(simulated, Strand(alpha_beta(2, 1)))))
    assert np.maximum(law - high, low - law).max() > 0.3


def test_the_law_of_relu_holds_at_the_wide_factors(simulated):
    strand = Strand(vanilla, fig4.rectified)
    np.testing.assert_allclose(
        fig4.median_of_pairs(of(simulated, strand))[0][:8], fig4.theory(strand)[:8], rtol=0.07
    )


def test_both_precisions_give_the_same_curves(simulated):
    """Other random numbers, so within sampling error: the paper protocol's float64 against float32."""
    double = fig4.simulate(2, seed=2, dtype=np.float64)
    for strand in (Strand(vanilla), Strand(positive), Strand(non_negative)):
        one, other = (np.nanmedian(of(x, strand), axis=(0, 2)) for x in (simulated, double))
        np.testing.assert_allclose(other[:16], one[:16], atol=0.5)


SMALL = ((12, 20), (20, 9), (9, 4))


def test_samples_do_not_depend_on_the_number_of_cores_or_of_samples(monkeypatch):
    runs = []
    for cores, samples in ((1, 3), (3, 3), (2, 5)):
        monkeypatch.setattr(fig4.os, "cpu_count", lambda cores=cores: cores)
        runs.append(fig4.simulate(samples, seed=3, probes=4, shapes=SMALL))
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_array_equal(runs[0], runs[2][:3])
    assert (runs[2][3] != runs[2][4]).any()
    assert (fig4.simulate(1, seed=4, probes=4, shapes=SMALL) != runs[0][:1]).any()


def test_corrected_protocol_is_the_clustered_median_of_different_pairs():
    x = np.log10(np.random.default_rng(0).uniform(size=(7, 3, 10)))
    for k in range(3):
        np.testing.assert_allclose(fig4.median_of_pairs(x)[:, k], 10 ** np.array(clustered_median(x[:, k])))


def test_paper_protocol_against_its_definition():
    """1 − nanmean |cos| over the upper triangle with its diagonal, a dead vector's cosines being NaN."""
    rng = np.random.default_rng(0)
    blocks = rng.standard_normal((5, 6, 4))
    blocks[3, 2] = 0
    defined = []
    for R in blocks:
        with np.errstate(invalid="ignore"):
            U = R / np.linalg.norm(R, axis=1, keepdims=True)
        defined.append(1 - np.nanmean(np.abs(U @ U.T)[np.triu_indices(6)]))
    x = np.log10([[one_minus_abs_cosine(R)] for R in blocks])
    np.testing.assert_allclose(fig4.median_of_means(x)[0], [np.median(defined)], rtol=1e-12)


def test_paper_protocol_ends_where_a_double_ends():
    x = np.full((3, 2, 10), -20.0)
    x[:, 0] = -3
    np.testing.assert_allclose(fig4.median_of_means(x)[0], [1e-3 * 10 / 15, 0])


def test_a_sample_without_living_pairs_is_left_out_by_both_protocols():
    x = np.full((4, 1, 3), -1.0)
    x[0] = np.nan
    np.testing.assert_allclose([fig4.median_of_pairs(x)[0], fig4.median_of_means(x)[0]], [[0.1], [0.05]])


def test_the_command_writes_the_table_and_both_pictures(tmp_path, capsys):
    fig4.main(["--out", str(tmp_path), "--samples", "1", "--probes", "3", "--protocol", "paper"])
    with (tmp_path / "fig4.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == FIG4.names
    curves = {(row["panel"], row["ensemble"], row["alpha"], row["beta"]) for row in rows}
    ensembles = ["vanilla", "relu", "stochastic", "positive", "non_negative"]
    assert curves == {("a", name, "", "") for name in ensembles} | {
        ("b", "alpha_beta", str(a), str(b)) for a, b in fig4.ALPHA_BETA
    }
    assert [row["multiplications"] for row in rows] == [str(k) for k in range(17)] * 11
    for row in rows:
        median, low, high = (float(row[name]) for name in ("median", "low", "high"))
        assert (0 <= low <= median <= high <= 1) or math.isnan(median)
        assert 0 < float(row["theory"]) <= 1
    assert imread(tmp_path / "fig4.png").std() > 0.05
    assert (tmp_path / "fig4.pdf").read_bytes().startswith(b"%PDF")
    captured = capsys.readouterr()
    assert "largest |theory − simulated median|" in captured.out
    assert "figure 4: 100%" in captured.err


def options(tmp_path, **values):
    return Namespace(out=tmp_path, seed=0, protocol="corrected", **values)


@pytest.mark.parametrize("step", fig4.STEPS)
def test_own_weights_take_the_place_of_an_ensemble(tmp_path, step):
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(shape) + 0.5 for shape in ((30, 25), (25, 20), (20, 20), (20, 10))]
    path = tmp_path / "mine.npz"
    np.savez(path, **{f"W{k}": W for k, W in enumerate(weights, 1)})
    rows = fig4.rows_of_weights(options(tmp_path, weights=path, weights_step=step, samples=200, probes=4))
    median, law = (np.array([row[name] for row in rows]) for name in ("median", "theory"))
    start = np.random.default_rng(9).standard_normal((60, 30))
    products = running_products(start, fig4.load_weights(path), fig4.STEPS[step])
    direct = [np.median(b.log10_distances()) for b in products]
    np.testing.assert_allclose(np.log10(median), direct, atol=0.25)
    if step == "linear":
        np.testing.assert_allclose(np.log10(law), np.log10(median), atol=0.5)
    else:
        assert np.isnan(law).all()


def test_own_weights_are_drawn_in_panel_a(tmp_path, monkeypatch):
    zeros = np.zeros((2, 17, len(fig4.STRANDS), 1))
    monkeypatch.setattr(fig4, "simulate", lambda samples, **_: zeros[:samples])
    path = tmp_path / "mine.npz"
    np.savez(path, W1=np.eye(5), W2=np.ones((5, 2)))
    fig4.main(["--out", str(tmp_path), "--weights", str(path), "--samples", "2", "--probes", "2"])
    learned = [row for row in FIG4.read(tmp_path / "fig4.csv") if row["ensemble"] == "learned"]
    assert [(row["panel"], row["multiplications"]) for row in learned] == [("a", 0), ("a", 1), ("a", 2)]
    assert (tmp_path / "fig4.png").exists()


def test_weight_names_are_in_the_order_of_their_numbers(tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, **{f"W{k}": np.full((2, 2), float(k)) for k in (10, 2, 1, 3, 4, 5, 6, 7, 8, 9)})
    assert [Z[0, 0] for Z in fig4.load_weights(path)] == list(range(10, 0, -1))


@pytest.mark.parametrize("step", fig4.STEPS)
def test_a_file_of_rankone_certify_is_the_same_chain(tmp_path, step):
    rng = np.random.default_rng(0)
    W = [rng.standard_normal(shape) for shape in ((30, 25), (25, 20), (20, 10))]
    np.savez(tmp_path / "w.npz", **{f"W{k}": A for k, A in enumerate(W, 1)})
    np.savez(tmp_path / "z.npz", **{f"Z{k}": np.ascontiguousarray(A.T) for k, A in enumerate(W[::-1], 1)})
    one, other = (
        fig4.rows_of_weights(
            options(tmp_path, weights=tmp_path / name, weights_step=step, samples=2, probes=3)
        )
        for name in ("w.npz", "z.npz")
    )
    assert [row["median"] for row in one] == [row["median"] for row in other]
    laws = [[row["theory"] for row in rows] for rows in (one, other)]
    np.testing.assert_allclose(laws[0], laws[1], rtol=1e-9)


@pytest.mark.parametrize("ensemble", [non_negative, positive, stochastic], ids=["max(N, 0)", "|N|", "shares"])
def test_a_simulated_chain_is_certified_as_it_is(simulated, ensemble):
    """Figure 4's own factors at VGG-16's shapes: the certified bounds hold for the simulated vectors."""
    probes, factors = fig4.chain_of_sample(1, ensemble, seed=1)
    *_, last = running_products(probes, factors, dtype=np.float32)
    at_the_input = of(simulated, Strand(ensemble))[1, -1]
    np.testing.assert_allclose(last.log10_distances(), at_the_input, atol=1e-3)

    certificate = certify(factors)
    *_, non_negative_starts = running_products(np.abs(probes), factors)
    largest = 10 ** non_negative_starts.log10_distances().max()
    assert 0 < largest <= certificate.bound("one_minus_cos") < 1e-20
    within = 10**at_the_input <= certificate.bound("signed_one_minus_cos")
    assert within.mean() >= 0.9


def write(path: Path, content) -> list[str]:
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.savez(path, **content)
    return ["--weights", str(path)]


BAD = {
    "no samples": (["--samples", "0"], "--samples: expected an integer >= 1"),
    "one probe": (["--probes", "1"], "--probes: expected an integer >= 2"),
    "negative seed": (["--seed", "-1"], "--seed: expected an integer >= 0"),
    "no such file": (["--weights", "nowhere.npz"], "No such file"),
    "not an npz": (b"no archive", "expected an .npz file"),
    "an empty file": (b"", "expected an .npz file"),
    "wrong names": ({"A": np.eye(2)}, "expected arrays W1, W2"),
    "pickled objects": ({"W1": np.array([{}])}, "expected an .npz file of numbers|allow_pickle"),
    "shapes that do not meet": ({"W1": np.eye(2), "W2": np.eye(3)}, "W2: expected 2 rows"),
    "names of both kinds": ({"W1": np.eye(2), "Z1": np.eye(2)}, "expected arrays W1, W2, … or Z1"),
    "not finite": ({"W1": np.full((2, 2), np.nan)}, "expected finite entries"),
    "not a matrix": ({"W1": np.ones(3)}, "expected a matrix"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_values_are_refused_before_the_simulation(tmp_path, monkeypatch, case):
    monkeypatch.setattr(fig4, "simulate", lambda *_, **__: pytest.fail("the simulation was started"))
    given, message = BAD[case]
    arguments = given if isinstance(given, list) else write(tmp_path / "weights.npz", given)
    with pytest.raises((ValueError, OSError), match=message):
        fig4.main(["--out", str(tmp_path / "out"), *arguments])


@pytest.mark.parametrize("arguments", [["--samples", "0"], ["--samples", "many"], ["--protocol", "other"]])
def test_the_script_refuses_with_one_line_and_status_two(tmp_path, arguments):
    script = Path(fig4.__file__)
    command = [sys.executable, str(script), "--out", str(tmp_path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=script.parents[1])
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("fig4: ")
    assert done.stdout == ""


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", ",".join(FIG4.names) + "\n"])
def test_a_table_that_is_not_fig4s_is_not_drawn(tmp_path, text):
    (tmp_path / "fig4.csv").write_text(text)
    with pytest.raises(ValueError, match=r"fig4\.csv: expected"):
        figure.draw(tmp_path / "fig4.csv")
