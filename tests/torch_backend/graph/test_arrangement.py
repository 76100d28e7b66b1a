"""Images are found in a tensor, taken apart and put together again; a checksum tells weights apart."""

from math import prod

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from torch_backend import trace
from torch_backend.graph.arrangement import Arrangement, arrangements
from torch_backend.graph.kept import FEW, WORDS, Kept, checksum

SOME = settings(max_examples=200, deadline=None, derandomize=True)
sizes = st.lists(st.integers(1, 4), max_size=3).map(tuple)


@st.composite
def merged(draw) -> tuple[Arrangement, tuple[int, ...], int]:
    """A tensor (before, a·B·m, after), one image's shape with all axes, and where B goes in."""
    before, after = draw(sizes), draw(sizes)
    a, count, m = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    shape = (*before, a * count * m, *after)
    return Arrangement(shape, prod(before) * a, count), (*before, a, m, *after), len(before) + 1


def numbered(arrangement: Arrangement) -> torch.Tensor:
    return torch.arange(float(prod(arrangement.shape))).view(arrangement.shape)


@SOME
@given(merged())
def test_images_are_taken_apart_and_put_together(case) -> None:
    """to_images and from_images are inverse, and image k of a tensor made of images is the k-th of them."""
    arrangement, axes, at = case
    images = torch.arange(float(prod(arrangement.shape))).view(arrangement.count, *axes)
    t = images.movedim(0, at).reshape(arrangement.shape)
    apart = arrangement.to_images(t)
    assert apart.shape == (arrangement.count, *arrangement.image)
    assert torch.equal(apart.flatten(1), images.flatten(1))
    assert torch.equal(arrangement.from_images(apart), t)
    v = torch.randn(arrangement.count, *arrangement.image)
    assert torch.equal(arrangement.to_images(arrangement.from_images(v)), v)


@SOME
@given(merged(), st.integers(1, 5))
def test_any_number_of_images_is_arranged_alike(case, n: int) -> None:
    """Images put together, as many as you like, come apart again; each as it does alone."""
    arrangement = case[0]
    v = torch.randn(n, *arrangement.image)
    t = arrangement.from_images(v)
    assert t.numel() == v.numel()
    assert t.dim() == len(arrangement.shape)
    assert torch.equal(arrangement.to_images(t), v)
    for k in range(n):
        assert torch.equal(arrangement.to_images(arrangement.from_images(v[k : k + 1]))[0], v[k])


@SOME
@given(merged())
def test_the_arrangement_is_one_of_those_that_a_tensor_may_have(case) -> None:
    """All of them are found, once, those with an axis of the images' own first; each has an inverse."""
    arrangement = case[0]
    shape, count = arrangement.shape, arrangement.count
    found = list(arrangements(shape, count))
    places = [other.outer for other in found]
    assert arrangement.outer in places
    assert len(set(places)) == len(places)
    alone = {prod(shape[:k]) for k, size in enumerate(shape) if size == count}
    assert set(places[: len(alone)]) == alone
    for other in found:
        assert (other.shape, other.count) == (shape, count)
        assert torch.equal(other.from_images(other.to_images(numbered(other))), numbered(other))


T, B, D = 4, 3, 5
# name -> (shape, numbers in front of the first image's, parts, shape of one image's part)
KNOWN = {
    "(B, d)": ((B, D), 1, ((), 1, 1, (D,)), (D,)),
    "(B, T, d)": ((B, T, D), 1, ((), 1, 1, (T, D)), (T, D)),
    "(T, B, d)": ((T, B, D), T, ((T,), 1, 1, (D,)), (T, D)),
    "(B·T, d)": ((B * T, D), 1, ((), 1, T, (D,)), (T, D)),
    "(T·B, d)": ((T * B, D), T, ((), T, 1, (D,)), (T, D)),
    "(T·B·2, d)": ((T * B * 2, D), T, ((), T, 2, (D,)), (T, 2, D)),
    "(d, B)": ((D, B), D, ((D,), 1, 1, ()), (D,)),
    "(d, T·B)": ((D, T * B), D * T, ((D,), T, 1, ()), (D, T)),
    "(B,)": ((B,), 1, ((), 1, 1, ()), (1,)),
    "(1, B)": ((1, B), 1, ((1,), 1, 1, ()), (1,)),
    "(B, 1)": ((B, 1), 1, ((), 1, 1, (1,)), (1,)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_images_are_found(name: str) -> None:
    """Rows of a product, attention's and recurrent networks' layouts, single numbers."""
    shape, outer, parts, image = KNOWN[name]
    arrangement = Arrangement(shape, outer, B)
    assert arrangement.parts == parts
    assert arrangement.image == image
    apart = arrangement.to_images(numbered(arrangement))
    expected = numbered(arrangement).reshape(outer, B, -1).movedim(1, 0).reshape(B, *image)
    assert torch.equal(apart, expected)


@pytest.mark.parametrize("shape,outer", [((4, 5), 1), ((B, D), 2), ((2, B, D), 4), ((D,), 1), ((6, 2), 4)])
def test_images_that_are_cut_into_pieces_are_not_found(shape, outer: int) -> None:
    """No axis holds whole images, or they do not begin there."""
    assert Arrangement(shape, outer, B).parts is None


def test_only_tensors_with_the_images_first_are_plain() -> None:
    """(B, ...), and not a tensor of single numbers."""
    plain = {name for name, (shape, outer, *_) in KNOWN.items() if Arrangement(shape, outer, B).is_plain}
    assert plain == {"(B, d)", "(B, T, d)", "(B, 1)"}


# ---------------------------------------------------------------- checksums

LENGTHS = (1, 7, 1000, FEW // 8, FEW // 8 + 1, 3 * FEW // 8 + 5, 40 * WORDS + 3)


@pytest.mark.parametrize("dtype", (torch.float64, torch.float32, torch.float16, torch.int64), ids=str)
@pytest.mark.parametrize("length", LENGTHS)
def test_a_checksum_changes_with_any_bit(length: int, dtype: torch.dtype) -> None:
    """Of entries at the ends, in the middle, and beside them; each of an entry's bits. It is back when they
    are.
    """
    generator = torch.Generator().manual_seed(length)
    t = torch.randint(0, 100, (length,), generator=generator).to(dtype)
    octets, before = t.view(torch.uint8), checksum(t)
    for at in {0, 1, len(octets) // 2, len(octets) // 3, len(octets) - 1} & set(range(len(octets))):
        for bit in range(8):
            octets[at] ^= 1 << bit
            assert checksum(t) != before
            octets[at] ^= 1 << bit
    assert checksum(t) == before == checksum(t.clone())


@pytest.mark.parametrize("shape", [(3, 20), (64, 64), (3, 200 * WORDS), (40, WORDS)], ids=str)
def test_a_checksum_changes_when_rows_are_exchanged(shape: tuple[int, int]) -> None:
    """Of small weights any two; of large ones those that are rows of WORDS. It is back when they are."""
    t = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for k in range(1, len(t)):
        order = torch.arange(len(t))
        order[[0, k]] = order[[k, 0]]
        assert checksum(t[order]) != checksum(t)
        assert checksum(t[order][order]) == checksum(t)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_a_checksum_changes_when_units_of_a_large_layer_are_exchanged(dtype: torch.dtype) -> None:
    """A dense layer with 64 inputs and 512 outputs: two of them are exchanged."""
    w = torch.randn(512, 64, dtype=dtype, generator=torch.Generator().manual_seed(0))
    assert checksum(w[[1, 0, *range(2, 512)]]) != checksum(w)


@pytest.mark.xfail(strict=True, reason="two changes of a last bit that cancel are below what is summed")
def test_a_checksum_changes_when_one_bit_moves_to_a_neighbour() -> None:
    """One number grows by a unit in its last place, and its neighbour shrinks by one."""
    w = torch.randn(512, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    other = w.clone()
    other.view(torch.int64)[0, :2] += torch.tensor([1, -1])
    assert checksum(other) != checksum(w)


def test_entries_of_a_large_layer_that_are_exchanged_are_not_recorded_in_silence() -> None:
    """A convolution with a batch norm folded into it; the gradient would be another."""
    parts = nn.Conv2d(32, 64, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.Flatten(), nn.Linear(576, 3)
    model, x = nn.Sequential(*parts).eval(), torch.randn(2, 32, 5, 5)
    graph = trace(model, x)
    entries = model[0].weight.detach()[0, 0, 0]
    entries[[0, 2]] = entries[[2, 0]]
    with pytest.raises(ValueError, match="weights that were traced"):
        graph.record(x)


def test_what_is_kept_is_made_once_for_the_same_content() -> None:
    """Equal numbers in another tensor are the same; in another shape, precision or order they are not."""
    made = []
    kept = Kept(torch.zeros(1, dtype=torch.float64))

    def make(weight):
        made.append(weight)
        return object()

    w = torch.randn(4, 6, dtype=torch.float64)
    first = kept(make, w)
    kept.begin()
    assert kept(make, w.clone()) is first
    others = [w.view(6, 4), w.float(), w[[1, 0, 2, 3]], w.flip(1), -w]
    assert len({id(kept(make, other)) for other in others} | {id(first)}) == len(made) == 6
    assert all(weight.dtype == torch.float64 for weight in made)
