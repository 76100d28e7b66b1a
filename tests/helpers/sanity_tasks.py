"""Tasks of a real network: the sanity checks of one method on one image of digits-vgg, as one unit."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rankone.results.runs import Units
from torch_backend.audit.stages import top_down
from torch_backend.audit.study import Examined, Plan, study
from torch_backend.audit.subject import fixed
from torch_backend.commands import method_names
from torch_backend.inputs import images as pictures
from torch_backend.inputs import models

MODEL = "digits-vgg"
METHODS = ("gradient", "z_plus", "alpha_beta:2:1")
IMAGES = 3
COUNT = len(METHODS) * IMAGES
FIELDS = ("scores", "null", "forward_alone", "reference")
PLAN = Plan(classes=2, orders=(top_down,), names=("fc2",))


@dataclass(frozen=True)
class Sanity:
    """folder: of the run."""

    folder: Path

    def __call__(self) -> Callable[[int], str]:
        network = models.load(MODEL)
        images = pictures.read("sample", pictures.preprocessing(MODEL), IMAGES)
        units = Units(self.folder / "units")

        def carried_out(place: int) -> str:
            method, image = METHODS[place // IMAGES], place % IMAGES
            key = {"method": method, "image": image}

            def compute():
                one = Examined(network, images[image : image + 1], None)
                parts = Units(self.folder / "parts")
                outcomes, failed = study(one, [fixed(method_names.method(method))], PLAN, parts)
                assert not failed
                return {
                    f"{done.test.name} {name}": getattr(done, name) for done in outcomes for name in FIELDS
                }

            units.get(f"sanity {place}", key, compute)
            return units.file(f"sanity {place}", key)

        return carried_out
