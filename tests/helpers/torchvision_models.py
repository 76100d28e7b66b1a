"""torchvision's networks without their weights."""

import torch
import torchvision
from torch import nn


def built(name: str, **options) -> nn.Module:
    """A torchvision model with quickly drawn random weights."""
    with torch.device("meta"):
        model = getattr(torchvision.models, name)(**options)
    model.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for key, value in (*model.named_parameters(), *model.named_buffers()):
            if value.is_floating_point():
                fan = max(1, value[0].numel()) if value.dim() > 1 else 100
                value.uniform_(-((3 / fan) ** 0.5), (3 / fan) ** 0.5, generator=generator)
            if key.endswith("running_var") or (value.dim() == 1 and key.endswith("weight")):
                value.fill_(1.0)
            elif not value.is_floating_point():
                value.zero_()
    return model.eval()
