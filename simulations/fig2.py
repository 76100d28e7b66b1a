"""Figure 2: do the maps of a VGG-16 change with the class asked for, and with its weights?

    python simulations/fig2.py [--out DIR] [--full] [--methods NAMES] [--protocol corrected|paper]

For both protocols: medians over images, with exact 99 % intervals, of how alike the maps stay when
another class is asked for and when weights are destroyed from the output down to a layer; beside
nulls and controls.
Writes fig2.corrected and fig2.paper: .csv, .png and, the caption, .txt.

With a network connection, the paper's own setting:

    python simulations/fig2.py --model vgg16 --weights IMAGENET1K_V1 --images DIR --example FILE --full
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # python simulations/fig2.py finds its siblings

from rankone.errors import one_line
from simulations.sanity_figures import Figure, scores
from simulations.sanity_methods import DECIDING_ON_VGG

FIGURE = Figure(
    "fig2",
    model="mri-vgg16",
    methods=DECIDING_ON_VGG,
    stages=("conv4_1",),
    example=3,
)


def main(given: Sequence[str] | None = None) -> int:
    return scores(FIGURE, __doc__, given)


if __name__ == "__main__":
    with one_line("fig2"):
        sys.exit(main())
