"""Relevance in real networks: trace a model, sweep any method through it, from any layer to any other.

    graph = trace(model, images)                                  # nodes, names, recorded activations
    r = relevance(graph, methods.z_plus, "logits", start, "input")  # (V, B, classes) -> (V, B, *image)

Table of contents: graph (trace; program, execution and call_* read the model, names names its nodes),
methods (a rule for every kind of node), rules and share (the equations), linear, unweighted and nonlinear
(the operators), sweep (one backward pass for every start layer), relevance, csc (how little depends on the
start), network_law (what each layer's mean and variance predict of it), saliency (maps of any method),
patterns, deeplift, reveal_cancel (chains that need data or a reference), averaged, gradcam and occlusion
(maps, no chains), ledger (where relevance went, node by node), chain_operator (a chain as a matrix, with
its transpose), class_cone (what holds for all classes), pages (memory), models, images.
"""

from torch_backend import methods, rules
from torch_backend.convergence.csc import CSC, csc
from torch_backend.convergence.network_law import network_law
from torch_backend.graph.graph import Graph, trace
from torch_backend.graph.node import Node
from torch_backend.inputs import images, models
from torch_backend.maps.averaged import integrated_gradients, smooth_grad
from torch_backend.maps.grad_cam import grad_cam
from torch_backend.maps.occlusion import occlusion
from torch_backend.maps.saliency import Attribution, reduction, saliency
from torch_backend.methods import Method
from torch_backend.methods.deeplift import deeplift_rescale
from torch_backend.methods.patterns import (
    Patterns,
    estimate_patterns,
    load_patterns,
    pattern_attribution,
    pattern_net,
)
from torch_backend.methods.reveal_cancel import deeplift_reveal_cancel, deeplift_without_cross_terms
from torch_backend.proof.class_cone import ClassCone, class_cones
from torch_backend.propagation.ledger import ledger
from torch_backend.propagation.malloc import kept_pages
from torch_backend.propagation.operator import ChainOperator
from torch_backend.propagation.relevance import relevance
from torch_backend.propagation.sweep import sweep

__all__ = [
    "CSC",
    "Attribution",
    "ChainOperator",
    "ClassCone",
    "Graph",
    "Method",
    "Node",
    "Patterns",
    "class_cones",
    "csc",
    "deeplift_rescale",
    "deeplift_reveal_cancel",
    "deeplift_without_cross_terms",
    "estimate_patterns",
    "grad_cam",
    "images",
    "integrated_gradients",
    "kept_pages",
    "ledger",
    "load_patterns",
    "methods",
    "models",
    "network_law",
    "occlusion",
    "pattern_attribution",
    "pattern_net",
    "reduction",
    "relevance",
    "rules",
    "saliency",
    "smooth_grad",
    "sweep",
    "trace",
]
