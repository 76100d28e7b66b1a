"""A network of one's own and its maps: `rankone audit --attribute examples/my_network_and_tool.py:attribute`.

The network is called `model`, and the map is a function of images and classes alone. The audit writes other
weights into `model` for the time of a call.
"""

import torch

from torch_backend import models

model = models.load("digits-resnet")
reads = "digits-resnet"  # its pictures are read as this network's


def attribute(x, classes):
    """∂f_c/∂x ⊙ x by autograd: (B, C, H, W)."""
    x.requires_grad_()
    logits = model(x).gather(1, classes[:, None])
    (gradient,) = torch.autograd.grad(logits.sum(), x)
    return gradient * x.detach()
