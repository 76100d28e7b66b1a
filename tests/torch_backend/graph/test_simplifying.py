"""Moves that undo one another are no nodes, also where what stood between them has folded."""

import torch
from torch import nn

from tests.helpers.wrapped import Wrapped
from torch_backend import trace

IMAGES = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))


def kinds(body) -> list[str]:
    torch.manual_seed(0)
    model = Wrapped(body, conv=nn.Conv2d(3, 4, 3), scale=nn.Conv2d(4, 4, 1)).eval()
    return [node.kind for node in trace(model, IMAGES).nodes]


def scaled_channels_last(m, x):
    h = m.conv(x).permute(0, 2, 3, 1) * m.scale.bias + 1.0
    return torch.relu(h.permute(0, 3, 1, 2))


def test_there_and_back_around_what_folds_is_nothing():
    assert kinds(scaled_channels_last) == ["input", "convolution", "relu"]


def test_there_and_elsewhere_stays():
    def body(m, x):
        return torch.relu(m.conv(x).permute(0, 2, 3, 1)).permute(0, 2, 3, 1)

    assert kinds(body).count("route") == 2
