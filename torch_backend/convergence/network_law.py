"""The moment law of a network: its convergence if only each layer's mean and variance mattered.

`rankone.laws.moment_state` predicts a chain of iid factors from two numbers a factor. The same is asked here
of a real network: relevance goes down through iid N(mean, variance) weights, each layer with its own two
numbers, on the network's own geometry (receptive fields, strides, skips, pooling) and recorded activations.
Where the measured curve follows, those two numbers a layer explain it; what lies between the curves, beyond
the scatter of the draws, is what the arrangement of the weights adds, that is, training.

A dense chain's law alone would fail below the first convolutions: the channels of a location soon agree, what
still differs is one scale per location, and a convolution only smooths that. Geometry makes this plateau.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from torch_backend.convergence.csc import CSC, Keep, computed, csc_of_each
from torch_backend.methods.method import PLACES, Method
from torch_backend.operators.linear import Weighted
from torch_backend.randomness import digest, seeded
from torch_backend.rules.backward import Backward, Rule

# A Method's rules for the layers whose weights are drawn.
DRAWN = ("convolution", "dense", *PLACES)


def network_law(
    model: nn.Module,
    images: Tensor,
    method: Method,
    starts: str | Sequence[str] = "all",
    vectors: int = 5,
    seed: int = 0,
    *,
    progress: Callable[[Iterable[Tensor]], Iterable[Tensor]] = iter,
    keep: Keep = computed,
) -> CSC:
    """What `csc` would read if the weights of each layer were iid; arguments, result and errors as there.

    Each image gets its own draw of the weights, so that the median over images is one over draws.
    """

    def drawn(image: Tensor) -> Method:
        generator = seeded("network law", seed, digest(image[0]))
        return with_other_weights(method, lambda op: with_iid_weights(op, generator))

    return csc_of_each(
        model,
        images,
        method.name,
        drawn,
        starts,
        vectors,
        seed,
        batch=1,
        progress=progress,
        keep=keep,
    )


def with_other_weights(
    method: Method, change: Callable[[Weighted], Weighted], kinds: Sequence[str] = DRAWN
) -> Method:
    """The method's rules on layers whose weights are changed; activations stay as recorded.

    kinds: the fields of `Method` that hold the rules of these layers.
    """

    def on_changed(rule: Rule | None) -> Rule | None:
        def changed_rule(op: Weighted, x: Tensor, y: Tensor) -> Backward:  # noqa: ARG001
            changed = change(op)
            return rule(changed, x, changed.forward(x))

        return changed_rule if rule else None

    return replace(method, **{kind: on_changed(getattr(method, kind)) for kind in kinds})


def with_iid_weights(op: Weighted, generator: torch.Generator) -> Weighted:
    """The operator with iid normal weights of the same mean and variance, and its own bias."""
    W = op.weight
    normal = torch.randn(W.shape, generator=generator).to(W)
    return replace(op, weight=W.mean() + W.std(correction=0) * normal)
