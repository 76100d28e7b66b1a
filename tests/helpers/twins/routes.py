"""What only moves numbers: concatenations, permutations, writing into slices; poolings."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.helpers.twins.spelling import ends, inside, tail, twins, using


def _two():
    return {"a": nn.Conv2d(3, 3, 3, padding=1), "b": nn.Conv2d(3, 1, 1), **tail()}


def _into_empty(a, b):
    joined = torch.empty(a.shape[0], 4, 6, 6, dtype=a.dtype)
    joined[:, :3] = a
    joined[:, 3:] = b
    return joined


def _copied(a, b):
    joined = a.new_zeros(a.shape[0], 4, 6, 6)
    joined.narrow(1, 0, 3).copy_(a)
    joined[:, 3].copy_(b[:, 0])
    return joined


def _nested(a, b):
    return torch.cat([torch.cat([a[:, :1], a[:, 1:]], 1), torch.cat([b], 1)], 1)


JOINED = {
    "cat": lambda a, b: torch.cat([a, b], 1),
    "concat": lambda a, b: torch.concat((a, b), dim=1),
    "concatenate": lambda a, b: torch.concatenate([a, b], axis=1),
    "negative axis": lambda a, b: torch.cat([a, b], -3),
    "hstack": lambda a, b: torch.hstack((a, b)),
    "nested": _nested,
    "with an empty one": lambda a, b: torch.cat([a, b, a[:, :0]], 1),
    "padded and added nothing": lambda a, b: torch.cat([a, b, b], 1)[:, :4],
    "channels last": lambda a, b: torch.cat([a.movedim(1, 3), b.movedim(1, 3)], 3).movedim(3, 1),
    "flat": lambda a, b: torch.cat([a.flatten(1), b.flatten(1)], 1).view(a.shape[0], 4, 6, 6),
    "written into empty": _into_empty,
    "copied into zeros": _copied,
    "slice scattered": lambda a, b: torch.slice_scatter(torch.cat([a, a[:, :1]], 1), b, 1, 3, 4),
}
twins(
    "concatenation",
    (3, 6, 6),
    _two,
    {name: inside(lambda m, x, join=join: join(torch.relu(m.a(x)), m.b(x))) for name, join in JOINED.items()},
    refusals={"slice scattered": "slice_scatter"},
)
twins(
    "concatenation and a rectifier",
    (3, 6, 6),
    _two,
    {
        "after": inside(lambda m, x: torch.relu(torch.cat([m.a(x), m.b(x)], 1))),
        "before": inside(lambda m, x: torch.cat([torch.relu(m.a(x)), torch.relu(m.b(x))], 1)),
    },
    differ={("before", "rectgrad"): "its quantile is over the units of one layer"},
)


def _conv():
    return {"conv": nn.Conv2d(3, 4, 3), **tail()}


SHUFFLED = {
    "view and transpose": lambda h: (
        h.view(h.shape[0], 2, 2, 4, 4).transpose(1, 2).reshape(h.shape[0], 4, 4, 4)
    ),
    "indices": lambda h: h[:, [0, 2, 1, 3]],
    "index_select": lambda h: h.index_select(1, torch.tensor([0, 2, 1, 3])),
    "nn.ChannelShuffle": nn.ChannelShuffle(2),
    "slices joined": lambda h: torch.cat([h[:, ::2], h[:, 1::2]], 1),
    "gather": lambda h: h.gather(1, torch.tensor([0, 2, 1, 3]).view(1, 4, 1, 1).expand(h.shape[0], 4, 4, 4)),
    "swapaxes": lambda h: h.unflatten(1, (2, 2)).swapaxes(1, 2).flatten(1, 2),
    "stacked": lambda h: torch.cat([h[:, i, None] for i in (0, 2, 1, 3)], 1),
}
twins(
    "channels shuffled",
    (3, 6, 6),
    _conv,
    {name: using(move, lambda m, x, move: ends(m, move(m.conv(x)))) for name, move in SHUFFLED.items()},
    refusals={"nn.ChannelShuffle": "huffle", "gather": "gather"},
)
DEPTH_TO_SPACE = {
    "view and permute": lambda h: (
        h.view(h.shape[0], 1, 2, 2, 4, 4).permute(0, 1, 4, 2, 5, 3).reshape(h.shape[0], 1, 8, 8)
    ),
    "F.pixel_shuffle": lambda h: F.pixel_shuffle(h, 2),
    "nn.PixelShuffle": nn.PixelShuffle(2),
}
twins(
    "channels to space",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), "after": nn.Conv2d(1, 4, 3), **tail()},
    {
        name: using(move, lambda m, x, move: ends(m, m.after(torch.relu(move(m.conv(x))))))
        for name, move in DEPTH_TO_SPACE.items()
    },
    refusals={"F.pixel_shuffle": "ixel_?[sS]huffle", "nn.PixelShuffle": "ixel_?[sS]huffle"},
)
SAME = {
    "nothing": lambda h: h,
    "cat of one": lambda h: torch.cat([h], 1),
    "identity": nn.Identity(),
    "clone": lambda h: h.clone(),
    "permuted twice": lambda h: h.permute(0, 2, 3, 1).permute(0, 3, 1, 2),
    "padded by nothing": lambda h: F.pad(h, (0, 0, 0, 0)),
    "padded and cropped": lambda h: F.pad(h, (1, 1, 1, 1))[:, :, 1:-1, 1:-1],
    "cropped by padding": lambda h: F.pad(F.pad(h, (1, 1)), (-1, -1)),
    "all of it": lambda h: h[:, :, 0:4, 0:4],
    "pooled by one": lambda h: F.avg_pool2d(h, 1),
    "adaptive pooling to its size": lambda h: F.adaptive_avg_pool2d(h, (4, 4)),
    "cast": lambda h: h.to(torch.float64),
    "double": lambda h: h.double(),
    "detached device": lambda h: h.to(h.device).cpu(),
    "maximum pooled by one": lambda h: F.max_pool2d(h, 1),
    "resized to its size": lambda h: F.interpolate(h, size=(4, 4)),
    "squeezed": lambda h: h.unsqueeze(2).squeeze(2),
    "chunks joined": lambda h: torch.cat(h.chunk(2, 1), dim=1),
    "mean over one": lambda h: h.unsqueeze(2).mean(2),
    "sum over one": lambda h: h[:, None].sum(1),
    "contiguous": lambda h: h.contiguous(memory_format=torch.channels_last),
    "flattened": lambda h: h.flatten(2).view_as(h),
    "repeated once": lambda h: h.repeat(1, 1, 1, 1),
    "where always": lambda h: torch.where(torch.ones_like(h, dtype=torch.bool), h, 0.0),
}
twins(
    "nothing happens",
    (3, 6, 6),
    _conv,
    {name: using(none, lambda m, x, none: ends(m, none(m.conv(x)))) for name, none in SAME.items()},
    refusals={
        "resized to its size": "interpolate|upsample",
        "repeated once": "repeat",
        "where always": "where",
    },
)

# ---------------------------------------------------------------- poolings


def _pooled(pool):
    return using(pool, lambda m, x, pool: m.fc(pool(torch.relu(m.conv(x))).flatten(1)))


GLOBAL = {
    "mean": lambda h: h.mean((2, 3)),
    "torch.mean": lambda h: torch.mean(h, dim=[-2, -1]),
    "keepdim": lambda h: h.mean((2, 3), keepdim=True).flatten(1),
    "keepdim, indexed": lambda h: h.mean((2, 3), keepdim=True)[..., 0, 0],
    "axis": lambda h: h.mean(axis=(2, 3)),
    "adaptive": lambda h: F.adaptive_avg_pool2d(h, 1).flatten(1),
    "adaptive module": lambda h: nn.AdaptiveAvgPool2d((1, 1))(h).view(h.shape[0], -1),
    "full size": lambda h: F.avg_pool2d(h, 4).flatten(1),
    "full size, computed": lambda h: F.avg_pool2d(h, kernel_size=h.size()[2:]).squeeze(3).squeeze(2),
    "full size, module": lambda h: nn.AvgPool2d(4, stride=1)(h).reshape(h.shape[0], 4),
    "flat mean": lambda h: h.flatten(2).mean(2),
    "view mean": lambda h: h.view(h.shape[0], 4, -1).mean(-1),
    "channels last": lambda h: h.permute(0, 2, 3, 1).mean((1, 2)),
    "pool 1d": lambda h: F.adaptive_avg_pool1d(h.flatten(2), 1).squeeze(-1),
    "one axis at a time": lambda h: h.mean(3).mean(2),
    "sum divided": lambda h: h.sum((2, 3)) / 16,
    "sum times": lambda h: h.sum(dim=(-1, -2)) * (1 / (h.shape[2] * h.shape[3])),
    "two poolings": lambda h: F.avg_pool2d(F.avg_pool2d(h, 2), 2).flatten(1),
}
twins(
    "global average",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), "fc": nn.Linear(4, 4)},
    {name: _pooled(pool) for name, pool in GLOBAL.items()},
    differ={(name, "lrp_epsilon"): "ε at each average" for name in ("one axis at a time", "two poolings")},
)
LOCAL = {
    "F.avg_pool2d": lambda h: F.avg_pool2d(h, 2),
    "module": nn.AvgPool2d(2),
    "stride": lambda h: F.avg_pool2d(h, (2, 2), stride=(2, 2), count_include_pad=False),
    "adaptive": lambda h: F.adaptive_avg_pool2d(h, 2),
    "adaptive module": nn.AdaptiveAvgPool2d((2, 2)),
    "seen as blocks": lambda h: h.view(h.shape[0], 4, 2, 2, 2, 2).mean((3, 5)),
    "channels last": lambda h: (
        h.permute(0, 2, 3, 1).unflatten(2, (2, 2)).unflatten(1, (2, 2)).mean((2, 4)).permute(0, 3, 1, 2)
    ),
    "area": lambda h: F.interpolate(h, scale_factor=0.5, mode="area"),
}
twins(
    "average pooling",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), "fc": nn.Linear(16, 4)},
    {name: _pooled(pool) for name, pool in LOCAL.items()},
    refusals={"area": "interpolate|upsample"},
)
twins(
    "average pooling with padding",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), "fc": nn.Linear(36, 4)},
    {
        "inside": _pooled(lambda h: F.avg_pool2d(h, 2, padding=1).flatten(1)),
        "F.pad": _pooled(lambda h: F.avg_pool2d(F.pad(h, (1, 1, 1, 1)), 2).flatten(1)),
        "ZeroPad2d": _pooled(lambda h: nn.AvgPool2d(2)(nn.ZeroPad2d(1)(h)).flatten(1)),
    },
)


def _indices_unused(h):
    y, _ = F.max_pool2d(h, 2, return_indices=True)
    return y


def _made_indices(h):
    y, _ = nn.MaxPool2d(2, return_indices=True)(h)
    return y


HIGHEST = {
    "F.max_pool2d": lambda h: F.max_pool2d(h, 2),
    "module": nn.MaxPool2d(2),
    "torch.max_pool2d": lambda h: torch.max_pool2d(h, (2, 2)),
    "stride": lambda h: F.max_pool2d(h, kernel_size=2, stride=2, ceil_mode=True),
    "adaptive": lambda h: F.adaptive_max_pool2d(h, 2),
    "adaptive module": nn.AdaptiveMaxPool2d((2, 2)),
    "indices unused": _indices_unused,
    "indices unused, module": _made_indices,
    "with indices": lambda h: F.max_pool2d_with_indices(h, 2)[0],
    "channels apart": lambda h: torch.cat([F.max_pool2d(part, 2) for part in h.split(2, 1)], 1),
    "amax of blocks": lambda h: h.view(h.shape[0], 4, 2, 2, 2, 2).amax((3, 5)),
    "max of blocks": lambda h: h.view(h.shape[0], 4, 2, 2, 2, 2).transpose(3, 4).flatten(4).max(4).values,
}
twins(
    "max-pooling",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), "fc": nn.Linear(16, 4)},
    {
        name: using(pool, lambda m, x, pool: m.fc(torch.relu(pool(m.conv(x))).flatten(1)))
        for name, pool in HIGHEST.items()
    },
    refusals={"amax of blocks": "amax", "max of blocks": "max"},
)
# Windows from one before the image on: what is behind its last numbers is in none.
PADDED_MAXIMA = {
    "module": nn.MaxPool2d(3, 2, padding=1),
    "padded before": lambda h: F.max_pool2d(F.pad(h, (1, 0, 1, 0), value=-torch.inf), 3, 2),
    "a module pads": nn.Sequential(nn.ConstantPad2d((1, 0, 1, 0), -torch.inf), nn.MaxPool2d(3, 2)),
    "the lowest number": lambda h: F.max_pool2d(F.pad(h, (1, 0, 1, 0), value=torch.finfo(h.dtype).min), 3, 2),
    "axis by axis": lambda h: F.max_pool2d(
        F.pad(F.pad(h, (1, 0), value=-torch.inf), (0, 0, 1, 0), value=-torch.inf), 3, 2
    ),
    "row by row": lambda h: F.max_pool2d(F.max_pool2d(h, (1, 3), (1, 2), (0, 1)), (3, 1), (2, 1), (1, 0)),
}
twins(
    "max-pooling, padded",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), "fc": nn.Linear(16, 4)},
    {
        name: using(pool, lambda m, x, pool: m.fc(torch.relu(pool(m.conv(x))).flatten(1)))
        for name, pool in PADDED_MAXIMA.items()
    },
)
twins(
    "max-pooling over one axis, padded",
    (3, 18),
    lambda: {"conv": nn.Conv1d(3, 4, 3), "fc": nn.Linear(32, 4)},
    {
        name: using(pool, lambda m, x, pool: m.fc(torch.relu(pool(m.conv(x))).flatten(1)))
        for name, pool in {
            "module": nn.MaxPool1d(3, 2, padding=1),
            "padded before": lambda h: F.max_pool1d(F.pad(h, (1, 0), value=-torch.inf), 3, 2),
            "two axes": lambda h: F.max_pool2d(
                F.pad(h[:, :, None], (1, 0), value=-torch.inf), (1, 3), (1, 2)
            ),
        }.items()
    },
)
twins(
    "global maximum",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), "fc": nn.Linear(4, 4)},
    {
        name: using(pool, lambda m, x, pool: m.fc(torch.relu(pool(m.conv(x))).flatten(1)))
        for name, pool in {
            "adaptive": lambda h: F.adaptive_max_pool2d(h, 1),
            "full size": lambda h: F.max_pool2d(h, 4),
            "full size, computed": lambda h: F.max_pool2d(h, h.shape[-2:]),
            "one dimension": lambda h: F.max_pool1d(h.flatten(2), 16),
            "amax": lambda h: h.amax((2, 3)),
            "max": lambda h: h.flatten(2).max(2)[0],
        }.items()
    },
    refusals={"amax": "amax", "max": "max"},
)


def _view_rectified(h):
    h.view(h.shape[0], -1)[:, :32].relu_()
    return h


def _narrow_rectified(h):
    a = h.narrow(1, 0, 2)
    a.relu_()
    return h


def _slice_rectified(h):
    h[:, :2].relu_()
    return h


def _slice_clamped(h):
    h[:, :2].clamp_(min=0)
    return h


def _inplace_function(h):
    F.relu(h[:, :2], inplace=True)
    return h


HALF = {
    "joined": lambda h: torch.cat([torch.relu(h[:, :2]), h[:, 2:]], 1),
    "chunks joined": lambda h: torch.cat([(g := h.chunk(2, 1))[0].relu(), g[1]], 1),
    "relu_ of a slice": _slice_rectified,
    "clamp_ of a slice": _slice_clamped,
    "relu_ of a narrowed one": _narrow_rectified,
    "relu_ of a view": _view_rectified,
    "F.relu in place of a slice": _inplace_function,
}
twins(
    "half of the channels rectified",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), "then": nn.Conv2d(4, 4, 1), **tail()},
    {
        **{name: inside(lambda m, x, half=half: m.then(half(m.conv(x)))) for name, half in HALF.items()},
        "written": inside(lambda m, x: m.then(_written(m.conv(x)))),
    },
)


def _written(h):
    h[:, :2] = torch.relu(h[:, :2])
    return h
