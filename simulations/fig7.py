"""Figure 7: do the maps of a ResNet-50 change with the class asked for, and with its weights?

    python simulations/fig7.py [--out DIR] [--full] [--methods NAMES] [--protocol corrected|paper]

For both protocols: medians over images, with exact 99 % intervals, of how alike the maps stay when
another class is asked for and when weights are destroyed from the output down to a layer; beside
nulls and controls.
Writes fig7.corrected and fig7.paper: .csv, .png and, the caption, .txt.

With a network connection, the paper's own setting:

    python simulations/fig7.py --model resnet50 --weights IMAGENET1K_V1 --images DIR --example FILE --full
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # python simulations/fig7.py finds its siblings

from rankone.errors import one_line
from simulations.sanity_figures import Figure, scores
from simulations.sanity_methods import DECIDING

FIGURE = Figure(
    "fig7",
    model="moderation-resnet50",
    methods=DECIDING,
    stages=("block5_2", "block4_1"),
    example=1,
)


def main(given: Sequence[str] | None = None) -> int:
    return scores(FIGURE, __doc__, given)


if __name__ == "__main__":
    with one_line("fig7"):
        sys.exit(main())
