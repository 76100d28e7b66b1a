"""Corrupted measurements for the claims that trained networks decide, beside sound ones."""

from tests.torch_backend.audit.claims import made_up as m
from torch_backend.audit.claims.networks import RESNET50, SMALL_RESNET, SMALL_VGG, VGG16

#: Measurements with which each verdict is reproduced.
SOUND = {
    "all-converge-on-vgg16": {"converged": m.convergence(m.ON_VGG)},
    "resnet-a2b1-trained": {"converged": m.convergence(m.ON_RESNET)},
    "resnet-less-pronounced": {"moved": m.moved(m.MOVED), "converged": m.convergence(m.Z_PLUS)},
    "drops-at-skips": {"of": lambda _: (m.UPPER, m.LOWER, m.LOWER)},
    "cross-multipliers": {"converged": m.convergence(m.CROSSING)},
    "cmp-direction-trained": {"between": m.between(m.CMP)},
    "cmp-three-to-five": {"converged": m.descending(m.FALLING)},
    "cmp-no-information": {"between": m.between(m.CMP)},
    "maps-keep-with-class": {"other": m.agreement(m.CLASS), "with_others": m.controls(m.IMAGES)},
    "decision-ignored": {
        "moved": m.moved(m.MOVED),
        "other": m.agreement(m.KEPT),
        "with_others": m.controls(m.IMAGES),
    },
    "cascade-dense-layers": {"gone": m.agreement(m.DENSE)},
    "ignore-later-layers": {
        "gone": m.agreement(m.LATER),
        "moved": m.moved(m.MOVED),
        "patterns": m.patterns,
    },
    "all-but-deeplift": {"gone": m.agreement(m.ICML)},
    "alpha5-beta4-noisier": {"rough": m.roughness(m.ROUGH)},
    "bootstrap-sample-size": {"scores": m.draws(0.05, 0.0)},
    "image-recovery-trained": {"with_others": m.controls(m.SEEN), "other": m.agreement(m.SAME)},
    "di-full-trained": {"of": m.scores(1, 1e-5, 0.9)},
    "roots-trained": {"roots": m.roots(0.95, 0.0)},
    "top-down-trained": {"gone": m.agreement(m.ALONE)},
}


def converged(numbers, *changes):
    return [{"converged": m.convergence(m.at(numbers, *change))} for change in changes]


def gone(numbers, *changes):
    return [{"gone": m.agreement(m.at(numbers, *change))} for change in changes]


def between(*changes):
    return [{"between": m.between(m.at(m.CMP, *change))} for change in changes]


#: What is changed of them, so that each check fails.
CHANGES = {
    "all-converge-on-vgg16": converged(m.ON_VGG, ("z_plus", 0.1), (None, 1e-4), ((VGG16, "deconv"), 0.1)),
    "resnet-a2b1-trained": converged(
        m.ON_RESNET, ("z_plus", 0.1), (m.A2B1, 1e-5), (m.CLIP, 0.05), (None, 1e-5)
    ),
    "resnet-less-pronounced": [
        {"moved": m.moved(m.at(m.MOVED, RESNET50, 1e-3))},
        {"moved": m.moved(m.at(m.MOVED, RESNET50, 0.5))},
        {"converged": m.convergence(m.at(m.Z_PLUS, RESNET50, 1e-10))},
    ],
    "drops-at-skips": [{"of": lambda _: (m.LOWER,)}, {"of": lambda _: (m.UPPER, m.UPPER)}],
    "cross-multipliers": converged(m.CROSSING, (m.REVEAL, 1e-8), (m.CROSS, 0.1)),
    "cmp-direction-trained": between(
        (m.CMP1, ((0.5, 0.1, 0.05), 0.5)),
        (m.CMP1, ((0.5, 1e-3, 1e-6), 1e-5)),
        (m.CMP2, ((0.5, 1e-3, 1e-6), 0.5)),
        ((SMALL_RESNET, m.CMP2), ((0.5, 0.1, 1e-6), 0.5)),
    ),
    "cmp-three-to-five": [
        {"converged": m.descending(m.at(m.FALLING, m.CMP1, [0.3, 1e-4]))},
        {"converged": m.descending(m.at(m.FALLING, m.CMP2, [0.3, 1e-4]))},
    ],
    "cmp-no-information": between(
        (m.CMP1, ((0.5, 0.1, 0.05), 0.5)),
        (m.CMP1, ((0.5, 1e-3, 1e-6), 1e-5)),
        ((SMALL_VGG, m.CMP1), ((0.5, 1e-3, 1e-6), 0.5)),
    ),
    "maps-keep-with-class": [
        {"other": m.agreement(m.at(m.CLASS, *change))}
        for change in (("z_plus", 0.5), ("lrp_z", 0.99), ("gradient", 0.99), (m.A2B1, 0.99))
    ],
    "decision-ignored": [
        {"moved": m.moved(m.at(m.MOVED, VGG16, 0.1))},
        {"moved": m.moved(m.at(m.MOVED, RESNET50, 1e-5))},
        {"other": m.agreement(m.at(m.KEPT, "z_plus", 0.5))},
        {"with_others": m.controls({None: (0.99, 0.2, 0.3)})},
    ],
    "cascade-dense-layers": gone(m.DENSE, ("lrp_z", 0.99), ("z_plus", 0.5), ("deconv", 0.99)),
    "ignore-later-layers": [
        *gone(m.LATER, ("pattern_attribution", 0.5), (m.A5B4, 0.99), ("deconv", 0.99)),
        {"moved": m.moved(m.at(m.MOVED, RESNET50, 0.0))},
    ],
    "all-but-deeplift": gone(
        m.ICML,
        ("deeplift_rescale", 0.99),
        ("deeplift_reveal_cancel", 0.5),
        (m.A5B4, 0.99),
        ("rectgrad:0.98", 0.99),
    ),
    "alpha5-beta4-noisier": [
        {"rough": m.roughness(m.at(m.ROUGH, m.A2B1, 0.9))},
        {"rough": m.roughness(m.at(m.ROUGH, (VGG16, m.A2B1), 0.4))},
    ],
    "bootstrap-sample-size": [
        {"scores": m.draws(0.05, 0.0, count=5)},
        {"scores": m.draws(0.0, 0.0)},
        {"scores": m.draws(0.05, 0.05)},
    ],
    "image-recovery-trained": [
        {"other": m.agreement(m.at(m.SAME, "deconv", 0.5))},
        {"with_others": m.controls(m.at(m.SEEN, "guided_backprop", (0.2, 0.1, 0.1)))},
        {"with_others": m.controls(m.at(m.SEEN, "deconv", (0.2, 0.1, 0.7)))},
        {"with_others": m.controls(m.at(m.SEEN, "excitation_backprop", (0.2, 0.1, 0.2)))},
        {"with_others": m.controls(m.at(m.SEEN, None, (0.2, 0.1, 0.2)))},
    ],
    "di-full-trained": [
        {"of": m.scores(0.9, 1e-5, 0.9)},
        {"of": m.scores(1, 0.5, 0.9)},
        {"of": m.scores(1, 1e-5, 1e-5)},
    ],
    "roots-trained": [{"roots": m.roots(0.1, 0.0)}, {"roots": m.roots(0.95, 0.1)}],
    "top-down-trained": gone(
        m.ALONE,
        ("z_plus", (0.3, 0.5)),
        ("z_plus", (0.95, 0.95)),
        ("gradient", (0.3, 0.05)),
        ("lrp_z", (0.02, 0.5)),
    ),
}

#: Corrupted data for every claim: each row is handed to the claim's evidence, which must raise.
BREAKS = {id: [SOUND[id] | change for change in changes] for id, changes in CHANGES.items()}
