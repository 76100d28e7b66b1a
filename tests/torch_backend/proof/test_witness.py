"""A convolution is looked at unit by unit: its own sums pass, other algorithms and precisions do not."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from rankone.errors import Refusal
from torch_backend import methods, trace
from torch_backend.operators.convolution import Convolution
from torch_backend.proof.network_proof import begin
from torch_backend.proof.witness import Witnessed, readers

GEOMETRIES = (
    {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1},
    {"stride": (2, 3), "padding": (0, 2), "dilation": (1, 2), "groups": 1},
    {"stride": (2, 1), "padding": (1, 0), "dilation": (2, 1), "groups": 2},
    {"stride": (1, 1), "padding": (2, 1), "dilation": (1, 1), "groups": 4},
)


def convolution(stride, padding, dilation, groups) -> Convolution:
    layer = nn.Conv2d(4, 8, (3, 2), stride, padding, dilation, groups, bias=False).double().eval()
    with torch.no_grad():
        layer.weight.abs_()
    return trace(layer, torch.rand(1, 4, 7, 8, dtype=torch.float64)).nodes[-1].op


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_a_unit_is_read_by_these_outputs_with_these_weights(geometry):
    op = convolution(**geometry)
    r = torch.rand(1, 1, *op.target, dtype=torch.float64)
    x = op.adjoint(r)[0, 0]
    for unit in torch.cartesian_prod(*map(torch.arange, op.source)).tolist():
        expected = sum(weights @ r[0, 0][index] for index, weights in readers(op, tuple(unit)))
        torch.testing.assert_close(x[tuple(unit)], x.new_tensor(float(expected)))


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_plain_sums_pass(geometry):
    op = convolution(**geometry)
    r = torch.rand(3, 1, *op.target, dtype=torch.float64) ** 20
    seen = Witnessed(op.in_shape, op.out_shape, inner=op)
    assert torch.equal(seen.adjoint(r), op.adjoint(r))


class Rough(Convolution):
    """Errors relative to the largest number, as Winograd's and Fourier's ways have."""

    def adjoint(self, r):
        x = super().adjoint(r)
        return x + x.abs().max() * 1e-13


class Single(Convolution):
    """In float32."""

    def adjoint(self, r):
        return replace(Convolution(**vars(self)), weight=self.weight.float()).adjoint(r.float()).double()


@pytest.mark.parametrize("kind", [Rough, Single])
def test_errors_beside_the_largest_number_and_float32_do_not(kind):
    op = convolution(**GEOMETRIES[0])
    fields = {name: getattr(op, name) for name in op.__dataclass_fields__}
    r = torch.rand(3, 1, *op.target, dtype=torch.float64) ** 20
    with pytest.raises(Refusal, match="convolution: expected sums of products in float64"):
        Witnessed(op.in_shape, op.out_shape, inner=kind(**fields)).adjoint(r)


def test_a_certificate_looks_at_every_convolution(monkeypatch):
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 3)).double().eval()
    proof = begin(model, torch.rand(1, 2, 6, 6, dtype=torch.float64), methods.z_plus)
    adjoint = Convolution.adjoint
    monkeypatch.setattr(Convolution, "adjoint", lambda self, r: adjoint(self, r) * (1 + 1e-12))
    from torch_backend.proof.all_columns import Room

    with pytest.raises(Refusal, match="convolution: expected sums of products"):
        list(proof.layers(Room(1 << 30, 1e12)))
