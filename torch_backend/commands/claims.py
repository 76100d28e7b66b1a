"""What `rankone claims --networks` runs: each claim a unit on disk, so that a stopped run goes on."""

from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from rankone.claims import Claim, Evidence, report
from rankone.results.runs import Units
from torch_backend.audit.claims.networks import SMALL_RESNET, SMALL_VGG
from torch_backend.commands.keeping import code
from torch_backend.inputs import models
from torch_backend.inputs.zoo.networks import ZOO
from torch_backend.randomness import digest_of


def run(claim: Claim, units: Units) -> report.Run:
    """The run of a claim's evidence, from its unit if it is there; errors as of `Units.get`."""

    def compute() -> dict[str, ArrayLike]:
        found = report.run(claim)
        how, findings = (found.evidence.how, found.evidence.findings) if found.evidence else ("", ())
        return {
            "how": np.array(how),
            "findings": np.array(findings, dtype=str),
            "failure": np.array(found.failure or ""),
        }

    known = units.get(claim.id, {"claim": claim.id, **about()}, compute)
    if failure := str(known["failure"]):
        return report.Run(claim, None, failure)
    return report.Run(claim, Evidence(str(known["how"]), tuple(map(str, known["findings"]))), None)


@cache
def about() -> dict[str, Any]:
    """What the evidence of all claims depends on: code, releases, the networks and their images."""
    packages = {"nilearn", "scikit-image", *(brought.source.split()[0] for brought in ZOO.values())}
    return {
        "code": code(),
        "torch": str(torch.__version__),
        "packages": {name: version(name) for name in sorted(packages)},
        "digits": [digest_of(models.load(name)) for name in (SMALL_VGG, SMALL_RESNET)],
    }
