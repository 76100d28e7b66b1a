"""Do Guided BP and Deconv recover the image, whatever the class?"""

from collections.abc import Callable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import positive
from rankone.claims.sources import NIE

LENGTH, TAPS, CHANNELS, CLASSES, POOL, SEED = 64, 7, 256, 10, 2, 55

Floats = NDArray[np.float64]
Winner = Callable[..., NDArray[np.intp]]


def smooth_image(rng: np.random.Generator) -> Floats:
    """(LENGTH,), a moving average of noise: like an image, most of it changes slowly."""
    return np.convolve(rng.standard_normal(LENGTH + 8), np.ones(9) / 3, "valid")


def normal_head(rng: np.random.Generator, *shape: int) -> Floats:
    """N(0, 1) weights of the dense layer."""
    return rng.standard_normal(shape)


def evidence(
    channels: int = CHANNELS,
    head: Callable[..., Floats] = normal_head,
    seen_by_deconv: Callable[[Floats], Floats] = np.ones_like,
    winner: Winner = np.argmax,
) -> Evidence:
    """A random network: TAPS × `channels` convolution, ReLU, with and without max-pooling, a dense layer."""
    rng = np.random.default_rng(SEED)
    x, other = smooth_image(rng), smooth_image(rng)
    F = rng.normal(0, 1, (channels, TAPS))
    V = head(rng, CLASSES, LENGTH, channels)
    H, other_H = patches(x) @ F.T, patches(other) @ F.T
    gradient = [back(v * (H > 0), F) for v in V]
    guided = [back(positive(v) * (H > 0), F) for v in V]
    deconv, other_deconv = ([back(positive(v) * seen_by_deconv(G), F) for v in V] for G in (H, other_H))
    won = winners(H, winner)
    pooled = [back(np.repeat(positive(v[::POOL]), POOL, axis=0) * won, F) for v in V]
    edges = differences(x)
    return Evidence(
        f"experiment: one convolution, {channels} channels, {LENGTH} places, {CLASSES} classes, random "
        f"weights, seed {SEED}",
        (
            check(
                median_cosine(gradient, x) < 0.3 and between(gradient) < 0.3,
                f"The gradient: median |cos| with the image {median_cosine(gradient, x):.2f}, between the "
                f"maps of two classes {between(gradient):.2f}.",
            ),
            check(
                median_cosine(guided, x) > 0.7 and between(guided) > 0.9,
                f"Guided BP recovers it: {median_cosine(guided, x):.2f} with the image, "
                f"{between(guided):.2f} between classes.",
            ),
            check(
                all((a == b).all() for a, b in zip(deconv, other_deconv, strict=True)),
                "Deconv without max-pooling does not: another image gives the very same maps, number by "
                f"number. With the image {median_cosine(deconv, x):.2f}, between classes "
                f"{between(deconv):.2f}.",
            ),
            check(
                np.median([cosine(m, edges) for m in pooled]) > 0.9 > 0.7 > median_cosine(pooled, x),
                f"With max-pooling over {POOL} it recovers differences: "
                f"{np.median([cosine(m, edges) for m in pooled]):.2f} with x_p − x_q of the patches in each "
                f"window, {median_cosine(pooled, x):.2f} with the image, {between(pooled):.2f} between "
                "classes.",
            ),
        ),
    )


def patches(x: Floats) -> Floats:
    """The TAPS values around every place of x (LENGTH,), zero padding: (LENGTH, TAPS)."""
    return np.lib.stride_tricks.sliding_window_view(np.pad(x, TAPS // 2), TAPS)


def back(S: Floats, F: Floats) -> Floats:
    """The adjoint of the convolution: signals S (LENGTH, channels) through filters F to a map (LENGTH,)."""
    return _overlapped(S @ F)


def winners(H: Floats, winner: Winner) -> NDArray[np.bool_]:
    """Where each channel of H (LENGTH, channels) wins its window of POOL places."""
    windows = H.reshape(LENGTH // POOL, POOL, -1)
    won = np.zeros(windows.shape, dtype=bool)
    np.put_along_axis(won, winner(windows, axis=1)[:, None], values=True, axis=1)
    return won.reshape(H.shape)


def differences(x: Floats) -> Floats:
    """The map (LENGTH,) of unit patches x_p − x_q for p, q the two places of a window.

    A filter w wins at p if w·(x_p − x_q) > 0, so the mean of winning filters is a multiple of x_p − x_q.
    """
    X = patches(x).reshape(-1, POOL, TAPS)
    D = X - X[:, ::-1]
    return _overlapped((D / np.linalg.norm(D, axis=2, keepdims=True)).reshape(LENGTH, TAPS))


def cosine(u: Floats, v: Floats) -> float:
    """The signed cosine."""
    return float(u @ v / (np.linalg.norm(u) * np.linalg.norm(v)))


def median_cosine(maps: list[Floats], x: Floats) -> float:
    """Median |cos| of the maps with x."""
    return float(np.median([abs(cosine(m, x)) for m in maps]))


def between(maps: list[Floats]) -> float:
    """Median |cos| of two classes' maps."""
    return float(np.median([abs(cosine(u, v)) for u, v in combinations(maps, 2)]))


def _overlapped(P: Floats) -> Floats:
    """Patches (LENGTH, TAPS) added up where they overlap."""
    total = np.zeros(LENGTH + TAPS - 1)
    for k in range(TAPS):
        total[k : k + LENGTH] += P[:, k]
    return total[TAPS // 2 : TAPS // 2 + LENGTH]


CLAIM = Claim(
    id="image-recovery",
    words="Guided BP and Deconv do (partial) image recovery, which is unrelated to the decision.",
    source=NIE,
    section="abstract",
    verdict=Verdict.CONDITIONAL,
    because="On random weights: Guided BP does. Deconv has a part of the image only through max-pooling's "
    "winners, and gives its differences inside the windows, edges; without pooling its map is the same for "
    "all images.",
    evidence=evidence,
)
