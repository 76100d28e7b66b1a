"""An addition reads what its parts hold, however they lie in memory: slices, broadcasts, a node twice."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.helpers import nets
from tests.helpers.methods_to_sweep import METHODS
from torch_backend import relevance, trace
from torch_backend.operators.unweighted import Sum

ALIKE = [name for name in METHODS if "rectgrad" not in name]  # whose quantile is over one layer, not two
IMAGES = torch.randn(2, 3, 6, 6, dtype=nets.DTYPE, generator=torch.Generator().manual_seed(1))


class Sliced(nn.Module):
    """One convolution whose output is cut in two halves, and what is made of them."""

    def __init__(self, body) -> None:
        super().__init__()
        self.c = nn.Conv2d(3, 8, 3, padding=1)
        self.fc = nn.Linear(4, 3)
        self.body = body

    def halves(self, x):
        return F.relu(self.c(x)).chunk(2, 1)

    def forward(self, x):
        a, b = self.halves(x)
        return self.fc(self.body(a, b).mean((2, 3)))


class Apart(Sliced):
    """The same function with a convolution for each half."""

    def halves(self, x):
        w, b = self.c.weight, self.c.bias
        return tuple(F.relu(F.conv2d(x, w[k], b[k], padding=1)) for k in (slice(0, 4), slice(4, 8)))


BODIES = {
    "a + b": lambda a, b: a + b,
    "b + a": lambda a, b: b + a,
    "a - b": lambda a, b: a - b,
    "a + b + a": lambda a, b: a + b + a,
    "in place": lambda a, b: a.add(b).relu_() + b,
    "broadcast first": lambda a, b: a.mean((2, 3), keepdim=True) + b,
    "broadcast last": lambda a, b: b + a.mean((2, 3), keepdim=True),
    "both broadcast": lambda a, b: a.mean(2, keepdim=True) + b.mean(3, keepdim=True),
    "rows": lambda a, b: a[:, :, ::2] + b[:, :, 1::2],
}


def twins(body) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    sliced, apart = (kind(BODIES[body]).double().eval() for kind in (Sliced, Apart))
    apart.load_state_dict(sliced.state_dict())
    return sliced, apart


@pytest.mark.parametrize("name", ALIKE)
@pytest.mark.parametrize("body", BODIES)
def test_slices_of_one_tensor_are_added_as_separate_tensors_are(body: str, name: str) -> None:
    sliced, apart = twins(body)
    graphs = [trace(model, IMAGES) for model in (sliced, apart)]
    assert any(isinstance(node.op, Sum) for node in graphs[0].nodes)
    r = torch.randn(2, 2, 3, dtype=nets.DTYPE, generator=torch.Generator().manual_seed(2))
    found, expected = (relevance(graph, METHODS[name], "logits", r, "input") for graph in graphs)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * float(expected.abs().max()))


@pytest.mark.parametrize(
    "first",
    [
        torch.arange(24.0).reshape(1, 2, 3, 4),
        torch.arange(48.0).reshape(1, 4, 3, 4)[:, 1:3],
        torch.arange(48.0).reshape(2, 4, 3, 2)[:, ::2].transpose(2, 3),
        torch.arange(2.0).reshape(1, 2, 1, 1).expand(3, 2, 3, 4),
        torch.arange(48.0).reshape(1, 4, 3, 4).contiguous(memory_format=torch.channels_last)[:, 1:3],
    ],
    ids=["contiguous", "slice", "every other, transposed", "expanded", "channels-last slice"],
)
def test_what_is_joined_is_what_the_parts_hold(first: torch.Tensor) -> None:
    second = torch.randn(first.shape, generator=torch.Generator().manual_seed(3))
    op = Sum(tuple(first.shape[1:]), tuple(first.shape[1:]), None, 3)
    joined = op.join((first, second, first))
    for part, value in zip(joined, (first, second, first), strict=True):
        np.testing.assert_array_equal(part[0], value)
    np.testing.assert_array_equal(op.forward(joined), first + second + first)
