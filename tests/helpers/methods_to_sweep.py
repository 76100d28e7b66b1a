"""One of each method that is a chain, by name."""

from dataclasses import replace

from torch_backend import methods

METHODS = {
    m.name: m
    for m in (
        methods.gradient,
        methods.gradient_times_input,
        methods.deconv,
        methods.guided_backprop,
        methods.rectgrad(0.9),
        methods.lrp_z,
        methods.lrp_epsilon(0.1),
        methods.lrp_gamma(),
        methods.z_plus,
        methods.alpha2_beta1,
        methods.lrp_cmp(2, 1, 1e-3),
        replace(methods.deep_taylor(-9.0, 9.0), name="deep_taylor_in_bounds"),
        methods.deep_taylor(),
        methods.excitation_backprop,
        methods.contrastive_excitation_backprop,
    )
}
