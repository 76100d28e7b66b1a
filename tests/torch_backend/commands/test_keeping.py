"""The key of a unit: whatever its numbers depend on is in it, whatever they do not is not."""

import numpy as np
import pytest
import torch
from torch import nn

from rankone.results.runs import Units
from torch_backend import methods
from torch_backend.commands import cone
from torch_backend.commands.keeping import about, files, keep_in
from torch_backend.proof.class_cone import ClassCone


class Odd(nn.Linear):
    """One that says where it lies, another place in each process."""

    def extra_repr(self) -> str:
        return f"{object.__repr__(self)}"


def test_equal_networks_have_equal_keys_wherever_they_lie():
    one, two = Odd(2, 3), Odd(2, 3)
    two.load_state_dict(one.state_dict())
    assert about(one, ["a"]) == about(two, ["a"])
    assert about(one, ["a"]) != about(one, ["b"])
    assert about(one, ["a"]) != about(nn.Linear(2, 3), ["a"])


def test_every_file_that_a_word_names_counts_and_the_python_beside_it(tmp_path):
    for name in ("net.py", "layers.py", "p:a=t.npy", "notes.txt"):
        (tmp_path / name).write_text(name)
    words = [
        f"{tmp_path}/net.py:Net",
        f"mask={tmp_path}/p:a=t.npy:each",
        f"pattern_net:{tmp_path}/absent",
        "",
    ]
    found = files(words)
    named = [str(tmp_path / name) for name in ("layers.py", "net.py", "p:a=t.npy")]
    assert list(found) == named
    (tmp_path / "layers.py").write_text("changed")
    changed = files(words)
    assert {path for path in found if found[path] != changed[path]} == {str(tmp_path / "layers.py")}
    assert files([f"{tmp_path}/notes.txt"]).keys() == {str(tmp_path / "notes.txt")}


def test_the_last_bit_of_an_image_and_its_precision_count(tmp_path):
    keeping = keep_in(tmp_path, nn.Linear(2, 3), [], {"z_plus": methods.z_plus, "g": methods.gradient})
    x = torch.ones(1, 2, dtype=torch.float64)
    near = x * (1 + 2**-52)
    for k, (method, images, what) in enumerate(
        [
            (methods.z_plus, x, {}),
            (methods.z_plus, near, {}),
            (methods.z_plus, x.float(), {}),
            (methods.z_plus, x.view(2, 1), {}),
            (methods.z_plus, x, {"seed": 1}),
            (methods.gradient, x, {}),
        ]
    ):
        assert keeping.part(method, images, what, lambda k=k: {"k": k})["k"] == k
    assert keeping.units.computed == 6


CONES = (
    ClassCone("conv1", 3, (), 0.1, 0.5, float("inf"), 2.0, 0.1, 0.2, 1e-9),
    ClassCone("input", 1, (0, 2), *[float("nan")] * 7),
)


@pytest.mark.parametrize("cones", [CONES, CONES[:1]])
def test_cones_come_back_from_the_disk_as_they_were(cones, tmp_path):
    kept = Units(tmp_path).get("cones", {}, lambda: cone._arrays(cones))
    back = cone._cones(kept)
    assert repr(back) == repr(cones)
    assert all(type(c.silent) is tuple and type(c.classes) is int for c in back)
    np.testing.assert_array_equal([c.missing for c in back], [c.missing for c in cones])
