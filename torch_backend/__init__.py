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
from torch_backend.averaged import integrated_gradients, smooth_grad
from torch_backend.chain_operator import ChainOperator
from torch_backend.class_cone import ClassCone, class_cones
from torch_backend.csc import CSC, csc
from torch_backend.deeplift import deeplift_rescale
from torch_backend.gradcam import grad_cam
from torch_backend.graph import Graph, trace
from torch_backend.ledger import ledger
from torch_backend.methods import Method
from torch_backend.network_law import network_law
from torch_backend.node import Node
from torch_backend.occlusion import occlusion
from torch_backend.pages import kept_pages
from torch_backend.patterns import (
    Patterns,
    estimate_patterns,
    load_patterns,
    pattern_attribution,
    pattern_net,
)
from torch_backend.relevance import relevance
from torch_backend.reveal_cancel import deeplift_reveal_cancel, deeplift_without_cross_terms
from torch_backend.saliency import Attribution, reduction, saliency
from torch_backend.sweep import sweep

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
    "integrated_gradients",
    "kept_pages",
    "ledger",
    "load_patterns",
    "methods",
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
