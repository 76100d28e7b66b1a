"""A trained network and images of it, for every tool."""

import pytest
import torch

from torch_backend.inputs import images, models


@pytest.fixture(scope="session")
def digits():
    """The network (float32), images (3, 3, 32, 32) and the classes that it predicts."""
    model = models.load("digits-vgg")
    x = images.read("sample", images.preprocessing("digits-vgg"), 3, torch.float32)
    with torch.no_grad():
        return model, x, model(x).argmax(1)


@pytest.fixture
def made(digits):
    """The maps that a `Tool` makes of the images, for their classes."""
    model, x, classes = digits

    def maps(tool):
        return torch.as_tensor(tool.attribute_for(model)(x.clone(), classes)).detach()

    return maps
