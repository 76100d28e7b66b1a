"""Relevance in real networks: trace a model, sweep a Method through it, from any layer to any below.

    graph = trace(model, images)                                  # nodes, names, recorded activations
    r = relevance(graph, methods.z_plus, "logits", start, "input")  # (V, B, classes) -> (V, B, *image)

Table of contents: a room for each question, and the names that are public here.

    inputs       what comes in?          models, images, load_onnx
    operators    what is a layer?
    graph        what is the network?    trace, join, Graph, Node
    rules        what is a rule?         rules
    methods      which methods?          methods, Method, deeplift_rescale, deeplift_reveal_cancel,
                                         deeplift_without_cross_terms, pattern_net, pattern_attribution,
                                         estimate_patterns, load_patterns, Patterns
    propagation  how does it travel?     sweep, Starts, relevance, class_start, class_sums, ledger,
                                         ChainOperator, kept_pages
    convergence  how parallel is it?     csc, CSC, network_law, predict
    maps         which map?              saliency, reduction, Attribution, smooth_grad, integrated_gradients,
                                         grad_cam, occlusion
    proof        what holds for all      class_cones, ClassCone
                 classes at once?
    audit        does the map depend on  study, Plan, Examined, Subject; audit.of, of any tool's maps
                 class and weights?
    adapters     which tools?            captum, zennit, Quantus, pytorch-grad-cam, SHAP
    commands     what does a command do?
    randomness   (a file) where do random numbers come from?
    memory       (a file) does it fit?
"""

from torch_backend import methods, rules
from torch_backend.audit.part import Examined, Plan
from torch_backend.audit.study import study
from torch_backend.audit.subject import Subject
from torch_backend.convergence.csc import CSC, csc
from torch_backend.convergence.network_law import network_law
from torch_backend.convergence.predicted import predict
from torch_backend.graph.graph import Graph, trace
from torch_backend.graph.joined import join
from torch_backend.graph.node import Node
from torch_backend.inputs import images, models
from torch_backend.inputs.onnx_file import load_onnx
from torch_backend.maps.averaged import integrated_gradients, smooth_grad
from torch_backend.maps.grad_cam import grad_cam
from torch_backend.maps.occlusion import occlusion
from torch_backend.maps.saliency import Attribution, reduction, saliency
from torch_backend.methods import (
    Method,
    Patterns,
    deeplift_rescale,
    deeplift_reveal_cancel,
    deeplift_without_cross_terms,
    estimate_patterns,
    load_patterns,
    pattern_attribution,
    pattern_net,
)
from torch_backend.proof.class_cone import ClassCone, class_cones
from torch_backend.propagation.classes import class_start, class_sums
from torch_backend.propagation.ledger import ledger
from torch_backend.propagation.malloc import kept_pages
from torch_backend.propagation.operator import ChainOperator
from torch_backend.propagation.relevance import relevance
from torch_backend.propagation.starts import Starts
from torch_backend.propagation.sweep import sweep

__all__ = [
    "CSC",
    "Attribution",
    "ChainOperator",
    "ClassCone",
    "Examined",
    "Graph",
    "Method",
    "Node",
    "Patterns",
    "Plan",
    "Starts",
    "Subject",
    "class_cones",
    "class_start",
    "class_sums",
    "csc",
    "deeplift_rescale",
    "deeplift_reveal_cancel",
    "deeplift_without_cross_terms",
    "estimate_patterns",
    "grad_cam",
    "images",
    "integrated_gradients",
    "join",
    "kept_pages",
    "ledger",
    "load_onnx",
    "load_patterns",
    "methods",
    "models",
    "network_law",
    "occlusion",
    "pattern_attribution",
    "pattern_net",
    "predict",
    "reduction",
    "relevance",
    "rules",
    "saliency",
    "smooth_grad",
    "study",
    "sweep",
    "trace",
]
