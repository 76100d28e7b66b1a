"""pytorch-grad-cam (Gildenblat et al. 2021): GradCAM and its relatives."""

from typing import Any

import numpy as np
from torch import Tensor, nn

from torch_backend.audit.hidden import negative_part, range_
from torch_backend.audit.tool import Attribute, Tool


def tool(kind: type, layer: str, **arguments: Any) -> Tool:
    """kind: such as pytorch_grad_cam.GradCAM; layer: the path of a layer in the model, or of several with
    commas; arguments: of a call of it, such as aug_smooth. It cuts negative numbers and stretches each map.
    """

    def attribute_for(model: nn.Module) -> Attribute:
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        cam = kind(model, [model.get_submodule(path) for path in layer.split(",")])

        def attribute(x: Tensor, classes: Tensor) -> np.ndarray:
            return cam(x, [ClassifierOutputTarget(c) for c in classes.tolist()], **arguments)

        return attribute

    return Tool(f"{kind.__name__}:{layer}", attribute_for, (negative_part, range_))
