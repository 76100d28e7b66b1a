"""Grad-CAM (Selvaraju et al. 2017): which places of a convolutional layer speak for the class. No chain."""

import torch
import torch.nn.functional as F
from torch import Tensor

from rankone.errors import refuse
from torch_backend import methods
from torch_backend.graph.graph import Graph
from torch_backend.maps.saliency import Attribution
from torch_backend.propagation.relevance import relevance

UPSAMPLING = {1: "linear", 2: "bilinear", 3: "trilinear"}


def grad_cam(layer: str) -> Attribution:
    """ReLU(Σ_k w_k A_k), w_k the mean of ∂f/∂A_k over all places, upsampled to the image.

    layer   name of a layer with space in it ("conv5_3", "block5_3"); A (B, K, *space) is its output
    Maps are (B, 1, *space of the image), ≥ 0. ValueError: no such layer, or one without space.
    """

    def maps(graph: Graph, images: Tensor, targets: Tensor) -> Tensor:
        graph = graph.record(images)
        node, logits = graph.node(layer), graph.nodes[-1].value
        axes = len(node.shape) - 1
        if axes not in UPSAMPLING or axes != images.dim() - 2:
            refuse(
                f"layer {layer}",
                expected=f"an output (K, *space) with {images.dim() - 2} axes of space, as the images",
                got=node.shape,
                do="name a convolutional layer",
            )
        one_hot = F.one_hot(targets, logits.shape[1]).to(logits)
        gradient = relevance(graph, methods.gradient, "logits", one_hot[None], layer)[0]
        w = gradient.flatten(2).mean(2).reshape(*gradient.shape[:2], *[1] * axes)
        cam = torch.relu((w * node.value).sum(1, keepdim=True))
        return F.interpolate(cam, images.shape[2:], mode=UPSAMPLING[axes], align_corners=False)

    return Attribution(f"grad_cam:{layer}", maps, contributes=True)
