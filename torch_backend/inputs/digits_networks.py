"""The two shipped networks' architectures: VGG-16's layers and a ResNet, both narrow, for 32x32 digits."""

from torch import Tensor, nn

VGG_STAGES = ((8, 8), (16, 16), (32, 32, 32), (64, 64, 64), (64, 64, 64))
VGG_HEAD = (128, 128)
RESNET_STAGES = ((8, 3), (16, 3), (32, 3), (64, 3))  # (channels, basic blocks)
CLASSES = 10


class DigitsVGG(nn.Sequential):
    """VGG-16 (Simonyan and Zisserman 2014), eight times narrower: 13 convolutions of 3x3, 3 dense layers.

    Reads (B, 3, 32, 32), answers (B, 10); five 2x2 max-poolings leave one location.
    """

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        width = 3
        for stage in VGG_STAGES:
            for channels in stage:
                layers += [nn.Conv2d(width, channels, 3, padding=1), nn.ReLU()]
                width = channels
            layers.append(nn.MaxPool2d(2))
        layers.append(nn.Flatten())
        for features in VGG_HEAD:
            layers += [nn.Linear(width, features), nn.ReLU()]
            width = features
        super().__init__(*layers, nn.Linear(width, CLASSES))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch norm beside an identity path, added, then ReLU (He et al. 2015)."""

    def __init__(self, width: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or width != channels:
            projection = nn.Conv2d(width, channels, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        branch = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(branch + self.shortcut(x))


class DigitsResNet(nn.Sequential):
    """Twelve basic blocks in four stages, batch norm, global average pooling; (B, 3, 32, 32) -> (B, 10)."""

    def __init__(self) -> None:
        width = RESNET_STAGES[0][0]
        stem = nn.Conv2d(3, width, 3, padding=1, bias=False)
        layers: list[nn.Module] = [stem, nn.BatchNorm2d(width), nn.ReLU()]
        for stage, (channels, blocks) in enumerate(RESNET_STAGES):
            for block in range(blocks):
                layers.append(BasicBlock(width, channels, stride=2 if stage and not block else 1))
                width = channels
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, CLASSES))
