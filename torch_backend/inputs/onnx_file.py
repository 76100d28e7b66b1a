"""Networks in .onnx files, as torch modules that are read like any other.

`onnx` reads the file, `onnx2pytorch` carries its graph out with torch's operators, and that is recorded. Both
are imported only when a file is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from rankone.errors import refuse

if TYPE_CHECKING:
    from torch_backend.inputs.onnx.network import OnnxNetwork

PRECISIONS = (torch.float32, torch.float64)


def load_onnx(path: str | Path, dtype: torch.dtype = torch.float32) -> OnnxNetwork:
    """The network in the file `path`, in eval mode and in `dtype`, float32 or float64.

    It maps images (B, C, *space) to its output, or to a dict of its outputs by name.

    What differs from the file stands in its `notes`: a last softmax or sigmoid is left out, as relevance
    starts before it; images are (B, C, *space), also where the file reads (B, *space, C); a file for a fixed
    number of images takes any number. Numbers are rounded only where float32 is asked for.
    Raises ValueError in one line for a file that is damaged, or does what cannot be read (branches, loops,
    operators of others, quantised numbers, several inputs), for another dtype, and without the packages of
    the extra `onnx`; OSError if a file is missing.
    """
    if dtype not in PRECISIONS:
        do = "leave it out for float32"
        refuse("dtype", expected="torch.float32 or torch.float64", got=repr(dtype), do=do)
    try:
        from torch_backend.inputs.onnx import batch, channels, constants, editing, file, operators, outputs
        from torch_backend.inputs.onnx.network import converted
    except ImportError as error:
        refuse(
            "model",
            expected="the packages that read .onnx files",
            got=str(error).splitlines()[0],
            do="pip install 'rankone[onnx]'",
        )
    model, notes = file.read(path), []
    del model.graph.value_info[:]  # shapes that the file declares, and that will be others
    operators.check_operators(model)
    file.check(model)
    graph, opset = model.graph, file.opset(model)
    names = tuple(output.name for output in graph.output)
    if constants.computes_in_half(graph):
        notes.append("the file computes in half precision; here is no less than float32")
    if constants.fold_constants(graph, opset):
        notes.append("its quantised weights are computed with as real numbers")
    if dropped := outputs.leave_out_last_activations(graph):
        notes.append(f"its final {' and '.join(dropped)} is left out: relevance starts before it")
    operators.check_inputs(graph)
    if channels.put_channels_first(graph):
        notes.append("the file reads images (B, *space, C); here they are (B, C, *space)")
    if count := batch.free_batch(model):
        notes.append(f"the file is for batches of {count}; here it takes any number of images")
    operators.check_layers(graph, opset)
    image = editing.image_of(graph)
    shape = editing.sizes(image)
    constants.cast_as_the_image(graph, image.name)
    constants.scaled_exactly(graph)
    said = None if shape is None else tuple(shape[1:])
    return converted(model, image=said, outputs=names, notes=tuple(notes), dtype=dtype)
