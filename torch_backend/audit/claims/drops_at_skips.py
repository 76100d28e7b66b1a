"""Are the places where the similarity falls, on the way down a residual network, those where a skip joins?"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import log10

import numpy as np

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1
from torch_backend import methods
from torch_backend.audit.claims.convergence import APART, convergence
from torch_backend.audit.claims.networks import RESNET50, SMALL_RESNET, trained
from torch_backend.graph.paths import trunk

NETWORKS = (RESNET50, SMALL_RESNET)
DROP = 0.3  # decades of 1 − |cos|, a factor 2: more than starts and images of one network differ by


@dataclass(frozen=True)
class Block:
    """log10 of 1 − |cos| in a block with an identity path: above it and within its branch, downwards; below
    it, where the path has joined.
    """

    branch: tuple[float, ...]
    below: float

    @property
    def at_the_join(self) -> float:
        """How much less alike the starts become there, in decades."""
        return self.below - self.branch[-1]

    @property
    def within(self) -> tuple[float, ...]:
        """The same at the steps within the branch."""
        return tuple(lower - upper for upper, lower in pairwise(self.branch))


def blocks(network: str) -> tuple[Block, ...]:
    """The blocks with an identity path, output first, z⁺ from the logits."""
    graph = trained(network).graph
    level = {one.layer: float(np.log10(one.median)) for one in convergence(network, methods.z_plus)}
    named = sorted((graph.node(name).index, name) for name in graph.layers)
    trunk_of = {node.index: node.name for node in trunk(graph.nodes, graph.layers)}
    found = []
    for node in graph.nodes:
        paths = [i for i in node.inputs if i in trunk_of and node.kind == "add"]
        if paths and trunk_of[paths[0]] in level:
            branch = [name for index, name in named if paths[0] < index < node.index]
            block = next(name for index, name in named if index >= node.index)
            levels = tuple(level[name] for name in [block, *reversed(branch)])
            found.append(Block(levels, level[trunk_of[paths[0]]]))
    return tuple(reversed(found))


def evidence(of: Callable[[str], tuple[Block, ...]] = blocks) -> Evidence:
    """z⁺ from the logits: within a block's branch, and once the identity path has joined below it."""
    found = {network: of(network) for network in NETWORKS}
    every = [block for each in found.values() for block in each]
    before, after = ([b for b in every if alike(b) is so] for so in (False, True))
    first = [b.at_the_join for b in before]
    joins = sum(b.at_the_join > DROP for b in after)
    within = sum(step > DROP for b in after for step in b.within)
    return Evidence(
        f"experiment: z⁺, random starts at the logits of {RESNET50} and {SMALL_RESNET}, decades of 1 − |cos| "
        f"over channels, in {len(every)} blocks with an identity path",
        (
            check(
                len(before) > 1 and min(first) > DROP,
                f"In the {len(before)} uppermost blocks, below which 1 − |cos| is still more than "
                f"{APART:g}, the similarity drops where the identity path joins: by "
                f"{', '.join(f'{x:.1f}' for x in first)} decades.",
            ),
            check(
                within > joins,
                f"In the {len(after)} others, of drops by more than {DROP} decades {joins} are there and "
                f"{within} within the branch, where the next convolution mixes neighbouring locations.",
            ),
        ),
    )


def alike(block: Block) -> bool:
    """Whether the starts can hardly be told apart below the block."""
    return block.below < log10(APART)


CLAIM = Claim(
    id="drops-at-skips",
    words="The drops of the similarity in figure 5 are at the skip connections.",
    source=V1,
    section="section 5, figure 5",
    verdict=Verdict.CONDITIONAL,
    because="As long as the starts differ above a block: its branch mixes the channels, the identity "
    "path hands on what came in unmixed. Once they are alike, drops are within the branches.",
    evidence=evidence,
)
