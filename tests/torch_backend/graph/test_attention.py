"""Which softmaxes make gates: those of a squeeze, not those over places."""

import torch
from torch import Tensor, nn

from torch_backend import ledger, methods, relevance, trace


class Split(nn.Module):
    """Split attention (Zhang et al. 2020): halves of the channels, weighted by a softmax of their squeeze."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.weigh, self.fc = nn.Conv2d(3, 8, 3), nn.Linear(4, 8), nn.Linear(4, 5)

    def weights(self, halves: Tensor) -> Tensor:
        return self.weigh(halves.sum(1).mean((2, 3))).view(-1, 2, 4, 1, 1).softmax(1)

    def forward(self, x: Tensor) -> Tensor:
        halves = torch.relu(self.conv(x)).unflatten(1, (2, 4))
        return self.fc((halves * self.weights(halves)).sum(1).mean((2, 3)))


class Pooled(Split):
    """Attention pooling: weights over places, of what stands there."""

    def forward(self, x: Tensor) -> Tensor:
        places = torch.relu(self.conv(x)).flatten(2)
        weights = places.mean(1, keepdim=True).softmax(-1)
        return self.fc((places * weights).sum(-1).unflatten(1, (2, 4)).sum(1))


def read(model: nn.Module):
    torch.manual_seed(0)
    network = model.double().eval()
    return trace(network, torch.randn(2, 3, 8, 8, dtype=torch.float64))


def test_weights_of_a_squeeze_are_a_gate():
    graph = read(Split())
    start = torch.ones(1, 2, 5, dtype=torch.float64)
    assert relevance(graph, methods.z_plus, "logits", start, "input").abs().max() > 0
    assert all(entry.rest.abs().max() < 1e-12 for entry in ledger(graph, methods.z_plus, "logits", start))
    assert [node.kind for node in graph.nodes].count("gate") == 1


def test_weights_over_places_are_none():
    assert "gate" not in [node.kind for node in read(Pooled()).nodes]
