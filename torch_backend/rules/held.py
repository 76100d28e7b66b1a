"""Rules for factors that the image itself makes, held constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from torch_backend.operators.linear import Diagonal
from torch_backend.rules.backward import Backward, Rule, as_backward


@dataclass(frozen=True)
class Held:
    """A rule for the affine map that a normalisation or a gate is with what it makes of the image held.

    y = (γ / σ) x + β − γ μ / σ with the statistics that the image has, y = s ⊙ x with the gate that it has:
    nothing goes to the statistics or to the branch that makes s (Arras et al. 2017; Ali et al. 2022). Where a
    method has such a rule for a node, the network is walked with that affine map in its place
    (propagation.holding), and the rule is asked about it.
    """

    rule: Rule

    def __call__(self, op: Diagonal, x: Any, y: Tensor) -> Backward:
        return as_backward(self.rule(op, x, y))
