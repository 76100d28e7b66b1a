"""Pieces of networks with factors that the image itself makes: normalisations and gates, as users write
them. Each reads and gives four channels; the network around has rectifiers on both sides of it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.helpers.twins.users import net


class LastAxis(nn.LayerNorm):
    """Over channels, as ConvNeXt has it."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


NORMS = {
    "group norm": lambda: nn.GroupNorm(2, 4),
    "one group": lambda: nn.GroupNorm(1, 4),
    "a group each": lambda: nn.GroupNorm(4, 4, affine=False),
    "instance norm": lambda: nn.InstanceNorm2d(4, affine=True),
    "instance norm without numbers": lambda: nn.InstanceNorm2d(4),
    "layer norm of channels": lambda: LastAxis(4),
    "layer norm of everything": lambda: nn.LayerNorm((4, 5, 5)),
    "layer norm without numbers": lambda: nn.LayerNorm((5, 5), elementwise_affine=False),
}


def squeezed(m, h: Tensor) -> Tensor:
    return m.out(torch.relu(m.into(F.adaptive_avg_pool2d(h, 1))))


def by_eca(m, h: Tensor) -> Tensor:
    y = m.along(h.mean((2, 3)).view(h.shape[0], 1, -1)).sigmoid()
    return y.view(h.shape[0], -1, 1, 1).expand_as(h)


def over_space(m, h: Tensor) -> Tensor:
    return torch.sigmoid(m.space(torch.cat([h.mean(1, keepdim=True), h.amax(1, keepdim=True)], 1)))


def selected(m, h: Tensor) -> Tensor:
    branches = torch.stack([h, F.relu(m.other(h))], 1)
    z = m.choose(branches.sum(1).mean((2, 3), keepdim=True))
    return (branches * z.view(-1, 2, 4, 1, 1).softmax(1)).sum(1)


def by_coordinates(m, h: Tensor) -> Tensor:
    rows, columns = (m.out(torch.relu(m.into(h.mean(k, keepdim=True)))).sigmoid() for k in (3, 2))
    return h * rows * columns


def from_a_small_map(m, h: Tensor) -> Tensor:
    small = torch.sigmoid(m.into(F.avg_pool2d(h, 2))).mean(1, keepdim=True)
    return h * F.interpolate(small, size=h.shape[2:], mode="bilinear")


def attention(m, h: Tensor) -> Tensor:
    """Over places, with queries and keys of two channels, written with products of single numbers."""
    q, v = m.into(h).flatten(2), m.other(h).flatten(2)
    a = (q.transpose(1, 2) @ m.into(h + 1).flatten(2)).softmax(-1)
    return (a[:, None] * v[:, :, None]).sum(-1).view_as(h)


def pooled_by_attention(m, h: Tensor) -> Tensor:
    a = m.into(h).flatten(2)[:, :1].softmax(-1)
    return (h.flatten(2) * a).sum(2)[:, :, None, None].expand_as(h)


def weighted_by_products(m, h: Tensor) -> Tensor:
    q, k = m.into(h).flatten(2), m.into(h + 1).flatten(2)
    return h * (q * k).sum(1, keepdim=True).softmax(-1).view(-1, 1, *h.shape[2:])


GATES = {
    "squeeze and excitation": lambda m, h: h * torch.sigmoid(squeezed(m, h)),
    "gate first": lambda m, h: torch.sigmoid(squeezed(m, h)) * h,
    "in place": lambda m, h: h.clone().mul_(squeezed(m, h).sigmoid_()),
    "hard sigmoid": lambda m, h: h * F.hardsigmoid(squeezed(m, h)),
    "hard sigmoid by ReLU6": lambda m, h: h * (F.relu6(squeezed(m, h) + 3) / 6),
    "hard sigmoid in place": lambda m, h: h * squeezed(m, h).add_(3).clamp_(0, 6).div_(6),
    "einsum": lambda m, h: torch.einsum("bchw,bc->bchw", h, squeezed(m, h).sigmoid().flatten(1)),
    "efficient channel attention": lambda m, h: h * by_eca(m, h),
    "over space": lambda m, h: h * over_space(m, h),
    "channels, then space": lambda m, h: (g := h * squeezed(m, h).sigmoid()) * over_space(m, g),
    "sum of gates": lambda m, h: h * (squeezed(m, h).sigmoid() + over_space(m, h)),
    "added to its input": lambda m, h: torch.addcmul(h, h, squeezed(m, h).sigmoid(), value=0.5),
    "product of gates": lambda m, h: h * (squeezed(m, h).sigmoid() * over_space(m, h)),
    "coordinates": by_coordinates,
    "selective kernel": selected,
    "twice the gate": lambda m, h: h * (2 * squeezed(m, h).sigmoid()),
    "one plus the gate": lambda m, h: h * (1 + squeezed(m, h).sigmoid()),
    "from a small map": from_a_small_map,
    "gated linear unit": lambda m, h: F.glu(m.halves(h), 1),
    "halves": lambda m, h: (w := m.halves(h))[:, :4] * w[:, 4:].sigmoid(),
    "softmax over channels": lambda m, h: h * squeezed(m, h).softmax(1),
}
# Neither factor is a gate, or both are.
NO_GATES = {
    "two gates": lambda m, h: squeezed(m, h).sigmoid() * m.other(h).sigmoid(),
    "no gate": lambda m, h: h * squeezed(m, h),
    "a gate and a shift of it": lambda m, h: (g := m.other(h).sigmoid()) * (1 - g),
    "itself": lambda m, h: h * h,
    "a rectified factor": lambda m, h: h * torch.relu(squeezed(m, h)),
    "attention": attention,
    "pooled by attention": pooled_by_attention,
    "softmax of products": weighted_by_products,
    "ReLU6 without a shift": lambda m, h: h * F.relu6(squeezed(m, h)),
}


def parts() -> dict[str, nn.Module]:
    return {
        "into": nn.Conv2d(4, 2, 1),
        "out": nn.Conv2d(2, 4, 1),
        "along": nn.Conv1d(1, 1, 3, padding=1),
        "space": nn.Conv2d(2, 1, 3, padding=1),
        "other": nn.Conv2d(4, 4, 3, padding=1),
        "choose": nn.Conv2d(4, 8, 1),
        "halves": nn.Conv2d(4, 8, 1),
    }


def around(piece, **more: nn.Module) -> nn.Module:
    """A convolution, a rectifier, the piece, a rectifier, and a head."""
    return net(
        lambda m, x: m.fc(torch.relu(m.last(torch.relu(piece(m, torch.relu(m.conv(x)))))).mean((2, 3))),
        conv=nn.Conv2d(3, 4, 3, padding=1),
        last=nn.Conv2d(4, 5, 3),
        fc=nn.Linear(5, 4),
        **more,
    )


def with_norm(name: str) -> nn.Module:
    return around(lambda m, h: m.norm(h), norm=NORMS[name]())


def with_gate(name: str) -> nn.Module:
    return around({**GATES, **NO_GATES}[name], **parts())
