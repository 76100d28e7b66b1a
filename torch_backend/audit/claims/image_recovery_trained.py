"""Do Guided BP and Deconv recover the image on trained networks, whatever the class?"""

from collections.abc import Callable

from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.sources import NIE
from torch_backend import methods
from torch_backend.audit.claims.agreement import Agreement, Controls, controls, other_class
from torch_backend.audit.claims.networks import LITE0, RESNET50, VGG16
from torch_backend.methods import Method

PHOTOGRAPHS = (RESNET50, LITE0)
METHODS = {
    "Guided BP": methods.guided_backprop,
    "Deconv": methods.deconv,
    "gradient": methods.gradient,
    "Excitation BP": methods.excitation_backprop,
}
SEEN = 0.1  # above the null: a hundredth of the ranks' variance, the least that is called recovery here
RECOVERED = 0.5  # a quarter of the ranks' variance is the image's


def evidence(
    with_others: Callable[[str, Method], Controls] = controls,
    other: Callable[[str, Method], Agreement] = other_class,
) -> Evidence:
    """The map with the image's luminance and its edges, beside that with another class's map."""
    found = {name: {n: with_others(n, m) for n in PHOTOGRAPHS} for name, m in METHODS.items()}
    slices = {name: with_others(VGG16, METHODS[name]) for name in ("Guided BP", "gradient")}
    classes = {
        name: [other(network, METHODS[name]).median for network in PHOTOGRAPHS]
        for name in ("Guided BP", "Deconv")
    }
    guided, deconv = found["Guided BP"], found["Deconv"]
    return Evidence(
        "experiment: rank correlation of either sign, median over images: luminance / edges (null) of "
        f"photographs on {' and '.join(PHOTOGRAPHS)}",
        (
            check(
                min(min(values) for values in classes.values()) > 0.9,
                "Unrelated to the decision: with another class's map "
                + "; ".join(
                    f"{name} {', '.join(f'{x:.3f}' for x in values)}" for name, values in classes.items()
                )
                + ".",
            ),
            check(
                all(best(c) > c.null + SEEN for c in guided.values()),
                f"Guided BP has a part of the image: {listed(guided)}.",
            ),
            check(
                all(best(c) < RECOVERED for c in [*guided.values(), *deconv.values()])
                and any(best(c) < c.null + SEEN for c in deconv.values()),
                f"That is far from recovery, and Deconv hardly has any: {listed(deconv)}.",
            ),
            check(
                all(best(c) > RECOVERED for c in found["Excitation BP"].values()),
                f"Excitation BP recovers most, as its contributions have the pixel as a factor: "
                f"{listed(found['Excitation BP'])}.",
            ),
            check(
                best(slices["gradient"]) > RECOVERED,
                f"On {VGG16}'s slices, dark outside the head, every map would seem to recover the image, the "
                f"gradient's too: {listed(slices)}.",
            ),
        ),
    )


def best(of: Controls) -> float:
    return max(of.image, of.edges)


def listed(found: dict[str, Controls]) -> str:
    return ", ".join(f"{name} {c.image:.2f} / {c.edges:.2f} ({c.null:.2f})" for name, c in found.items())


CLAIM = Claim(
    id="image-recovery-trained",
    words="Guided BP and Deconv do (partial) image recovery, which is unrelated to the decision.",
    source=NIE,
    section="abstract",
    verdict=Verdict.CONDITIONAL,
    because="Unrelated to the decision, yes, on trained networks too. Of a photograph Guided BP shows a "
    "little more than independent maps do, Deconv hardly anything.",
    evidence=evidence,
)
