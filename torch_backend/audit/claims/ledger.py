"""The claims that trained networks decide, in the order in which they are shown."""

from rankone.claims.record import Claim
from torch_backend.audit.claims import (
    all_but_deeplift,
    all_converge_on_vgg16,
    alpha5_beta4_noisier,
    bootstrap_sample_size,
    cascade_dense_layers,
    cmp_direction_trained,
    cmp_no_information,
    cmp_three_to_five,
    cross_multipliers,
    decision_ignored,
    di_full_trained,
    drops_at_skips,
    ignore_later_layers,
    image_recovery_trained,
    maps_keep_with_class,
    resnet_a2b1_trained,
    resnet_less_pronounced,
    roots_trained,
    top_down_trained,
)

LEDGER: tuple[Claim, ...] = (
    # do chains converge (sections 3 and 5)
    all_converge_on_vgg16.CLAIM,
    resnet_a2b1_trained.CLAIM,
    resnet_less_pronounced.CLAIM,
    drops_at_skips.CLAIM,
    cross_multipliers.CLAIM,
    cmp_direction_trained.CLAIM,
    cmp_three_to_five.CLAIM,
    cmp_no_information.CLAIM,
    # what it does to the maps (abstracts, section 3)
    maps_keep_with_class.CLAIM,
    decision_ignored.CLAIM,
    cascade_dense_layers.CLAIM,
    ignore_later_layers.CLAIM,
    all_but_deeplift.CLAIM,
    alpha5_beta4_noisier.CLAIM,
    bootstrap_sample_size.CLAIM,
    # what was written before and since
    image_recovery_trained.CLAIM,
    di_full_trained.CLAIM,
    roots_trained.CLAIM,
    top_down_trained.CLAIM,
)
