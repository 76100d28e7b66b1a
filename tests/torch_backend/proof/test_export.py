"""What is exported says the same without torch: the independent verifier confirms what was certified."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rankone.errors import Refusal
from rankone.proof import network as records
from rankone.proof.verify import NotConfirmed
from rankone.proof.verify_network import verify_network
from tests.helpers import nets
from tests.torch_backend.proof.test_network_proof import AMPLE, NON_NEGATIVE, STREAMED
from torch_backend import methods
from torch_backend.proof.all_columns import Room
from torch_backend.proof.export import exact
from torch_backend.proof.network_proof import NetworkProof, begin


class Pooled(nn.Module):
    """Poolings of all kinds one after the other, ReLU6, numbers that change places."""

    image = (3, 12, 11)

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.other = nn.Conv2d(4, 4, 2, groups=2, dilation=2)
        self.fc = nn.Linear(16, 3)

    def forward(self, x):
        x = F.relu6(self.conv(x))
        x = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        x = F.max_pool2d(F.pad(x, (1, 0, 0, 1)), 3, 1)
        x = F.relu(-self.other(x)).permute(0, 2, 3, 1).flip(1)
        x = F.avg_pool2d(x.permute(0, 3, 1, 2), 2, 1, ceil_mode=True)
        x = torch.cat([x.mean((2, 3)), x[..., 0, 0], x[..., -1].mean(-1)], 1)
        return self.fc(torch.cat([x, x[:, :4]], 1))


class Overlapping(nn.Module):
    """A skip around a max-pooling whose windows overlap, and h + h."""

    image = (2, 9)

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 3, 3, padding=2, stride=2, dilation=2)
        self.fc = nn.Linear(12, 3)

    def forward(self, x):
        x = F.relu(self.conv(x))
        x = F.max_pool1d(x, 3, 1, 1) + x
        return self.fc((x + x)[..., :4].flatten(1))


KINDS = (
    nets.Chain,
    nets.Residual,
    nets.Branches,
    nets.Sequence,
    nets.Volume,
    nets.Totals,
    Pooled,
    Overlapping,
)


def of(
    kind: type[nn.Module], method: methods.Method = methods.z_plus, *, start: str = "logits"
) -> NetworkProof:
    model = nets.build(kind)
    return begin(model, nets.images_for(model, 1), method, start)


def confirmed(proof: NetworkProof, path, room: Room = AMPLE, until: str | None = None) -> str:
    layers = list(proof.layers(room, until))
    assert layers
    where, *_ = proof.certificate(layers, {"model": "a test"}).write(path / "it.cert.json")
    return verify_network(where)


@pytest.mark.parametrize("method", NON_NEGATIVE, ids=lambda m: m.name)
@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_what_is_certified_is_verified(kind, method, tmp_path):
    try:
        proof = of(kind, method)
    except Refusal as refusal:  # deep Taylor's first layer is one in part of its input only
        assert kind in (nets.Branches, Pooled, Overlapping) and "no rule" in str(refusal)
        return
    assert confirmed(proof, tmp_path).startswith("confirmed")


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_every_route_is_verified(kind, tmp_path):
    proof = of(kind)
    assert confirmed(proof, tmp_path, STREAMED).startswith("confirmed")
    assert confirmed(proof, tmp_path, AMPLE, proof.places[0]).startswith("confirmed")


@pytest.mark.parametrize("start", ["fc1", "conv2_1"])
def test_every_start_is_verified(start, tmp_path):
    assert confirmed(of(nets.Chain, start=start), tmp_path).startswith("confirmed")


def test_a_map_of_classes_starts_with_channels(tmp_path):
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 2)).double().eval()
    proof = begin(model, torch.rand(1, 2, 5, 6, dtype=nets.DTYPE), methods.z_plus)
    assert proof.record_of_start() == records.Start(proof.start.name, "channels")
    assert confirmed(proof, tmp_path).startswith("confirmed")


@pytest.mark.parametrize("kind", [nets.Chain, nets.Residual], ids=lambda k: k.__name__)
def test_the_columns_of_another_method_or_image_are_not_confirmed(kind, tmp_path):
    """The claims of one network with the nodes of another: the guard of all tests above can fail."""
    claims = list(of(kind, methods.excitation_backprop).layers(AMPLE))
    where, *_ = of(kind).certificate(claims, {}).write(tmp_path / "it.cert.json")
    with pytest.raises(NotConfirmed):
        verify_network(where)


def test_float32_weights_are_recorded_as_they_are_and_others_in_float64():
    single = torch.rand(3, dtype=torch.float32)
    assert exact(single.double()).dtype == np.float32
    assert exact(single.double() * (1 + 2**-40)).dtype == np.float64


def test_a_function_without_a_record_is_named():
    class Tanh(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(3, 4), nn.Linear(4, 2)

        def forward(self, x):
            return self.fc2(self.fc1(x).tanh())

    model = Tanh().double().eval()
    with pytest.raises(Refusal, match=r"tanh \(activation, tanh\): expected a node that a certificate has"):
        begin(model, torch.rand(1, 3, dtype=nets.DTYPE), methods.z_plus)
