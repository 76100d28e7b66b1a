"""What contraction says: how much of the map can change if anything above a layer may, beside the classes.

Run: python -m benchmarks.any_head. Writes benchmarks/results/any_head.md. For each layer l of the trunk all
units of l are starts: total variation is then Dobrushin's coefficient, and tanh(Δ/4) Birkhoff's, of all that
lies below l. Δ of the classes at l times Birkhoff's coefficient bounds their Δ at the image, as the columns
of the classes themselves do.
"""

from collections.abc import Iterator
from math import isinf, prod, tanh

from benchmarks.measure import write_table
from torch_backend import images, methods, models
from torch_backend.proof.all_columns import Room
from torch_backend.proof.network_proof import NetworkProof, begin

NETWORKS = ("digits-vgg", "digits-resnet")
UNITS = 1024  # of a layer; more take minutes
ROOM = Room(memory=4 * 10**9, work=0)


def bounds(proof: NetworkProof) -> dict[str, dict[str, float]]:
    """What is certified at each layer."""
    return {layer.layer.node: layer.layer.bounds for layer in proof.layers(ROOM, proof.places[-1])}


def rows(name: str) -> Iterator[tuple[object, ...]]:
    network, image = models.load(name), images.read("sample", images.preprocessing(name))[:1]
    classes = begin(network, image, methods.z_plus)
    of_classes = bounds(classes)
    image_name = classes.places[-1]
    direct = of_classes[image_name]["hilbert_diameter"]
    for stretch in classes.way[:-1]:
        layer = stretch.bottom
        if prod(layer.shape) > UNITS:
            return
        below = bounds(begin(network, image, methods.z_plus, layer.name))[image_name]
        birkhoff = tanh(below["hilbert_diameter"] / 4)
        above = of_classes[layer.name]["hilbert_diameter"]
        product = above * birkhoff if not isinf(above) else above
        yield (
            name,
            layer.name,
            prod(layer.shape),
            f"{below['total_variation']:.3g}",
            f"{birkhoff:.3g}",
            *(f"{number:.3g}" for number in (above, product, direct)),
        )


if __name__ == "__main__":
    found = [row for name in NETWORKS for row in rows(name)]
    path = write_table(
        "any_head",
        "Contraction of all that lies below a layer, z⁺, one image, certified",
        (
            "network",
            "layer",
            "units",
            "Dobrushin",
            "Birkhoff",
            "Δ of classes",
            "times Birkhoff",
            "Δ at the image",
        ),
        found,
        notes="Dobrushin: no relevance at the layer, whatever lies above, moves more of the map at the "
        "image. Birkhoff: by so much Hilbert's distance shrinks at least. Δ of the classes at the layer "
        "times that is what contraction leaves of it at the image; beside it what their own columns give.",
    )
    print(path.read_text())
