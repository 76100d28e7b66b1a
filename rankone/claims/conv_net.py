"""A one-dimensional convolutional ReLU network, its z⁺ matrices, and cosines location by location."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rankone.claims.rules import positive, z_plus
from rankone.similarity import one_minus_abs_cosine

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ConvNet:
    """Sizes: `length` locations and `channels` channels in every layer, `depth` layers, `taps` (odd) taps."""

    length: int = 40
    channels: int = 32
    depth: int = 8
    taps: int = 3

    def z_plus_chain(self, rng: np.random.Generator) -> tuple[Floats, list[Floats]]:
        """Activations of the top map, (length·channels,), and Z_1, …, Z_depth, Z_1 nearest the input.

        He weights, zero padding, no biases, input uniform on [0, 1]; unit p·channels + c is channel c at p.
        """
        h = rng.uniform(0, 1, self.length * self.channels)
        Zs = []
        for _ in range(self.depth):
            W = self.layer(rng)
            Zs.append(z_plus(W, h))
            h = positive(W @ h)
        return h, Zs

    def layer(self, rng: np.random.Generator) -> Floats:
        """The weights of one convolution as a matrix, (length·channels, length·channels)."""
        c, reach = self.channels, self.taps // 2
        kernel = rng.normal(0, (2 / (self.taps * c)) ** 0.5, (self.taps, c, c))
        return np.asarray(
            sum(
                np.kron(np.eye(self.length, k=offset), tap)
                for offset, tap in zip(range(-reach, reach + 1), kernel, strict=True)
            )
        )

    def maps(self, h: Floats, Zs: list[Floats], p: int) -> list[Floats]:
        """Relevance at every layer, top down, of each active channel at location p of the top map h."""
        active = p * self.channels + np.flatnonzero(h[p * self.channels : (p + 1) * self.channels])
        return propagated(Zs, np.eye(len(h))[:, active])

    def by_location(self, maps: Floats) -> Floats:
        """Maps as columns, (length·channels, starts), reshaped to (length, starts, channels)."""
        return maps.reshape(self.length, self.channels, -1).transpose(0, 2, 1)


def local_losses(vectors: Floats) -> Floats:
    """1 − |cos| of every two starts at every location, pairs with a zero vector left out.

    vectors: (locations, starts, channels); returns (number of pairs left,).
    """
    losses = np.concatenate([one_minus_abs_cosine(R) for R in vectors])
    return np.asarray(losses[~np.isnan(losses)])


def propagated(Zs: list[Floats], starts: Floats) -> list[Floats]:
    """`starts` as columns, then after each factor from the output, Z_depth, down to the input, Z_1."""
    maps = [starts]
    for Z in reversed(Zs):
        maps.append(Z @ maps[-1])
    return maps
