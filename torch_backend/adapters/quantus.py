"""Quantus (Hedström et al. 2023): what its `explain` makes with captum or zennit."""

from typing import Any

import numpy as np
from torch import Tensor, nn

from torch_backend.audit.hidden import channels, magnitudes
from torch_backend.audit.tool import Attribute, Tool


def tool(method: str, **arguments: Any) -> Tool:
    """method, arguments: of `quantus.explain`. It computes in float32, and adds up channels unless another
    reduce_axes is given.
    """

    def attribute_for(model: nn.Module) -> Attribute:
        from quantus import explain

        def attribute(x: Tensor, classes: Tensor) -> np.ndarray:
            return explain(model, x.numpy(force=True), classes.numpy(force=True), method=method, **arguments)

        return attribute

    summed = (channels,) * ("reduce_axes" not in arguments)
    return Tool(f"quantus {method}", attribute_for, (magnitudes,) * (method == "Saliency") + summed)
