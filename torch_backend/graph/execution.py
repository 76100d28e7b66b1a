"""Carrying out a model's calls one by one, out of place, so that no recorded activation is overwritten.

Three things have three names: a `call` is an fx.Node, a line of the user's code; an `operation` is what it
means; a `node` is the operation carried out, with its value.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.fx.node import map_aggregate, map_arg

from rankone.errors import refuse
from torch_backend.graph import table
from torch_backend.graph.layers import absorbs_batch_norm, fold_batch_norm
from torch_backend.graph.node import Node
from torch_backend.graph.operation import Operation, differentiable, nodes_in
from torch_backend.graph.program import Program, tensors_of
from torch_backend.graph.routes import rearrangement
from torch_backend.operators.layout import arrange
from torch_backend.operators.linear import Weighted
from torch_backend.operators.operator import Image


@torch.no_grad()
def execute(program: Program, images: Tensor) -> tuple[Node, ...]:
    """The nodes in call order, the one with the logits last, without names."""
    run = _Execution(program, images)
    for call in program.calls.nodes:
        run.step(call)
    return _reachable(run.nodes, run.output)


PLAIN_METHODS = {"size", "dim", "ndimension", "numel", "nelement", "is_floating_point"}


class _Execution:
    """The values of the calls so far: a Node where it depends on the images, else a plain value."""

    def __init__(self, program: Program, images: Tensor) -> None:
        self.program = program
        self.images = images
        self.modules = dict(program.model.named_modules())
        self.values: dict[fx.Node, Any] = {}
        self.nodes: list[Node] = []
        self.output: Any = None

    def step(self, call: fx.Node) -> None:
        args, kwargs = map_arg((call.args, call.kwargs), self.values.__getitem__)
        if call.op == "placeholder":
            value = self._placeholder(call)
        elif call.op == "get_attr":
            value = self.cast(operator.attrgetter(call.target)(self.program.model))
        elif call.op == "output":
            self.output = args[0]
            return
        elif call in self.program.folded:
            value = args[0]
        elif call in self.program.operators:
            op = self.program.operators[call]
            value = self.emit(Operation(op, tuple(nodes_in((args, kwargs)))), call)
        else:
            value = self.emit(self.meaning(call, args, kwargs), call)
        self.values[call] = value
        if _in_place(call, self.modules) and isinstance(value, Node):
            self._overwrite(args[0], value)

    def _placeholder(self, call: fx.Node) -> Any:
        if not self.nodes:
            node = Node(0, "input", (), call.name, Image(), arrange(self.images.detach()))
            self.nodes.append(node)
            return node
        if call.args:
            return call.args[0]
        return refuse(
            "model",
            expected="one input",
            got=f"a second one, {call.name!r}",
            do="wrap it to take images only",
        )

    def meaning(self, call: fx.Node, args: tuple, kwargs: dict) -> Any:
        """What a call means: an Operation or several, a Node, or a plain value."""
        if call.op == "call_module":
            return self._module(call, args, kwargs)
        if not args and "input" in kwargs:
            args, kwargs = (kwargs["input"],), {key: kwargs[key] for key in kwargs if key != "input"}
        method = call.op == "call_method"
        function = operator.methodcaller(call.target, *args[1:], **kwargs) if method else call.target
        if not nodes_in((args, kwargs)) or (not isinstance(args[0], Node) and function is operator.getitem):
            return function(args[0]) if method else function(*args, **kwargs)
        if method and call.target in PLAIN_METHODS:
            return function(args[0].value)
        if function is getattr:
            value = getattr(args[0].value, args[1])
            return rearrangement(getattr)(*args) if isinstance(value, Tensor) else value
        handler = (
            table.METHODS.get(call.target.removesuffix("_")) if method else table.FUNCTIONS.get(function)
        )
        if handler is not None and _fits(handler, args, kwargs):
            return handler(*args, **kwargs)
        return differentiable(getattr(Tensor, call.target) if method else function, args, kwargs)

    def _module(self, call: fx.Node, args: tuple, kwargs: dict) -> Any:
        module = self.modules[call.target]
        found = nodes_in((args, kwargs))
        if not found:
            return module(*args, **kwargs)
        if len(args) == 1 and not kwargs and isinstance(args[0], Node):
            operation = table.module_call(module, args[0], self.cast)
            norm = _only_reader(call, self.modules)
            if norm is not None and isinstance(operation, Operation) and absorbs_batch_norm(operation.op):
                self.program.folded.add(norm)
                folded = fold_batch_norm(operation.op, self.modules[norm.target], self.cast)
                operation = replace(operation, op=folded)
            if operation is not None:
                return operation
        return differentiable(self._opaque(module), args, kwargs)

    def _opaque(self, module: nn.Module) -> Callable[..., Any]:
        weights = {name: self.cast(value) for name, value in tensors_of(module).items()}
        return lambda *args, **kwargs: torch.func.functional_call(module, weights, args, kwargs)

    def emit(self, operation: Any, call: fx.Node) -> Any:
        """Execute what a call means; keep the operator if it holds weights."""
        if isinstance(operation, tuple) and any(isinstance(part, Operation) for part in operation):
            return tuple(self.emit(part, call) for part in operation)
        if isinstance(operation, Operation) and isinstance(operation.op, Weighted):
            self.program.operators[call] = operation.op
        return self._run(operation, call.target if call.op == "call_module" else call.name)

    def _run(self, operation: Any, label: str) -> Any:
        if not isinstance(operation, Operation):
            return operation
        inputs = tuple(self._run(part, label) for part in operation.inputs)
        op, value = operation.op, operation.value
        if value is None:
            value = op.forward(op.join(tuple(node.value for node in inputs)))
        if not value.is_floating_point() or value.dim() < 2 or len(value) != len(self.images):
            refuse(
                f"node {label!r}",
                expected="a floating-point tensor with the images on its first axis",
                got=f"{tuple(value.shape)} in {value.dtype}",
                do="keep the images on the first axis",
            )
        node = Node(len(self.nodes), label, tuple(n.index for n in inputs), label, op, value)
        self.nodes.append(node)
        return node

    def cast(self, value: Any) -> Any:
        """Weights in the images' precision, detached."""

        def one(item: Any) -> Any:
            if not isinstance(item, Tensor):
                return item
            item = item.detach()
            return item.to(self.images.dtype) if item.is_floating_point() else item

        return map_aggregate(value, one)

    def _overwrite(self, old: Any, new: Node) -> None:
        """An operation in place: whatever was the old value is the new one from now on."""
        self.values = {key: new if value is old else value for key, value in self.values.items()}


def _only_reader(call: fx.Node, modules: dict[str, nn.Module]) -> fx.Node | None:
    """The batch norm with stored statistics that alone reads this call, if that is so."""
    if len(call.users) == 1:
        (user,) = call.users
        norm = modules.get(user.target) if user.op == "call_module" else None
        if isinstance(norm, nn.modules.batchnorm._BatchNorm) and norm.running_mean is not None:
            return user
    return None


def _fits(handler: Callable[..., Any], args: tuple, kwargs: dict) -> bool:
    """Whether the handler knows all these arguments."""
    try:
        inspect.signature(handler).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


IN_PLACE = {
    operator.iadd,
    operator.isub,
    operator.imul,
    operator.itruediv,
    operator.ipow,
    F.relu_,
    torch.relu_,
}


def _in_place(call: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if call.op == "call_module":
        return bool(getattr(modules[call.target], "inplace", False))
    if call.op == "call_method":
        return call.target.endswith("_") and not call.target.endswith("__")
    return call.target in IN_PLACE or bool(call.kwargs.get("inplace"))


def _reachable(nodes: list[Node], output: Any) -> tuple[Node, ...]:
    """The nodes the output depends on, renumbered."""
    if not isinstance(output, Node):
        refuse(
            "model",
            expected="one output tensor (B, ...)",
            got=type(output).__name__,
            do="wrap it to return its logits only",
        )
    needed = {0, output.index}
    for node in reversed(nodes):
        if node.index in needed:
            needed.update(node.inputs)
    kept = [node for node in nodes if node.index in needed]
    number = {node.index: i for i, node in enumerate(kept)}
    return tuple(replace(n, index=i, inputs=tuple(number[j] for j in n.inputs)) for i, n in enumerate(kept))
