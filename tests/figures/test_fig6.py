"""Patterns of figure 6's one image are estimated from all images, and units know from which."""

import torch

from torch_backend.audit.subject import estimated
from torch_backend.methods import pattern_attribution


def test_units_of_other_images_patterns_are_other_units():
    images = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    keys = [estimated("pattern_attribution", pattern_attribution, images[:n].split(2)).key for n in (4, 4, 1)]
    assert keys[0] == keys[1] != keys[2]
