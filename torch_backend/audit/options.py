"""What an audit was asked for: plain values, as the command line said them, the same in every process."""

from __future__ import annotations

from dataclasses import dataclass

from rankone.errors import refuse

SOME = "some"  # of a network's starts or stages: spread evenly from the output down


@dataclass(frozen=True)
class Options:
    """model, weights, images, output, extra, protocol, device, seed, held, strict: as on the command line.

    attribute another tool's maps, one of the methods: FILE.py:NAME (commands.tool_file), whose file may have
              the network; then model is ""
    out       the folder of results; the units are in out/units
    methods   as they are written there
    classes   other classes for each image, where there are so many, None: all, 0: none
    draws     of random weights
    stages    names of those down to which weights are destroyed; SOME; or "all"
    starts    names of the layers where random relevance starts; SOME; or "all"
    vectors   random start vectors for each image and start
    limit     the first so many images
    closely   the first so many of these whose chains are looked at layer by layer
    """

    model: str
    out: str
    methods: tuple[str, ...]
    weights: str | None = None
    images: str = "sample"
    output: str | None = None
    extra: tuple[str, ...] = ()
    protocol: str = "corrected"
    device: str = "cpu"
    classes: int | None = 9
    draws: int = 1
    stages: str | tuple[str, ...] = SOME
    starts: str | tuple[str, ...] = SOME
    vectors: int = 3
    limit: int = 8
    closely: int = 2
    seed: int = 0
    float64: bool = False
    held: bool = True
    strict: bool = False
    attribute: str | None = None


def refuse_bad(options: Options) -> None:
    """ValueError for what no network can be audited with."""
    if not options.methods:
        refuse("methods", expected="some", got="none", do="name some, or all")
    if options.draws < 1:
        refuse("draws", expected="an integer >= 1", got=options.draws, do="1 is the paper's")
    if options.vectors < 2:
        do = "ask for two or more: a cosine needs two"
        refuse("vectors", expected="an integer >= 2", got=options.vectors, do=do)
    if options.closely < 0:
        refuse("closely", expected="a number of images", got=options.closely, do="0 for none")
    if repeated := sorted({m for m in options.methods if options.methods.count(m) > 1}):
        refuse("methods", expected="different ones", got=f"{repeated[0]} twice", do="name each once")


def spread(names: tuple[str, ...], count: int) -> tuple[str, ...]:
    """At most `count` of the names, evenly spread, the first and the last among them."""
    if len(names) <= count:
        return names
    return tuple(dict.fromkeys(names[round(k * (len(names) - 1) / (count - 1))] for k in range(count)))
