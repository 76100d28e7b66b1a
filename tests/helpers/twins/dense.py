"""Dense layers, what happens to logits, how images become vectors.

Left out: `(x[:, None] * W).sum(-1) + b`, which multiplies entries and then sums them without weights.
"""

import torch
import torch.nn.functional as F
from torch import nn

from tests.helpers.twins.spelling import FOR_ALL, Made, merged_after, twins, using
from tests.helpers.wrapped import Wrapped


class OwnLinear(nn.Linear):
    """A subclass that multiplies by hand."""

    def forward(self, x):
        return torch.matmul(x, self.weight.t()) + self.bias


class OwnParameters(nn.Module):
    """A layer with parameters of its own names, the weight stored the other way round."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.w = nn.Parameter(linear.weight.detach().t().contiguous())
        self.b = nn.Parameter(linear.bias.detach().clone())

    def forward(self, x):
        return x @ self.w + self.b


def _own(m):
    layer = OwnLinear(m.fc1.in_features, m.fc1.out_features, dtype=m.fc1.weight.dtype)
    layer.load_state_dict(m.fc1.state_dict())
    return Wrapped(lambda n, x: n.fc2(torch.relu(n.fc1(x))), fc1=layer, fc2=m.fc2)


def _dense(layer):
    return lambda m, x: m.fc2(torch.relu(layer(m, x)))


LAYER = {
    "module": lambda m, x: m.fc1(x),
    "F.linear": lambda m, x: F.linear(x, m.fc1.weight, m.fc1.bias),
    "bias apart": lambda m, x: F.linear(x, m.fc1.weight) + m.fc1.bias,
    "bias in front": lambda m, x: m.fc1.bias + F.linear(x, m.fc1.weight),
    "bias in place": lambda m, x: F.linear(x, m.fc1.weight).add_(m.fc1.bias),
    "@": lambda m, x: x @ m.fc1.weight.T + m.fc1.bias,
    "matmul": lambda m, x: torch.matmul(x, m.fc1.weight.t()) + m.fc1.bias,
    "mm": lambda m, x: torch.mm(x, m.fc1.weight.t()) + m.fc1.bias,
    "addmm": lambda m, x: torch.addmm(m.fc1.bias, x, m.fc1.weight.t()),
    "addmm, scaled": lambda m, x: torch.addmm(m.fc1.bias * 2, x, m.fc1.weight.t() * 4, beta=0.5, alpha=0.25),
    "einsum": lambda m, x: torch.einsum("bi,oi->bo", x, m.fc1.weight) + m.fc1.bias,
    "tensordot": lambda m, x: torch.tensordot(x, m.fc1.weight, ([1], [1])) + m.fc1.bias,
    "from the left": lambda m, x: (m.fc1.weight @ x.T).T + m.fc1.bias,
    "a row each": lambda m, x: (m.fc1.weight @ x.unsqueeze(2)).squeeze(2) + m.fc1.bias,
    "two halves joined": lambda m, x: torch.cat(
        [F.linear(x, m.fc1.weight[:3], m.fc1.bias[:3]), F.linear(x, m.fc1.weight[3:], m.fc1.bias[3:])], 1
    ),
}
twins(
    "dense layer",
    (6,),
    lambda: {"fc1": nn.Linear(6, 5), "fc2": nn.Linear(5, 4)},
    {**{name: _dense(layer) for name, layer in LAYER.items()}, "subclass": Made(_own)},
    refusals={
        "from the left": "first axis|mm|matmul|numpy_T|transpose|\\bt\\b",
        "a row each": "bmm|matmul|expand",
        "einsum": "einsum|bmm",
    },
)
twins(
    "dense layer at the end",
    (6,),
    lambda: {"fc2": nn.Linear(6, 5), "fc1": nn.Linear(5, 4)},
    {
        **{name: lambda m, x, layer=layer: layer(m, torch.relu(m.fc2(x))) for name, layer in LAYER.items()},
        "own parameters": Made(
            lambda m: Wrapped(
                lambda n, x: n.layer(torch.relu(n.fc2(x))), layer=OwnParameters(m.fc1), fc2=m.fc2
            )
        ),
    },
    refusals={
        "from the left": "first axis|mm|matmul|numpy_T|transpose|\\bt\\b",
        "a row each": "bmm|matmul|expand",
        "einsum": "einsum|bmm",
    },
)


def _mlp():
    return {"fc1": nn.Linear(6, 5), "fc2": nn.Linear(5, 4)}


def _logits(m, x):
    return m.fc2(torch.relu(m.fc1(x)))


twins(
    "logits unchanged",
    (6,),
    _mlp,
    {
        "logits": _logits,
        "times 1": lambda m, x: _logits(m, x) * 1.0,
        "1 times": lambda m, x: 1 * _logits(m, x),
        "by 1": lambda m, x: _logits(m, x) / 1.0,
        "plus 0": lambda m, x: _logits(m, x) + 0,
        "0.0 plus": lambda m, x: 0.0 + _logits(m, x),
        "minus 0": lambda m, x: _logits(m, x) - 0.0,
        "plus zeros": lambda m, x: _logits(m, x) + torch.zeros(4, dtype=x.dtype),
        "times ones": lambda m, x: _logits(m, x) * torch.ones(1, 4, dtype=x.dtype),
        "minus minus": lambda m, x: torch.neg(-_logits(m, x)),
        "positive": lambda m, x: +_logits(m, x),
        "clone": lambda m, x: _logits(m, x).clone(),
        "contiguous": lambda m, x: _logits(m, x).contiguous(),
        "to": lambda m, x: _logits(m, x).to(x.dtype),
        "type_as": lambda m, x: _logits(m, x).type_as(x),
        "slice": lambda m, x: _logits(m, x)[:, :],
        "ellipsis": lambda m, x: _logits(m, x)[...],
        "axis and back": lambda m, x: _logits(m, x)[:, None].squeeze(1),
        "transposed twice": lambda m, x: _logits(m, x)[..., None].transpose(1, 2).mT.flatten(1),
        "expand": lambda m, x: _logits(m, x).expand(x.shape[0], 4),
        "view_as": lambda m, x: (h := _logits(m, x)).view_as(h),
        "identity": lambda m, x: nn.Identity()(_logits(m, x)),
        "in place": lambda m, x: _logits(m, x).mul_(1),
        "a list of one": lambda m, x: [_logits(m, x)][0],
        "sum of one": lambda m, x: sum([_logits(m, x)]),
    },
)
twins(
    "logits scaled and shifted",
    (6,),
    lambda: {**_mlp(), "norm": nn.BatchNorm1d(4)},
    {
        "merged": Made(
            lambda m: Wrapped(
                _logits,
                fc1=m.fc1,
                fc2=merged_after(m.fc2, torch.tensor([0.5] * 4), torch.tensor([0.25] * 4)),
            )
        ),
        "temperature": lambda m, x: _logits(m, x) / 2.0 + 0.25,
        "shift first": lambda m, x: (_logits(m, x) + 0.5) * 0.5,
        "in place": lambda m, x: _logits(m, x).div_(2).add_(0.25),
        "as tensors": lambda m, x: (
            _logits(m, x) * torch.full((4,), 0.5, dtype=x.dtype) + torch.tensor([[0.25]], dtype=x.dtype)
        ),
        "negated twice": lambda m, x: 0.25 - _logits(m, x) * -0.5,
        "lerp": lambda m, x: torch.lerp(_logits(m, x), torch.full((4,), 0.5, dtype=x.dtype), 0.5),
        "addcmul": lambda m, x: torch.addcmul(
            torch.tensor(0.25, dtype=x.dtype), _logits(m, x), torch.tensor(0.5, dtype=x.dtype)
        ),
    },
    refusals={"lerp": "lerp"},
)


def _features(m, x):
    return torch.relu(m.conv(x))


FLAT = {
    "flatten": lambda h: h.flatten(1),
    "torch.flatten": lambda h: torch.flatten(h, 1),
    "flatten twice": lambda h: h.flatten(2).flatten(1),
    "view": lambda h: h.view(h.size(0), -1),
    "reshape": lambda h: h.reshape(h.shape[0], h.shape[1] * h.shape[2] * h.shape[3]),
    "torch.reshape": lambda h: torch.reshape(h, (h.shape[0], -1)),
    "view of all numbers": lambda h: h.view(-1, 64),
    "nn.Flatten": nn.Flatten(),
    "unflatten and flatten": lambda h: h.flatten(1).unflatten(1, (8, 8)).flatten(1),
    "permuted twice": lambda h: h.permute(0, 2, 3, 1).permute(0, 3, 1, 2).flatten(1),
    "transposed twice": lambda h: h.transpose(1, 3).transpose(3, 1).reshape(h.shape[0], -1),
    "contiguous": lambda h: h.contiguous().view(h.shape[0], -1),
    "channels last": lambda h: h.contiguous(memory_format=torch.channels_last).flatten(1),
    "rows joined": lambda h: torch.cat([row.flatten(1) for row in h.split(1, 1)], 1),
    "unbound and joined": lambda h: torch.cat([row.flatten(1) for row in h.unbind(1)], 1),
    "unsqueezed": lambda h: h.unsqueeze(1).flatten(1),
    "hstack": lambda h: torch.hstack([h[:, 0].flatten(1), h[:, 1:].flatten(1)]),
    "identity and dropout": lambda h: nn.Dropout().eval()(nn.Identity()(h)).flatten(1),
    "flipped twice": lambda h: h.flip(2, 3).flip(3, 2).flatten(1),
    "rolled around": lambda h: h.roll(1, 2).roll(-1, 2).flatten(1),
    "image by image": lambda h: torch.stack([image.flatten() for image in h]),
    "swapaxes": lambda h: h.swapaxes(1, 2).swapaxes(1, 2).ravel().view(h.shape[0], -1),
    "movedim": lambda h: h.movedim(1, -1).movedim(-1, 1).flatten(1),
    "split and joined": lambda h: torch.cat(torch.tensor_split(h, 3, dim=1), 1).flatten(1),
    "gathered": lambda h: h.flatten(1)[:, torch.arange(64)],
    "selected": lambda h: h.flatten(1).index_select(1, torch.arange(64)),
}
twins(
    "image to vector",
    (3, 6, 6),
    lambda: {"conv": nn.Conv2d(3, 4, 3), "fc": nn.Linear(64, 4)},
    {name: using(flat, lambda m, x, flat: m.fc(flat(_features(m, x)))) for name, flat in FLAT.items()},
    differ={("image by image", method): "images that are taken apart are not followed" for method in FOR_ALL},
    refusals={"image by image": "images of the batch meet"},
)
twins(
    "two dense layers, one batch of vectors and positions",
    (5, 6),
    _mlp,
    {
        "positions": lambda m, x: _logits(m, x).mean(1),
        "rows": lambda m, x: _logits(m, x.reshape(-1, 6)).view(x.shape[0], 5, 4).mean(1),
        "one after another": lambda m, x: torch.cat([_logits(m, x[:, i])[:, None] for i in range(5)], 1).mean(
            1
        ),
        "stacked": lambda m, x: torch.stack([_logits(m, h) for h in x.unbind(1)], 1).mean(1),
        "transposed": lambda m, x: _logits(m, x.transpose(1, 2).mT).mean(1),
    },
    differ={
        (spelling, method): "units and patterns are those of five layers, not of one"
        for spelling in ("one after another", "stacked")
        for method in ("rectgrad", "pattern_net", "pattern_attribution", "lrp_cmp")
    },
    refusals={"rows": "first axis|images|view", "stacked": "stack"},
)
