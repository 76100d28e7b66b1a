"""Weights of a layer put in another order: what each order keeps, and what it destroys.

W (C_out, C_in, *kernel): a kernel is what joins one input channel to one filter.

    everything       any entry anywhere: only the distribution of single weights is kept
    within_filters   each filter keeps its own weights: their mean, their signs, their tails
    within_inputs    each input channel keeps the weights that read it
    across_inputs    each filter's kernels are dealt to other input channels
    across_filters   each input channel's kernels are dealt to other filters
    inputs_together  all filters' kernels are dealt to other input channels in the same way: the layer is
                     what it was, but reads other channels
    filters_together the filters change places: the layer is what it was, but is read by others
    within_kernels   the entries of each kernel change places
    signs            the sizes stay where they are, the signs are dealt anew within each filter
    sizes            the signs stay where they are, the sizes are dealt anew within each filter and sign
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from torch_backend.operators.linear import Weighted

Shuffle = Callable[[Tensor, torch.Generator], Tensor]


def shuffled(op: Weighted, shuffle: Shuffle, generator: torch.Generator) -> Weighted:
    """The operator with its weights in another order; its bias stays."""
    return replace(op, weight=shuffle(op.weight, generator))


def everything(W: Tensor, generator: torch.Generator) -> Tensor:
    return _dealt(W.reshape(1, -1), generator).view(W.shape)


def within_filters(W: Tensor, generator: torch.Generator) -> Tensor:
    return _dealt(W.flatten(1), generator).view(W.shape)


def within_inputs(W: Tensor, generator: torch.Generator) -> Tensor:
    return within_filters(W.transpose(0, 1), generator).transpose(0, 1)


def across_inputs(W: Tensor, generator: torch.Generator) -> Tensor:
    """Each filter's kernels in an order of its own."""
    order = torch.rand(W.shape[:2], generator=generator).argsort(1).to(W.device)
    kernels = W.reshape(*W.shape[:2], -1)
    return kernels.gather(1, order[..., None].expand(kernels.shape)).view(W.shape)


def across_filters(W: Tensor, generator: torch.Generator) -> Tensor:
    return across_inputs(W.transpose(0, 1), generator).transpose(0, 1)


def inputs_together(W: Tensor, generator: torch.Generator) -> Tensor:
    return W[:, torch.randperm(W.shape[1], generator=generator).to(W.device)]


def filters_together(W: Tensor, generator: torch.Generator) -> Tensor:
    return W[torch.randperm(len(W), generator=generator).to(W.device)]


def within_kernels(W: Tensor, generator: torch.Generator) -> Tensor:
    return _dealt(W.reshape(W.shape[0] * W.shape[1], -1), generator).view(W.shape)


def signs(W: Tensor, generator: torch.Generator) -> Tensor:
    return W.abs() * within_filters(W.sign(), generator)


def sizes(W: Tensor, generator: torch.Generator) -> Tensor:
    """Within each filter, the positive weights change places among themselves, and so do the others."""
    flat = W.flatten(1)
    key = torch.rand(flat.shape, generator=generator).to(W)
    new, old = (
        (2 * (flat > 0) + noise).argsort(1)
        for noise in (key, torch.arange(flat.shape[1]).to(W) / flat.shape[1])
    )
    return torch.empty_like(flat).scatter_(1, old, flat.gather(1, new)).view(W.shape)


SHUFFLES: Mapping[str, Shuffle] = {
    shuffle.__name__: shuffle
    for shuffle in (
        everything,
        within_filters,
        within_inputs,
        across_inputs,
        across_filters,
        inputs_together,
        filters_together,
        within_kernels,
        signs,
        sizes,
    )
}


def _dealt(rows: Tensor, generator: torch.Generator) -> Tensor:
    """Each row in an order of its own."""
    return rows.gather(1, torch.rand(rows.shape, generator=generator).argsort(1).to(rows.device))
