"""Small networks that between them use everything the engine knows; float64, random weights, biases
everywhere.
"""

import torch
import torch.nn.functional as F
from torch import nn

DTYPE = torch.float64


class Chain(nn.Module):
    """A tiny VGG: convolutions, max-pooling, flatten, dense layers, dropout; one ReLU module used
    everywhere.
    """

    image = (3, 8, 8)

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1)
        self.conv2 = nn.Conv2d(6, 5, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.conv3 = nn.Conv2d(5, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.drop = nn.Dropout()
        self.fc1 = nn.Linear(16, 7)
        self.fc2 = nn.Linear(7, 4)

    def forward(self, x):
        x = self.pool(self.relu(self.conv2(self.relu(self.conv1(x)))))
        x = self.pool(self.relu(self.conv3(x)))
        return self.fc2(self.drop(self.relu(self.fc1(x.view(x.size(0), -1)))))


class Block(nn.Module):
    """torchvision's residual block: in-place ReLU used twice, `out += identity`, strided downsampling."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride > 1 or inside != outside:
            self.downsample = nn.Sequential(
                nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)
            )

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += identity
        return self.relu(out)


class Residual(nn.Module):
    """A tiny ResNet: batch norm, overlapping max-pooling, skips, global average."""

    image = (3, 11, 11)

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(Block(4, 4, 1), Block(4, 4, 1))
        self.layer2 = Block(4, 6, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(6, 4)

    def forward(self, x):
        x = self.layer2(self.layer1(self.maxpool(F.relu(self.bn1(self.conv1(x)), inplace=True))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Branches(nn.Module):
    """Branches that meet by cat, torch.add and +; grouped, dilated, depthwise and strided convolutions; a
    batch norm
    that no convolution absorbs; every pooling; constants; a linear bottleneck with ReLU6."""

    image = (3, 9, 9)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, 2, 1)
        self.grouped = nn.Conv2d(4, 4, 3, padding=1, groups=2)
        self.dilated = nn.Conv2d(4, 4, 3, padding=2, dilation=2)
        self.depthwise = nn.Conv2d(4, 4, (3, 1), padding=(1, 0), groups=4)
        self.norm = nn.BatchNorm2d(12)
        self.project = nn.Conv2d(12, 4, 1)
        self.relu6 = nn.ReLU6()
        self.fc = nn.Linear(40, 4)

    def forward(self, x):
        x = F.relu(self.stem(x))
        joined = torch.cat([self.grouped(x).relu(), F.relu(self.dilated(x)), F.avg_pool2d(x, 3, 1, 1)], 1)
        y = self.project(F.relu(self.norm(joined)))
        y = torch.add(y, x) + self.relu6(self.depthwise(0.1 * x + 0.25))
        highest, average = F.max_pool2d(y, 3, 2).flatten(1), F.adaptive_avg_pool2d(y, 2).view(x.size(0), -1)
        contrast = F.adaptive_max_pool2d(y, 1).reshape(x.shape[0], -1) - y.mean((2, 3))
        corner = y.permute(0, 2, 3, 1)[:, 0, 1]
        return self.fc(torch.cat([highest, average, contrast, corner], dim=-1))


class Sequence(nn.Module):
    """One-dimensional: strides that do not divide, 'same' padding, a mean over time, chunks."""

    image = (2, 13)

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(2, 6, 4, stride=3, padding=1)
        self.conv2 = nn.Conv1d(3, 5, 3, padding="same", dilation=2)
        self.fc = nn.Linear(5, 4)

    def forward(self, x):
        left, right = torch.relu(self.conv1(x)).chunk(2, dim=1)
        return self.fc(self.conv2(F.max_pool1d(left, 2) + F.pad(right, (0, -2))).clamp(min=0).mean(dim=-1))


class Volume(nn.Module):
    """Three-dimensional, with batch norm folded into the convolution and into the dense layer."""

    image = (1, 5, 6, 5)

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv3d(1, 3, 3, stride=(1, 2, 2)),
            nn.BatchNorm3d(3),
            nn.ReLU(),
            nn.MaxPool3d((1, 2, 2)),
            nn.Flatten(),
        )
        self.fc = nn.Sequential(nn.Linear(9, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 4))

    def forward(self, x):
        return self.fc(self.features(x))


class Totals(nn.Module):
    """Sums over the image right after a ReLU, whose transpose repeats one number without copying it."""

    image = (3, 5, 6)

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 5, 1)
        self.fc = nn.Linear(5, 3)

    def forward(self, x):
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        return self.fc(x.sum((2, 3)))


class Decoder(nn.Module):
    """A tiny U-Net that ends in classes: transposed convolutions in groups and with pixels that nothing
    reaches, batch norms around them, interpolations of both signs, pixel shuffle, reflected edges, cat skips.
    """

    image = (3, 6, 6)

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 4, 3, 2, 1, padding_mode="reflect")
        self.bottom = nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular")
        self.before, self.norm = nn.BatchNorm2d(6), nn.BatchNorm2d(4)
        self.up = nn.ConvTranspose2d(6, 4, 3, 2, 1, output_padding=1, groups=2, bias=False)
        self.spread = nn.ConvTranspose2d(4, 8, (2, 1), dilation=(2, 1))
        self.last = nn.Conv2d(4 + 4 + 2, 4, 3, padding=1)
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        skip = F.relu(self.down(x))
        y = F.relu(self.norm(self.up(self.before(F.relu(self.bottom(skip))))))
        shuffled = F.pixel_shuffle(F.relu(self.spread(skip)), 2)[:, :, 2:8]
        wide = F.interpolate(skip, scale_factor=2, mode="bicubic")
        y = self.last(torch.cat([y, wide, shuffled], 1))
        y = F.interpolate(F.relu(y), size=(3, 4), mode="bilinear", align_corners=True)
        return self.fc(y.mean((2, 3)))


class Held(nn.Module):
    """What image-made factors there are: norms by the image's own statistics, gates over channels, space and
    branches; activations that are no rectifiers.
    """

    image = (3, 6, 6)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.groups, self.instance = nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True)
        self.layer = nn.LayerNorm(4)
        self.leaky, self.silu = nn.PReLU(4), nn.SiLU(inplace=True)
        self.squeeze, self.excite = nn.Conv2d(4, 2, 1), nn.Conv2d(2, 4, 1)
        self.space = nn.Conv2d(1, 1, 3, padding=1)
        self.left, self.right = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3, padding=1)
        self.choose = nn.Conv2d(4, 8, 1)
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        x = self.silu(self.groups(self.stem(x)))
        x = x * torch.sigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(x, 1)))))
        x = self.leaky(self.instance(x))
        x = x * F.hardsigmoid(self.space(x.mean(1, keepdim=True)))
        branches = torch.stack([self.left(x), F.hardswish(self.right(x))], 1)
        chosen = self.choose(branches.sum(1).mean((2, 3), keepdim=True)).view(-1, 2, 4, 1, 1).softmax(1)
        x = (branches * chosen).sum(1).permute(0, 2, 3, 1)
        return self.fc(F.gelu(self.layer(x)).mean((1, 2)))


class Smooth(nn.Module):
    """What only the gradient family passes: smooth activations, LayerNorm, attention, multiplication."""

    image = (4, 6)

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(6, 8)
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.gate = nn.Linear(8, 8)
        self.silu = nn.SiLU(inplace=True)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.place = nn.Parameter(torch.randn(1, 5, 8))
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x = self.embed(x)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1) + self.place
        h = self.norm(x)
        h, _ = self.attention(h, h, h, need_weights=False)
        x = x + h
        x = x * torch.sigmoid(self.gate(x)) + self.silu(F.gelu(x))
        return self.head(x[:, 0])


RECTIFIED = (Chain, Residual, Branches, Sequence, Volume, Totals, Decoder)
EVERY = (*RECTIFIED, Held, Smooth)


def build(kind: type[nn.Module], *, seed: int = 0, bias: bool = True) -> nn.Module:
    """The network in eval mode with random weights, biases and batch-norm statistics; no biases and
    shifts if asked.
    """
    generator = torch.Generator().manual_seed(seed)
    model = kind().to(DTYPE).eval()
    with torch.no_grad():
        for name, value in (*model.named_parameters(), *model.named_buffers()):
            if not value.is_floating_point():
                continue
            value.normal_(0, 0.5, generator=generator)
            if name.endswith("running_var") or (value.dim() == 1 and name.endswith("weight")):
                value.abs_().add_(0.5)
            elif not bias and value.dim() == 1:
                value.zero_()
    return model


def images_for(model: nn.Module, count: int = 2, *, seed: int = 1) -> torch.Tensor:
    """Random images (count, *shape of the model's input)."""
    return torch.randn(count, *model.image, generator=torch.Generator().manual_seed(seed), dtype=DTYPE)
