"""What reading a network costs, and what its checks do: python -m benchmarks.reading

Once for a network: the first reading, and in it each of the checks. For every batch: the model run and
recorded, beside the model run alone, and beside the sweep that follows, z⁺ with two or five vectors from five
or six start layers. float32, one image.
"""

from collections.abc import Callable
from functools import partial

import torch
import torchvision
from torch import Tensor, nn

from benchmarks.measure import side_by_side, write_table
from torch_backend import kept_pages, methods, sweep, trace
from torch_backend.graph import checks
from torch_backend.graph.reading import _check_derivative

SEED = 0
STARTS = {
    "vgg16": ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "fc3"),
    "resnet50": ("conv1", "block2_3", "block3_4", "block4_6", "block5_3", "dense"),
}
ONCE = ("first reading", "forward of every node", "a vector-Jacobian product", "another run")
NOTES = (
    "Medians of 5 interleaved runs inside kept_pages, each after an untimed one. First reading: `trace`, "
    "all checks included. Forward of every node: compared with what the model computed there. Another run: "
    "the image twice over, recorded and compared. Every batch: `graph.record`. Sweep: z⁺ from so many start "
    "layers, as many vectors from each, read at all and at the image, `graph.record` not included."
)


def parts(model: nn.Module, images: Tensor, starts: tuple[str, ...]) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    graph = trace(model, images)
    network = graph.network
    first = network._read(images)
    generator = torch.Generator().manual_seed(SEED)

    def swept(vectors: int) -> None:
        given = {
            name: torch.randn(vectors, *graph.node(name).value.shape, generator=generator) for name in starts
        }
        for _ in sweep(graph, methods.z_plus, given.get, ("input", *starts)):
            pass

    def forward_of_every_node() -> None:
        values = [step.value if step.tensor is not None else None for step in first.steps]
        checks.check_forward(first.nodes, values, torch.float32)

    def derivative() -> None:
        network.calls, calls = [], network.calls
        _check_derivative(again := network._read(images), again.nodes)
        network.calls = calls

    return {
        "model": torch.no_grad()(partial(model, images)),
        "every batch": partial(graph.record, images),
        "first reading": partial(trace, model, images),
        "forward of every node": forward_of_every_node,
        "read and derivative": derivative,
        "another run": partial(network._read, torch.cat((images, images))),
        "sweep, 2 vectors": partial(swept, 2),
        "sweep, 5 vectors": partial(swept, 5),
    }


if __name__ == "__main__":
    rows = []
    for name, starts in STARTS.items():
        torch.manual_seed(SEED)
        model = torchvision.models.get_model(name, weights=None).eval()
        images = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(SEED))
        with kept_pages():
            seconds = side_by_side(parts(model, images, starts), repeats=5)
        seconds["a vector-Jacobian product"] = seconds.pop("read and derivative") - seconds["every batch"]
        for what, time in seconds.items():
            times = [time / seconds[other] for other in ("model", "sweep, 2 vectors", "sweep, 5 vectors")]
            how_often = "once" if what in ONCE else "every batch"
            rows.append((name, what, how_often, f"{time:.3f}", *(f"{t:.2f}" for t in times)))
    header = ("network", "what", "how often", "seconds", "/ model", "/ sweep of 2", "/ sweep of 5")
    path = write_table(
        "reading", "What reading a network costs (CPU, float32, 1 image of 224²)", header, rows, NOTES
    )
    print(path.read_text())
