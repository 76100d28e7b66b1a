"""captum (Kokhlikyan et al. 2020): any of its attributions of an input, `captum.attr.Saliency` and so on."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from torch_backend.audit.hidden import Hidden, magnitudes, negative_part
from torch_backend.audit.tool import Attribute, Tool


def tool(kind: type, *, layer: str | None = None, hides: tuple[Hidden, ...] = (), **arguments: Any) -> Tool:
    """kind: captum's class; layer: the path of one, where it wants one; its maps are enlarged to the image.
    arguments: of its `attribute`. hides: more than Saliency's absolute values and relu_attributions.
    """

    def attribute_for(model: nn.Module) -> Attribute:
        made = kind(model) if layer is None else kind(model, model.get_submodule(layer))

        def attribute(x: Tensor, classes: Tensor) -> Tensor:
            maps, space = made.attribute(x.requires_grad_(), target=classes, **arguments), x.shape[2:]
            return maps if maps.shape[2:] == space else F.interpolate(maps, space, mode="bilinear")

        return attribute

    known = (magnitudes,) * (kind.__name__ == "Saliency" and arguments.get("abs", True))
    known += (negative_part,) * arguments.get("relu_attributions", False)
    return Tool(kind.__name__, attribute_for, (*known, *hides))
