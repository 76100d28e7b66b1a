"""What is examined, as written on a command line: methods, means of their maps, what is no chain.

"z_plus", "smooth_grad", "smooth_grad:25:0.2", "grad_cam:conv5_3", "occlusion:32:16", "pattern_net",
"pattern_net:FILE", "my.py:mine"
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.audit.stages import ORDERS, Order
from torch_backend.audit.subject import Subject, estimated, fixed
from torch_backend.commands import method_names
from torch_backend.commands.keeping import files
from torch_backend.inputs import images as pictures
from torch_backend.maps.averaged import integrated_gradients, smooth_grad
from torch_backend.maps.grad_cam import grad_cam
from torch_backend.maps.occlusion import occlusion
from torch_backend.maps.saliency import Attribution
from torch_backend.methods import deep_taylor, pattern_attribution, pattern_net

WINDOWS = 7  # that side by side cover an image: occlusion's, if no size is given
PATTERNED = {"pattern_net": pattern_net, "pattern_attribution": pattern_attribution}
#: Every method that needs neither a layer nor a file; of the families with numbers those of the paper.
ALL = (
    "gradient",
    "gradient_times_input",
    "smooth_grad",
    "integrated_gradients",
    "deconv",
    "guided_backprop",
    "rectgrad",
    "pattern_net",
    "pattern_attribution",
    "deep_taylor",
    "excitation_backprop",
    "contrastive_excitation_backprop",
    "lrp_z",
    "z_plus",
    "alpha_beta:1:0",
    "alpha_beta:2:1",
    "alpha_beta:5:4",
    "lrp_cmp:1:0",
    "lrp_cmp:2:1",
    "deeplift_rescale",
    "deeplift_reveal_cancel",
    "deeplift_without_cross_terms",
    "occlusion",
)
BATCH = 4  # images at a time that patterns are estimated from


@dataclass(frozen=True, eq=False)
class Spelling:
    """What a name means on a network's images (B, *input shape), which lie in `bounds` (low, high), if known.

    held: whether methods hold gates and an image's own statistics constant
    """

    images: Tensor = field(repr=False)
    bounds: tuple[Tensor, Tensor] | None = None
    held: bool = True

    def subject(self, text: str) -> Subject:
        """The subject of that name; ValueError with the names there are for an unknown one."""
        name, *arguments = text.strip().split(":")
        if name in PATTERNED and not arguments:
            return estimated(name, PATTERNED[name], self.images.split(BATCH))
        if name in PATTERNED:
            found = fixed(self._method(text), "patterns of the trained network, frozen")
            return replace(found, name=f"{name}:frozen", source=_source(text))
        if name in ATTRIBUTIONS and ".py" not in name:
            return fixed(self._attribution(name, arguments))
        if name == "deep_taylor" and not arguments and self.bounds is not None:
            low, high = self.bounds
            bounds = repr((low.tolist(), high.tolist()))
            return replace(fixed(deep_taylor(low, high)), source=bounds)
        return replace(fixed(self._method(text)), source=_source(text))

    def _method(self, text: str):
        return method_names.chosen(text, held=self.held)

    def _attribution(self, name: str, arguments: list[str]) -> Attribution:
        make, kinds = ATTRIBUTIONS[name]
        try:
            numbers = [kind(a) for kind, a in zip(kinds, arguments, strict=False)]
            if len(arguments) > len(kinds):
                raise ValueError
        except ValueError:
            expected = ":".join([name, *(kind.__name__.upper() for kind in kinds)])
            refuse(
                "method", expected=expected, got=":".join([name, *arguments]), do="give these, or the name"
            )
        return make(self.images, *numbers)


def _smooth_grad(_: Tensor, *numbers: float) -> Attribution:
    return smooth_grad(method_names.method("gradient"), *numbers)


def _integrated_gradients(_: Tensor, *numbers: int) -> Attribution:
    return integrated_gradients(None, method_names.method("gradient"), *numbers)


def _occlusion(images: Tensor, *numbers: int) -> Attribution:
    return occlusion(*(numbers or (max(1, images.shape[-1] // WINDOWS),)))


def _grad_cam(_: Tensor, layer: str = "") -> Attribution:
    if not layer:
        refuse("method", expected="grad_cam:LAYER", got="grad_cam", do="name a convolutional layer: conv5_3")
    return grad_cam(layer)


ATTRIBUTIONS: dict[str, tuple[Callable[..., Attribution], tuple[type, ...]]] = {
    "smooth_grad": (_smooth_grad, (int, float)),
    "integrated_gradients": (_integrated_gradients, (int,)),
    "occlusion": (_occlusion, (int, int)),
    "grad_cam": (_grad_cam, (str,)),
}


def bounds(model: str, source: str) -> tuple[Tensor, Tensor] | None:
    """The smallest and the largest value that any picture has at the model's input, (C, 1, 1) each; None for
    an array, whose values are the user's own.
    """
    if source.endswith(".npy"):
        return None
    read = pictures.preprocessing(model)
    ends = torch.stack([read(pixels.expand(1, 3, 1, 1))[0] for pixels in (torch.zeros(1), torch.ones(1))])
    return ends.amin(0), ends.amax(0)


def _source(text: str) -> str:
    return repr(files([text]))


def orders(text: str) -> tuple[Order, ...]:
    """Orders of destruction by their names, with commas; "none": none. ValueError for unknown ones."""
    known = {order.name: order for order in ORDERS}
    asked = [] if text == "none" else text.split(",")
    for name in asked:
        if name not in known:
            expected = f"{', '.join(known)}, or none"
            refuse("orders", expected=expected, got=repr(name), do="give some of these, with commas")
    return tuple(known[name] for name in dict.fromkeys(asked))


def count(text: str) -> int | None:
    """A number of classes, 0 for none, None for "all"; ValueError for anything else."""
    if text == "all":
        return None
    if not (text.isascii() and text.isdigit()):
        refuse("classes", expected="a number, or all", got=repr(text), do="1 is the paper's")
    return int(text)
