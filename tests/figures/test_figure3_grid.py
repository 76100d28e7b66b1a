"""The GPU benchmark of figure 3's grid, with small settings on the CPU: it runs, and its table is whole."""

from benchmarks import figure3_grid, measure


def test_the_grid_runs_on_the_cpu(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setattr(measure, "RESULTS", tmp_path)
    figure3_grid.main(["--device", "cpu", "--images", "1", "--size", "64", "--models", "resnet50"])
    table = (tmp_path / "figure3_grid_cpu.md").read_text()
    rows = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("| resnet50")]
    assert [row[1].strip() for row in rows] == [*figure3_grid.METHODS, "all"]
    assert all(float(row[2]) > 0 for row in rows)
    assert "resnet50  z_plus" in capsys.readouterr().out
