"""What a tool hides is done to the null, too, and is checked: nothing is seen that is said to be hidden."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rankone.errors import Refusal
from tests.helpers import nets
from torch_backend import methods, saliency
from torch_backend.audit import of
from torch_backend.audit.comparison import SURROGATES, Reference
from torch_backend.audit.hidden import (
    Hidden,
    channels,
    divided_by_largest,
    done,
    magnitude,
    magnitudes,
    negative_part,
    range_,
    refuse_other_than_declared,
    stretched,
)
from torch_backend.maps.null import surrogates
from torch_backend.maps.scores import SCORES

ALL = (magnitudes, negative_part, magnitude, range_, channels)


def signed(seed=0, count=3):
    """Smooth maps of both signs, (B, 24, 24)."""
    noise = torch.randn(count, 1, 30, 30, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.avg_pool2d(noise, 7, 1)[:, 0].double()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_doing_it_twice_is_doing_it_once(seed) -> None:
    for hidden in ALL:
        once = hidden.done(signed(seed))
        torch.testing.assert_close(hidden.done(once), once)
        refuse_other_than_declared((hidden,), once)


def test_maps_of_zeros_and_constant_maps_have_a_form() -> None:
    zeros, constant = torch.zeros(1, 4, 4), torch.full((1, 4, 4), 3.0)
    assert torch.equal(divided_by_largest(zeros), zeros) and torch.equal(stretched(constant), zeros)


def test_maps_that_are_not_finite_are_left_to_be_counted() -> None:
    refuse_other_than_declared(ALL, torch.full((1, 4, 4), torch.nan))


@pytest.mark.parametrize("hidden", [magnitudes, negative_part, magnitude, range_], ids=lambda h: h.said[:12])
def test_what_is_seen_cannot_be_said_to_be_hidden(hidden) -> None:
    with pytest.raises(Refusal, match=r"^hides: expected maps that hide"):
        refuse_other_than_declared((hidden,), signed())


def test_independent_maps_hide_what_the_map_hides() -> None:
    """They are those of the map as it is shown; what is done to more than single values is done to them."""
    coarse = Hidden("detail: means of 6 × 6 pixels", _coarse)
    maps = done((magnitudes, coarse), signed())
    names = ["a", "b", "c"]
    reference = Reference.of(maps, names, hides=(magnitudes, coarse))
    drawn = surrogates(maps, seed=0, names=names, count=SURROGATES)
    other = done((magnitudes, coarse), signed(1))
    for s, score in enumerate(SCORES):
        expected = torch.stack([score(_coarse(some), other) for some in drawn]).nanmedian(0).values
        torch.testing.assert_close(reference.compare(other).null[0, :, s], expected, equal_nan=True)
    plain = Reference.of(maps, names).compare(other).null
    assert not torch.allclose(plain, reference.compare(other).null)


def _coarse(maps):
    means = torch.nn.functional.avg_pool2d(maps[:, None], 6)
    return means.repeat_interleave(6, 2).repeat_interleave(6, 3)[:, 0]


def test_absolute_values_have_a_null_of_their_own() -> None:
    """Independent signed maps are not alike at all; their absolute values have the same background."""
    maps, other, names = signed(0, 8), signed(1, 8), list("abcdefgh")
    cosine = [score.name for score in SCORES].index("cosine")
    seen = Reference.of(maps, names).compare(other)
    hidden = Reference.of(maps.abs(), names, hides=(magnitudes,)).compare(other.abs())
    assert seen.null[..., cosine].abs().median() < 0.15 and hidden.null[..., cosine].median() > 0.5
    gap = (hidden.scores - hidden.null)[..., cosine].median()
    assert abs(gap) < 0.15, "independent maps score what their null says, when it hides the same"


def test_a_scale_that_is_hidden_changes_no_score_and_the_books_of_both_gaps() -> None:
    class Wider(nets.Residual):
        pass

    model = nets.build(Wider)
    x = nets.images_for(model, 4)

    def of_batch(x, classes):
        return saliency(model, x, methods.lrp_z, classes).sum(1) * len(x)

    open_ = of(of_batch, model, x)
    hidden = of(lambda x, c: divided_by_largest(of_batch(x, c)), model, x, hides=(magnitude,))
    torch.testing.assert_close(open_.matrix.scores, hidden.matrix.scores, atol=1e-6, rtol=0)
    assert (open_.batch_gap > 0.5).all() and (hidden.batch_gap < 1e-9).all()
    assert hidden.subject.note == f"hides {magnitude.said}"
