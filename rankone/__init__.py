"""rankone: does a saliency map depend on the decision?

Table of contents (each a submodule, loaded when first touched; NumPy and SciPy only):

chains of random matrices
    shapes        chain shapes as data: VGG-16 of figure 4, uniform, any list
    ensembles     matrix ensembles with their exact means and variances
    chain         running products, rescaled at every step
    similarity    1 - |cos| without cancellation and without a floor
    laws          closed-form laws behind the curves
    parents       how differently two units choose their parents: the law of one given factor
    results       tables, medians, nulls and protocols that studies and figures share
    stable_rank   ‖C‖_F²/‖C‖₂² of an operator known by its products: what sampled cosines estimate

contraction and proof
    structure     allowable, irreducible, primitive, scrambling, Markov, stochastic
    contraction   Hilbert distance, Birkhoff, Dobrushin, Hajnal; the cone of the columns
    bounds        chain bounds: factor by factor, best grouping, whole product
    ergodicity    what a finite part of an infinite product proves
    diameter      extreme pairs of many points, all pairs, on all cores
    certificate   rigorous bounds on a chain, with their rounding error
    verify        the small independent verifier of a certificate
    claims        the ledger: the paper's claims, each with evidence that runs
    strategies    hypothesis strategies for matrices and chains (needs hypothesis)

what may be said
    verdict       a method's answer to each question, in words with the number behind it

many tasks
    scale         a list of tasks here, by workers, by a cluster or in shards on many machines, and merged

The room proof holds certificate and verify, with what they rest on; cli is the command line; errors is the
one way to refuse bad input; pattern is where a matrix has its zeros, for structure and bounds.
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"
__all__ = [
    "bounds",
    "certificate",
    "chain",
    "claims",
    "contraction",
    "diameter",
    "ensembles",
    "ergodicity",
    "laws",
    "parents",
    "results",
    "scale",
    "shapes",
    "similarity",
    "stable_rank",
    "strategies",
    "structure",
    "verdict",
    "verify",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return import_module(f"rankone.{name}")
    raise AttributeError(f"module 'rankone' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
