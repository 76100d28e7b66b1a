"""Slow oracles: operators as dense matrices, rules as sums over single contributions."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.helpers import nets
from torch_backend import Node, trace
from torch_backend.operators.linear import Dense, Linear
from torch_backend.operators.unweighted import Reshape, Scaled, Sum


def linear_nodes() -> list:
    """One (node, input values) for each class and geometry of operator in the small networks, as test
    parameters.
    """
    found = {}
    for kind in nets.RECTIFIED:
        model = nets.build(kind)
        graph = trace(model, nets.images_for(model))
        for node in graph.nodes:
            if isinstance(node.op, Linear):
                key = type(node.op), node.op.in_shape, node.op.out_shape
                values = tuple(graph.nodes[i].value for i in node.inputs)
                found.setdefault(key, (f"{kind.__name__}.{node.name}", node, values))
    return [pytest.param(node, values, id=name) for name, node, values in found.values()]


def size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))


def basis(op: Linear) -> torch.Tensor:
    """All unit inputs, one after the other on the axis of the images."""
    op = op.inner if isinstance(op, Scaled) else op
    if isinstance(op, Sum):  # the parts are an axis in front
        n = op.count * size(op.in_shape)
        return torch.eye(n, dtype=nets.DTYPE).reshape(n, op.count, *op.in_shape).movedim(1, 0).unsqueeze(1)
    n = size(op.in_shape)
    return torch.eye(n, dtype=nets.DTYPE).reshape(n, *op.in_shape)


def matrix(op: Linear) -> np.ndarray:
    """W (outputs, inputs), column by column."""
    return op.apply(basis(op)).reshape(-1, size(op.out_shape)).numpy().T


def bias_of(op: Linear) -> np.ndarray:
    """b (outputs,)."""
    if op.bias is None:
        return np.zeros(size(op.out_shape))
    return op.bias.expand(op.out_shape).flatten().numpy()


def rows(x: torch.Tensor, op: Linear) -> np.ndarray:
    """An operator's input (or relevance of it) as a matrix (images, inputs); of one vector."""
    if isinstance(op, Sum):  # (k, 1, B, *shape) -> (B, k * shape)
        x = x.squeeze(1).movedim(0, 1)
    return x.reshape(-1, matrix(op).shape[1]).numpy()


def contributions(node: Node, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """c_ji = W_ji x_i (outputs, inputs) of one image, and the bias (outputs,)."""
    return matrix(node.op) * x, bias_of(node.op)


def shared(parts: np.ndarray, bias: np.ndarray, r: np.ndarray) -> np.ndarray:
    """R_i = Σ_j c_ji r_j / (Σ_i c_ji + b_j), with 0/0 = 0."""
    z = parts.sum(1) + bias
    return np.divide(r, z, out=np.zeros_like(r), where=z != 0) @ parts


def as_one_input(node: Node) -> Node:
    """A concatenation as a rule sees it: its inputs are joined already."""
    return replace(node, op=Reshape(node.op.in_shape, node.op.out_shape))


def layer(weight: list, bias: list, dtype: torch.dtype = nets.DTYPE) -> Dense:
    """A dense layer by its numbers."""
    w = torch.tensor(weight, dtype=dtype)
    return Dense((w.shape[1],), (w.shape[0],), torch.tensor(bias, dtype=dtype), weight=w)
