"""Networks as Keras' exporters write them, each with the PyTorch network that it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from tests.helpers.onnx_graphs import Graph
from tests.helpers.wrapped import Wrapped

TO_FIRST, TO_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


@dataclass(frozen=True)
class OnnxTwin:
    """write: fills a graph, names its output; body: the same function of the parts and images (B, C, H, W).

    image: the shape that the file declares. routes: how many nodes only move numbers, at most. has_lrp:
    whether all methods have rules for all nodes. notes: words of what differs from the file.
    """

    write: Callable[[Graph, nn.Module], str]
    body: Callable
    parts: Callable[[], dict[str, nn.Module]]
    image: tuple = ("N", 8, 8, 3)
    opset: int = 13
    routes: int = 1
    has_lrp: bool = True
    notes: tuple[str, ...] = field(default=("reads images (B, *space, C)",))

    @property
    def channels_last(self) -> bool:
        return any("reads images" in note for note in self.notes)

    def original(self) -> nn.Module:
        torch.manual_seed(0)
        parts = self.parts()
        for part in parts.values():
            if isinstance(part, nn.BatchNorm2d):
                for t, low in (
                    (part.weight, 0.5),
                    (part.bias, -1),
                    (part.running_mean, -1),
                    (part.running_var, 0.5),
                ):
                    nn.init.uniform_(t, low, low + 2)
        return Wrapped(self.body, **parts).double().eval()

    def model(self, dtype: type = np.float64):
        graph = Graph(self.image, dtype, self.opset)
        return graph.model(self.write(graph, self.original()))

    def images(self, count: int = 2) -> torch.Tensor:
        """(B, C, H, W), float64."""
        sizes = [n if isinstance(n, int) else 8 for n in self.image[1:]]
        shape = (sizes[-1], *sizes[:-1]) if self.channels_last else tuple(sizes)
        return torch.randn(count, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def as_in_the_file(self, images: torch.Tensor) -> np.ndarray:
        return (images.movedim(1, -1) if self.channels_last else images).contiguous().numpy()


def conv_fc(size: int = 64, **more: nn.Module) -> Callable[[], dict[str, nn.Module]]:
    return lambda: {"conv": nn.Conv2d(3, 4, 3, padding=1), "fc": nn.Linear(size, 5), **more}


def flat(g: Graph, h: str, m: nn.Module) -> str:
    """Keras' flattening: (B, n) with B looked up, and n counted."""
    rows = g("Cast", g("Gather", g("Shape", h), np.array(0), axis=0), to=6)
    shape = g("Concat", g("Unsqueeze", rows, np.array([0])), np.array([-1], np.int32), axis=0)
    return g("Reshape", h, g("Cast", shape, to=7))


def dense(g: Graph, h: str, fc: nn.Linear) -> str:
    return g("Add", g("MatMul", h, fc.weight.T), fc.bias)


def conv(g: Graph, h: str, layer: nn.Conv2d, **more) -> str:
    return g("Conv", h, layer.weight, layer.bias, **(more or {"auto_pad": "SAME_UPPER"}))


def keras(g, m):
    h = g("Relu", conv(g, g("Transpose", "image", perm=TO_FIRST), m.conv))
    h = g("MaxPool", h, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    return g("Softmax", dense(g, flat(g, g("Transpose", h, perm=TO_LAST), m), m.fc), axis=-1)


def keras_body(m, x):
    h = F.max_pool2d(F.pad(torch.relu(m.conv(x)), (0, 1, 0, 1), value=-torch.inf), 3, 2)
    return m.fc(h.permute(0, 2, 3, 1).flatten(1))


MEAN, SCALE = np.array([0.1, -0.2, 0.3]), np.array([[[0.5, 2.0, 0.25]]])


def preprocessed(g, m):
    h = g("Cast", g("Cast", "image", to=11), to=g.element)
    h = g("Div", g("Mul", g("Sub", h, MEAN), SCALE), np.array(2.0))
    h = g("Relu", conv(g, g("Transpose", h, perm=TO_FIRST), m.conv))
    h = g("ReduceMean", g("Transpose", h, perm=TO_LAST), axes=[1, 2], keepdims=0)
    return g("Gemm", h, 2 * m.fc.weight, 4 * m.fc.bias, transB=1, alpha=0.5, beta=0.25)


def preprocessed_body(m, x):
    x = (x - torch.tensor(MEAN).view(3, 1, 1)) * torch.tensor(SCALE).view(3, 1, 1) / 2
    return m.fc(torch.relu(m.conv(x)).mean((2, 3)))


def scale_and_shift(norm: nn.BatchNorm2d) -> tuple[torch.Tensor, torch.Tensor]:
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return scale, norm.bias - norm.running_mean * scale


def norm_in_two(g, m):
    """A batch norm as Mul and Add, channels last, between transpositions."""
    h = g("Transpose", conv(g, g("Transpose", "image", perm=TO_FIRST), m.conv), perm=TO_LAST)
    scale, shift = scale_and_shift(m.norm)
    h = g("Transpose", g("Relu", g("Add", g("Mul", h, scale), shift)), perm=TO_FIRST)
    return dense(g, flat(g, g("GlobalAveragePool", h), m), m.fc)


def norm_in_four(g, m):
    """A batch norm as Sub, Mul, Div and Add; its root is computed in the file."""
    h = conv(g, g("Transpose", "image", perm=TO_FIRST), m.conv)
    column = [
        t.view(1, -1, 1, 1) for t in (m.norm.running_mean, m.norm.weight, m.norm.running_var, m.norm.bias)
    ]
    root = g("Sqrt", g("Add", column[2], np.array(m.norm.eps)))
    h = g("Add", g("Div", g("Mul", g("Sub", h, column[0]), column[1]), root), column[3])
    return dense(g, flat(g, g("GlobalAveragePool", g("Relu", h)), m), m.fc)


def norm_body(m, x):
    return m.fc(torch.relu(m.norm(m.conv(x))).mean((2, 3)))


def padded(g, m):
    """Zeros around, channels last; a depthwise layer; a rectifier up to 6."""
    h = g("Pad", "image", np.array([0, 1, 1, 0, 0, 1, 1, 0]))
    h = g(
        "Clip",
        conv(g, g("Transpose", h, perm=TO_FIRST), m.conv, pads=[0, 0, 0, 0]),
        np.array(0.0),
        np.array(6.0),
    )
    h = g("Conv", h, m.each.weight, m.each.bias, group=4, pads=[0, 0, 1, 1], strides=[2, 2])
    return dense(g, flat(g, h, m), m.fc)


def padded_body(m, x):
    h = F.relu6(m.conv(x))
    return m.fc(m.each(F.pad(h, (0, 1, 0, 1))).flatten(1))


def untidy(g, m):
    """Casts and transpositions back and forth, constants from nodes, weights that are turned and shared."""
    h = g("Transpose", "image", perm=TO_FIRST)
    weight = g("Transpose", m.conv.weight.permute(2, 3, 1, 0), perm=[3, 2, 0, 1])
    for k in range(20):
        h = g("Cast", g("Identity", h), to=g.element if k % 2 else 11)
        h = g("Transpose", g("Transpose", h, perm=TO_LAST), perm=TO_FIRST)
    h = g("Relu", g("Conv", h, g("Identity", weight), g("Identity", m.conv.bias), pads=[1, 1, 1, 1]))
    h = g("Transpose", g("Dropout", g("Transpose", h, perm=TO_LAST)), perm=TO_FIRST)
    h = g("ReduceMean", g("Transpose", g("Reshape", h, np.array([0, 0, -1])), perm=[0, 2, 1]), axes=[1])
    return g("Flatten", g("Sigmoid", dense(g, g("Squeeze", h, np.array([1])), m.fc)))


def untidy_body(m, x):
    return m.fc(torch.relu(m.conv(x)).mean((2, 3)))


def frozen(g, m):
    h = g("Relu", conv(g, "image", m.conv))
    return g("LogSoftmax", dense(g, g("Reshape", h, np.array([1, 256])), m.fc))


def one_channel(g, m):
    """Of one channel the transposition is a reshape."""
    h = g("Relu", conv(g, g("Reshape", "image", np.array([-1, 1, 8, 8])), m.conv))
    return dense(g, flat(g, h, m), m.fc)


def plain_body(m, x):
    return m.fc(torch.relu(m.conv(x)).flatten(1))


def branched(g, m):
    """An addition, a concatenation, averages that leave out the padding."""
    h = g("Relu", conv(g, g("Transpose", "image", perm=TO_FIRST), m.conv))
    h = g("Concat", g("Sum", h, conv(g, h, m.side)), h, axis=1)
    h = g("AveragePool", h, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    return dense(
        g, flat(g, g("AveragePool", h, kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER"), m), m.fc
    )


def branched_body(m, x):
    h = torch.relu(m.conv(x))
    h = F.avg_pool2d(torch.cat([h + m.side(h), h], 1), 3, 2, 1, count_include_pad=False)
    return m.fc(F.avg_pool2d(h, 2).flatten(1))


def activations(g, m):
    """What some methods refuse by name; the others agree."""
    h = g("LeakyRelu", conv(g, g("Transpose", "image", perm=TO_FIRST), m.conv), alpha=0.125)
    h = g("PRelu", conv(g, h, m.side), m.slope.weight.view(-1, 1, 1))
    h = g("Relu", g("ConvTranspose", h, m.up.weight, m.up.bias, strides=[2, 2]))
    h = g(
        "Resize",
        h,
        "",
        np.array([1.0, 1.0, 2.0, 2.0], np.float32),
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    return dense(g, flat(g, g("GlobalAveragePool", h), m), m.fc)


def activations_body(m, x):
    h = m.slope(m.side(F.leaky_relu(m.conv(x), 0.125)))
    return m.fc(F.interpolate(torch.relu(m.up(h)), scale_factor=2).mean((2, 3)))


TWINS = {
    "keras": OnnxTwin(
        keras, keras_body, conv_fc(), notes=("reads images (B, *space, C)", "Softmax"), routes=2
    ),
    "preprocessed": OnnxTwin(preprocessed, preprocessed_body, conv_fc(4)),
    "norm in two": OnnxTwin(norm_in_two, norm_body, lambda: conv_fc(4, norm=nn.BatchNorm2d(4))()),
    "norm in four": OnnxTwin(norm_in_four, norm_body, lambda: conv_fc(4, norm=nn.BatchNorm2d(4))()),
    "padded": OnnxTwin(padded, padded_body, lambda: conv_fc(64, each=nn.Conv2d(4, 4, 3, 2, groups=4))()),
    "untidy": OnnxTwin(
        untidy, untidy_body, conv_fc(4), notes=("reads images (B, *space, C)", "Sigmoid"), routes=2
    ),
    "frozen batch": OnnxTwin(
        frozen, plain_body, conv_fc(256), image=(1, 3, 8, 8), notes=("LogSoftmax", "batches of 1")
    ),
    "one channel": OnnxTwin(
        one_channel,
        plain_body,
        lambda: {"conv": nn.Conv2d(1, 4, 3, padding=1), "fc": nn.Linear(256, 5)},
        image=("N", 8, 8, 1),
    ),
    "branched": OnnxTwin(
        branched, branched_body, lambda: conv_fc(32, side=nn.Conv2d(4, 4, 3, padding=1))(), routes=2
    ),
    "activations": OnnxTwin(
        activations,
        activations_body,
        lambda: conv_fc(
            4, side=nn.Conv2d(4, 4, 3, padding=1), slope=nn.PReLU(4), up=nn.ConvTranspose2d(4, 4, 2, 2)
        )(),
        has_lrp=False,
        routes=2,
    ),
}
