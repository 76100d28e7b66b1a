"""Cosine similarity convergence: how parallel random relevance becomes on its way down.

From every start layer, V random vectors are sent down the chain; at every layer below, 1 - |cos| says how
parallel the pairs have become (Sixt, Granz and Landgraf 2020, section 4 and figure 3). As there, it is taken
over the channels of a location: zero means that two starts have the same direction over channels there, not
that they spread relevance over the locations alike. Beside it stands 1 - |cos| of whole maps, over all
channels and locations together: zero means the same map up to a factor. Both say so of the vectors that were
sent, not of every start: what bounds all classes at once is `torch_backend.proof.class_cone`.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product

import torch
from torch import Tensor, nn

from rankone.errors import refuse
from torch_backend.convergence.statistics import Reading, Tally
from torch_backend.convergence.tallies import Tallies, joined
from torch_backend.graph.graph import Graph, trace
from torch_backend.memory import refuse_beyond_memory
from torch_backend.methods.method import Method, as_chain
from torch_backend.propagation.malloc import kept_pages
from torch_backend.propagation.starts import Starts
from torch_backend.propagation.sweep import sweep
from torch_backend.randomness import digest, seeded

PAIRWISE = 5  # tensors of all pairs that `pairwise` has at the same time
BYTES_PER_PAIR = 64  # a tuple of two, in a list
Keep = Callable[[Tensor, Callable[[], Tallies]], Tallies]

BATCH_BYTES = 1 << 25  # relevance of one layer that a batch of images may take; measured as the fastest


@dataclass(frozen=True, eq=False)
class CSC:
    """The readings of one method, for each start from the start downwards; `layers` runs output to input.

    precision: of the sweep, "float32" or "float64"
    """

    method: str
    vectors: int
    images: int
    precision: str
    starts: tuple[str, ...]
    layers: tuple[str, ...]
    readings: tuple[Reading, ...]

    def of(self, start: str) -> tuple[Reading, ...]:
        """One start's readings, from the start towards the input."""
        return tuple(reading for reading in self.readings if reading.start == start)

    def at(self, start: str, layer: str) -> Reading:
        """The reading of one start at one layer; KeyError if the start's relevance does not reach it."""
        for reading in self.of(start):
            if reading.layer == layer:
                return reading
        raise KeyError((start, layer))


def computed(_: Tensor, compute: Callable[[], Tallies]) -> Tallies:
    """Keep nothing: every batch is computed."""
    return compute()


def csc(
    model: nn.Module,
    images: Tensor,
    method: Method,
    starts: str | Sequence[str] = "all",
    vectors: int = 5,
    seed: int = 0,
    *,
    batch: int | None = None,
    progress: Callable[[Iterable[Tensor]], Iterable[Tensor]] = iter,
    keep: Keep = computed,
) -> CSC:
    """Cosine similarity convergence of `method` on `images` (B, *input shape), all starts in one sweep.

    starts    names of layers ("conv4_3", "logits", ...), or "all". Each start vector is N(0, I) in the full
              shape of the layer's output and is drawn from (seed, image, layer): the same for every method,
              batch size and order of the images.
    vectors   V >= 2 start vectors per image and layer, V(V-1)/2 pairs
    batch     images per sweep; None: as many as keep a layer's relevance below 32 MB
    progress  wraps the batches, for example `tqdm.tqdm`
    keep      is asked for the tallies of each batch of images, given the batch and what computes them: it may
              return such as were kept of an earlier call (`tallies.as_arrays`)

    The images' precision is that of the sweep. float32 resolves 1 - |cos| down to about 1e-13; give
    `images.double()` where curves reach that floor.
    Raises ValueError for unknown or repeated starts, fewer than two vectors or more than memory can hold,
    relevance that is not finite (an `Overflow`),
    and for whatever `trace` and the method refuse.
    """
    chain = as_chain(method)
    return csc_of_each(
        model,
        images,
        chain.name,
        lambda _: chain,
        starts,
        vectors,
        seed,
        batch=batch,
        progress=progress,
        keep=keep,
    )


def csc_of_each(
    model: nn.Module,
    images: Tensor,
    name: str,
    method: Callable[[Tensor], Method],
    starts: str | Sequence[str],
    vectors: int,
    seed: int,
    *,
    batch: int | None,
    progress: Callable[[Iterable[Tensor]], Iterable[Tensor]],
    keep: Keep,
) -> CSC:
    """`csc` of a method that may be another for each batch of images; the rest is as there."""
    if isinstance(vectors, bool) or not isinstance(vectors, int) or vectors < 2:
        refuse(
            "vectors",
            expected="an integer >= 2",
            got=repr(vectors),
            do="ask for two or more: a cosine needs two",
        )
    if isinstance(seed, bool) or not isinstance(seed, int):
        refuse("seed", expected="an integer", got=repr(seed), do="take 0, or any other whole number")
    if batch is not None and (isinstance(batch, bool) or not isinstance(batch, int) or batch < 1):
        refuse("batch", expected="an integer >= 1 or None", got=repr(batch), do="leave it out")
    if not isinstance(images, Tensor) or images.dim() < 2 or not len(images):
        refuse(
            "images",
            expected="a tensor (B, ...), B >= 1",
            got=_describe(images),
            do="join them: torch.stack(images)",
        )
    graph = trace(model, images[:1])
    names = start_names(graph, starts)
    _refuse_beyond_memory(graph, names, vectors)
    layers = layers_below(graph)

    def tallies(some: Tensor) -> Tallies:
        digests = [digest(image) for image in some]
        return tallies_of(graph.record(some), digests, method(some), names, vectors, seed, name=name)

    with kept_pages():
        batches = progress(images.split(batch or _batch(graph, len(names), vectors)))
        whole = joined(keep(some, partial(tallies, some)) for some in batches)
    precision = str(graph.nodes[0].value.dtype).removeprefix("torch.")
    found = readings(whole, names, layers)
    return CSC(name, vectors, len(images), precision, tuple(names), layers, found)


def tallies_of(
    recorded: Graph,
    digests: Sequence[str],
    method: Method,
    starts: Sequence[str],
    vectors: int,
    seed: int,
    *,
    name: str | None = None,
) -> Tallies:
    """What is read of the recorded images, of these digests, at all layers, of relevance from these starts.

    name: what the method is called where it has to be refused. An `Overflow` for relevance that is not
    finite.
    """
    found: dict[tuple[str, str], Tally] = {}

    def fresh(start: str) -> Tensor:
        return start_vectors(recorded, start, vectors, seed, digests)

    starting = Starts(dict.fromkeys(starts, vectors), fresh)
    for layer, relevance in sweep(recorded, method, starting, layers_below(recorded)):
        for start, r in relevance.items():
            tally = found.setdefault((start, layer), Tally(channels=r.shape[2]))
            tally.add(r, f"{name or method.name} relevance from {start} at {layer}")
    return found


def layers_below(graph: Graph) -> tuple[str, ...]:
    """The layers where relevance is read, output first, and the image."""
    return (graph.end, *graph.layers)[::-1]


def readings(tallies: Tallies, starts: Sequence[str], layers: Sequence[str]) -> tuple[Reading, ...]:
    """One for each start and each layer that its relevance reaches."""
    return tuple(
        tallies[start, layer].reading(start, layer)
        for start, layer in product(starts, layers)
        if (start, layer) in tallies
    )


def start_vectors(graph: Graph, layer: str, vectors: int, seed: int, digests: Sequence[str]) -> Tensor:
    """N(0, I) at the layer's output, (V, B, *shape), each image's drawn from (seed, its digest, the layer).

    Drawn in float32 on the CPU whatever the precision and device of the sweep, so that both precisions and
    all devices send the same vectors down.
    """
    value = graph.node(layer).value
    shape = (vectors, *value.shape[1:])

    def of(image: str) -> Tensor:
        return torch.randn(shape, generator=seeded(seed, image, layer))

    with ThreadPoolExecutor() as pool:  # torch draws on one core
        return torch.stack(list(pool.map(of, digests)), dim=1).to(value)


def start_names(graph: Graph, starts: str | Sequence[str]) -> list[str]:
    """The start layers in the graph's order, output first; "logits" stands for the last layer's name."""
    asked = graph.layers if starts == "all" else [starts] if isinstance(starts, str) else list(starts)
    names = [graph.node(name).name for name in asked]
    if not names or len(set(names)) < len(names) or not set(names) <= set(graph.layers):
        refuse(
            "starts",
            expected=f"'all' or different layers of {', '.join(graph.layers)}",
            got=", ".join(map(str, asked)) or "none",
            do="name each start layer once",
        )
    return sorted(names, key=graph.layers.index, reverse=True)


def _refuse_beyond_memory(graph: Graph, starts: Sequence[str], vectors: int) -> None:
    """For one image and start: V vectors at the largest layer, its V(V-1)/2 pairs at each location."""
    below = (graph.end, *graph.layers[: graph.layers.index(starts[0]) + 1])
    values = [graph.node(name).value for name in below]
    if values[0].device.type == "cpu":
        pairs = vectors * (vectors - 1) // 2
        numbers = max(vectors * v.numel() + PAIRWISE * pairs * v[0, 0].numel() for v in values)
        needed = numbers * values[0].element_size() + BYTES_PER_PAIR * pairs
        refuse_beyond_memory("vectors", needed, got=vectors, do="ask for fewer: five are usual")


def _batch(graph: Graph, starts: int, vectors: int) -> int:
    largest = max(graph.node(name).value.numel() for name in (graph.end, *graph.layers))
    return max(1, BATCH_BYTES // (starts * vectors * largest * graph.nodes[0].value.element_size()))


def _describe(images: object) -> str:
    return f"shape {tuple(images.shape)}" if isinstance(images, Tensor) else type(images).__name__
