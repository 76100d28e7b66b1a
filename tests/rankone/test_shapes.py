import numpy as np
import pytest

from rankone.shapes import VGG16, chain_shapes, uniform


def test_vgg16_is_a_chain_from_the_logits_to_the_colours():
    assert chain_shapes(VGG16) == VGG16
    assert len(VGG16) == 16
    assert (VGG16[0][0], VGG16[-1][1]) == (1000, 3)


def test_uniform_repeats_a_square_factor():
    assert uniform(5, 3) == ((5, 5),) * 3


def test_any_list_of_integer_pairs_is_taken():
    assert chain_shapes([[2, np.int64(3)], np.array([3, 1])]) == ((2, 3), (3, 1))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([], "shapes: expected at least one factor"),
        ([(2, 3), (4, 5)], r"shapes\[1\]: expected 3 rows"),
        ([(2, 3, 4)], r"shapes\[0\]: expected two sizes"),
        ([7], r"shapes\[0\]: expected two sizes"),
        ([(0, 3)], "integer >= 1, got 0"),
        ([(2, -3)], "integer >= 1, got -3"),
        ([(2, 3.0)], "integer >= 1, got 3.0"),
        ([(2, float("nan"))], "integer >= 1, got nan"),
        ([(2, True)], "integer >= 1, got True"),
        ([("2", 3)], "integer >= 1, got '2'"),
    ],
)
def test_what_is_no_chain_is_refused(shapes, message):
    with pytest.raises(ValueError, match=message):
        chain_shapes(shapes)


@pytest.mark.parametrize(("n", "depth"), [(0, 3), (3, 0), (2.5, 3), (3, -1)])
def test_uniform_refuses_what_is_no_size(n, depth):
    with pytest.raises(ValueError, match="expected an integer >= 1"):
        uniform(n, depth)
