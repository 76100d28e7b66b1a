"""Figure 6: maps of a ResNet-50 before and after its weights are destroyed, a row per method.

    python simulations/fig6.py [--out DIR] [--full] [--methods NAMES] [--protocol corrected|paper]

For both protocols: the maps of one image for the class that is predicted and for another, then with
the weights destroyed from the output down to a layer.
Writes fig6.corrected and fig6.paper: .npz, .png and, the caption, .txt.

With a network connection, the paper's own setting:

    python simulations/fig6.py --model resnet50 --weights IMAGENET1K_V1 --images DIR --example FILE --full
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # python simulations/fig6.py finds its siblings

from rankone.errors import one_line
from simulations.sanity_figures import Figure, maps
from simulations.sanity_methods import DECIDING

FIGURE = Figure(
    "fig6",
    model="moderation-resnet50",
    methods=DECIDING,
    stages=("block5_2", "block4_1", "block3_1"),
    shown=1,
    example=1,
)


def main(given: Sequence[str] | None = None) -> int:
    return maps(FIGURE, __doc__, given)


if __name__ == "__main__":
    with one_line("fig6"):
        sys.exit(main())
