"""Tallies can be made in parts, kept as arrays and joined: the readings stay the same to the last bit."""

import numpy as np
import pytest
import torch

from rankone.errors import Overflow
from torch_backend import images as pictures
from torch_backend import methods, models
from torch_backend.convergence.csc import csc
from torch_backend.convergence.network_law import network_law
from torch_backend.convergence.statistics import Tally
from torch_backend.convergence.tallies import as_arrays, from_arrays, joined

STARTS = ["fc3", "conv4_3"]


@pytest.fixture(scope="module")
def network():
    return models.load("digits-vgg")


@pytest.fixture(scope="module")
def images():
    return pictures.digits("test")[0][:3]


def flat(readings) -> list[tuple]:
    """All that readings say, to the last bit."""
    return [
        (
            r.start,
            r.layer,
            r.missing,
            repr(r.negative),
            *(x.tobytes() for x in (r.image_medians, r.histogram, r.widths, r.units)),
            *(x.tobytes() for x in (r.whole.image_medians, r.whole.histogram)),
        )
        for r in readings
    ]


@pytest.mark.parametrize("measure", [csc, network_law])
def test_what_was_kept_as_arrays_gives_the_same_readings_and_nothing_is_computed(measure, network, images):
    kept = {}

    def keep(some, compute):
        name = some.numpy().tobytes()
        if name not in kept:
            kept[name] = as_arrays(compute())
        return from_arrays(kept[name])

    def there(some, compute):
        return from_arrays(kept[some.numpy().tobytes()])

    plain = measure(network, images, methods.z_plus, STARTS, 3)
    first, again = (measure(network, images, methods.z_plus, STARTS, 3, keep=k) for k in (keep, there))
    assert flat(plain.readings) == flat(first.readings) == flat(again.readings)


def test_a_law_of_some_images_is_that_of_all(network, images):
    """Each image's weights are drawn from its own digest: whatever was done before it."""
    whole = network_law(network, images, methods.gradient, STARTS, 3).readings
    alone = network_law(network, images[2:], methods.gradient, STARTS, 3).readings
    for a, b in zip(whole, alone, strict=True):
        assert a.image_medians[2] == b.image_medians[0]


def test_parts_join_in_their_order(network, images):
    parts, joined_parts = [], []
    csc(network, images, methods.z_plus, STARTS, 3, batch=1, keep=lambda _, c: parts.append(c()) or parts[-1])
    whole = csc(network, images, methods.z_plus, STARTS, 3, batch=1).readings
    for some in (parts, parts[::-1]):
        tallies = joined(some)
        joined_parts.append([tallies[r.start, r.layer].reading(r.start, r.layer) for r in whole])
    assert flat(joined_parts[0]) == flat(whole)
    assert [r.image_medians[::-1].tolist() for r in joined_parts[1]] == [
        r.image_medians.tolist() for r in whole
    ]


def test_a_tally_without_any_direction_is_kept_too():
    tally = Tally(channels=2)
    tally.add(torch.zeros(3, 2, 2, 4), "nothing")
    back = from_arrays(as_arrays({("a", "b"): tally, ("a", "c"): tally}))
    assert list(back) == [("a", "b"), ("a", "c")]
    assert np.isnan(back["a", "c"].reading("a", "c").median) and back["a", "c"].missing == tally.pairs == 24


def test_an_overflow_says_what_may_hold_the_numbers():
    for dtype, do in ((torch.float32, "use float64 images"), (torch.float64, "start at a lower layer")):
        with pytest.raises(Overflow, match=f"mine: expected finite numbers, got NaN or infinity; {do}"):
            Tally(channels=2).add(torch.full((2, 1, 2, 1), torch.inf, dtype=dtype), "mine")
