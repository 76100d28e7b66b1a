"""The user's model as a list of calls, by torch.fx; bad models and bad images are refused here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn

from rankone.errors import refuse
from torch_backend.operators.layout import is_finite
from torch_backend.operators.linear import Weighted

# A traced forward repeats the model's own up to rounding (a folded batch norm rounds differently), as a
# fraction of the largest logit.
FORWARD_TOLERANCE = {torch.float64: 1e-8, torch.float32: 2e-3, torch.float16: 5e-2, torch.bfloat16: 2e-1}
PRECISIONS = (torch.float32, torch.float64)


@dataclass(frozen=True, eq=False)
class Program:
    """The calls of a model in order, and the operators with its weights, kept between batches of images."""

    model: nn.Module
    calls: fx.Graph
    versions: dict[str, int]
    operators: dict[fx.Node, Weighted] = field(default_factory=dict)
    folded: set[fx.Node] = field(default_factory=set)

    def check_unchanged(self) -> None:
        """ValueError if a weight was changed in place since the model was traced."""
        for name, version in _versions(self.model).items():
            if self.versions.get(name) != version:
                refuse(
                    "model",
                    expected="the weights that were traced",
                    got=f"{name} has changed since",
                    do="trace the model again",
                )


class _Tracer(fx.Tracer):
    """Modules of torch.nn stay whole; the hooks of all others are left alone."""

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
        return super().call_module(m, m.forward if m is not self.root else forward, args, kwargs)


def read_program(model: nn.Module, images: Tensor) -> Program:
    """The calls of `model`, once it is known to be in eval mode and to have finite weights."""
    if not isinstance(model, nn.Module):
        refuse("model", expected="a torch.nn.Module", got=type(model).__name__, do="pass the network itself")
    check_images(images)
    for name, module in model.named_modules():
        if module.training:
            refuse(
                f"model ({name or type(model).__name__})",
                expected="eval mode",
                got="training mode",
                do="call model.eval() first",
            )
    for name, value in tensors_of(model).items():
        if value.device != images.device:
            refuse(
                f"model ({name})",
                expected=f"the images' device {images.device}",
                got=value.device,
                do="move the model there: model.to(images.device)",
            )
        if value.is_floating_point() and not is_finite(value):
            refuse(
                f"model ({name})", expected="finite weights", got="NaN or infinity", do="load intact weights"
            )
    try:
        listed = _Tracer().trace(model)
    except Exception as error:
        refuse(
            "model",
            expected="a network torch.fx can trace (no branch on the data, no loop over its values)",
            got=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
            do="rewrite the part of forward that depends on the data",
        )
    return Program(model, listed, _versions(model))


def check_images(images: Tensor) -> None:
    """Images are a finite floating-point tensor (B, ...) with B ≥ 1."""
    if not isinstance(images, Tensor) or images.dtype not in PRECISIONS:
        got = str(images.dtype) if isinstance(images, Tensor) else type(images).__name__
        tokens = isinstance(images, Tensor) and images.dim() < 3 and not images.is_floating_point()
        do = (
            "these look like tokens, which relevance cannot reach: give what their embedding makes of them"
            if tokens
            else "convert them: images.float()"
        )
        refuse("images", expected="a tensor in float32 or float64", got=got, do=do)
    if images.dim() < 2 or not images.numel():
        refuse(
            "images", expected="shape (B, ...) with B >= 1", got=tuple(images.shape), do="add the batch axis"
        )
    if not is_finite(images):
        refuse(
            "images",
            expected="finite values",
            got="NaN or infinity",
            do="find out where they arose and leave those images out",
        )


def check_forward(expected: Tensor, logits: Tensor) -> None:
    """ValueError if what was executed is not what the model itself computes (in its own precision)."""
    tolerance = max(FORWARD_TOLERANCE.get(t.dtype, 2e-3) for t in (expected, logits))
    same = expected.shape == logits.shape
    distance = (
        float((expected - logits).abs().max() / expected.abs().max().clamp(min=1e-30))
        if same
        else float("inf")
    )
    if not distance <= tolerance:
        refuse(
            "model",
            expected="a forward pass that its traced calls repeat",
            got=f"logits that differ by {distance:.1e} of the largest",
            do="look for hooks that change outputs, writing in place on a view, randomness, branches",
        )


@torch.no_grad()
def run_model(model: nn.Module, images: Tensor) -> Tensor:
    """The model's own forward pass, in its own precision; ValueError if it refuses the images."""
    dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), images.dtype)
    try:
        logits = model(images.to(dtype, copy=True))
    except Exception as error:
        refuse(
            "images",
            expected="a shape that the model accepts",
            got=f"{tuple(images.shape)} ({type(error).__name__}: {' '.join(str(error).split())[:200]})",
            do="give the images the model's input shape (B, channels, …)",
        )
    if not isinstance(logits, Tensor) or logits.dim() < 2 or len(logits) != len(images):
        got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        refuse(
            "model", expected="one output tensor (B, ...)", got=got, do="wrap it to return its logits only"
        )
    return logits


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _versions(model: nn.Module) -> dict[str, int]:
    return {name: value._version for name, value in tensors_of(model).items() if not value.is_inference()}
