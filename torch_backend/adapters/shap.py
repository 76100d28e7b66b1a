"""SHAP (Lundberg and Lee 2017): its DeepExplainer."""

from typing import Any

import numpy as np
from torch import Tensor, nn

from torch_backend.audit.tool import Attribute, Tool


def tool(background: Tensor, **arguments: Any) -> Tool:
    """background: the images (N, C, H, W) that stand for "not there"; arguments: of `shap_values`, such as
    check_additivity. What it expects of the output is asked of each network anew; all classes are computed.
    """

    def attribute_for(model: nn.Module) -> Attribute:
        from shap import DeepExplainer

        explainer = DeepExplainer(model, background)

        def attribute(x: Tensor, classes: Tensor) -> np.ndarray:
            values = explainer.shap_values(x, **arguments)  # (B, C, H, W, classes)
            return np.stack([value[..., c] for value, c in zip(values, classes.tolist(), strict=True)])

        return attribute

    return Tool("DeepExplainer", attribute_for)
