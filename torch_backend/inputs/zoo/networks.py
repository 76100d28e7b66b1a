"""The trained networks by name."""

from collections.abc import Mapping

from torch_backend.inputs.zoo import imagenet_lite0, moderation_resnet50, mri_vgg16
from torch_backend.inputs.zoo.trained import Trained

ZOO: Mapping[str, Trained] = {
    "mri-vgg16": mri_vgg16.NETWORK,
    "moderation-resnet50": moderation_resnet50.NETWORK,
    "imagenet-lite0": imagenet_lite0.NETWORK,
}
