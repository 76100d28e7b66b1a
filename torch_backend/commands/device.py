"""Where a command computes: --device."""

import torch

from rankone.errors import refuse


def device_of(text: str) -> torch.device:
    """The device of that name; ValueError if it is not there."""
    try:
        device = torch.device(text)
        torch.zeros(1, device=device).item()  # "meta" has no numbers
    except (RuntimeError, AssertionError):
        refuse(
            "device", expected="cpu, or a graphics card that is there: cuda", got=repr(text), do="take cpu"
        )
    return device
