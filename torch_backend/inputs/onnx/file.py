"""The bytes of an .onnx file, and those that it keeps in files beside itself, as a graph that holds together.

Nothing of it is carried out here; whatever is wrong with it is one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto, helper

from rankone.errors import refuse
from torch_backend.inputs.onnx.editing import printable

LARGEST = 2**31 - 1  # bytes of one protocol buffer
OLDEST = 7  # opset since which arithmetic broadcasts as NumPy's does
OWN = ("", "ai.onnx")
DAMAGED = "export it again, or copy it anew"


def read(path: str | Path) -> ModelProto:
    """The model in the file, with all its tensors. ValueError or OSError in one line for what is none."""
    path = Path(path)
    if path.is_dir():
        refuse("model", expected="an .onnx file", got=f"the folder {path}", do="name the file in it")
    if not path.is_file():
        raise FileNotFoundError(f"model: no file {path}")
    if path.stat().st_size > LARGEST:
        got = f"{path.stat().st_size} bytes in {path}"
        refuse("model", expected="at most 2 GB in one file", got=got, do="save its weights as external data")
    try:
        model = ModelProto.FromString(path.read_bytes())
    except DecodeError:
        refuse("model", expected="an .onnx file", got=f"other bytes in {path}", do=DAMAGED)
    if not model.graph.node or not model.graph.output:
        refuse("model", expected="an .onnx file with a network", got=f"none in {path}", do=DAMAGED)
    if any(isinstance(text, bytes) for text in _texts(model)):
        refuse("model", expected="names in UTF-8", got=f"other bytes in {path}", do=DAMAGED)
    opset(model)
    for tensor in tensors_of(model):
        if tensor.data_location == TensorProto.EXTERNAL:
            _fetch(tensor, path.parent)
    return model


def check(model: ModelProto) -> None:
    """ValueError in the words of onnx's own checker: cycles, missing or doubled names, wrong attributes."""
    try:
        onnx.checker.check_model(model)
    except Exception as error:  # its classes have no base of their own
        refuse("model", expected="a graph that holds together", got=one_line(error), do=DAMAGED)
    for tensor in tensors_of(model):
        try:
            onnx.numpy_helper.to_array(tensor)
        except Exception as error:  # whatever its bytes are taken for
            got = f"{one_line(error)} in '{printable(tensor.name)}'"
            refuse("model", expected="as many numbers as each tensor's shape says", got=got, do=DAMAGED)


def one_line(error: Exception) -> str:
    """What an error says, on one line."""
    said = " ".join(str(error).split())[:200]
    return "".join(c if c.isprintable() else "?" for c in said) or type(error).__name__


def tensors_of(model: ModelProto) -> Iterator[TensorProto]:
    """The constants, wherever they stand."""
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _texts(model: ModelProto) -> Iterator[str]:
    """All names; those that are no text arrive as bytes."""
    graph = model.graph
    for named in (*graph.input, *graph.output, *graph.initializer, *graph.node, *model.functions):
        yield named.name
    for placed in (*graph.node, *model.functions, *model.opset_import):
        yield placed.domain
    for node in graph.node:
        yield from (node.op_type, *node.input, *node.output, *(a.name for a in node.attribute))
    for tensor in tensors_of(model):
        for entry in tensor.external_data:
            yield from (entry.key, entry.value)


def opset(model: ModelProto) -> int:
    """The version of ONNX's operators that the model uses. ValueError for one that is not known here."""
    newest = onnx.defs.onnx_opset_version()
    versions = [o.version for o in model.opset_import if o.domain in OWN]
    if len(versions) != 1 or not OLDEST <= versions[0] <= newest:
        got = ", ".join(map(str, versions)) or "none"
        do = "export it with one of these, or upgrade the package onnx"
        refuse("model", expected=f"an opset from {OLDEST} to {newest}", got=got, do=do)
    return versions[0]


def _fetch(tensor: TensorProto, folder: Path) -> None:
    """The bytes of a tensor from a file in the model's own folder."""
    said = {entry.key: entry.value for entry in tensor.external_data}
    location, name = said.get("location", ""), f"'{printable(tensor.name)}'"
    outside = "\0" in location or not (folder / location).resolve().is_relative_to(folder.resolve())
    if outside or Path(location).is_absolute():
        got = f"'{printable(location)}' for {name}"
        do = "save the model and its data in one folder, without links out of it"
        refuse("model", expected="external data in the folder of the model", got=got, do=do)
    file = folder / location
    if not file.is_file():
        raise FileNotFoundError(f"model: no file {file} with the external data of {name}")
    start, size = _whole(said.get("offset", "0")), _bytes_in(tensor)
    if start is None or size is None or start + size > file.stat().st_size:
        begin = printable(said.get("offset", "0"))
        got = f"{file.stat().st_size} bytes, where '{printable(tensor.name)}' is said to begin at {begin}"
        refuse("model", expected=f"{size or 'some'} bytes for it in {file}", got=got, do=DAMAGED)
    with file.open("rb") as opened:
        opened.seek(start)
        tensor.raw_data = opened.read(size)
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _bytes_in(tensor: TensorProto) -> int | None:
    if min(tensor.dims, default=0) < 0 or tensor.data_type in (TensorProto.UNDEFINED, TensorProto.STRING):
        return None
    try:
        return prod(tensor.dims) * np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type)).itemsize
    except (KeyError, ValueError, TypeError):
        return None
