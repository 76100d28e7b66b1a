"""The user's model: what is refused before it runs, how it is run, and that it leaves as it came."""

from __future__ import annotations

import inspect
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode

from rankone.errors import Refusal, refuse
from torch_backend.graph.memory import memory_of
from torch_backend.graph.signature import signature
from torch_backend.inputs.around import innermost
from torch_backend.inputs.output import named_outputs
from torch_backend.operators.layout import full_precision, is_finite

# Operators by the names that users know them by.
NAMES = {
    "mm": "linear",
    "addmm": "linear",
    "max_pool2d_with_indices": "max_pool2d",
    "max_pool3d_with_indices": "max_pool3d",
    "_unsafe_view": "view",
    "_reshape_alias": "view",
    "reshape": "view",
}
# What a layer does beside its own operation, which has the layer's name.
BESIDE = {"copy", "view", "unsqueeze", "squeeze", "expand", "permute", "transpose", "t"}
PRECISIONS = (torch.float32, torch.float64)
HALF = (torch.float16, torch.bfloat16)
# What a module keeps things in; its hooks are in an OrderedDict.
CONTAINERS = (list, dict, set, OrderedDict)
# Where torch keeps quantised layers, and those that watch a network to be quantised.
QUANTISED = re.compile(r"^torch\.ao\..*\b(quantized|observer|fake_quantize)\b")
# What torch says of tensors in two precisions, or in one that it cannot compute in.
OF_PRECISION = re.compile("not implemented for '|same dtype|type .* should be the same")


def check_images(images: Tensor) -> None:
    """Images are a finite floating-point tensor (B, ...) with B ≥ 1."""
    if not isinstance(images, Tensor) or images.dtype not in PRECISIONS:
        got = str(images.dtype) if isinstance(images, Tensor) else type(images).__name__
        real = isinstance(images, Tensor) and not images.is_complex()
        do = "convert them: images.float()" if real else "give real numbers: torch.as_tensor(images)"
        refuse("images", expected="a tensor in float32 or float64", got=got, do=do)
    if images.dim() < 2 or not images.numel():
        refuse(
            "images", expected="shape (B, ...) with B >= 1", got=tuple(images.shape), do="add the batch axis"
        )
    if not is_finite(images):
        refuse(
            "images",
            expected="finite values",
            got="NaN or infinity",
            do="find out where they arose and leave those images out",
        )


def check_model(model: nn.Module, images: Tensor) -> None:
    """A model is in eval mode, on the images' device, with finite weights."""
    if not isinstance(model, nn.Module):
        refuse("model", expected="a torch.nn.Module", got=type(model).__name__, do="pass the network itself")
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            refuse(
                f"model ({name or type(model).__name__})",
                expected="a module that Python runs",
                got="a torch.jit script",
                do="give the module that it was made from",
            )
        if QUANTISED.search(type(module).__module__):
            refuse(
                f"model ({name or type(model).__name__})",
                expected="layers in floating-point numbers",
                got=f"a quantised one, {type(module).__name__}",
                do="give the network as it was before it was quantised",
            )
        if module.training:
            refuse(
                f"model ({name or type(model).__name__})",
                expected="eval mode",
                got="training mode",
                do="call model.eval() first",
            )
    for name, value in tensors_of(model).items():
        if value.device != images.device:
            refuse(
                f"model ({name})",
                expected=f"the images' device {images.device}",
                got=value.device,
                do="move the model there: model.to(images.device)",
            )
        if value.is_floating_point() and value.dtype not in (*PRECISIONS, *HALF):
            refuse(
                f"model ({name})",
                expected="weights in float64, float32, float16 or bfloat16",
                got=str(value.dtype).removeprefix("torch."),
                do="convert it: model.float()",
            )
        if value.is_floating_point() and not is_finite(value):
            refuse(
                f"model ({name})", expected="finite weights", got="NaN or infinity", do="load intact weights"
            )


def run_model(model: nn.Module, images: Tensor) -> Tensor:
    """The model's own forward pass, in its own precision; ValueError if it refuses the images."""
    with undisturbed(model):
        return forward(model, own_copy(model, images))


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """The model runs without derivatives, and is afterwards as it was."""
    with torch.inference_mode(mode=False), torch.no_grad(), untouched(model) as before:  # noqa: SIM117
        with torch.compiler.set_stance("force_eager"), Watch(before.about_to_write):
            yield


def own_copy(model: nn.Module, images: Tensor) -> Tensor:
    """A copy of the images in the model's precision."""
    dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), images.dtype)
    return images.detach().to(dtype, copy=True, memory_format=torch.contiguous_format)


def forward(model: nn.Module, images: Tensor) -> Tensor:
    """The logits (B, ...) of the images, which the model may write to."""
    try:
        with torch.compiler.set_stance("force_eager"), sdpa_kernel(SDPBackend.MATH), full_precision(images):
            logits = model(images)
    except Refusal:
        raise
    except Exception as error:
        _refused_the_images(model, images, error)
    if not isinstance(logits, Tensor) or logits.dim() < 2 or len(logits) != len(images):
        _refuse_the_output(logits)
    return logits


def parameters(model: nn.Module) -> list[inspect.Parameter]:
    """Those of the user's own `forward`; none where it does not say."""
    try:
        return list(inspect.signature(innermost(model).forward).parameters.values())
    except (TypeError, ValueError):
        return []


def _refused_the_images(model: nn.Module, images: Tensor, error: Exception) -> NoReturn:
    said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    required = [
        p.name
        for p in parameters(model)
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if len(required) > 1:
        refuse(
            "model",
            expected="one input, the images",
            got=f"forward({', '.join(required)})",
            do=f"give the others: join(model, {{{required[0]!r}: ...}}, ...), --extra {required[1]}=FILE.npy",
        )
    if OF_PRECISION.search(said):
        refuse(
            "model",
            expected="a forward pass that can be carried out in the precision of its weights",
            got=said,
            do="give it in one: model.float(), without casts such as x.half() in its forward",
        )
    if "Long, Int" in said or "indices" in said:
        refuse(
            "model",
            expected="a network that reads real numbers",
            got=f"one that looks them up as integers ({said})",
            do="give it tokens, whole numbers (B, T)",
        )
    refuse(
        "images",
        expected="a shape that the model accepts",
        got=f"{tuple(images.shape)} ({said})",
        do="give the images the model's input shape (B, channels, …)",
    )


def _refuse_the_output(output: Any) -> NoReturn:
    got, do = type(output).__name__, "wrap it to return its logits only"
    if isinstance(output, Tensor):
        got = f"shape {tuple(output.shape)}"
    elif names := list(named_outputs(output)):
        got = f"{got} with {', '.join(names)}"
        do = f"choose one: output={names[0]!r}, --output {names[0]} on the command line"
    refuse("model", expected="one output tensor (B, ...)", got=got, do=do)


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


class Untouched:
    """What a model was before it ran; numbers are kept when it is about to write to them."""

    def __init__(self, model: nn.Module) -> None:
        self.dicts = [d for m in model.modules() for d in (vars(m), m._parameters, m._buffers, m._modules)]
        self.entries = [dict(d) for d in self.dicts]
        values = [v for d in self.entries for v in d.values()]
        self.containers = [(v, v.copy()) for v in values if type(v) in CONTAINERS]
        own = {id(t): t for t in values if isinstance(t, Tensor)}.values()
        self.tensors = [(t, t.data, t.requires_grad, t.is_leaf) for t in own if not t.is_inference()]
        self.memory = {memory_of(t) for t in own}
        self.numbers: dict[int, tuple[Tensor, Tensor]] = {}

    def owns(self, t: Tensor) -> bool:
        """Whether its numbers are the model's."""
        return memory_of(t) in self.memory

    def about_to_write(self, t: Tensor) -> None:
        """Keeps the numbers of all its memory, once."""
        if self.owns(t) and memory_of(t) not in self.numbers:
            whole = torch.empty(0, dtype=torch.uint8, device=t.device).set_(t.untyped_storage())
            self.numbers[memory_of(t)] = whole, whole.clone()

    def restore(self) -> None:
        for whole, numbers in self.numbers.values():
            whole.copy_(numbers)
        for own, before in zip(self.dicts, self.entries, strict=True):
            for name in own.keys() - before.keys():
                del own[name]
            own.update(before)
        for container, before in self.containers:
            container.clear()
            container.extend(before) if isinstance(container, list) else container.update(before)
        for t, data, requires_grad, is_leaf in self.tensors:
            if is_leaf and not t.is_leaf:
                t.detach_()
            if t.data.data_ptr() != data.data_ptr():
                t.data = data
            if is_leaf and t.requires_grad != requires_grad:
                t.requires_grad_(requires_grad)


class Watch(TorchDispatchMode):
    """Tells of every tensor that is about to be written to."""

    def __init__(self, about_to_write: Callable[[Tensor], None]) -> None:
        super().__init__()
        self.about_to_write = about_to_write

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        for t in signature(func).written(args, kwargs or {}):
            self.about_to_write(t)
        return func(*args, **(kwargs or {}))


@contextmanager
def untouched(model: nn.Module) -> Iterator[Untouched]:
    """Whatever the model does to itself in a forward pass is undone."""
    before = Untouched(model)
    try:
        yield before
    finally:
        to_its_end(before.restore)


def to_its_end(undo: Callable[[], None]) -> None:
    """Carries it out; where Ctrl-C stops it, once more from its beginning, and then Ctrl-C goes on."""
    try:
        undo()
    except KeyboardInterrupt:
        to_its_end(undo)
        raise


class Places:
    """The module whose forward is running, by its path in the model."""

    def __init__(self, model: nn.Module) -> None:
        self.paths = {module: name for name, module in model.named_modules()}
        self.running: list[nn.Module] = []

    def label(self, operation: str) -> str:
        """A call's place: the path of a module without parts, or path.operation."""
        operation = (
            NAMES.get(operation, operation).removeprefix("_").removesuffix("_").removeprefix("native_")
        )
        inside = next((m for m in reversed(self.running) if self.paths.get(m)), None)
        if inside is None:
            return operation
        leaf = next(inside.children(), None) is None
        if operation in BESIDE and next(inside.parameters(recurse=False), None) is not None:
            leaf = False  # the layer itself has the name
        return self.paths[inside] if leaf else f"{self.paths[inside]}.{operation}"

    @contextmanager
    def followed(self) -> Iterator[None]:
        def left(*_: Any) -> None:
            self.running.pop()

        entered = register_module_forward_pre_hook(lambda module, _: self.running.append(module))
        leaving = register_module_forward_hook(left, always_call=True)
        try:
            yield
        finally:
            entered.remove()
            leaving.remove()
