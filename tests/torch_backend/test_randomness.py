"""Digests tell networks and tensors apart by whatever their numbers depend on, and by nothing else."""

import copy

import pytest
import torch
from torch import nn

from torch_backend.randomness import digest_of, digest_of_tensors


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU()).eval()


def of(tensor: torch.Tensor, name: str = "x") -> str:
    return digest_of_tensors([(name, tensor)])


def test_equal_models_have_one_digest_and_computing_it_changes_nothing():
    one, before = network(), copy.deepcopy(network().state_dict())
    assert digest_of(one) == digest_of(network()) == digest_of(copy.deepcopy(one))
    assert all(torch.equal(value, before[name]) for name, value in one.state_dict().items())


def flip_last_bit(value: torch.Tensor) -> None:
    value.data.view(-1)[-1:].view(torch.uint8)[0] ^= 1


@pytest.mark.parametrize("name", list(network().state_dict()))
def test_a_single_bit_of_any_parameter_or_buffer_makes_another(name):
    other = network()
    flip_last_bit(dict([*other.named_parameters(), *other.named_buffers()])[name])
    assert digest_of(other) != digest_of(network())


def test_a_buffer_that_is_not_saved_counts_too():
    one, other = network(), network()
    one.register_buffer("mask", torch.ones(2), persistent=False)
    other.register_buffer("mask", torch.zeros(2), persistent=False)
    assert len({digest_of(one), digest_of(other), digest_of(network())}) == 3


def test_names_precision_and_shape_count():
    x = torch.zeros(4)
    others = [of(x, "y"), of(x.view(2, 2)), of(torch.zeros(4, dtype=torch.int32)), of(x.half()), of(x[:0])]
    assert len({of(x), *others}) == 6


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.bool, torch.int64, torch.complex64])
def test_numbers_of_every_kind_and_in_any_memory_have_a_digest(dtype):
    x = (torch.arange(6).view(2, 3) * 3).to(dtype)
    assert of(x) == of(x.clone()) == of(x.T.contiguous().T) != of(x.T)
    assert of(x[0, 1]) == of(x[0, 1].clone())
    assert of(x.conj()) == of(x.conj().resolve_conj())
