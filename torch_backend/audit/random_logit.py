"""Random logit: is the map another one when another class is asked for (Sixt et al. 2020, figure 2a)?"""

from __future__ import annotations

import torch
from torch import Tensor

from rankone.errors import refuse
from torch_backend.audit.case import Case
from torch_backend.audit.comparison import Comparison, Reference, joined
from torch_backend.audit.subject import Subject
from torch_backend.randomness import seeded


def random_logit(case: Case, subject: Subject, reference: Reference, number: int | None = 1) -> Comparison:
    """The maps of `number` other classes (None: of all) with those of the targets, the `reference`."""
    method, others = subject.of(case.trained), other_classes(case, subject, number)
    return joined(reference.compare(case.maps(method, case.trained, classes)) for classes in others)


def other_classes(case: Case, subject: Subject, number: int | None) -> Tensor:
    """For each image `number` classes other than its target, without repetition, (number, B); None: all.

    Drawn for each image by itself: the same whatever batch it is in. ValueError: the output has fewer than
    two classes, or fewer others than asked for.
    """
    most = case.trained.nodes[-1].shape[0] - 1
    number = most if number is None else number
    if not 1 <= number <= most:
        refuse(
            "classes",
            expected=f"1 to {most} other classes, or all" if most else "a network with two or more outputs",
            got=number if most else 1,
            do="ask for fewer" if most else "ask for none (0): it has no other class",
        )

    pairs = zip(case.digests, case.targets.tolist(), strict=True)
    drawn = [others_than(target, most + 1, case.key(subject, image))[:number] for image, target in pairs]
    return torch.stack(drawn, 1).to(case.targets)


def others_than(target: int, classes: int, key: tuple[object, ...]) -> Tensor:
    """All classes but the target, in an order drawn from the key, (classes − 1,)."""
    others = torch.tensor([c for c in range(classes) if c != target])
    return others[torch.randperm(classes - 1, generator=seeded("another class", *key))]
