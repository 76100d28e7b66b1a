"""Graphs of ONNX operators, written by hand as exporters write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper
from torch import Tensor

ELEMENT = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.float64): TensorProto.DOUBLE}


class Graph:
    """A graph that grows node by node; constants are in `dtype`.

    image: the declared shape, with names for what is free.
    """

    def __init__(self, image: Sequence[int | str], dtype: type = np.float64, opset: int = 13) -> None:
        self.image, self.dtype, self.opset = list(image), np.dtype(dtype), opset
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[TensorProto] = []

    @property
    def element(self) -> int:
        """The kind of the images' numbers."""
        return ELEMENT[self.dtype]

    def __call__(self, kind: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> Any:
        """The name, or names, of what the operator makes of names and constants."""
        names = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        made = [f"{kind}_{len(self.nodes)}.{k}" for k in range(outputs)]
        node = helper.make_node(kind, names, made, name=f"net/{kind}.{len(self.nodes)}", **attributes)
        self.nodes.append(node)
        return made[0] if outputs == 1 else made

    def constant(self, value: Any) -> str:
        value = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
        value = value.astype(self.dtype) if value.dtype.kind == "f" else value
        name = f"weights.{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def model(self, *outputs: str, shape: Sequence[int | str] = ("N", "classes")) -> ModelProto:
        kind = self.element
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("image", kind, self.image)],
            [helper.make_tensor_value_info(name, kind, list(shape)) for name in outputs],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        onnx.checker.check_model(model)
        return model
