"""Does z⁺ through convolutions converge everywhere, or only location by location?"""

import numpy as np

from rankone.claims.conv_net import ConvNet, local_losses
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import V1

NET = ConvNet()
DEEP = ConvNet(length=12, channels=16, depth=200)
DEPTHS = (8, 50, 200)
SEED = 24


def evidence(net: ConvNet = NET, deep: ConvNet = DEEP) -> Evidence:
    """Maps of a random convolutional network from the channels at one location, and from two far apart."""
    h, Zs = net.z_plus_chain(np.random.default_rng(SEED))
    left, middle, right = (net.length * share // 20 for share in (3, 10, 17))
    far = [net.by_location(net.maps(h, Zs, p)[-1]).sum(axis=(1, 2)) for p in (left, right)]
    spans = [f"{np.flatnonzero(mass).min()} to {np.flatnonzero(mass).max()}" for mass in far]
    losses = [local_losses(net.by_location(r)) for r in net.maps(h, Zs, middle)[1:]]
    apart = _ends_apart(deep)
    median, worst = ([float(statistic(x)) for x in losses] for statistic in (np.median, np.max))
    return Evidence(
        f"experiment: {net.depth} convolutions of {net.taps} taps, {net.channels} channels, "
        f"{net.length} locations, He weights, seed {SEED}",
        (
            check(
                not (far[0] * far[1]).any(),
                f"Globally not: the maps from locations {left} and {right} live on the locations "
                f"{spans[0]} and {spans[1]}, do not overlap, and have cosine exactly 0 after "
                f"{net.depth} convolutions.",
            ),
            check(
                median[-1] < 1e-4 and worst[-1] < 1e-2,
                f"Locally yes: from two active channels at location {middle}, 1 − |cos| along the "
                f"channels has the median {', '.join(f'{x:.0e}' for x in median)} over pairs and "
                f"locations after 1, …, {net.depth} layers, fast first, then as slowly as locations "
                f"mix; the worst of the last, anywhere, is {worst[-1]:.0e}.",
            ),
            check(
                apart[0] > 0.5 > 1e-3 > apart[-1],
                f"Depth undoes it: of {deep.length} locations and {deep.channels} channels, the maps from "
                f"both ends differ in {', '.join(f'{100 * x:.2g} %' for x in apart)} of their relevance "
                f"after {', '.join(map(str, DEPTHS))} convolutions.",
            ),
        ),
    )


def _ends_apart(net: ConvNet) -> list[float]:
    """Total variation between the maps of the first and of the last location, after DEPTHS layers."""
    h, Zs = net.z_plus_chain(np.random.default_rng(SEED))
    first, last = ([r.sum(axis=1) for r in net.maps(h, Zs, p)] for p in (0, net.length - 1))
    pairs = [(first[min(k, net.depth)], last[min(k, net.depth)]) for k in DEPTHS]
    return [float(abs(x / x.sum() - y / y.sum()).sum() / 2) for x, y in pairs]


CLAIM = Claim(
    id="conv-local",
    words="For convolutions, the z⁺-rule converges only locally.",
    source=V1,
    section="section 2",
    verdict=Verdict.CONDITIONAL,
    because="At the depths in use: starts whose receptive fields do not meet have disjoint maps, cosine 0. "
    "At one location the channels are mixed by a dense factor each time and lose the start; what is left "
    "diffuses over locations, and is gone, too, once depth is large against the square of the length.",
    evidence=evidence,
)
