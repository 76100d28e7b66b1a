"""What all columns of C have in common at every layer of the trunk, within a budget of memory and time.

From the start down all columns are held at once, as long as those of two layers fit into memory; below they
pass in blocks, and of a layer only the largest and smallest share of each unit is kept, of the last one all
columns if they fit. Where the budget ends, the largest and smallest go on alone, as the envelope of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import inf, nan

import torch
from torch import Tensor

from rankone.errors import refuse
from rankone.proof.column_pairs import Extremes
from torch_backend.proof.pairs import extremes
from torch_backend.proof.share_range import ShareRange
from torch_backend.proof.stretch import Prepared, Stretch, blocks

CARRIED = {"cpu": 1 << 26, "cuda": 1 << 32}  # bytes of relevance that go down at once, at the widest node
COPIES = 3.5  # of all columns of a layer that its pairs take, in memory
# Differences of two numbers; of more, pairs of columns take too long, and shares must do. Of the last layer,
# of which most is said, they may take a minute.
PAIRED, PAIRED_LAST = 1.3e10, 1.3e11
ENOUGH = 0.05  # Hilbert's distance below which classes cannot be told apart by eye


@dataclass(frozen=True)
class Room:
    """memory: bytes for columns. work: multiplications for all columns together (see Stretch.work)."""

    memory: int
    work: float


@dataclass(frozen=True, eq=False)
class Found:
    """All columns at one layer, in float64 arithmetic, without error bounds.

    route: "pairs", "shares" or "envelope"; above: the layer whose envelope it is. shares: of the columns; of
    an envelope what became of the two, without amounts. extremes: over all pairs of columns, if the route is
    pairs.
    """

    layer: str
    route: str
    above: str | None
    shares: ShareRange
    extremes: Extremes | None


def found_below(way: Sequence[Stretch], columns: Tensor, room: Room, until: str | None) -> Iterator[Found]:
    """What is found at each layer of the way, from the top, for columns (V, *start) ≥ 0.

    until: the last layer at which all columns are computed whatever that costs; None: the budget decides. It
    ends above a layer that no column reaches.
    ValueError for negative or infinite relevance, and if not even one layer fits the budget.
    """
    exact, held = _exact(way, len(columns), room, until), 0
    last: Found | None = None
    while held < exact and _fits(way[held], len(columns), room):
        step = way[held].prepared()
        columns = _all_down(step, columns)
        differences = PAIRED_LAST if held == exact - 1 else PAIRED
        last = _found(step, columns, paired=_are_paired(way[held], len(columns), room, differences))
        if not last.shares.speaking:
            return
        yield last
        held += 1
        if until is None and exact < len(way) and last.extremes and last.extremes.diameter < ENOUGH:
            exact = held
    pieces = _pieces(way[held:exact], columns)
    del columns
    for last in _streamed(way[held:exact], pieces, room):
        if not last.shares.speaking:
            return
        yield last
    if last is not None:
        yield from _envelope(way[exact:], last)


def _exact(way: Sequence[Stretch], count: int, room: Room, until: str | None) -> int:
    """How many stretches all columns pass."""
    if until is not None:
        return 1 + [stretch.bottom.name for stretch in way].index(until)
    spent = list(accumulate(count * stretch.work for stretch in way))
    passed = sum(work <= room.work for work in spent)
    if not passed:
        refuse(
            "budget",
            expected=f"at least the work of {way[0].bottom.name}, {spent[0]:.2g} multiplications",
            got=f"{room.work:.2g}",
            do="raise --budget, or name the lowest layer: --layer",
        )
    return passed


def _fits(stretch: Stretch, count: int, room: Room) -> bool:
    numbers = stretch.top.value.numel() + stretch.bottom.value.numel()
    return 8 * count * numbers <= room.memory


def _are_paired(stretch: Stretch, count: int, room: Room, differences: float) -> bool:
    """Whether pairs of columns are looked at, at the bottom of the stretch."""
    numbers = count * stretch.bottom.value.numel()
    return numbers * count / 2 <= differences and 8 * COPIES * numbers <= room.memory


def _all_down(step: Prepared, columns: Tensor) -> Tensor:
    """All columns at the bottom, block by block."""
    below = columns.new_empty(len(columns), *step.stretch.bottom.shape)
    for block in blocks(len(columns), step.stretch.widest, CARRIED[columns.device.type]):
        below[block] = step.down(columns[block])
    return below


def _found(step: Prepared, columns: Tensor, *, paired: bool) -> Found:
    """Of all columns (V, *shape) at the bottom."""
    rows = _rows(step, columns)
    shares = ShareRange.nothing(rows.shape[1], rows).joined(rows)
    return _of_all(step, shares, rows if paired else None)


def _of_all(step: Prepared, shares: ShareRange, rows: Tensor | None) -> Found:
    """From the shares of all columns, and all columns (V, n), if pairs of them are looked at."""
    if rows is None or shares.speaking < 2:
        return Found(step.stretch.bottom.name, "shares", None, shares, None)
    some = rows[rows.sum(1) > 0] if shares.silent else rows
    return Found(step.stretch.bottom.name, "pairs", None, shares, extremes(some))


def _rows(step: Prepared, columns: Tensor) -> Tensor:
    """(v, *shape) as (v, n); ValueError unless finite and not negative."""
    rows = columns.flatten(1)
    least, most = map(float, rows.aminmax())
    if not (least >= 0 and most < inf):
        refuse(
            f"{step.stretch.method.name} at {step.stretch.bottom.name}",
            expected="finite relevance that is not negative",
            got=f"numbers from {least:.3g} to {most:.3g}",
            do="take z_plus, excitation_backprop, deep_taylor or alpha_beta:1:0",
        )
    return rows


def _pieces(way: Sequence[Stretch], columns: Tensor) -> list[Tensor]:
    """The columns in blocks that go down at once."""
    widest = max((stretch.widest for stretch in way), default=1)
    return [columns[block] for block in blocks(len(columns), widest, CARRIED[columns.device.type])]


def _streamed(way: Sequence[Stretch], pieces: list[Tensor], room: Room) -> Iterator[Found]:
    """The shares at each layer of the way, block by block of columns, and the pairs at the last; the blocks
    are used up, to make room for the pairs.
    """
    if not way:
        return
    steps = [stretch.prepared() for stretch in way]
    count, like = sum(map(len, pieces)), pieces[0].new_empty(0)
    shares = [ShareRange.nothing(stretch.bottom.value.numel(), like) for stretch in way]
    paired = _are_paired(way[-1], count, room, PAIRED_LAST)
    kept = like.new_empty(count, way[-1].bottom.value.numel()) if paired else None
    done = 0
    while pieces:
        r = pieces.pop(0)
        for k, step in enumerate(steps):
            r = step.down(r)
            shares[k] = shares[k].joined(_rows(step, r))
        if kept is not None:
            kept[done : done + len(r)] = r.flatten(1)
        done += len(r)
    *above, (step, of_lowest) = zip(steps, shares, strict=True)
    yield from (_of_all(*of, None) for of in above)
    yield _of_all(step, of_lowest, kept)


def _envelope(way: Sequence[Stretch], last: Found) -> Iterator[Found]:
    """The largest and the smallest share of each unit at the layer of `last`, carried down."""
    two = torch.stack([last.shares.low, last.shares.high])
    for stretch in way:
        step = stretch.prepared()
        two = _all_down(step, two.reshape(2, *stretch.top.shape))
        low, high = _rows(step, two)
        shares = replace(last.shares, low=low, high=high, least=nan, most=nan)
        yield Found(stretch.bottom.name, "envelope", last.layer, shares, None)
