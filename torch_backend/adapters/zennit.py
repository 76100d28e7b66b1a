"""zennit (Anders et al. 2021): LRP by a composite of rules, and its attributors."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from torch_backend.audit.tool import Attribute, Tool


def tool(composite: Any, attributor: type | None = None, **arguments: Any) -> Tool:
    """composite: one of zennit.composites, or None; attributor: one of zennit.attribution, else its Gradient;
    arguments: of the attributor. Relevance starts from 1 at the class, as in zennit's examples.
    """

    def attribute_for(model: nn.Module) -> Attribute:
        from zennit.attribution import Gradient

        attributed = (attributor or Gradient)(model, composite, **arguments)

        def attribute(x: Tensor, classes: Tensor) -> Tensor:
            return attributed(x, lambda y: F.one_hot(classes, y.shape[1]).to(y))[1]

        return attribute

    return Tool(type(composite or attributor).__name__, attribute_for)
