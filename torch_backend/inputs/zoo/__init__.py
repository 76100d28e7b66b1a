"""Networks that were really trained, in ordinary packages of the Python index (extra `zoo`).

trained              what is told of each of them, and how its package's files are found
mri_vgg16            VGG-16, brain MRI
moderation_resnet50  ResNet-50, content moderation
imagenet_lite0       EfficientNet-Lite0, ImageNet

Of the packages only data files are read, and the architecture of the last.
"""

from collections.abc import Mapping

from torch_backend.inputs.zoo import imagenet_lite0, moderation_resnet50, mri_vgg16
from torch_backend.inputs.zoo.trained import Trained

ZOO: Mapping[str, Trained] = {
    "mri-vgg16": mri_vgg16.NETWORK,
    "moderation-resnet50": moderation_resnet50.NETWORK,
    "imagenet-lite0": imagenet_lite0.NETWORK,
}

__all__ = ["ZOO", "Trained"]
