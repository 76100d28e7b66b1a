"""Relevance in real networks: trace a model, sweep any method through it, from any layer to any other.

    graph = trace(model, images)                                  # nodes, names, recorded activations
    r = relevance(graph, methods.z_plus, "logits", start, "input")  # (V, B, classes) -> (V, B, *image)

Table of contents: graph (trace), methods (a rule for every kind of node), rules (the equations), linear and
nonlinear (the operators), sweep (one backward pass for every start layer), relevance, csc (how little depends
on the start), network_law (what each layer's mean and variance predict of it), models, images.
"""

from torch_backend import methods, rules
from torch_backend.csc import CSC, csc
from torch_backend.graph import Graph, trace
from torch_backend.methods import Method
from torch_backend.network_law import network_law
from torch_backend.node import Node
from torch_backend.relevance import relevance
from torch_backend.sweep import sweep

__all__ = [
    "CSC",
    "Graph",
    "Method",
    "Node",
    "csc",
    "methods",
    "network_law",
    "relevance",
    "rules",
    "sweep",
    "trace",
]
