"""`rankone cone`: a picture, a row for each image and layer, one line for every mistake."""

import numpy as np
import pytest

from tests.helpers.command import rankone, refused
from torch_backend import class_cones, images, methods, models


def test_command(tmp_path):
    done = rankone(
        "cone",
        "--model",
        "digits-vgg",
        "--methods",
        "z_plus,excitation_backprop",
        "--limit",
        2,
        "--out",
        tmp_path,
    )
    assert done.status == 0
    assert (
        "between any two of 10 classes (0, 1, 2, 3, 4, 5, 6, 7, 8, 9) and their non-negative mixtures,"
        in done.out
    )
    assert "the worst of 2 images, rounded up:" in done.out
    assert done.err == ""
    assert max(map(len, done.out.splitlines()[:-1])) <= 100
    assert (tmp_path / "cone.png").stat().st_size > 10_000
    rows = (tmp_path / "cone.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 2 * 2 * 16
    assert rows[0].startswith("model,method,image,layer,classes,missing,least,most,diameter,share_change,")
    cone = class_cones(models.load("digits-vgg"), images.digits("test")[0][1:2], methods.z_plus, "conv3_1")[0]
    row = next(row for row in rows if row.startswith("digits-vgg,z_plus,1,conv3_1,")).split(",")
    expected = [cone.least, cone.most, cone.diameter, cone.share_change, cone.one_minus_min_cos]
    np.testing.assert_allclose([float(cell) for cell in row[6:11]], expected, rtol=1e-4)


@pytest.mark.parametrize(
    "arguments,reason",
    [
        (("--methods", "gradient"), "expected a non-negative chain"),
        (("--layers", "conv9"), "expected the name of a node"),
        (("--limit", "0"), "limit: expected at least 1 image"),
    ],
)
def test_command_refusals(tmp_path, arguments, reason):
    done = rankone("cone", "--model", "digits-vgg", "--limit", 1, "--out", tmp_path, *arguments)
    assert reason in refused(done)
