"""Chain shapes as data: from output to input, how many numbers (n, m) go into each factor and come out of it.

In this order relevance meets the factors of C = Z1 Z2 … Zk: (n_k, n_{k−1}), …, (n_1, n_0), each the shape of
Zᵀ, the matrix that multiplies a row vector.
"""

from collections.abc import Iterable

from rankone.errors import refuse

Shape = tuple[int, int]
Shapes = tuple[Shape, ...]

#: VGG-16, every convolution read as 1×1: the shapes of figure 4 (Sixt et al., arXiv 1912.09818, section 3).
VGG16: Shapes = (
    (1000, 4096),
    (4096, 4096),
    (4096, 512),
    *[(512, 512)] * 5,
    (512, 256),
    *[(256, 256)] * 2,
    (256, 128),
    (128, 128),
    (128, 64),
    (64, 64),
    (64, 3),
)


def uniform(n: int, depth: int) -> Shapes:
    """`depth` square factors of width n; ValueError unless both are integers >= 1."""
    return chain_shapes([(n, n)] * _at_least_one("depth", depth))


def chain_shapes(shapes: Iterable[Iterable[int]]) -> Shapes:
    """Any list of (n, m), checked: not empty, sizes >= 1, each m the next factor's n; else ValueError."""
    checked: list[Shape] = []
    for k, shape in enumerate(shapes):
        name = f"shapes[{k}]"
        sizes = tuple(shape) if isinstance(shape, Iterable) else (shape,)
        if len(sizes) != 2:
            refuse(name, expected="two sizes (n, m)", got=sizes, do="give rows and columns of the factor")
        n, m = (_at_least_one(name, size) for size in sizes)
        if checked and checked[-1][1] != n:
            expected = f"{checked[-1][1]} rows, the columns of the factor before"
            refuse(name, expected=expected, got=n, do="order the factors from output to input")
        checked.append((n, m))
    if not checked:
        refuse("shapes", expected="at least one factor", got="an empty chain", do="give a list of (n, m)")
    return tuple(checked)


def _at_least_one(name: str, value: object) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() < 1:
        refuse(name, expected="an integer >= 1", got=repr(value), do="give a positive size")
    return int(value.__index__())
