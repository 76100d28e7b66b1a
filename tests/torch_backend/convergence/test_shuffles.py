"""What an order of the weights keeps it keeps to the last bit, and what it destroys it destroys."""

import numpy as np
import pytest
import torch

from torch_backend.convergence.shuffles import SHUFFLES

W = torch.randn(6, 5, 3, 3, generator=torch.Generator().manual_seed(0))
# What is kept: sorted values over these axes, for each index of the others.
KEPT = {
    "everything": (0, 1, 2, 3),
    "within_filters": (1, 2, 3),
    "within_inputs": (0, 2, 3),
    "within_kernels": (2, 3),
    "across_inputs": (1,),
    "across_filters": (0,),
}


def sorted_over(W, axes):
    others = [k for k in range(4) if k not in axes]
    return np.sort(W.permute(*others, *axes).flatten(len(others)).numpy(), axis=-1)


@pytest.mark.parametrize("name", KEPT)
def test_it_keeps_these_weights_together_and_puts_them_elsewhere(name) -> None:
    shuffled = SHUFFLES[name](W, torch.Generator().manual_seed(1))
    np.testing.assert_array_equal(sorted_over(shuffled, KEPT[name]), sorted_over(W, KEPT[name]))
    assert float((shuffled == W).float().mean()) < 0.6


def test_across_inputs_and_filters_kernels_stay_whole() -> None:
    kernels = {tuple(kernel.tolist()) for kernel in W.flatten(2).flatten(0, 1)}
    for name in ("across_inputs", "across_filters"):
        shuffled = SHUFFLES[name](W, torch.Generator().manual_seed(1))
        assert {tuple(kernel.tolist()) for kernel in shuffled.flatten(2).flatten(0, 1)} == kernels


def test_together_the_layer_stays_what_it_was() -> None:
    """Its matrix has the same singular values, which the dealing of single kernels changes."""

    def values(W):
        return torch.linalg.svdvals(W.flatten(1).double())

    for name in ("inputs_together", "filters_together"):
        shuffled = SHUFFLES[name](W, torch.Generator().manual_seed(1))
        assert not torch.equal(shuffled, W)
        torch.testing.assert_close(values(shuffled), values(W))
    assert not torch.allclose(
        values(SHUFFLES["across_inputs"](W, torch.Generator().manual_seed(1))), values(W)
    )


def test_signs_and_sizes_keep_one_of_the_two_in_its_place() -> None:
    signs, sizes = (SHUFFLES[name](W, torch.Generator().manual_seed(1)) for name in ("signs", "sizes"))
    assert torch.equal(signs.abs(), W.abs()) and not torch.equal(signs, W)
    assert torch.equal(signs.sign().flatten(1).sum(1), W.sign().flatten(1).sum(1))
    assert torch.equal(sizes.sign(), W.sign()) and not torch.equal(sizes, W)
    np.testing.assert_array_equal(sorted_over(sizes, (1, 2, 3)), sorted_over(W, (1, 2, 3)))


def test_dense_layers_too() -> None:
    dense = W[:, :, 0, 0]
    for name, shuffle in SHUFFLES.items():
        shuffled = shuffle(dense, torch.Generator().manual_seed(1))
        assert shuffled.shape == dense.shape, name
