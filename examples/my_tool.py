"""captum's Saliency: `rankone audit --model digits-vgg --attribute examples/my_tool.py:attribute`.

A function of a model that returns a function of images (B, C, H, W) and classes (B,): maps (B, H, W), or
(B, C, H, W), which are added up over their channels. It is called again for each network with other weights.
"""

from captum.attr import Saliency

from torch_backend.audit.hidden import magnitudes

hides = (magnitudes,)  # what is done to the maps before they are seen: here |·|, captum's default


def attribute(model):
    saliency = Saliency(model)
    return lambda x, classes: saliency.attribute(x.requires_grad_(), target=classes)
