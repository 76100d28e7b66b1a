"""Every drawer refuses another's results in the house form, and says which command writes its own."""

import numpy as np
import pytest

from paper_figs import chains, cone, csc, phase_diagram, relevance

DRAWERS = {
    "simulations/fig4.py": lambda file, out: chains.draw(file),
    "simulations/phase_diagram.py": lambda file, out: phase_diagram.draw(file),
    "rankone csc": csc.draw,
    "rankone cone": cone.draw,
    "rankone relevance": relevance.draw,
}


@pytest.mark.parametrize("command", DRAWERS)
def test_other_results_are_refused(command, tmp_path):
    file, out = tmp_path / "other", tmp_path / "x.png"
    if command == "rankone relevance":
        with open(file, "wb") as stream:
            np.savez(stream, Z1=np.eye(2))
    else:
        file.write_text("a,b\n1,2\n")
    with pytest.raises(
        ValueError, match=f"other: expected .*, got .*; write the (table|file) anew with {command}"
    ):
        DRAWERS[command](file, out)
    assert not out.exists()
