"""The transpose of a strided convolution as one convolution without stride, for a network's first layer.

Convolutions work on 16 channels at a time, so that the three of an image leave them idle. Pixels at the same
place within a stride, one phase, see the same taps of the kernel. With stride s, the s² phases of C channels
are the C s² channels of one transposed convolution with a kernel s times smaller, interleaved afterwards.
"""

import torch.nn.functional as F
from torch import Tensor


def kernel_of_phases(weight: Tensor, stride: int) -> Tensor:
    """Weights (C_out, C, K, K') -> (C_out, C s², ⌈K/s⌉, ⌈K'/s⌉): tap k = s j + q is tap j of phase q."""
    rest = [-k % stride for k in weight.shape[2:]]
    taps = F.pad(weight, (0, rest[1], 0, rest[0]))
    taps = taps.unflatten(3, (-1, stride)).unflatten(2, (-1, stride))  # (C_out, C, J, s, J', s)
    return taps.permute(0, 1, 3, 5, 2, 4).flatten(1, 3)


def transposed_by_phases(
    r: Tensor, kernel: Tensor, stride: int, padding: tuple[int, int], space: tuple[int, int]
) -> Tensor:
    """Wᵀ r: (n, C_out, h, w) -> (n, C, *space), from `kernel_of_phases`.

    Pixel t of the image is t + P = s m + q in the padded one: m of phase q.
    """
    x = F.pixel_shuffle(F.conv_transpose2d(r, kernel), stride)
    crop = [(-p, n + p - have) for n, p, have in zip(space, padding, x.shape[2:], strict=True)]
    return F.pad(x, (*crop[1], *crop[0]))
