"""The independent verifier of a network certificate: standard library and NumPy, no code of the producer.

It takes the words from `network_words`, and from `verify`, the verifier of matrices, what it says of JSON and
of the rows of a matrix. It trusts no field: it compares every byte with its digest, checks each recorded
activation against its layer, derives the terms of every rule, counts the rounding errors, hands all columns
down by itself and confirms a claim only if its own bound is not larger. docs/network_certificates.md defines
what is computed. Assumed: IEEE binary64 to nearest, a matrix product that adds ordinary products in any
order, and functions of the C library and of NumPy that err by 2^-50 at most, relatively.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, partial, reduce
from itertools import product
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankone.proof.network_words import (
    COLUMNS,
    FORMAT,
    INFINITE,
    ROUTES,
    RULES,
    STATEMENTS,
    UNLIMITED,
    claims_of,
)
from rankone.proof.verify import (
    LIBM,
    U,
    Unreadable,
    deny,
    exact_maxima,
    gamma,
    give_up,
    match,
    row_maxima,
    up,
)

Array = NDArray[Any]  # float64, or Fractions
Slices = tuple[slice, ...]
Maxima = tuple[float, float, float]  # angle, total variation, Hilbert's diameter

TINY, HUGE = 2.0**-960, 2.0**960  # within, nothing is flushed or overflows
MEMORY = 1 << 32  # bytes for columns
PAIRED, CARRIED = 2, 4  # copies of the columns of a layer that are compared; so many parts go down at once
BUFFER = 1 << 18  # numbers of a product of weights and relevance before it is added: in cache
PLACES = 128  # in one such product, at least
WIDE = 256  # columns of weights that make one product fast
WORTH_A_THREAD = 1 << 22  # bytes of a block that are handed down in two halves at once
CHUNK = 1 << 16  # numbers that are looked through at a time
ROWS = 1 << 24  # numbers of a dense layer's weights at a time
LARGEST = 700.0  # beyond it exp leaves the floats
FLOOR = 2.0**-1040  # stands for what is too small for a float
NONE = np.empty(0)  # the weights of a map whose numbers are all 1
LARGEST_EXACT = 1 << 22  # multiplications of Fractions
DTYPES: dict[str, np.dtype[Any]] = {"F64": np.dtype("<f8"), "I64": np.dtype("<i8"), "F32": np.dtype("<f4")}
PRECISION = {"F32": (Fraction(1, 2**24), 2.0**-126), "F64": (U, 2.0**-1022)}  # u, smallest normal number


def verify_network(certificate: str | Path, *, memory: int = MEMORY, exact: bool = False) -> str:
    """Confirm every claim of a network certificate, with the two files beside it, and say so in one line.

    Args:
        certificate: NAME.cert.json.
        memory: bytes for columns: those of a layer whose pairs are compared, and those on their way, of
            which more is held than the lowest. The activations, and the weights of one layer, come on top.
        exact: recompute in Fractions, on networks of a few hundred units.

    Raises:
        NotConfirmed: a field, a digest, an activation or a bound does not hold; the message says which.
        Unreadable, OSError: no strict JSON, a file is missing, or there is more to compute than `memory` and
            `exact` allow.
    """
    path = Path(certificate)
    record = _read(path)
    numbers = _Fractions() if exact else _Binary64()
    weights, values = (_tensors(path, record[file], file) for file in ("weights", "values"))
    if twice := weights.keys() & values.keys():
        deny(min(twice), "is there twice")
    tensors = {**weights, **values}
    network = _network(record["nodes"], tensors, numbers)
    start = _start(network, record["start"], numbers)
    layers = _layers(start, record["layers"])
    if exact and (work := network.work * (3 + start.count)) > LARGEST_EXACT:
        raise Unreadable(
            f"--exact: {work} multiplications of fractions, more than {LARGEST_EXACT}; leave it out"
        )
    claims = _confirm(start, layers, memory)
    how = "exact fractions" if exact else "binary64 with error bounds of its own"
    nodes = len(network.nodes)
    return f"confirmed: {claims} claims at {len(layers)} layers of {nodes} nodes, recomputed in {how}"


def is_of_network(certificate: str | Path) -> bool:
    """Whether the file says that it is a certificate of a network, of this or another version."""
    with Path(certificate).open("rb") as file:
        return FORMAT.rpartition(" ")[0].encode() in file.read(256)


# ---------------------------------------------------------------- the files

FORM = {
    "format": FORMAT,
    "about": dict,
    "statements": STATEMENTS,
    "routes": ROUTES,
    "weights": {"file": str, "tensors": list},
    "values": {"file": str, "tensors": list},
    "nodes": list,
    "start": {"node": str, "columns": str},
    "layers": list,
    "sha256": str,
}
TENSOR = {"name": str, "dtype": str, "shape": list, "sha256": str}
LAYER = {
    "node": str,
    "route": str,
    "above": object,
    "silent": list,
    "roundings": int,
    "delta": float,
    "bounds": dict,
}


def _read(path: Path) -> dict[str, Any]:
    """The JSON in its one spelling, signed with its own digest, of the types of FORM."""
    content = path.read_bytes()
    try:
        record = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        give_up(path, "certificate", error)
    match(record, FORM, "certificate")
    assert isinstance(record, dict)
    digest = record.pop("sha256")
    if hashlib.sha256(_spelled(record)).hexdigest() != digest:
        deny("certificate", "has another SHA-256 than it says")
    if _spelled({**record, "sha256": digest}) != content:
        deny("certificate", "is not spelled as it should be")
    for name, text in record["about"].items():
        match(text, str, f"about[{name!r}]")
    return record


def _spelled(record: dict[str, Any]) -> bytes:
    try:
        return (json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except ValueError:
        deny("certificate", "holds a number that is not finite")


def _tensors(path: Path, record: dict[str, Any], what: str) -> dict[str, Array]:
    """The arrays of one file, if it holds the recorded ones, byte for byte, and they are finite."""
    name = record["file"]
    if Path(name).name != name or not name.isprintable() or not name:
        deny(f"{what}.file", "is not a bare file name")
    table, end = {}, 0
    for tensor in record["tensors"]:
        match(tensor, TENSOR, f"{what}.tensors")
        if tensor["dtype"] not in DTYPES or tensor["name"] in table:
            deny(tensor["name"], "is there twice, or of a dtype that is not F32, F64 or I64")
        if not all(type(n) is int and n >= 0 for n in tensor["shape"]):
            deny(tensor["name"], "has a shape that is none")
        start, end = end, end + DTYPES[tensor["dtype"]].itemsize * math.prod(tensor["shape"])
        table[tensor["name"]] = {k: tensor[k] for k in ("dtype", "shape")} | {"data_offsets": [start, end]}
    header = json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)
    header = len(header).to_bytes(8, "little") + header
    file = path.with_name(name)
    if not file.is_file():
        raise Unreadable(f"{what}: {name} is not beside {path.name}; put it there")
    with file.open("rb") as stream:
        if stream.read(len(header)) != header or file.stat().st_size != len(header) + end:
            deny(name, "does not hold the recorded tensors")
    content = np.memmap(file, np.uint8, "r")[len(header) :]
    return {
        tensor["name"]: _tensor(content[slice(*table[tensor["name"]]["data_offsets"])], **tensor)
        for tensor in record["tensors"]
    }


def _tensor(content: Array, name: str, dtype: str, shape: list[int], sha256: str) -> Array:
    if hashlib.sha256(content.data).hexdigest() != sha256:
        deny(name, "has another SHA-256 than recorded")
    array = content.view(DTYPES[dtype]).reshape(shape)
    if dtype != "I64" and not (np.isfinite(array.min(initial=0)) and np.isfinite(array.max(initial=0))):
        deny(name, "has an entry that is not finite")
    return array


# ---------------------------------------------------------------- numbers


class _Binary64:
    """float64, with a guard against underflow."""

    exact = False

    def read(self, array: Array) -> Array:
        return np.asarray(array, np.float64)

    def over(self, z: Array) -> Callable[[Array], Array]:
        """r ↦ r / z, and 0 where z = 0."""
        divisor = np.where(z == 0, math.inf, z)
        return lambda r: r / divisor

    def require(self, low: float, high: float, where: str) -> None:
        """Refuse numbers that may have been flushed to zero, or may overflow."""
        if not (low >= TINY and high <= HUGE):
            deny(where, f"takes numbers from {low:.3g} to {high:.3g}, which binary64 may flush or overflow")


class _Fractions(_Binary64):
    """Exact: no rounding, nothing flushed."""

    exact = True

    def read(self, array: Array) -> Array:
        return _entries(array.shape, map(Fraction, array.ravel().tolist()))

    def over(self, z: Array) -> Callable[[Array], Array]:
        inverse = _entries(z.shape, (Fraction(1) / x if x else Fraction(0) for x in z.ravel().tolist()))
        return lambda r: r * inverse

    def require(self, low: float, high: float, where: str) -> None:
        pass


def _entries(shape: tuple[int, ...], numbers: Iterable[Any]) -> Array:
    entries = np.empty(math.prod(shape), object)
    entries[:] = list(numbers)
    return entries.reshape(shape)


def _channels_last(a: Array) -> Array:
    """The same (C, *space), with the channels of a place side by side in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 0, -1)), -1, 0) if a.ndim > 1 else a


def _least(a: Array) -> float:
    """The smallest entry of a ≥ 0 that is not zero; infinity if there is none.

    The bits of floats ≥ 0 are ordered as they are; without the sign, and less 1, those of zero come last.
    """
    if a.dtype == object:
        return float(min((x for x in a.ravel() if x), default=math.inf))
    bits = a.ravel(order="K").view(np.uint64)
    one, last = np.uint64(1), 2**64 - 1
    pieces = ((bits[start : start + CHUNK] << one) - one for start in range(0, bits.size, CHUNK))
    least = min((int(piece.min()) for piece in pieces), default=last)
    return math.inf if least == last else float(np.uint64((least + 1) >> 1).view(np.float64))


def _largest(a: Array) -> float:
    return float(a.max(initial=0))


def _same(a: Array) -> Array:
    return a


def _positive(a: Array) -> Array:
    return np.maximum(a, 0)


def _negative(a: Array) -> Array:
    return np.maximum(-a, 0)


# ---------------------------------------------------------------- windows


@dataclass(frozen=True)
class _Windows:
    """Windows over `size` places, axis by axis."""

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    @classmethod
    def of(cls, node: dict[str, Any], x: Array, y: Array, kernel: list[int], dilation: list[int]) -> _Windows:
        """ValueError if the node's numbers do not lead from the space of x (C, *space) to that of y."""
        counts = {"kernel": kernel, "stride": node["stride"], "dilation": dilation}
        padding = node["padding"]
        for name, numbers in counts.items():
            if len(numbers) != x.ndim - 1 or not all(type(n) is int and n >= 1 for n in numbers):
                raise ValueError(f"a {name} that is not a number ≥ 1 for each axis of space")
        if len(padding) != x.ndim - 1 or not all(map(_are_two_counts, padding)):
            raise ValueError("a padding that is not two numbers ≥ 0 for each axis of space")
        pairs = tuple((before, after) for before, after in padding)
        windows = cls(x.shape[1:], tuple(kernel), tuple(node["stride"]), pairs, tuple(dilation))
        if not 1 <= len(kernel) <= 3 or windows.out != y.shape[1:] or not windows.taps:
            raise ValueError(f"windows over {x.shape[1:]} that make {windows.out}, not {y.shape[1:]}")
        return windows

    @cached_property
    def out(self) -> tuple[int, ...]:
        axes = zip(self.size, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        return tuple((n + a + b - d * (k - 1) - 1) // s + 1 for n, k, s, (a, b), d in axes)

    @cached_property
    def taps(self) -> tuple[tuple[tuple[int, ...], Slices, Slices], ...]:
        """(place in the kernel, places of y, places of x): what each tap reads inside the image."""
        axes = [self._taps_of(axis) for axis in range(len(self.size))]
        return tuple(
            (tuple(t for t, _, _ in taps), tuple(y for _, y, _ in taps), tuple(x for _, _, x in taps))
            for taps in product(*axes)
        )

    def _taps_of(self, axis: int) -> list[tuple[int, slice, slice]]:
        n, s, d, out, before = (
            of[axis] for of in (self.size, self.stride, self.dilation, self.out, self.before)
        )
        lowest, highest = -((s * (out - 1) - before) // d), (n - 1 + before) // d
        found = []
        for tap in range(max(lowest, 0), min(highest, self.kernel[axis] - 1) + 1):
            offset = d * tap - before
            first, end = max(0, -(offset // s)), min(out, (n - 1 - offset) // s + 1)
            if first < end:
                found.append(
                    (tap, slice(first, end), slice(s * first + offset, s * (end - 1) + offset + 1, s))
                )
        return found

    @property
    def before(self) -> tuple[int, ...]:
        return tuple(before for before, _ in self.padding)

    @property
    def places_in_one(self) -> int:
        """At most so many places are read by one window: zeros around them are no summands."""
        axes = zip(self.size, self.kernel, self.dilation, strict=True)
        return math.prod(min(k, -(-n // d)) for n, k, d in axes)

    @property
    def over_one_place(self) -> int:
        """At most so many windows read one place."""
        axes = zip(self.out, self.kernel, self.stride, self.dilation, strict=True)
        return math.prod(min(out, -(-k * math.gcd(s, d) // s)) for out, k, s, d in axes)


def _are_two_counts(padding: Any) -> bool:
    return isinstance(padding, list) and len(padding) == 2 and all(type(n) is int and n >= 0 for n in padding)


def _within(places: slice, rows: slice, source: slice) -> tuple[slice, slice] | None:
    """Of places of y and what they read of x, those in `rows`, counted from the first row."""
    first, end = max(places.start, rows.start), min(places.stop, rows.stop)
    if first >= end:
        return None
    begin = source.start + (first - places.start) * source.step
    read = slice(begin, begin + (end - first - 1) * source.step + 1, source.step)
    return slice(first - rows.start, end - rows.start), read


# ---------------------------------------------------------------- linear maps


@dataclass(frozen=True, eq=False)
class _Map(ABC):
    """x (*in) -> W x (*out), and s (V, *out) -> Wᵀ s (V, *in).

    weight: numbers of W as they are recorded, of which `part` makes those that are used.
    """

    numbers: _Binary64
    shape: tuple[int, ...]
    weight: Array
    part: Callable[[Array], Array] = _same

    def of(self, part: Callable[[Array], Array]) -> _Map | None:
        """The map with other numbers; None if they are all zero."""
        return replace(self, part=part)

    @property
    def out(self) -> tuple[int, ...]:
        return self.shape

    @property
    def fans(self) -> tuple[int, int]:
        """At most so many inputs of a unit, and units that read an input."""
        return 1, 1

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The smallest number of W that is not zero, and the largest."""
        parts = [self.part(piece) for piece in self.pieces()]
        return min(map(_least, parts)), max(map(_largest, parts))

    def pieces(self) -> Iterator[Array]:
        yield np.asarray(self.weight, np.float64)

    @cached_property
    def W(self) -> Array:
        return self.part(self.numbers.read(self.weight))

    @abstractmethod
    def apply(self, x: Array) -> Array:
        """W x."""

    @abstractmethod
    def adjoint(self, s: Array) -> Array:
        """Wᵀ s."""


class _Diagonal(_Map):
    """W x = w ⊙ x."""

    def apply(self, x: Array) -> Array:
        return np.broadcast_to(self.W, self.shape) * x

    def adjoint(self, s: Array) -> Array:
        return s * self.W


class _Dense(_Map):
    """W (m, n) on the last axis, some rows of it at a time."""

    @property
    def out(self) -> tuple[int, ...]:
        return (*self.shape[:-1], len(self.weight))

    @property
    def fans(self) -> tuple[int, int]:
        return self.weight.shape[1], self.weight.shape[0]

    def _rows(self) -> Iterator[tuple[slice, Array]]:
        step = max(1, ROWS // self.weight.shape[1])
        for start in range(0, len(self.weight), step):
            rows = slice(start, min(start + step, len(self.weight)))
            yield rows, self.numbers.read(self.weight[rows])

    def pieces(self) -> Iterator[Array]:
        return (np.asarray(W, np.float64) for _, W in self._rows())

    def apply(self, x: Array) -> Array:
        return np.concatenate([x @ self.part(W).T for _, W in self._rows()], axis=-1)

    def adjoint(self, s: Array) -> Array:
        return reduce(np.add, (s[..., rows] @ self.part(W) for rows, W in self._rows()))


@dataclass(frozen=True, eq=False)
class _Convolution(_Map):
    """A convolution as shifted matrix products, one for each tap of the kernel."""

    windows: _Windows = field(kw_only=True)
    groups: int = field(kw_only=True)

    @property
    def out(self) -> tuple[int, ...]:
        return (len(self.weight), *self.windows.out)

    @property
    def fans(self) -> tuple[int, int]:
        fan_in = self.weight.shape[1] * self.windows.places_in_one
        return fan_in, len(self.weight) // self.groups * self.windows.over_one_place

    @cached_property
    def by_tap(self) -> Array:
        """W as (taps, groups, C_out / groups, C_in / groups), for the taps that read inside the image."""
        by_place = np.moveaxis(self.W, (0, 1), (-2, -1))
        W = np.stack([by_place[tap] for tap, _, _ in self.windows.taps])
        return W.reshape(len(W), self.groups, -1, W.shape[2])

    @cached_property
    def side_by_side(self) -> list[tuple[int, Array]]:
        """W of some taps at once, (groups, C_out / groups, taps C_in / groups); the number of the first."""
        T = max(1, WIDE // self.shape[0]) if self.groups == 1 else 1
        some = ((t, list(self.by_tap[t : t + T])) for t in range(0, len(self.by_tap), T))
        return [(t, np.ascontiguousarray(np.concatenate(taps, axis=-1))) for t, taps in some]

    def apply(self, x: Array) -> Array:
        X = np.ascontiguousarray(np.moveaxis(x, 0, -1))
        Y = np.zeros((*self.windows.out, len(self.weight)), X.dtype)
        for W, (_, places, source) in zip(self.by_tap, self.windows.taps, strict=True):
            Y[places] += _mixed(X[source], W.swapaxes(1, 2))
        return np.moveaxis(Y, -1, 0)

    def adjoint(self, s: Array) -> Array:
        S, C = np.ascontiguousarray(np.moveaxis(s, 1, -1)), self.shape[0]
        X = np.zeros((len(S), *self.shape[1:], C), S.dtype)
        for first, W in self.side_by_side:
            width = W.shape[2] * self.groups
            taps = self.windows.taps[first : first + width // C]
            for vectors, rows in _blocks(len(S), self.windows.out, max(PLACES, BUFFER // width)):
                product = _mixed(S[vectors, rows], W)
                for k, (_, places, source) in enumerate(taps):
                    if inside := _within(places[0], rows, source[0]):
                        read = product[:, inside[0], *places[1:], k * C : (k + 1) * C]
                        X[vectors, inside[1], *source[1:]] += read
        return np.moveaxis(X, -1, 1)


def _mixed(X: Array, W: Array) -> Array:
    """(..., groups a) times W (groups, a, b): (..., groups b)."""
    groups, a, b = W.shape
    if a == b == 1:
        return X * W[:, 0, 0]
    grouped = np.moveaxis(X.reshape(-1, groups, a), 1, 0)
    return np.moveaxis(grouped @ W, 0, 1).reshape(*X.shape[:-1], groups * b)


def _blocks(vectors: int, out: tuple[int, ...], places: int) -> Iterator[tuple[slice, slice]]:
    """Vectors and rows of space that have about so many places."""
    row = math.prod(out[1:])
    if out[0] * row <= places:
        step = places // (out[0] * row)
        yield from ((slice(v, min(v + step, vectors)), slice(0, out[0])) for v in range(0, vectors, step))
    else:
        step = max(1, places // row)
        for v in range(vectors):
            yield from ((slice(v, v + 1), slice(h, min(h + step, out[0]))) for h in range(0, out[0], step))


class _Plain(_Map):
    """A map whose numbers are all 1."""

    def of(self, part: Callable[[Array], Array]) -> _Map | None:
        return None if part is _negative else self

    @property
    def ends(self) -> tuple[float, float]:
        return 1.0, 1.0


class _Sum(_Plain):
    """The sum of k inputs, which stand in front: (k, *shape)."""

    @property
    def out(self) -> tuple[int, ...]:
        return self.shape[1:]

    @property
    def fans(self) -> tuple[int, int]:
        return self.shape[0], 1

    def apply(self, x: Array) -> Array:
        return reduce(np.add, x)

    def adjoint(self, s: Array) -> Array:
        return np.broadcast_to(s[:, None], (len(s), *self.shape))


@dataclass(frozen=True, eq=False)
class _WindowSums(_Plain):
    """Sums over windows of each channel."""

    windows: _Windows = field(kw_only=True)

    @property
    def out(self) -> tuple[int, ...]:
        return (self.shape[0], *self.windows.out)

    @property
    def fans(self) -> tuple[int, int]:
        return self.windows.places_in_one, self.windows.over_one_place

    def apply(self, x: Array) -> Array:
        y = np.zeros(self.out, x.dtype)
        for _, places, source in self.windows.taps:
            y[:, *places] += x[:, *source]
        return y

    def adjoint(self, s: Array) -> Array:
        x = _zeros_channels_last(s, self.shape)
        for _, places, source in self.windows.taps:
            x[:, :, *source] += s[:, :, *places]
        return x


def _zeros_channels_last(s: Array, shape: tuple[int, ...]) -> Array:
    return np.moveaxis(np.zeros((len(s), *shape[1:], shape[0]), s.dtype), -1, 1)


# ---------------------------------------------------------------- rules


@dataclass(frozen=True, eq=False)
class _Term:
    """W_t ≥ 0 and x_t ≥ 0."""

    W: _Map
    x: Array


def _terms(rule: str, W: _Map, x: Array, low: Array | None, high: Array | None) -> list[_Term]:
    """(W_t, x_t) of a rule, without those that are zero."""
    match rule:
        case "z_plus":
            terms = [(W.of(_positive), _positive(x)), (W.of(_negative), _negative(x))]
        case "excitation_backprop":
            terms = [(W.of(_positive), _positive(x))]
        case "z_b":
            terms = [(W.of(_positive), x - low), (W.of(_negative), high - x)]
        case "w_square":
            terms = [(W.of(np.square), np.ones_like(x))]
        case "flat":
            terms = [(W.of(np.ones_like), np.ones_like(x))]
    return [_Term(part, x_t) for part, x_t in terms if part is not None and x_t.any()]


def _product(terms: list[_Term], W: _Map, x: Array) -> Array:
    """Σ W_t x_t."""
    return reduce(np.add, [term.W.apply(term.x) for term in terms], np.zeros(W.out, x.dtype))


@dataclass(frozen=True, eq=False)
class _Share:
    """r ↦ Σ x_t ⊙ W_tᵀ(r / z), z = Σ W_t x_t + b."""

    name: str
    numbers: _Binary64
    shape: tuple[int, ...]
    terms: list[_Term]
    z: Array

    def __post_init__(self) -> None:
        for term in () if self.numbers.exact else self.terms:
            low, high = term.W.ends
            fan_in = term.W.fans[0] + 1
            self.numbers.require(low * _least(term.x), high * _largest(term.x) * fan_in, self.name)

    @cached_property
    def over_z(self) -> Callable[[Array], Array]:
        return self.numbers.over(self.z)

    @cached_property
    def z_ends(self) -> tuple[float, float]:
        return _least(self.z), _largest(self.z) or 1.0

    def _require(self, r: Array) -> None:
        """Refuse where a quotient, or a product with it, may be flushed or overflow."""
        low, high = _least(r) / self.z_ends[1], _largest(r) / self.z_ends[0]
        self.numbers.require(low, high, self.name)
        for term in self.terms:
            (w_low, w_high), fan_out = term.W.ends, term.W.fans[1]
            x_low, x_high = min(_least(term.x), 1.0), max(_largest(term.x), 1.0)
            self.numbers.require(low * w_low, high * w_high * fan_out, self.name)
            self.numbers.require(low * w_low * x_low, high * w_high * fan_out * x_high * 2, self.name)

    def __call__(self, r: Array) -> Array:
        if not self.numbers.exact:
            self._require(r)
        s = self.over_z(r)
        parts = []
        for term in self.terms:
            part = term.W.adjoint(s)
            parts.append(np.multiply(part, term.x, out=part if part.flags.writeable else None))
        return reduce(np.add, parts) if parts else np.zeros((len(r), *self.shape), r.dtype)


# ---------------------------------------------------------------- nodes

LINEAR = {"rule": str, "value": str, "low": object, "high": object}
WEIGHTED = {**LINEAR, "weight": str, "bias": object}
WINDOWS = {"kernel": list, "stride": list, "padding": list}
FORMS: dict[str, dict[str, Any]] = {
    "image": {"value": str},
    "constant": {"value": str},
    "convolution": {**WEIGHTED, "stride": list, "padding": list, "dilation": list, "groups": int},
    "dense": WEIGHTED,
    "affine": WEIGHTED,
    "add": LINEAR,
    "average": {**LINEAR, "divisor": str, **WINDOWS},
    "max_pool": {"winners": str, **WINDOWS, "dilation": list},
    "rectifier": {"ceiling": object},
    "concatenation": {"axis": int},
    "reshape": {"shape": list},
    "permutation": {"axes": list},
    "gather": {"index": str},
}


@dataclass(frozen=True, eq=False)
class _Node:
    """A node that was read and checked. down: relevance of y (V, *out) -> that of each input (V, *in); adds:
    the rounding errors that this adds to each entry.
    """

    index: int
    name: str
    inputs: tuple[int, ...]
    value: Array
    down: Callable[[Array], tuple[Array, ...]]
    adds: int


@dataclass(frozen=True, eq=False)
class _Network:
    """The nodes in call order, and the multiplications of one forward pass."""

    nodes: list[_Node]
    work: int

    def index(self, name: Any, what: str) -> int:
        for node in self.nodes:
            if node.name == name:
                return node.index
        return deny(what, f"names no node: {name!r}")

    def way(self, start: int) -> set[int]:
        """The nodes on the ways from the start to the image."""
        below, leading = {start}, {0}
        for node in reversed(self.nodes[: start + 1]):
            if node.index in below:
                below.update(node.inputs)
        for node in self.nodes[: start + 1]:
            if leading.intersection(node.inputs):
                leading.add(node.index)
        return below & leading

    def is_on_trunk(self, index: int, start: int) -> bool:
        """Whether all ways from the start to the image pass the node."""
        way = self.way(start)
        around = ((node, i) for node in way if node > index for i in self.nodes[node].inputs if i in way)
        return index in way and all(i >= index for _, i in around)

    def roundings(self, start: int, begin: int) -> dict[int, int]:
        """K at each node that relevance of the start comes to, `begin` at the start."""
        arriving: dict[int, list[int]] = {start: [begin]}
        found: dict[int, int] = {}
        for node in reversed(self.nodes[: start + 1]):
            if node.index in arriving:
                each = arriving[node.index]
                found[node.index] = max(each) + len(each) - 1
                for i in node.inputs:
                    arriving.setdefault(i, []).append(found[node.index] + node.adds)
        return found


@dataclass(frozen=True, eq=False)
class _Reading:
    """A node's record, its inputs' values, and the tensors of the files."""

    record: dict[str, Any]
    xs: list[Array]
    tensors: Mapping[str, Array]
    numbers: _Binary64

    @property
    def name(self) -> str:
        return str(self.record["name"])

    def tensor(self, field: str) -> Array | None:
        """The tensor that a field names, as it is recorded, of floats; None for null."""
        name = self.record[field]
        if name is None:
            return None
        if not isinstance(name, str) or name not in self.tensors:
            deny(self.name, f"names no tensor as its {field}")
        if self.tensors[name].dtype.kind != "f":
            deny(self.name, f"has no floats as its {field}")
        return self.tensors[name]

    def integers(self, field: str) -> Array:
        """The tensor of int64 that a field names."""
        name = self.record[field]
        if name not in self.tensors or self.tensors[name].dtype.kind != "i":
            deny(self.name, f"names no tensor of int64 as its {field}")
        return np.asarray(self.tensors[name])

    def only(self) -> Array:
        (x,) = self.xs
        return x

    def bound(self, field: str, x: Array) -> Array | None:
        """low or high, which only z_b has, like x."""
        bound = self.tensor(field)
        if (bound is None) == (self.record["rule"] == "z_b"):
            deny(self.name, f"has a {field} without z_b, or z_b without it")
        return None if bound is None else np.broadcast_to(self.numbers.read(bound), x.shape)


def _network(records: list[Any], tensors: Mapping[str, Array], numbers: _Binary64) -> _Network:
    """All nodes, their recorded values checked."""
    nodes: list[_Node] = []
    work = 0
    for index, record in enumerate(records):
        kind = record.get("kind") if isinstance(record, dict) else None
        if not isinstance(kind, str) or kind not in FORMS or (kind == "image") != (index == 0):
            deny(f"node {index}", f"is of no known kind, or not the only image and the first: {kind!r}")
        match(record, {"kind": str, "name": str, "inputs": list, **FORMS[kind]}, f"node {index}")
        known = {node.name: node for node in nodes}
        name = record["name"]
        if name in known or not all(isinstance(i, str) and i in known for i in record["inputs"]):
            deny(name, "is there twice, or reads a node that does not stand before it")
        inputs = [known[i] for i in record["inputs"]]
        reading = _Reading(record, [node.value for node in inputs], tensors, numbers)
        try:
            value, down, adds, products = READ[kind](reading)
        except (ValueError, IndexError, TypeError, OverflowError, ZeroDivisionError) as error:
            deny(name, f"does not fit what it reads ({error})")
        nodes.append(_Node(index, name, tuple(node.index for node in inputs), value, down, adds))
        work += products
    if not nodes:
        deny("nodes", "is empty")
    return _Network(nodes, work)


Read = tuple[Array, Callable[[Array], tuple[Array, ...]], int, int]  # value, down, adds, products


def _given(node: _Reading) -> Read:
    if node.xs:
        deny(node.name, "reads other nodes")
    return _value(node), lambda _: (), 0, 0


def _value(node: _Reading) -> Array:
    value = node.tensor("value")
    assert value is not None
    return _channels_last(node.numbers.read(value))


def _convolution(node: _Reading) -> Read:
    x, weight, groups = node.only(), node.tensor("weight"), node.record["groups"]
    if weight is None or groups < 1 or len(weight) % groups or weight.shape[1] * groups != len(x):
        raise ValueError("a weight of other channels")
    windows = _Windows.of(node.record, x, _value(node), list(weight.shape[2:]), node.record["dilation"])
    return _linear(node, _Convolution(node.numbers, x.shape, weight, windows=windows, groups=groups), x)


def _dense(node: _Reading) -> Read:
    x, weight = node.only(), node.tensor("weight")
    if weight is None or weight.ndim != 2 or x.shape[-1:] != weight.shape[1:]:
        raise ValueError("a weight of another width")
    return _linear(node, _Dense(node.numbers, x.shape, weight), x)


def _affine(node: _Reading) -> Read:
    x, weight = node.only(), node.tensor("weight")
    assert weight is not None
    np.broadcast_to(weight, x.shape)
    return _linear(node, _Diagonal(node.numbers, x.shape, weight), x)


def _add(node: _Reading) -> Read:
    if len(node.xs) < 2:
        raise ValueError("fewer than two inputs")
    x = np.moveaxis(np.stack([np.moveaxis(x, 0, -1) for x in node.xs]), -1, 1)
    value, down, adds, products = _linear(node, _Sum(node.numbers, x.shape, NONE), x)
    return value, lambda r: tuple(np.moveaxis(down(r)[0], 1, 0)), adds, products


def _average(node: _Reading) -> Read:
    x, divisor = node.only(), node.tensor("divisor")
    assert divisor is not None
    windows = _Windows.of(node.record, x, _value(node), node.record["kernel"], [1] * (x.ndim - 1))
    if not (divisor > 0).all():
        raise ValueError("a divisor that is not positive")
    return _linear(
        node, _WindowSums(node.numbers, x.shape, NONE, windows=windows), x, node.numbers.read(divisor)
    )


def _linear(node: _Reading, W: _Map, x: Array, divisor: Array | None = None) -> Read:
    """y = (W x + b) / divisor, checked against the recorded one, and the node's share by its rule."""
    rule = node.record["rule"]
    if rule not in RULES:
        deny(node.name, f"has a rule that is none: {rule!r}")
    value = _value(node)
    if value.shape != W.out:
        raise ValueError(f"a value of shape {value.shape}, not {W.out}")
    bias = node.tensor("bias") if "bias" in node.record else None
    b = None if bias is None else np.broadcast_to(node.numbers.read(bias), W.out)
    low, high = node.bound("low", x), node.bound("high", x)
    if low is not None and high is not None and not ((low <= x).all() and (x <= high).all()):
        deny(node.name, "reads values outside the bounds of z_b")
    above = _product(_terms("z_plus", W, x, None, None), W, x)
    below = _product(_terms("z_plus", W, -x, None, None), W, x)
    _check(node, value, above, below, b, divisor, W.fans[0])
    terms = _terms(rule, W, x, low, high)
    if rule == "w_square" and (size := W.of(np.abs)):
        least, most = size.ends
        node.numbers.require(least * least, most * most, node.name)
    z = above if rule == "z_plus" else _product(terms, W, x)
    if rule == "z_plus" and b is not None:
        z = z + _positive(b)
    share = _Share(node.name, node.numbers, x.shape, terms, z)
    (n, m), e = W.fans, int(rule in ("z_b", "w_square"))
    adds = n + int(b is not None) + m + 6 + 2 * e
    return value, lambda r: (share(r),), adds, math.prod(W.out) * n


def _check(
    node: _Reading,
    value: Array,
    above: Array,
    below: Array,
    b: Array | None,
    divisor: Array | None,
    n: int,
) -> None:
    """|y - (W x + b)| ≤ (γ'_{n+2} + 2 γ_{n+4}) (|W||x| + |b|) + (n + 2) t; W x = above - below."""
    y, size = above - below, above + below
    if b is not None:
        y, size = y + b, size + np.abs(b)
    if divisor is not None:
        y, size = y / divisor, size / divisor
    recorded = node.tensor("value")
    assert recorded is not None
    u, tiny = PRECISION["F32" if recorded.dtype.itemsize == 4 else "F64"]
    fan = n + int(b is not None)
    relative, absolute = gamma(fan + 2, u) + 2 * gamma(fan + 4), (fan + 2) * tiny
    allowed = size * node.numbers.read(np.array(up(relative))) + node.numbers.read(np.array(absolute))
    wrong = ~((np.abs(value - y) <= allowed) & (allowed < math.inf))
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        found, expected = float(value[place]), float(y[place])
        deny(node.name, f"has the value {found!r} at {place}, but its layer makes {expected!r} there")


def _max_pool(node: _Reading) -> Read:
    x, winners = node.only(), node.integers("winners")
    windows = _Windows.of(node.record, x, winners, node.record["kernel"], node.record["dilation"])
    if winners.shape != (len(x), *windows.out) or winners.min() < 0 or winners.max() >= x.size:
        raise ValueError("winners for other windows")
    channel, *places = np.unravel_index(winners, x.shape)
    y = x[(channel, *places)]
    chosen = np.full(winners.shape, -1)  # which tap of its window each winner is
    for k, (_, out, source) in enumerate(windows.taps):
        if (x[:, *source] > y[:, *out]).any():
            raise ValueError("a winner that is not the largest of its window")
        here = channel[:, *out] == np.arange(len(x)).reshape(-1, *[1] * (x.ndim - 1))
        for axis, read in enumerate(source):
            expected = np.arange(read.start, read.stop, read.step)
            here &= places[axis][:, *out] == expected.reshape(-1, *[1] * (x.ndim - 2 - axis))
        chosen[:, *out][here] = k
    if (chosen < 0).any():
        raise ValueError("a winner that stands outside its window")

    def down(r: Array) -> tuple[Array, ...]:
        s = _zeros_channels_last(r, x.shape)
        for k, (_, out, source) in enumerate(windows.taps):
            s[:, :, *source] += r[:, :, *out] * (chosen[:, *out] == k).astype(r.dtype)
        return (s,)

    return _channels_last(y), down, windows.over_one_place - 1, 0


def _rectifier(node: _Reading) -> Read:
    ceiling = node.record["ceiling"]
    if ceiling is not None and not (isinstance(ceiling, float) and 0 < ceiling < math.inf):
        raise ValueError("a ceiling that is neither null nor a number")
    y = _positive(node.only())
    if ceiling is not None:
        y = np.minimum(y, node.numbers.read(np.array(ceiling)))
    return y, lambda r: (r,), 0, 0


def _concatenation(node: _Reading) -> Read:
    axis = node.record["axis"]
    if not 0 <= axis < node.xs[0].ndim:
        raise ValueError("an axis that is none")
    ends = np.cumsum([x.shape[axis] for x in node.xs])[:-1]
    y = np.concatenate(node.xs, axis)
    return y, lambda r: tuple(np.split(r, ends, axis + 1)), 0, 0


def _reshape(node: _Reading) -> Read:
    x, shape = node.only(), node.record["shape"]
    if not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("a shape that is none")
    return x.reshape(shape), lambda r: (r.reshape(len(r), *x.shape),), 0, 0


def _permutation(node: _Reading) -> Read:
    x, axes = node.only(), node.record["axes"]
    if not all(type(a) is int for a in axes) or sorted(axes) != list(range(x.ndim)):
        raise ValueError("axes that are no permutation")
    back = (0, *(int(axis) + 1 for axis in np.argsort(axes)))
    return x.transpose(axes), lambda r: (r.transpose(back),), 0, 0


def _gather(node: _Reading) -> Read:
    index = node.integers("index")
    sizes = [x.size for x in node.xs]
    flat = np.concatenate([*(x.ravel() for x in node.xs), np.zeros(1, node.xs[0].dtype)])
    if index.size and (index.min() < -1 or index.max() >= len(flat) - 1):
        raise ValueError("an index beyond its inputs")
    picked = index[index >= 0]
    repeats = int(np.bincount(picked).max(initial=1))

    def down(r: Array) -> tuple[Array, ...]:
        s = np.zeros((len(r), len(flat) - 1), r.dtype)
        theirs = r[:, index >= 0]
        if repeats == 1:
            s[:, picked] = theirs
        else:
            np.add.at(s.T, picked, theirs.T)
        parts = np.split(s, np.cumsum(sizes)[:-1], axis=1)
        return tuple(part.reshape(len(r), *x.shape) for part, x in zip(parts, node.xs, strict=True))

    return flat[index], down, repeats - 1, 0


READ: dict[str, Callable[[_Reading], Read]] = {
    "image": _given,
    "constant": _given,
    "convolution": _convolution,
    "dense": _dense,
    "affine": _affine,
    "add": _add,
    "average": _average,
    "max_pool": _max_pool,
    "rectifier": _rectifier,
    "concatenation": _concatenation,
    "reshape": _reshape,
    "permutation": _permutation,
    "gather": _gather,
}


# ---------------------------------------------------------------- columns


@dataclass(frozen=True, eq=False)
class _Start:
    """Where relevance is put: `count` columns at one node."""

    network: _Network
    index: int
    columns: str
    numbers: _Binary64

    @property
    def shape(self) -> tuple[int, ...]:
        return self.network.nodes[self.index].value.shape

    @property
    def count(self) -> int:
        return self.shape[0] if self.columns == "channels" else math.prod(self.shape)

    def block(self, columns: slice) -> Array:
        """Some of the columns, (V, *shape), each of sum 1."""
        places = math.prod(self.shape) // self.count
        one_hot = np.zeros((columns.stop - columns.start, self.count, places))
        for row, column in enumerate(range(columns.start, columns.stop)):
            one_hot[row, column] = 1
        each = self.numbers.read(np.array(1.0)) / places
        return (self.numbers.read(one_hot) * each).reshape(-1, *self.shape)


def _start(network: _Network, record: dict[str, Any], numbers: _Binary64) -> _Start:
    start = _Start(network, network.index(record["node"], "start"), record["columns"], numbers)
    if (
        start.columns not in COLUMNS
        or not start.shape
        or not math.prod(start.shape)
        or not network.way(start.index)
    ):
        deny("start", "is no node with units or channels from which relevance reaches the image")
    return start


def _layers(start: _Start, records: list[Any]) -> list[dict[str, Any]]:
    """The records of the layers, if each is on the trunk, and they go from the output to the input."""
    network, before = start.network, start.index + 1
    routes: dict[str, str] = {}
    for record in records:
        match(record, LAYER, "layers")
        name, route = record["node"], record["route"]
        if route not in ROUTES:
            deny(name, f"has a route that is none: {route!r}")
        match(record["bounds"], dict.fromkeys(claims_of(route), object), f"{name}.bounds")
        index = network.index(name, "layers")
        if index >= before:
            deny(name, "does not stand below the layer before it")
        if not network.is_on_trunk(index, start.index):
            deny(name, "is not passed by all relevance: of such layers nothing can be claimed")
        above = record["above"]
        if route == "envelope" and not (isinstance(above, str) and routes.get(above) in ("pairs", "shares")):
            deny(name, "is the envelope of no layer before it")
        if route != "envelope" and above is not None:
            deny(name, "has something above it, and is no envelope")
        routes[name], before = route, index
    return records


@dataclass(eq=False)
class _Seen:
    """What is kept of all columns at one layer: masses (V,), the smallest and largest share of each unit over
    columns that are not silent, and, for pairs, all columns (V, n), until the last of them came, and then the
    maxima over the pairs.
    """

    masses: Array
    least: Array | None = None
    most: Array | None = None
    columns: Array | None = None
    compare: Callable[[Array, Array], Maxima] | None = None  # columns and masses, the maxima over pairs
    maxima: Maxima | None = None
    seen: int = 0
    lock: Lock = field(default_factory=Lock)

    def see(self, block: slice, r: Array) -> None:
        """Columns (V, *shape) of a block."""
        masses = r.sum(axis=tuple(range(1, r.ndim)))
        self.masses[block] = masses
        if self.columns is not None:
            self.columns[block] = r.reshape(len(r), -1)
        for column in np.flatnonzero(masses):
            share = r[column] / masses[column]
            with self.lock:
                if self.least is None or self.most is None:
                    self.least, self.most = share.copy(), share
                else:
                    np.minimum(self.least, share, out=self.least)
                    np.maximum(self.most, share, out=self.most)
        with self.lock:
            self.seen += len(r)
            complete = self.seen == len(self.masses)
        if complete and self.columns is not None and self.compare is not None:
            self.maxima, self.columns = self.compare(self.columns, self.masses), None

    @property
    def ends(self) -> Array:
        """The smallest and the largest share, (2, *shape)."""
        assert self.least is not None and self.most is not None
        return np.stack([self.least, self.most])

    @property
    def silent(self) -> list[int]:
        return [int(j) for j in np.flatnonzero(self.masses == 0)]


def _columns(
    start: _Start, layers: list[dict[str, Any]], memory: int, K: Mapping[int, int] | None = None
) -> dict[str, _Seen]:
    """All columns, block by block, down to the lowest layer that is computed from them.

    K: the rounding errors at each node, to compare pairs as soon as all columns have come; None to keep them.
    """
    network, dtype = start.network, object if start.numbers.exact else np.float64
    computed = {record["node"]: record["route"] for record in layers if record["route"] != "envelope"}
    seen = {}
    for name, route in computed.items():
        index = network.index(name, "layers")
        size = network.nodes[index].value.size
        if route == "pairs" and 8 * PAIRED * start.count * size > memory:
            needed = f"{8 * PAIRED * start.count * size / 1e9:.2g} GB of columns"
            raise Unreadable(f"--memory: {needed} at {name}, more than {memory / 1e9:.2g}; raise it")
        columns = np.empty((start.count, size), dtype) if route == "pairs" else None
        compare = None if K is None else partial(_maxima, K=K[index], numbers=start.numbers)
        seen[name] = _Seen(np.empty(start.count, dtype), columns=columns, compare=compare)
    visits: dict[int, Visit] = {network.index(name, "layers"): see.see for name, see in seen.items()}
    threads = os.cpu_count() or 1
    descent = _Descent(network, network.way(start.index), visits, memory / CARRIED / threads)
    step = max(1, memory // (32 * math.prod(start.shape)))
    for first in range(0, start.count, step) if visits else ():
        block = slice(first, min(first + step, start.count))
        descent.down(start.index, {start.index: start.block(block)}, block, threads)
    return seen


Visit = Callable[[slice, Array], None]


@dataclass(frozen=True, eq=False)
class _Descent:
    """Relevance on its way down, to the lowest of the nodes that are visited.

    memory: bytes that a thread may carry; a block that needs more goes on in two halves, one after the other.
    """

    network: _Network
    way: set[int]
    visits: Mapping[int, Visit]
    memory: float

    def down(self, top: int, arrived: dict[int, Array], block: slice, threads: int) -> None:
        """Hand a block of columns down from the node `top`, on so many threads where that is worth it.

        arrived: node -> relevance (V, *shape) that has come so far.
        """
        end, width = min(self.visits), block.stop - block.start
        for node in reversed(self.network.nodes[end : top + 1]):
            if node.index not in arrived:
                continue
            carried = self._bytes(node, arrived, width)
            parallel = threads > 1 and arrived[node.index].nbytes > WORTH_A_THREAD
            if width > 1 and (carried > self.memory or parallel):
                self._halves(node.index, arrived, block, threads if parallel else 1)
                return
            r = arrived.pop(node.index)
            if node.index in self.visits:
                self.visits[node.index](block, r)
            for i, part in zip(
                node.inputs, node.down(r) if node.index > end else (), strict=node.index > end
            ):
                if i in self.way:
                    arrived[i] = arrived[i] + part if i in arrived else part

    def _halves(self, top: int, arrived: dict[int, Array], block: slice, threads: int) -> None:
        half = (block.stop - block.start) // 2
        upper = slice(block.start, block.start + half), {i: a[:half] for i, a in arrived.items()}
        lower = slice(block.start + half, block.stop), {i: a[half:] for i, a in arrived.items()}
        if threads > 1:
            with ThreadPoolExecutor(2) as pool:
                going = [pool.submit(self.down, top, a, some, threads // 2) for some, a in (upper, lower)]
            for half_way in going:
                half_way.result()
        else:
            for some, a in (upper, lower):
                self.down(top, a, some, 1)

    def _bytes(self, node: _Node, arrived: Mapping[int, Array], width: int) -> int:
        """About what is held while the node is passed."""
        below = 8 * width * sum(self.network.nodes[i].value.size for i in node.inputs)
        return sum(a.nbytes for a in arrived.values()) + 3 * arrived[node.index].nbytes + 2 * below


# ---------------------------------------------------------------- bounds


@dataclass(frozen=True)
class _Own:
    """What the verifier finds at one layer."""

    silent: list[int]
    roundings: int
    bounds: Mapping[str, Fraction | float]


def _confirm(start: _Start, layers: list[dict[str, Any]], memory: int) -> int:
    """Compare every field of every layer with what the columns give; returns the number of claims."""
    own = _of_columns(start, layers, memory)
    claims = 0
    for record in layers:
        name, found = record["node"], own[record["node"]]
        match(record["silent"], found.silent, f"{name}.silent")
        match(record["roundings"], found.roundings, f"{name}.roundings")
        match(record["delta"], up(gamma(found.roundings)), f"{name}.delta")
        for claim, bound in record["bounds"].items():
            claimed = _claimed(f"{name}.{claim}", claim, bound)
            holds = (
                claimed <= found.bounds[claim] if claim == "least_mass" else found.bounds[claim] <= claimed
            )
            if not holds:
                deny(
                    f"{name}.{claim}",
                    f"is claimed {bound!r}, but the verifier finds {float(found.bounds[claim])!r}",
                )
            claims += 1
    return claims


def _claimed(what: str, claim: str, bound: Any) -> float:
    if bound == INFINITE and claim in UNLIMITED:
        return math.inf
    if not isinstance(bound, float) or not 0 <= bound < math.inf:
        deny(what, f"is neither a number ≥ 0 nor {INFINITE!r} where that may be")
    return bound


def _of_columns(start: _Start, layers: list[dict[str, Any]], memory: int) -> dict[str, _Own]:
    """What is found at each layer, envelopes last."""
    network, numbers = start.network, start.numbers
    K = network.roundings(start.index, int(start.columns == "channels"))
    seen = _columns(start, layers, memory, K)
    own: dict[str, _Own] = {}
    for name, see in seen.items():
        index = network.index(name, "layers")
        if see.least is None or see.most is None:
            deny(name, "is reached by no column")
        own[name] = _Own(see.silent, K[index], _bounds_of(see, K[index], numbers))
    below: dict[str, list[str]] = {}
    for record in layers:
        if record["route"] == "envelope":
            below.setdefault(record["above"], []).append(record["node"])
    for above, names in below.items():
        top = network.index(above, "layers")
        counts = network.roundings(top, K[top] + 1)
        quotients: dict[int, float] = {}

        def visit(index: int, _: slice, r: Array, found: dict[int, float] = quotients) -> None:
            found[index] = _log_of_quotient(r[0], r[1], numbers)

        visits = {
            network.index(name, "layers"): partial(visit, network.index(name, "layers")) for name in names
        }
        _Descent(network, network.way(top), visits, math.inf).down(
            top, {top: seen[above].ends}, slice(0, 2), 1
        )
        for name in names:
            index = network.index(name, "layers")
            rho = quotients[index] + 2 * _slack(counts[index], numbers)
            own[name] = _Own(own[above].silent, counts[index], _bounds(2 * rho, _from_diameter(2 * rho)))
    return own


def _slack(k: int, numbers: _Binary64) -> float:
    """At least -ln(1 - γ_k): how much k rounding errors can move a logarithm."""
    return 0.0 if numbers.exact else up(gamma(k) / (1 - gamma(k)))


def _log_of_quotient(least: Array, most: Array, numbers: _Binary64) -> float:
    """max ln(most / least) over the units where most is not zero, rounded up."""
    least, most = least[most > 0], most[most > 0]
    if not least.size or (least == 0).any():
        return math.inf
    largest = (most / least).max()
    excess = largest - 1
    if excess <= 0:
        return 0.0 if numbers.exact else 4 * float(U)
    upper = math.log1p(up(Fraction(excess))) if excess < 1 else math.log(up(Fraction(largest)))
    return upper * (1 + 2 * LIBM) + (0.0 if numbers.exact else 4 * float(U))


def _from_diameter(diameter: float) -> Maxima:
    """What Hilbert's distance leaves to the angle (cos ≥ 1 / cosh(Δ/2)) and to total variation."""
    share = math.tanh(diameter / 4)
    return 2 * math.atan(share), share, diameter


def _bounds_of(see: _Seen, K: int, numbers: _Binary64) -> dict[str, Fraction | float]:
    """Of all columns. A share is an entry over a sum of n: it is off by 2 K + n + 1 roundings at most."""
    assert see.least is not None and see.most is not None
    masses = see.masses[see.masses != 0]
    n = see.least.size
    off = Fraction(0) if numbers.exact else gamma(K + n)
    mass = {
        "least_mass": Fraction(masses.min()) * (1 - off),
        "most_mass": Fraction(masses.max()) / (1 - off),
    }
    R, maxima = 0.0, (0.0, 0.0, 0.0)
    if len(masses) > 1:
        R = _log_of_quotient(see.least, see.most, numbers) + 2 * _slack(2 * K + n + 1, numbers)
        maxima = _from_diameter(2 * R) if see.maxima is None else see.maxima
    return {**mass, **_bounds(R, maxima)}


def _maxima(columns: Array, masses: Array, K: int, numbers: _Binary64) -> Maxima:
    """Over all pairs of columns (V, n) that are not silent; the columns are overwritten."""
    speaking = masses != 0
    if speaking.sum() < 2:
        return 0.0, 0.0, 0.0
    if numbers.exact:
        return exact_maxima(np.stack([_integers(column) for column in columns[speaking]], axis=1))
    shares = columns if speaking.all() else columns[speaking]
    shares /= masses[speaking, None]
    return row_maxima(shares, 1 + gamma(K))


def _integers(column: Array) -> Array:
    """A column of fractions times a common denominator."""
    common = math.lcm(*(Fraction(x).denominator for x in column))
    return _entries(column.shape, (int(x * common) for x in column))


def _bounds(log_share: float, maxima: Maxima) -> dict[str, float]:
    """Every claim but the masses; margin and floor cover the rounding of these lines."""
    theta, variation, diameter = maxima
    _, variation_below, _ = _from_diameter(diameter)
    below = 1.0
    if diameter < LARGEST:
        below = math.expm1(diameter / 2) ** 2 / (
            math.expm1(diameter) + 2
        )  # 1 - 1/cosh(x) = (e^x - 1)² / (e^2x + 1)
    bounds = {
        "share": math.expm1(log_share) if log_share < LARGEST else math.inf,
        "one_minus_cos": 2 * math.sin(theta / 2) ** 2,
        "angle": theta,
        "total_variation": variation,
        "hilbert_diameter": diameter,
        "share_below": math.expm1(diameter) if diameter < LARGEST else math.inf,
        "one_minus_cos_below": below,
        "total_variation_below": variation_below,
    }
    if not any((log_share, *maxima)):
        return dict.fromkeys(bounds, 0.0)
    margin = 1 + 16 * LIBM * max(1.0, min(diameter, LARGEST))
    cap = {name: math.inf if name in (*UNLIMITED, "angle") else 1.0 for name in bounds}
    return {name: min(bound * margin + FLOOR, cap[name]) for name, bound in bounds.items()}
