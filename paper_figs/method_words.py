"""What methods are called in pictures and captions, by their names on the command line."""

WORDS = {
    "gradient": "Gradient",
    "gradient_times_input": "Gradient × input",
    "smooth_grad": "SmoothGrad",
    "integrated_gradients": "Integrated Grad.",
    "deconv": "Deconv",
    "guided_backprop": "Guided BP",
    "rectgrad": "RectGrad",
    "pattern_net": "PatternNet",
    "pattern_attribution": "PatternAttribution",
    "deep_taylor": "Deep Taylor",
    "excitation_backprop": "Excitation BP",
    "contrastive_excitation_backprop": "contrastive EBP",
    "z_plus": "z⁺",
    "lrp_z": "LRP z",
    "deeplift_rescale": "DeepLIFT rescale",
    "deeplift_reveal_cancel": "DeepLIFT reveal-c.",
    "deeplift_without_cross_terms": "DeepLIFT no cross",
    "grad_cam": "Grad-CAM",
    "occlusion": "Occlusion",
}


MULTIPLIERS = "_multipliers"  # of DeepLIFT: what its chain carries, as in the figures of convergence


def word(method: str) -> str:
    """How a method is written: "alpha_beta:2:1" is LRP α2β1; a name that is not known stays as it is."""
    name, *arguments = method.split(":")
    if name.endswith(MULTIPLIERS):
        return word(name.removesuffix(MULTIPLIERS))
    if name in ("alpha_beta", "lrp_cmp") and len(arguments) >= 2:
        return f"LRP {'CMP ' if name == 'lrp_cmp' else ''}α{arguments[0]}β{arguments[1]}"
    if name == "smooth_grad" and len(arguments) == 3:
        return f"{WORDS[name]} ({arguments[1]})"
    if name == "grad_cam" and arguments:
        return f"{WORDS[name]} {arguments[0]}"
    return WORDS.get(name, method)
