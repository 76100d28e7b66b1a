"""PatternNet and PatternAttribution (Kindermans et al. 2018): backpropagation along the signal in the data.

A unit y = wᵀx + b reads a signal out of x and cancels what distracts from it; w itself points along neither.
The pattern a is the direction of the signal: x = a y + distractor, wᵀa = 1, estimated from data.

    patterns = estimate_patterns(graph, batches)          # any iterable of images (B, *image shape)
    relevance(graph, pattern_attribution(patterns), "logits", start, "input")
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend import rules
from torch_backend.graph.graph import Graph
from torch_backend.graph.node import Node
from torch_backend.methods import Method
from torch_backend.operators.linear import Weighted, full_precision
from torch_backend.rules import Rule

LAYERS = ("convolution", "dense")
REGIMES = ("relu", "linear")
# wᵀcov(x, y) below this many roundings of its terms is taken for 0: a unit that does not vary has no pattern.
ROUNDINGS = 64


@dataclass(frozen=True, eq=False)
class Patterns:
    """The patterns of a network's convolutions and dense layers.

    regime    "relu" or "linear", as in `estimate_patterns`
    by_node   name of the node -> patterns in the shape of its weights; 0 for a unit that never varied
    """

    regime: str
    by_node: Mapping[str, Tensor]

    def save(self, path: str | Path) -> None:
        """Write a .safetensors file; OSError if that fails."""
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        tensors = {name: a.contiguous() for name, a in self.by_node.items()}
        try:
            save_file(tensors, path, metadata={"patterns": json.dumps({"regime": self.regime})})
        except SafetensorError as error:
            raise OSError(f"patterns: cannot write {path}: {error}") from None


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


# ---------------------------------------------------------------- estimation


def estimate_patterns(graph: Graph, batches: Iterable[Tensor], regime: str = "relu") -> Patterns:
    """Patterns of all convolutions (over their patches) and dense layers, from images (B, *image shape).

    regime  "linear": a = cov(x, y) / wᵀcov(x, y), where wᵀcov(x, y) = var(y) (Kindermans et al., S_a)
            "relu": the positive half-space, a = c / wᵀc with c = E₊[xy] - E₊[x] E[y] and E₊ the mean where
            y > 0 (S_a+-), in layers whose sign a rectifier reads; "linear" in the others

    Sums of products run in the graph's precision within a batch, with y centred on its mean in the first
    batch, and in float64 from batch to batch; memory does not grow with the number of images.
    ValueError: an unknown regime, no images, images of another shape than traced.
    """
    if regime not in REGIMES:
        refuse("regime", expected=" or ".join(REGIMES), got=repr(regime), do="choose one")
    nodes = [node for node in graph.nodes if node.kind in LAYERS]
    rectified = _rectified(graph) if regime == "relu" else set()
    sums: dict[str, Sums] = {}
    for images in batches:
        recorded = graph.record(images)
        for node in nodes:
            x, y = recorded.nodes[node.inputs[0]].value, recorded.nodes[node.index].value
            if node.name not in sums:
                sums[node.name] = Sums.none(node, y)
            sums[node.name] = sums[node.name].add(
                node, x, y, y > 0 if node.index in rectified else torch.ones_like(y)
            )
    if not sums:
        refuse("batches", expected="at least one batch of images", got="none", do="give some")
    return Patterns(regime, {node.name: sums[node.name].pattern(node) for node in nodes})


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over images and locations, float64; + stands for the half-space, c for a constant near E[y].

    count, y        (C,) number of y, and Σ (y - c)
    count_plus      (C,) number of y in the half-space
    x_plus, xy_plus in the weights' shape: Σ₊ x and Σ₊ x (y - c)
    """

    centre: Tensor
    count: Tensor
    y: Tensor
    count_plus: Tensor
    x_plus: Tensor
    xy_plus: Tensor

    @staticmethod
    def none(node: Node, y: Tensor) -> Sums:
        channels = _by_channel(node, y).mean(1)
        zero, weights = torch.zeros_like(channels).double(), torch.zeros_like(node.op.weight).double()
        return Sums(channels, zero, zero, zero, weights, weights)

    def add(self, node: Node, x: Tensor, y: Tensor, half_space: Tensor) -> Sums:
        plus = half_space.to(y)
        centred = y - self.centre.reshape(-1 if node.kind == "dense" else (-1, *[1] * (y.dim() - 2)))
        return Sums(
            self.centre,
            self.count + _by_channel(node, y).shape[1],
            self.y + _by_channel(node, centred).double().sum(1),
            self.count_plus + _by_channel(node, plus).double().sum(1),
            self.x_plus + products(node.op, x, plus).double(),
            self.xy_plus + products(node.op, x, plus * centred).double(),
        )

    def pattern(self, node: Node) -> Tensor:
        """a = c / wᵀc, c = E₊[xy] - E₊[x] E[y]."""
        w = node.op.weight.double().flatten(1)
        mean = (self.y / self.count)[:, None]
        xy, x = (s.flatten(1) / self.count_plus.clamp(min=1)[:, None] for s in (self.xy_plus, self.x_plus))
        c, terms = xy - x * mean, xy.abs() + (x * mean).abs()
        wc, scale = (w * c).sum(1, keepdim=True), (w.abs() * terms).sum(1, keepdim=True)
        varies = wc.abs() > ROUNDINGS * torch.finfo(node.op.weight.dtype).eps * scale
        a = torch.where(varies, c / torch.where(varies, wc, 1), 0)
        return a.reshape(node.op.weight.shape).to(node.op.weight)


def products(op: Weighted, x: Tensor, g: Tensor) -> Tensor:
    """Σ g xᵀ over images and locations, in the shape of the weights W: the derivative of ⟨g, Wx⟩ by W."""
    x = x.contiguous()  # torch 2.15: one channels-last image, groups, float64 gave a wrong derivative by W
    weight = op.weight.clone().requires_grad_()
    with torch.enable_grad(), full_precision(x):
        (total,) = torch.autograd.grad(replace(op, weight=weight).apply(x), weight, g)
    return total


def _by_channel(node: Node, y: Tensor) -> Tensor:
    """(C, everything else)."""
    return y.movedim(-1 if node.kind == "dense" else 1, 0).flatten(1)


def _rectified(graph: Graph) -> set[int]:
    """The nodes whose sign a rectifier reads, directly or through nodes that keep units apart."""
    found: set[int] = set()
    for node in reversed(graph.nodes):
        if node.kind == "relu" or (node.index in found and node.kind in ("affine", "route", "max_pool")):
            found.update(node.inputs)
    return found


# ---------------------------------------------------------------- methods


def pattern_net(patterns: Patterns) -> Method:
    """PatternNet: r ↦ Aᵀr in convolutions and dense layers, A the patterns; rectifiers and poolings as in the
    gradient. From the logit's value it leads to the signal in the image.
    """
    return _PatternMethod("pattern_net", *RULES, patterns=patterns)


def pattern_attribution(patterns: Patterns) -> Method:
    """PatternAttribution: r ↦ (W ⊙ A)ᵀr (8) in convolutions and dense layers, rectifiers and poolings as in
    the gradient. W are the weights of the network that is swept, whichever network the patterns come from.
    """
    return _PatternAttribution("pattern_attribution", *RULES, patterns=patterns)


# Convolutions, dense and affine layers have rules of their own (`_PatternMethod.rule`).
RULES = (None, None, None, *[rules.gradient] * 5, None, None)


@dataclass(frozen=True, eq=False)
class _PatternMethod(Method):
    patterns: Patterns = field(kw_only=True, repr=False)

    def bind(self, graph: Graph) -> Method:
        known = self.patterns.by_node
        missing = [
            f"{node.name} {tuple(node.op.weight.shape)}"
            for node in graph.nodes
            if node.kind in LAYERS
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
        if node.kind in LAYERS:
            return self.along(self.patterns.by_node[node.name].to(node.value))
        if node.kind == "affine":
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
