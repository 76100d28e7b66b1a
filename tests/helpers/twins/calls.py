"""Rectifiers and dropout, and how a forward pass is put together in Python.

Left out: a rectifier before a max-pooling and after it (the same numbers, but two orders of two nonlinear
steps: DeepLIFT and RectGrad say something else about them), and `(h + h.abs()) / 2`, which adds what cancels.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from tests.helpers.twins.spelling import DTYPE, FOR_ALL, Made, ends, tail, twins, using
from tests.helpers.wrapped import Wrapped


def _conv():
    return {"conv": nn.Conv2d(3, 4, 3), "then": nn.Conv2d(4, 4, 1), **tail()}


def _unused(h):
    F.relu(h, inplace=True)
    return h


def _zeroed(h):
    h[h < 0] = 0
    return h


RELU = {
    "torch.relu": lambda h: torch.relu(h),
    "F.relu": lambda h: F.relu(h),
    "method": lambda h: h.relu(),
    "relu_": lambda h: h.relu_(),
    "torch.relu_": lambda h: torch.relu_(h),
    "F.relu in place": lambda h: F.relu(h, inplace=True),
    "F.relu in place, result unused": _unused,
    "module": nn.ReLU(),
    "module in place": nn.ReLU(inplace=True),
    "module made in forward": lambda h: nn.ReLU()(h),
    "module in place made in forward": lambda h: nn.ReLU(inplace=True)(h),
    "clamp": lambda h: h.clamp(min=0),
    "clamp_": lambda h: h.clamp_(0),
    "torch.clamp": lambda h: torch.clamp(h, min=0.0),
    "clamp_min": lambda h: h.clamp_min(0),
    "torch.clamp_min": lambda h: torch.clamp_min(h, 0.0),
    "clip": lambda h: torch.clip(h, min=0),
    "Hardtanh": nn.Hardtanh(0.0, float("inf")),
    "keyword": lambda h: nn.ReLU()(input=h),
    "threshold": lambda h: F.threshold(h, 0.0, 0.0),
    "leaky, slope 0": lambda h: F.leaky_relu(h, 0.0),
    "clamp by a tensor": lambda h: h.clamp(min=torch.zeros((), dtype=h.dtype)),
    "maximum": lambda h: torch.maximum(h, torch.zeros_like(h)),
    "maximum of a number": lambda h: torch.maximum(h, torch.tensor(0.0, dtype=h.dtype)),
    "where": lambda h: torch.where(h > 0, h, 0.0),
    "masked_fill": lambda h: h.masked_fill(h < 0, 0.0),
    "mask written": _zeroed,
    "times a mask": lambda h: h * (h > 0),
}
twins(
    "rectifier",
    (3, 6, 6),
    _conv,
    {name: using(relu, lambda m, x, relu: ends(m, m.then(relu(m.conv(x))))) for name, relu in RELU.items()},
    refusals={
        "threshold": "threshold",
        "clamp by a tensor": "clamp",
        "maximum": "maximum",
        "maximum of a number": "maximum",
        "where": "where",
        "masked_fill": "masked_fill|where",
        "mask written": "masked_fill|index_put|where|lt",
        "times a mask": "mul",
    },
)
SIX = {
    "F.relu6": lambda h: F.relu6(h),
    "module": nn.ReLU6(),
    "in place": nn.ReLU6(inplace=True),
    "clamp": lambda h: h.clamp(0, 6),
    "clamp_": lambda h: h.clamp_(min=0, max=6.0),
    "hardtanh": lambda h: F.hardtanh(h, 0.0, 6.0),
    "Hardtanh": nn.Hardtanh(0, 6),
    "minimum": lambda h: torch.minimum(torch.relu(h), torch.tensor(6.0, dtype=h.dtype)),
}
twins(
    "ReLU6",
    (3, 6, 6),
    _conv,
    {name: using(six, lambda m, x, six: ends(m, m.then(six(3 * m.conv(x))))) for name, six in SIX.items()},
    refusals={"minimum": "minimum"},
)
DROPPED = {
    "nothing": lambda h: h,
    "F.dropout": lambda h: F.dropout(h, 0.5, training=False),
    "in place": lambda h: F.dropout(h, 0.5, training=False, inplace=True),
    "module": nn.Dropout(0.5).eval(),
    "Dropout2d": nn.Dropout2d(0.5).eval(),
    "AlphaDropout": nn.AlphaDropout(0.5).eval(),
    "F.dropout2d": lambda h: F.dropout2d(h, 0.5, training=False),
    "of no share": lambda h: F.dropout(h, 0.0, training=False),
    "twice": lambda h: F.dropout(F.dropout(h, training=False), training=False),
    "torch.dropout": lambda h: torch.dropout(h, 0.5, train=False),
}
twins(
    "dropout",
    (3, 6, 6),
    _conv,
    {
        name: using(drop, lambda m, x, drop: ends(m, m.then(drop(torch.relu(m.conv(x))))))
        for name, drop in DROPPED.items()
    },
)

# ---------------------------------------------------------------- how the calls are put together


def _parts():
    return {"conv": nn.Conv2d(3, 4, 3), "norm": nn.BatchNorm2d(4), "fc": nn.Linear(16, 4)}


def _explicit(m, x):
    return m.fc(F.max_pool2d(torch.relu(m.norm(m.conv(x))), 2).flatten(1))


class Plain(nn.Module):
    """The network as a class; subclasses change how it is called."""

    def __init__(self, m) -> None:
        super().__init__()
        self.conv, self.norm, self.fc = m.conv, m.norm, m.fc
        self.act, self.flag = nn.ReLU(), True

    def forward(self, x):
        return _explicit(self, x)


class WithMask(Plain):
    def forward(self, x, mask=None):
        x = x if mask is None else x * mask
        return _explicit(self, x)


class WithDefaultTensor(Plain):
    def forward(self, x, shift=torch.zeros(1, dtype=DTYPE)):  # noqa: B008
        return _explicit(self, x + shift)


class WithArguments(Plain):
    def forward(self, *args, **kwargs):
        (x,) = args
        return _explicit(self, x)


class WithFlag(Plain):
    def forward(self, x, return_features: bool = False, **options):  # noqa: FBT001, FBT002
        h = torch.relu(self.norm(self.conv(x)))
        if return_features or options.get("features") or not self.flag:
            return h
        return self.fc(F.max_pool2d(h, 2).flatten(1))


class WithAsserts(Plain):
    def forward(self, x):
        assert x.dim() == 4
        assert x.shape[1] == 3, f"expected 3 channels, got {x.shape[1]}"
        if len(x.shape) != 4 or x.size(2) < 4:
            raise ValueError("too small")
        batch, *_ = x.shape
        h = F.max_pool2d(torch.relu(self.norm(self.conv(x))), 2)
        return self.fc(h.view(batch, h.shape[1] * int(h.shape[2]) * int(h.shape[3])))


class WithKeyword(Plain):
    def forward(self, x):
        h = self.act(input=self.norm(input=self.conv(input=x)))
        return self.fc(input=torch.flatten(input=F.max_pool2d(input=h, kernel_size=2), start_dim=1))


class WithBranch(Plain):
    def forward(self, x):
        h = torch.relu(self.norm(self.conv(x)))
        if h.mean() < 0 or bool((h < 0).any()):
            h = h * 2
        return self.fc(F.max_pool2d(h, 2).flatten(1))


class WithModulesMade(Plain):
    def forward(self, x):
        h = nn.Sequential(nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten())(self.norm(self.conv(x)))
        return self.fc(nn.Dropout().eval()(h))


class WithTensorsMade(Plain):
    def forward(self, x):
        h = self.norm(self.conv(x)) + torch.zeros(1, 4, 1, 1, dtype=x.dtype)
        h = torch.relu(h * torch.ones(4, dtype=x.dtype).view(-1, 1, 1))
        return self.fc(F.max_pool2d(h, torch.tensor([2, 2]).tolist()).flatten(1))


class WithCheckpoint(Plain):
    def forward(self, x):
        h = checkpoint(lambda t: torch.relu(self.norm(self.conv(t))), x, use_reentrant=False)
        return self.fc(F.max_pool2d(h, 2).flatten(1))


class WithInnerParallel(Plain):
    def __init__(self, m) -> None:
        super().__init__(m)
        self.body = nn.DataParallel(nn.Sequential(m.conv, m.norm, nn.ReLU()))

    def forward(self, x):
        return self.fc(F.max_pool2d(self.body(x), 2).flatten(1))


class WithDictionary(Plain):
    def forward(self, x):
        found = {"features": torch.relu(self.norm(self.conv(x)))}
        found["pooled"] = F.max_pool2d(found["features"], 2)
        return self.fc(found.pop("pooled").flatten(1))


class WithLoop(Plain):
    def __init__(self, m) -> None:
        super().__init__(m)
        self.layers = nn.ModuleList([m.conv, m.norm, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), m.fc])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class WithNames(Plain):
    def __init__(self, m) -> None:
        super().__init__(m)
        self.layers = nn.ModuleDict({"c": m.conv, "n": m.norm, "f": m.fc})

    def forward(self, x):
        x = self.layers["n"](self.layers["c"](x))
        return self.layers["f"](F.max_pool2d(getattr(torch, "relu")(x), 2).flatten(1))  # noqa: B009


class WithHelp(Plain):
    """forward_features and forward_head, as in timm."""

    def features(self, x):
        return self.act(self.norm(self.conv(x)))

    def head(self, h, pre_logits: bool = False):  # noqa: FBT001, FBT002
        h = F.max_pool2d(h, 2).flatten(1)
        return h if pre_logits else self.fc(h)

    def forward(self, x):
        return self.head(self.features(x))


class WithAutocastOff(Plain):
    def forward(self, x):
        with torch.autocast("cpu", enabled=False):
            return _explicit(self, x)


class ImageByImage(Plain):
    def forward(self, x):
        return torch.cat([_explicit(self, image[None]) for image in x])


class WithUnused(Plain):
    def forward(self, x):
        h = self.conv(x)
        _ = torch.sigmoid(h).mean(), h.argmax(1)
        self.fc(torch.zeros(1, 16, dtype=x.dtype))
        return self.fc(F.max_pool2d(torch.relu(self.norm(h)), 2).flatten(1))


def _hooked(m):
    net = Plain(m)
    net.conv.register_forward_hook(lambda module, x, y: None)
    net.register_forward_pre_hook(lambda module, x: None)
    return net


def _sequential(m):
    return nn.Sequential(m.conv, m.norm, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), m.fc)


def _nested(m):
    return nn.Sequential(
        nn.Sequential(m.conv, nn.Sequential(m.norm, nn.ReLU(inplace=True))),
        nn.Sequential(nn.MaxPool2d(2), nn.Identity(), nn.Flatten(), nn.Dropout(), m.fc),
    )


CLASSES = {
    "class": Plain,
    "mask=None": WithMask,
    "default tensor": WithDefaultTensor,
    "*args": WithArguments,
    "flag": WithFlag,
    "shape asserts": WithAsserts,
    "input=": WithKeyword,
    "branch on a value": WithBranch,
    "modules made in forward": WithModulesMade,
    "tensors made in forward": WithTensorsMade,
    "checkpoint": WithCheckpoint,
    "inner DataParallel": WithInnerParallel,
    "dictionary": WithDictionary,
    "list of layers": WithLoop,
    "layers by name": WithNames,
    "features and head": WithHelp,
    "autocast off": WithAutocastOff,
    "something unused": WithUnused,
    "image by image": ImageByImage,
    "hooks that do nothing": _hooked,
    "Sequential": _sequential,
    "Sequential of Sequentials": _nested,
    "DataParallel": lambda m: nn.DataParallel(Plain(m)),
    "wrapped": lambda m: nn.Sequential(Plain(m)),
}
twins(
    "how the calls are put together",
    (3, 6, 6),
    _parts,
    {"explicit": _explicit, **{name: Made(make) for name, make in CLASSES.items()}},
    differ={("image by image", method): "images that are taken apart are not followed" for method in FOR_ALL},
    refusals={"image by image": "images of the batch meet"},
)
twins(
    "one module with many uses",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), "then": nn.Conv2d(4, 4, 1), "act": nn.ReLU(), "fc": nn.Linear(4, 4)},
    {
        "functions": lambda m, x: m.fc(torch.relu(m.then(torch.relu(m.conv(x)))).mean((2, 3))),
        "one ReLU": lambda m, x: m.fc(m.act(m.then(m.act(m.conv(x)))).mean((2, 3))),
        "one ReLU in place": Made(
            lambda m: Wrapped(
                lambda n, x: n.fc(n.act(n.then(n.act(n.conv(x)))).mean((2, 3))),
                **{**vars(m), "act": nn.ReLU(inplace=True)},
            )
        ),
        "a list of two": lambda m, x: m.fc(_through(x, [m.conv, m.then]).mean((2, 3))),
        "one ReLU twice": lambda m, x: m.fc(m.act(m.then(torch.relu(m.conv(x)))).mean((2, 3))),
    },
)


def _through(h, layers):
    for layer in layers:
        h = torch.relu(layer(h))
    return h
