"""Figure 1: maps of a VGG-16 before and after its weights are destroyed, a row per method.

    python simulations/fig1.py [--out DIR] [--full] [--methods NAMES] [--protocol corrected|paper]

For both protocols: the maps of one image for the class that is predicted and for another, then with
the weights destroyed from the output down to a layer.
Writes fig1.corrected and fig1.paper: .npz, .png and, the caption, .txt.

With a network connection, the paper's own setting:

    python simulations/fig1.py --model vgg16 --weights IMAGENET1K_V1 --images DIR --example FILE --full
"""

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # python simulations/fig1.py finds its siblings

from rankone.errors import one_line
from simulations.sanity_figures import Figure, maps
from simulations.sanity_methods import DECIDING_ON_VGG

FIGURE = Figure(
    "fig1",
    model="mri-vgg16",
    methods=DECIDING_ON_VGG,
    stages=("conv5_1", "conv3_1"),
    shown=1,
    example=3,
)


def main(given: Sequence[str] | None = None) -> int:
    return maps(FIGURE, __doc__, given)


if __name__ == "__main__":
    with one_line("fig1"):
        sys.exit(main())
