"""zennit and captum used competently, as the benchmarks' other side: never imported by the project itself."""

from collections.abc import Mapping, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn


def out_of_place(model: nn.Module) -> nn.Module:
    """A copy whose ReLUs do not overwrite what hooks have recorded."""
    copy = deepcopy(model)
    for module in copy.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return copy


def zennit_composite(method: str) -> object:
    """The zennit composite of a method: one rule in all linear layers, batch norms merged."""
    from zennit.composites import GuidedBackprop, LayerMapComposite
    from zennit.layer import Sum
    from zennit.rules import AlphaBeta, Epsilon, Norm, Pass, ZPlus
    from zennit.torchvision import ResNetCanonizer
    from zennit.types import Activation, AvgPool, Convolution, Linear

    canonizers = [ResNetCanonizer()]
    if method == "guided_backprop":
        return GuidedBackprop(canonizers=canonizers)
    if method == "gradient":
        return LayerMapComposite([], canonizers=canonizers)
    rules = {
        "z_plus": ZPlus(),
        "alpha_beta:2:1": AlphaBeta(alpha=2.0, beta=1.0),
        "lrp_z": Epsilon(epsilon=0.0),
    }
    layer_map = [
        (Activation, Pass()),
        (Sum, Norm()),
        (AvgPool, Norm()),
        ((Convolution, Linear), rules[method]),
    ]
    return LayerMapComposite(layer_map, canonizers=canonizers)


def zennit_relevance(
    model: nn.Module, images: Tensor, method: str, starts: Mapping[str, Tensor], reads: Sequence[str]
) -> dict[str, list[Tensor]]:
    """One hooked forward, graph retained, one backward for each start layer.

    images (B, C, H, W); starts: module name -> (V, B, *shape); reads: module names.  The V vectors ride in
    the batch (images repeated V times).  Returns start -> relevances at the image and at the reads below it.
    """
    vectors = next(iter(starts.values())).shape[0]
    recorded: dict[str, Tensor] = {}

    def record(name: str):
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            recorded[name] = output

        return hook

    answers = {}
    with zennit_composite(method).context(model) as hooked:
        modules = dict(hooked.named_modules())
        handles = [modules[name].register_forward_hook(record(name)) for name in {*starts, *reads}]
        x = images.repeat(vectors, *[1] * (images.dim() - 1)).requires_grad_()
        hooked(x)
        order = list(recorded)
        for start, relevance in starts.items():
            below = [recorded[name] for name in order[: order.index(start)] if name in reads]
            answers[start] = torch.autograd.grad(
                recorded[start], [x, *below], relevance.flatten(0, 1), retain_graph=True
            )
        for handle in handles:
            handle.remove()
    return answers


def captum_z_plus(network: nn.Module, images: Tensor, vectors: int) -> Tensor:
    """captum's LRP with its α1β0 rule from `vectors` one-hot outputs of a network cut at the start layer.

    captum starts from single output neurons, so every start layer needs its own cut network and forward.
    """
    from captum.attr import LRP
    from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.rule = Alpha1_Beta0_Rule()  # captum deletes it after each call
    shape = network(images).shape[1:]
    target = [(v, *(size // 2 for size in shape[1:])) if len(shape) > 1 else v for v in range(vectors)]
    return LRP(network).attribute(images.repeat(vectors, 1, 1, 1).requires_grad_(), target=target)
