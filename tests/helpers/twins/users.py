"""For networks of users: images, random starts, autograd's own derivative."""

import numpy as np
import torch
from torch import nn

from tests.helpers.twins.spelling import DTYPE, drawn
from tests.helpers.wrapped import Wrapped
from torch_backend import trace


def net(body, seed: int = 0, **parts: nn.Module) -> nn.Module:
    return Wrapped(body, **drawn(parts, seed)).to(DTYPE).eval()


def images(*shape: int, seed: int = 1, dtype=DTYPE) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def start_at(logits: torch.Tensor) -> torch.Tensor:
    return images(3, *logits.shape, seed=2, dtype=logits.dtype)


def autograd(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The derivatives of the model itself, for the three starts."""
    with torch.enable_grad():
        x = x.clone().requires_grad_()
        y = model(x)
        return torch.stack([torch.autograd.grad(y, x, r, retain_graph=True)[0] for r in start_at(y)])


def same(a: torch.Tensor, b: torch.Tensor, relative: float = 1e-9) -> None:
    """Finite, and equal up to a share of the largest entry."""
    np.testing.assert_allclose(a.detach(), b.detach(), rtol=0, atol=relative * float(b.detach().abs().max()))
    assert a.isfinite().all()


def refusal(model: nn.Module, x: torch.Tensor) -> str:
    """The line with which the model is refused, "" if it is read."""
    try:
        trace(model, x)
    except ValueError as error:
        assert "\n" not in str(error)
        return str(error)
    return ""
