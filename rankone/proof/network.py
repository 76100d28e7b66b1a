"""The records of a network certificate, and its three files: the claims, the weights, the values.

A certificate is about one image. Its nodes are what a verifier needs to know of the network, in call order;
docs/network_certificates.md defines each and what is claimed. All arrays are those of one image, without a
batch axis: values (C, *space) or any other shape, float32 or float64, read as the exact numbers they are.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from rankone.errors import refuse
from rankone.proof.network_words import FORMAT, INFINITE, ROUTES, STATEMENTS
from rankone.proof.tensor_file import TensorFile, read_tensors
from rankone.results.whole import write_parts, write_whole

Array = NDArray[Any]
ENDING = ".cert.json"


# Field of a node -> the file in which its array stands.
FILES = {
    **dict.fromkeys(("weight", "bias", "low", "high", "divisor", "index"), "weights"),
    **dict.fromkeys(("value", "winners"), "values"),
}


# ---------------------------------------------------------------- nodes


@dataclass(frozen=True, eq=False, kw_only=True)
class Node:
    """One node. name: unique. inputs: names of earlier nodes."""

    kind: ClassVar[str]

    name: str
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Image(Node):
    """Where all relevance ends; exactly one node is the image, the first."""

    kind = "image"

    value: Array


@dataclass(frozen=True, eq=False, kw_only=True)
class Constant(Node):
    """Numbers that do not depend on the image. What relevance comes here ends here."""

    kind = "constant"

    value: Array


@dataclass(frozen=True, eq=False, kw_only=True)
class Linear(Node):
    """y = W x + b with a rule of `network_words.RULES`; low, high: the bounds of z_b, which broadcast with x.

    value: y as the network computed it, in the precision that it ran in.
    """

    rule: str
    value: Array
    low: Array | None = None
    high: Array | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Linear):
    """weight (C_out, C_in / groups, *kernel), bias (C_out, 1, …) or (C_out, *space), x (C_in, *space), 1 to 3
    axes of space; padding: zeros before and after, axis by axis.
    """

    kind = "convolution"

    weight: Array
    bias: Array | None = None
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Dense(Linear):
    """weight (m, n) on the last axis of x (..., n); bias broadcasts with (..., m)."""

    kind = "dense"

    weight: Array
    bias: Array | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Affine(Linear):
    """y = w ⊙ x + b; weight and bias broadcast with x."""

    kind = "affine"

    weight: Array
    bias: Array | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Add(Linear):
    """The sum of two inputs or more of one shape."""

    kind = "add"


@dataclass(frozen=True, eq=False, kw_only=True)
class Average(Linear):
    """The sums over windows of x (C, *space), each divided by its divisor > 0, which broadcasts with y; zeros
    around the image count as numbers of a window only through the divisor.
    """

    kind = "average"

    divisor: Array
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPool(Node):
    """The maximum of each window of x (C, *space); winners (C, *space of y), int64: where in x, flattened,
    the one stands that relevance follows.
    """

    kind = "max_pool"

    winners: Array
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Rectifier(Node):
    """y = min(max(x, 0), ceiling), ceiling None for a ReLU; relevance passes unchanged."""

    kind = "rectifier"

    ceiling: float | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Concatenation(Node):
    """The inputs one after the other along `axis` ≥ 0."""

    kind = "concatenation"

    axis: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Reshape(Node):
    """The same numbers, in row-major order, in another shape."""

    kind = "reshape"

    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Permutation(Node):
    """The same numbers with the axes in another order, as NumPy's transpose has it."""

    kind = "permutation"

    axes: tuple[int, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Gather(Node):
    """y_k = x_{index k}, x all inputs flattened and one after the other; 0 where the index is -1. index:
    int64, of the shape of y.
    """

    kind = "gather"

    index: Array


KINDS: dict[str, type[Node]] = {
    kind.kind: kind
    for kind in (
        Image,
        Constant,
        Convolution,
        Dense,
        Affine,
        Add,
        Average,
        MaxPool,
        Rectifier,
        Concatenation,
        Reshape,
        Permutation,
        Gather,
    )
}


# ---------------------------------------------------------------- claims


@dataclass(frozen=True)
class Start:
    """Where relevance is put: one column for each of the node's "units", flattened, or "channels"."""

    node: str
    columns: str = "units"


@dataclass(frozen=True)
class Layer:
    """What is claimed at one node, by one of `network_words.ROUTES`.

    above: the node whose shares the envelope carries down; None otherwise. silent: numbers of the columns
    that carry no relevance to the node (to `above`), rising. roundings: K, the count of rounding errors in
    any entry of the maps. delta: γ_K = K u / (1 - K u), rounded up. bounds: a number for each of `claims_of`.
    """

    node: str
    route: str
    above: str | None
    silent: tuple[int, ...]
    roundings: int
    delta: float
    bounds: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class NetworkCertificate:
    """Claims about the relevance of one image in one network.

    about: free text by name (model, image, method, versions, …), which no verifier checks.
    """

    nodes: tuple[Node, ...]
    start: Start
    layers: tuple[Layer, ...]
    about: Mapping[str, str] = field(default_factory=dict)

    def layer(self, name: str) -> Layer:
        """What is claimed at the node of that name; KeyError if nothing is."""
        return {layer.node: layer for layer in self.layers}[name]

    def write(self, path: str | Path, *, weights: str | None = None) -> tuple[Path, Path, Path]:
        """Write NAME.cert.json, NAME.weights.safetensors, NAME.values.safetensors; returns the three paths.

        path: of the first. weights: another file name in the same folder, which several images may share; it
        is written anew. Each file is written whole or not at all, the claims last; OSError if that fails.
        ValueError: the path does not end in .cert.json, or an array is neither float32, float64 nor int64.
        """
        path = Path(path)
        if not path.name.endswith(ENDING) or path.name == ENDING:
            refuse("path", expected=f"a name that ends in {ENDING}", got=path.name, do=f"add {ENDING}")
        stem = path.name.removesuffix(ENDING)
        names = {"weights": weights or f"{stem}.weights.safetensors", "values": f"{stem}.values.safetensors"}
        tensors, references = _named(self.nodes)
        content = {file: TensorFile.of(tensors[file]) for file in names}
        record = {
            "format": FORMAT,
            "about": dict(self.about),
            "statements": STATEMENTS,
            "routes": ROUTES,
            **{file: {"file": names[file], "tensors": content[file].records()} for file in names},
            "nodes": [_node_record(node, references) for node in self.nodes],
            "start": vars(self.start),
            "layers": [_layer_record(layer) for layer in self.layers],
        }
        places = [path.with_name(names[file]) for file in ("weights", "values")]
        for place, file in zip(places, content, strict=True):
            write_parts(place, content[file].parts())
        write_whole(path, signed(record).encode())
        return path, places[0], places[1]


def signed(record: dict[str, Any]) -> str:
    """The record as strict JSON in its one spelling, with the SHA-256 of what stands before it at the end."""
    digest = sha256(spelled(record).encode()).hexdigest()
    return spelled({**record, "sha256": digest})


def spelled(record: dict[str, Any]) -> str:
    """Strict JSON, one value a line."""
    return json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_certificate(path: str | Path) -> NetworkCertificate:
    """The records of a certificate, with the arrays of the two files beside it; nothing is verified.

    OSError or ValueError if a file is missing or is none.
    """
    path = Path(path)
    try:
        record = json.loads(path.read_bytes())
        if record["format"] != FORMAT:
            raise ValueError(record["format"])
        tensors = {
            file: read_tensors(path.with_name(record[file]["file"]), record[file]["tensors"])
            for file in ("weights", "values")
        }
        return NetworkCertificate(
            nodes=tuple(_node(node, tensors) for node in record["nodes"]),
            start=Start(**record["start"]),
            layers=tuple(_layer(layer) for layer in record["layers"]),
            about=record["about"],
        )
    except (KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        refuse(str(path), expected=FORMAT, got=f"{type(error).__name__}: {error}", do="run `rankone verify`")


# ---------------------------------------------------------------- to and from the files

Tensors = dict[str, dict[str, Array]]  # file -> name of a tensor -> array


def _arrays(node: Node) -> dict[str, tuple[str, Array]]:
    """Field -> its file and its array."""
    return {
        name: (FILES[name], array)
        for name, array in vars(node).items()
        if name in FILES and array is not None
    }


def _named(nodes: tuple[Node, ...]) -> tuple[Tensors, dict[tuple[str, int], str]]:
    """The tensors of each file, and (file, id of an array) -> its name: NODE.field of the first with it."""
    tensors: Tensors = {"weights": {}, "values": {}}
    names: dict[tuple[str, int], str] = {}
    for node in nodes:
        for field_name, (file, array) in _arrays(node).items():
            name = names.setdefault((file, id(array)), f"{node.name}.{field_name}")
            tensors[file][name] = array
    return tensors, names


def _node_record(node: Node, names: Mapping[tuple[str, int], str]) -> dict[str, Any]:
    """The fields of a node, with the names of its tensors in their places."""
    arrays = {field: names[file, id(array)] for field, (file, array) in _arrays(node).items()}
    return {"kind": node.kind, **vars(node), **arrays}


def _node(record: dict[str, Any], tensors: Tensors) -> Node:
    """ValueError, KeyError or TypeError for what is no record of a node."""
    kind = KINDS[record["kind"]]
    plain = {name: _as_tuple(value) for name, value in record.items() if name != "kind"}
    arrays = {
        name: tensors[FILES[name]][plain[name]] for name in plain if name in FILES and plain[name] is not None
    }
    return kind(**{**plain, **arrays})


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def _layer_record(layer: Layer) -> dict[str, Any]:
    bounds = {name: INFINITE if math.isinf(bound) else float(bound) for name, bound in layer.bounds.items()}
    return {**vars(layer), "silent": list(layer.silent), "bounds": bounds}


def _layer(record: dict[str, Any]) -> Layer:
    bounds = {name: math.inf if bound == INFINITE else bound for name, bound in record["bounds"].items()}
    return Layer(**{**record, "silent": tuple(record["silent"]), "bounds": bounds})
