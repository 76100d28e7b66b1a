"""A method says what its maps start from and whether they are shares; operators say what kinds there are."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.helpers import nets
from torch_backend import methods, reduction, relevance, rules, saliency, smooth_grad, trace
from torch_backend.graph import table
from torch_backend.maps.saliency import plain_sum, sum_of_magnitudes
from torch_backend.methods.method import KINDS
from torch_backend.operators.convolution import Convolution
from torch_backend.operators.linear import Dense
from torch_backend.operators.operator import Image, Operator
from torch_backend.operators.unweighted import Scaled
from torch_backend.rules.sharing import BySign

PATTERNS = methods.Patterns("relu", {})
# method -> (starts from the logit, is a share of the output)
SAID = {
    methods.gradient: (False, False),
    methods.gradient_times_input: (False, True),
    methods.deconv: (False, False),
    methods.guided_backprop: (False, False),
    methods.rectgrad(): (False, False),
    methods.lrp_z: (True, True),
    methods.lrp_epsilon(): (True, True),
    methods.lrp_gamma(): (True, True),
    methods.z_plus: (True, True),
    methods.alpha2_beta1: (True, True),
    methods.lrp_cmp(): (True, True),
    methods.deep_taylor(): (True, True),
    methods.excitation_backprop: (True, True),
    methods.contrastive_excitation_backprop: (True, True),
    methods.deeplift_rescale(): (False, True),
    methods.deeplift_reveal_cancel(): (False, True),
    methods.deeplift_without_cross_terms(): (False, True),
    methods.deeplift_rescale().multipliers: (False, False),
    methods.pattern_net(PATTERNS): (True, True),
    methods.pattern_attribution(PATTERNS): (True, True),
}


@pytest.mark.parametrize("method", SAID, ids=lambda m: m.name)
def test_what_a_method_says_of_its_maps(method) -> None:
    assert (method.from_logit, method.contributes) == SAID[method]
    assert (method.said("from_logit"), method.said("contributes")) == SAID[method]
    assert reduction(method) is (plain_sum if SAID[method][1] else sum_of_magnitudes)


def test_another_rule_in_one_kind_changes_nothing_of_that() -> None:
    """It is no guess from the dense rule."""
    model = nets.build(nets.Chain)
    x = nets.images_for(model)
    graph = trace(model, x)
    logits = graph.nodes[-1].value
    one_hot = torch.nn.functional.one_hot(logits.argmax(1), 4).to(logits)
    for method, start in (
        (replace(methods.z_plus, name="mine", dense=rules.gradient), one_hot * logits),
        (replace(methods.gradient, name="mine", dense=rules.z), one_hot),
    ):
        expected = relevance(graph, method, "logits", start[None], "input")[0]
        np.testing.assert_allclose(saliency(model, x, method), expected, rtol=1e-12)


def test_a_method_that_does_not_say_draws_no_maps_but_is_swept() -> None:
    model = nets.build(nets.Chain)
    x = nets.images_for(model)
    mine = methods.Method("mine", *[rules.gradient] * 8)
    graph = trace(model, x)
    r = torch.ones(1, 2, 4, dtype=nets.DTYPE)
    np.testing.assert_array_equal(
        relevance(graph, mine, "logits", r, "input"),
        relevance(graph, methods.gradient, "logits", r, "input"),
    )
    with pytest.raises(ValueError, match=r"method mine: expected from_logit to be True or False.*replace"):
        saliency(model, x, mine)
    for silent in (lambda: reduction(mine), lambda: reduction(smooth_grad(mine))):
        with pytest.raises(ValueError, match="method mine: expected contributes to be True or False"):
            silent()


def operators(of: type = Operator) -> set[type]:
    """All operators that a network's node can have, by subclass."""
    children = [child for child in of.__subclasses__() if child.__module__.startswith("torch_backend")]
    below = {operator for child in children for operator in operators(child)}
    made_by_rules = {Scaled, BySign}
    abstract = bool(getattr(of, "__abstractmethods__", ())) or not hasattr(of, "kind")
    return below | (set() if abstract or of in made_by_rules else {of})


def test_kinds_are_those_of_the_operators() -> None:
    """A kind without an operator, or an operator without a kind, would never be noticed in a sweep."""
    assert table.ANYWHERE, "imported, so that every operator is known"
    of_the_class = {operator.kind for operator in operators() - {Image} if isinstance(operator.kind, str)}
    of_the_shape = {"convolution", "dense"}  # a dense layer at several places is a convolution of width 1
    assert of_the_class | of_the_shape == set(KINDS)
    assert {operator for operator in operators() if not isinstance(operator.kind, str)} == {
        Convolution,
        Dense,
    }


def test_operators_that_only_rules_make_have_no_kind() -> None:
    assert not hasattr(Scaled, "kind") and not hasattr(BySign, "kind")
