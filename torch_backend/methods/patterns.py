"""PatternNet and PatternAttribution (Kindermans et al. 2018): backpropagation along the signal in the data.

A unit y = wᵀx + b reads a signal out of x and cancels what distracts from it; w itself points along neither.
The pattern a is the direction of the signal: x = a y + distractor, wᵀa = 1, estimated from data
(methods.pattern_estimates).

    relevance(graph, pattern_attribution(patterns), "logits", start, "input")
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from rankone.errors import refuse
from rankone.results.whole import write_whole
from torch_backend import rules
from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.graph.paths import LAYERS
from torch_backend.methods.gradients import DEFINITE
from torch_backend.methods.method import Method
from torch_backend.operators.linear import Diagonal
from torch_backend.rules import Rule

# Convolutions, dense and affine layers have rules of their own (`_PatternMethod.rule`).
OWN = dict.fromkeys(("convolution", "dense", "affine"))
SAYS = {**DEFINITE, **OWN, "from_logit": True, "contributes": True}


@dataclass(frozen=True, eq=False)
class Patterns:
    """The patterns of a network's convolutions and dense layers.

    regime    "relu" or "linear", as in `estimate_patterns`
    by_node   name of the node -> patterns in the shape of its weights; 0 for a unit that never varied
    """

    regime: str
    by_node: Mapping[str, Tensor]

    def save(self, path: str | Path) -> None:
        """Write a .safetensors file, whole or not at all; OSError if that fails."""
        from safetensors.torch import save

        tensors = {name: a.contiguous() for name, a in self.by_node.items()}
        write_whole(path, save(tensors, metadata={"patterns": json.dumps({"regime": self.regime})}))


def load_patterns(path: str | Path) -> Patterns:
    """The patterns in a file written by `Patterns.save`; ValueError if it holds something else."""
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise FileNotFoundError(f"patterns: no file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["patterns"])
            return Patterns(about["regime"], {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError) as error:
        refuse(
            "patterns",
            expected=f"{path} to be written by Patterns.save",
            got=f"{type(error).__name__}: {error}",
            do="estimate and save them again",
        )


def pattern_net(patterns: Patterns) -> Method:
    """PatternNet: r ↦ Aᵀr in convolutions and dense layers, A the patterns; rectifiers and poolings as in the
    gradient. From the logit's value it leads to the signal in the image.
    """
    return _PatternMethod("pattern_net", **SAYS, patterns=patterns)


def pattern_attribution(patterns: Patterns) -> Method:
    """PatternAttribution: r ↦ (W ⊙ A)ᵀr (8) in convolutions and dense layers, rectifiers and poolings as in
    the gradient. W are the weights of the network that is swept, whichever network the patterns come from.
    """
    return _PatternAttribution("pattern_attribution", **SAYS, patterns=patterns)


@dataclass(frozen=True, eq=False)
class _PatternMethod(Method):
    patterns: Patterns = field(kw_only=True, repr=False)

    def bind(self, graph: Graph) -> Method:
        known = self.patterns.by_node
        missing = [
            f"{node.name} {tuple(node.op.weight.shape)}"
            for node in graph.nodes
            if isinstance(node.op, LAYERS)
            and (node.name not in known or known[node.name].shape != node.op.weight.shape)
        ]
        if missing:
            refuse(
                "patterns",
                expected="a pattern for the weights of every convolution and dense layer",
                got=f"{len(missing)} missing or of another shape: {', '.join(missing)}",
                do="estimate them for this network",
            )
        return self

    def rule(self, node: Node) -> Rule | None:
        if isinstance(node.op, LAYERS):
            return self.along(self.patterns.by_node[node.name].to(node.value))
        if isinstance(node.op, Diagonal):
            return self.one_to_one()
        return super().rule(node)

    def along(self, a: Tensor) -> Rule:
        return lambda op, x, y: replace(op, weight=a, bias=None).adjoint

    def one_to_one(self) -> Rule:
        """A unit with one input, y = wx + b: its pattern is a = 1 / w."""
        return lambda op, x, y: op.map(lambda w: torch.where(w == 0, 0, 1 / w)).adjoint


@dataclass(frozen=True, eq=False)
class _PatternAttribution(_PatternMethod):
    def along(self, a: Tensor) -> Rule:
        return lambda op, x, y: replace(op, weight=op.weight * a, bias=None).adjoint

    def one_to_one(self) -> Rule:
        """wa = 1."""
        return rules.pass_through
