"""Where relevance goes: of 1 at the explained class, what reaches the image, biases, ε, is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from numpy.typing import ArrayLike

from rankone.errors import refuse
from torch_backend.audit.bench import Bench
from torch_backend.audit.measured.measurement import Arrays, Measurement, Task, closely, nothing_more
from torch_backend.audit.measured.values import Values
from torch_backend.audit.options import Options
from torch_backend.propagation.classes import class_start
from torch_backend.propagation.ledger import ledger
from torch_backend.propagation.relevance import relevance

NAME = "books"
ACCOUNTS = ("image", "bias", "epsilon", "lost")
EXPLAINED = 1e-3  # of what is given: what may be missing where a method keeps books


def _cost(*_: object) -> float:
    return 10.0


def compute(bench: Bench, _: Options, task: Task) -> Mapping[str, ArrayLike]:
    """books (4,), in the order of ACCOUNTS, in float64. ValueError for a method that keeps none."""
    graph = bench.graph(task.images[0], torch.float64)
    chain = bench.chain(task.method, graph)
    logits = graph.nodes[-1].value
    start = class_start(logits, logits.argmax(1))
    arrived = float(relevance(graph, chain, "logits", start, graph.end).sum())
    entries = ledger(graph, chain, "logits", start, graph.end)
    gone = [float(sum(getattr(entry, name).sum() for entry in entries)) for name in ACCOUNTS[1:]]
    given = float(start.sum())
    if abs(given - arrived - sum(gone)) > EXPLAINED * given:
        got = f"{arrived + sum(gone):.3g} of {given:.3g}"
        refuse("books", expected="all of what is given", got=got, do="take a method that shares it out")
    return {"books": [amount / given for amount in (arrived, *gone)]}


def fill(values: Values, m: int, parts: Sequence[tuple[Task, Arrays]]) -> None:
    """The variable books."""
    for task, found in parts:
        values.put("books", (m, task.images[0]), found["books"])


BOOKS = Measurement(NAME, closely(NAME, _cost), nothing_more, compute, fill)
