"""What keeps a chain alive: the script's table, and that a dealt chain is another one."""

from rankone.results.tables import SHUFFLED
from simulations import why_alive
from torch_backend import methods


def test_every_order_has_its_rows_and_only_dealt_weights_differ(tmp_path, capsys) -> None:
    orders = "trained,inputs_together,normal"
    few = ["--model", "digits-vgg", "--starts", "conv4_3", "--methods", "z_plus", "--limit", "1"]
    why_alive.main([*few, "--vectors", "3", "--draws", "1", "--orders", orders, "--out", str(tmp_path)])
    rows = SHUFFLED.read(tmp_path / "why_alive.csv")
    assert list(dict.fromkeys(row["order"] for row in rows)) == orders.split(",")
    last = {row["order"]: row["median"] for row in rows if row["layer"] == "conv1_1"}
    assert len(set(last.values())) == 3
    assert "digits-vgg: 1 - |cos| at conv1_1" in capsys.readouterr().out


def test_a_kind_that_is_not_named_keeps_its_rule() -> None:
    changed = why_alive.dealt(methods.z_plus, "signs", 0, ("dense",))
    assert changed.convolution is methods.z_plus.convolution
    assert changed.dense is not methods.z_plus.dense
    assert why_alive.dealt(methods.z_plus, "trained", 0) is methods.z_plus
