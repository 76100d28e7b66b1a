"""How each operation of a random plan is written, for each of its spellings (random_networks.SPELLINGS)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.helpers.twins.spelling import affine_of

if TYPE_CHECKING:
    from tests.helpers.twins.random_networks import Op


def dropped(h: Tensor) -> Tensor:
    return F.dropout(h, 0.5, training=False)


def added(h: Tensor, branch: Tensor, how: str) -> Tensor:
    match how:
        case "+":
            return h + branch
        case "torch.add":
            return torch.add(h, branch)
        case "+=":
            total = branch.clone()
            total += h
            return total
        case "sum":
            return sum([h, branch])
    return branch + h


def convolved(op: Op, m: nn.Conv2d, h: Tensor, how: str) -> Tensor:
    p = op.padding
    match how:
        case "module":
            return m(h)
        case "functional":
            return F.conv2d(h, m.weight, m.bias, padding=p)
        case "bias apart":
            return F.conv2d(h, m.weight, padding=p) + m.bias[:, None, None]
        case "padded apart":
            return F.conv2d(F.pad(h, (p, p, p, p)), m.weight, m.bias)
    half = op.out // 2
    return torch.cat(
        [F.conv2d(h, w, b, padding=p) for w, b in zip(m.weight.split(half), m.bias.split(half), strict=True)],
        1,
    )


def normed(op: Op, m: nn.BatchNorm2d, h: Tensor, how: str) -> Tensor:
    scale, shift = (value[:, None, None] for value in affine_of(m))
    match how:
        case "module":
            return m(h)
        case "functional":
            return F.batch_norm(h, m.running_mean, m.running_var, m.weight, m.bias, eps=m.eps)
        case "by hand":
            y = (h - m.running_mean[:, None, None]) / torch.sqrt(m.running_var + m.eps)[:, None, None]
            return y * m.weight[:, None, None] + m.bias[:, None, None]
    return h * scale + shift


def mapped(op: Op, m: nn.BatchNorm2d, h: Tensor, how: str) -> Tensor:
    scale, shift = (value[:, None, None] for value in affine_of(m))
    match how:
        case "a x + b":
            return scale * h + shift
        case "(x + c) a":
            return (h + shift / scale) * scale
        case "in place":
            return h.clone().mul_(scale).add_(shift)
    return m(h)


def highest(op: Op, m: nn.Module, h: Tensor, how: str) -> Tensor:
    match how:
        case "functional":
            return F.max_pool2d(h, 2)
        case "module":
            return m(h)
        case "adaptive":
            return F.adaptive_max_pool2d(h, op.size // 2)
    return F.max_pool2d(h, 2, return_indices=True)[0]


def averaged(op: Op, m: nn.Module, h: Tensor, how: str) -> Tensor:
    half = op.size // 2
    match how:
        case "functional":
            return F.avg_pool2d(h, 2)
        case "module":
            return m(h)
        case "adaptive":
            return F.adaptive_avg_pool2d(h, half)
    return h.reshape(h.shape[0], op.channels, half, 2, half, 2).mean((3, 5))


def joined(op: Op, m: nn.Conv2d, h: Tensor, how: str) -> Tensor:
    more = m(h)
    match how:
        case "cat":
            return torch.cat([h, more], 1)
        case "nested":
            return torch.cat([torch.cat([h, more[:, :1]], 1), more[:, 1:]], 1)
        case "flat":
            flat = torch.cat([h.flatten(1), more.flatten(1)], 1)
            return flat.view(h.shape[0], op.out, op.size, op.size)
    whole = torch.empty(h.shape[0], op.out, op.size, op.size, dtype=h.dtype)
    whole[:, : op.channels] = h
    whole[:, op.channels :] = more
    return whole


def shuffled(op: Op, _: nn.Module | None, h: Tensor, how: str) -> Tensor:
    match how:
        case "indices":
            return h[:, [*range(0, op.channels, 2), *range(1, op.channels, 2)]]
        case "slices joined":
            return torch.cat([h[:, ::2], h[:, 1::2]], 1)
    return h.unflatten(1, (op.channels // 2, 2)).transpose(1, 2).flatten(1, 2)


def flattened(op: Op, m: nn.Module, h: Tensor, how: str) -> Tensor:
    match how:
        case "flatten":
            return h.flatten(1)
        case "view":
            return h.contiguous().view(h.shape[0], -1)
        case "reshape":
            return h.reshape(h.shape[0], op.out)
    return m(h)


def meant(op: Op, _: nn.Module | None, h: Tensor, how: str) -> Tensor:
    match how:
        case "mean":
            return h.mean((2, 3))
        case "adaptive":
            return F.adaptive_avg_pool2d(h, 1).flatten(1)
        case "full size":
            return F.avg_pool2d(h, op.size).squeeze(3).squeeze(2)
    return h.flatten(2).mean(2)


def combined(op: Op, m: nn.Linear, h: Tensor, how: str) -> Tensor:
    match how:
        case "module":
            return m(h)
        case "F.linear":
            return F.linear(h, m.weight, m.bias)
        case "addmm":
            return torch.addmm(m.bias, h, m.weight.t())
        case "@":
            return h @ m.weight.T + m.bias
    return torch.cat([F.linear(h, m.weight[:2], m.bias[:2]), F.linear(h, m.weight[2:], m.bias[2:])], 1)


def ended(op: Op, _: nn.Module | None, h: Tensor, how: str) -> Tensor:
    return {"nothing": h, "times one": h * 1.0, "plus zero": h + 0.0, "clone": h.clone()}[how]


WRITTEN = {
    "conv": convolved,
    "norm": normed,
    "affine": mapped,
    "max_pool": highest,
    "average": averaged,
    "concat": joined,
    "shuffle": shuffled,
    "flatten": flattened,
    "mean": meant,
    "dense": combined,
    "end": ended,
}
