"""The ledger of the paper's claims, each with a verdict and evidence that runs.

One file per claim; `LEDGER` is the table of contents. The claims are paraphrased from "When Explanations Lie"
(Sixt, Granz, Landgraf) and from what was written since; each names its source. Every run of an evidence
function recomputes what the verdict rests on and raises `NotReproducedError` if it no longer holds. Claims
that need trained networks are in `torch_backend.audit.claims`.

    record    Claim, Verdict, Evidence, NotReproducedError: what a row of the LEDGER is; `find` one by its id
    sources   where the claims were made
    report    the ledger as text and as JSON
    exact, rules, conv_net, slow_mixing   what several claims compute with

Claims, one a file: align_more_and_more, alpha_beta_conserves, alpha_beta_negative, applies_to_convolutions,
baseline_mean_cosine, beta_below_four, bias_absorbed, cmp_direction, conv_irreducible, conv_local,
dense_z_plus_qualifies, di_full, dtd_locally_constant, dtd_necessarily, ebp_is_a1b0, entropy_rise,
eq_3_zero_over_zero, exponential, gbp_non_negative, gradient_converges, half_zeros, image_recovery,
inactive_get_relevance, input_alignment, input_jump, irreducible_enough, logit_sign, lrp_z_is_grad_input,
moebius_law, negative_entries, no_influence, nonneg_enough, one_means_rank_one, pattern_attribution,
rank1_converse, rank1_cosine, relu_chains, resnet_a2b1, roots_leave_region, seven_iterations, span_shrinks,
theorem_1, top_down_randomisation, vanilla_converges, w2_zb_non_negative, z_plus_part.
"""

from collections.abc import Sequence

from rankone.claims import (
    align_more_and_more,
    alpha_beta_conserves,
    alpha_beta_negative,
    applies_to_convolutions,
    baseline_mean_cosine,
    beta_below_four,
    bias_absorbed,
    cmp_direction,
    conv_irreducible,
    conv_local,
    dense_z_plus_qualifies,
    di_full,
    dtd_locally_constant,
    dtd_necessarily,
    ebp_is_a1b0,
    entropy_rise,
    eq_3_zero_over_zero,
    exponential,
    gbp_non_negative,
    gradient_converges,
    half_zeros,
    image_recovery,
    inactive_get_relevance,
    input_alignment,
    input_jump,
    irreducible_enough,
    logit_sign,
    lrp_z_is_grad_input,
    moebius_law,
    negative_entries,
    no_influence,
    nonneg_enough,
    one_means_rank_one,
    pattern_attribution,
    rank1_converse,
    rank1_cosine,
    relu_chains,
    resnet_a2b1,
    roots_leave_region,
    seven_iterations,
    span_shrinks,
    theorem_1,
    top_down_randomisation,
    vanilla_converges,
    w2_zb_non_negative,
    z_plus_part,
)
from rankone.claims.record import Claim, Evidence, NotReproducedError, Verdict
from rankone.errors import refuse

__all__ = ["LEDGER", "Claim", "Evidence", "NotReproducedError", "Verdict", "find"]

LEDGER: tuple[Claim, ...] = (
    # when does a product of matrices lose its rank (section 2)
    theorem_1.CLAIM,
    irreducible_enough.CLAIM,
    nonneg_enough.CLAIM,
    span_shrinks.CLAIM,
    align_more_and_more.CLAIM,
    exponential.CLAIM,
    no_influence.CLAIM,
    # which rules give such products (section 2)
    dense_z_plus_qualifies.CLAIM,
    conv_local.CLAIM,
    conv_irreducible.CLAIM,
    applies_to_convolutions.CLAIM,
    dtd_necessarily.CLAIM,
    w2_zb_non_negative.CLAIM,
    eq_3_zero_over_zero.CLAIM,
    bias_absorbed.CLAIM,
    inactive_get_relevance.CLAIM,
    lrp_z_is_grad_input.CLAIM,
    z_plus_part.CLAIM,
    alpha_beta_conserves.CLAIM,
    alpha_beta_negative.CLAIM,
    ebp_is_a1b0.CLAIM,
    gbp_non_negative.CLAIM,
    pattern_attribution.CLAIM,
    gradient_converges.CLAIM,
    # how it is measured, and on random matrices (section 3)
    rank1_cosine.CLAIM,
    rank1_converse.CLAIM,
    one_means_rank_one.CLAIM,
    baseline_mean_cosine.CLAIM,
    seven_iterations.CLAIM,
    half_zeros.CLAIM,
    negative_entries.CLAIM,
    beta_below_four.CLAIM,
    vanilla_converges.CLAIM,
    relu_chains.CLAIM,
    input_jump.CLAIM,
    # what it does to the maps (sections 3 and 5)
    logit_sign.CLAIM,
    cmp_direction.CLAIM,
    resnet_a2b1.CLAIM,
    # what was written before and since
    image_recovery.CLAIM,
    di_full.CLAIM,
    dtd_locally_constant.CLAIM,
    roots_leave_region.CLAIM,
    top_down_randomisation.CLAIM,
    entropy_rise.CLAIM,
    input_alignment.CLAIM,
    moebius_law.CLAIM,
)


def find(id: str, ledger: Sequence[Claim] = LEDGER) -> Claim:
    """The claim of that id; ValueError, listing the ids, if there is none."""
    by_id = {claim.id: claim for claim in ledger}
    if id not in by_id:
        refuse(
            "id",
            expected=f"one of {', '.join(by_id)}",
            got=id,
            do="see `rankone claims` for what each of them says",
        )
    return by_id[id]
