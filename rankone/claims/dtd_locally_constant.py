"""Is Deep Taylor Decomposition gradient ⊙ input when its root points are locally constant?"""

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from rankone.claims.exact import Matrix, exact, identity, show
from rankone.claims.record import Claim, Evidence, Verdict, check
from rankone.claims.rules import positive
from rankone.claims.sources import SIXT_2022

WEIGHTS = (exact([[2, 1, -1], [1, -1, 2], [1, 2, 1]]), exact([[1, 1, -1], [2, -1, 1]]), exact([[1, 2]]))
BIASES = (exact([1, -1, 0]), exact([2, 1]), exact([0]))
X = exact([3, 1, 2])
NEAR = exact(["29/10", "9/10", "19/10"])
STEP = Fraction(1, 10**6)

Function = Callable[[Matrix], Matrix]


def evidence(near: Matrix = NEAR, shrink: Fraction = Fraction(1, 2), step: Fraction = STEP) -> Evidence:
    """Constant roots at the activations of the point `near`, (3,); roots a·`shrink` of every input a."""
    hs, inner = activations(X), activations(near)
    gradient = slopes(lambda a: forward(a, 0), X, step)[0]
    constant = decomposed([_constant(c) for c in inner], step)(X)
    moving = decomposed([lambda a: shrink * a] * len(WEIGHTS), step)(X)
    wanted = gradient * (X - near)
    same = all(((h > 0) == (c > 0)).all() for h, c in zip(hs[1:], inner[1:], strict=True))
    return Evidence(
        "exact arithmetic",
        (
            check(
                same,
                f"The roots are the activations of {show(near)}, near x = {show(X)}, held constant: all "
                "ReLUs are as they are at x.",
            ),
            check(
                (constant == wanted).all(),
                f"The recursion R_l(a) = Σ_j ∂R_(l+1),j/∂a at the root ⊙ (a − root), taken through "
                f"{len(WEIGHTS)} layers, gives {show(constant)} = gradient ⊙ (x − root), gradient "
                f"{show(gradient)}.",
            ),
            check(
                (moving != gradient * (1 - shrink) * X).any(),
                f"With roots that move with the input, {shrink} a, it gives {show(moving)}, and not "
                f"gradient ⊙ (x − root) = {show(gradient * (1 - shrink) * X)}: the root's own derivative "
                "enters in every layer.",
            ),
        ),
    )


def layer(l: int, a: Matrix) -> Matrix:
    """The input of layer l + 1 from that of layer l; the last layer has no ReLU."""
    z = WEIGHTS[l] @ a + BIASES[l]
    return z if l == len(WEIGHTS) - 1 else positive(z)


def forward(a: Matrix, l: int) -> Matrix:
    """f, (1,), from the input a of layer l."""
    for k in range(l, len(WEIGHTS)):
        a = layer(k, a)
    return a


def activations(x: Matrix) -> list[Matrix]:
    """The inputs of all layers."""
    hs = [x]
    for l in range(len(WEIGHTS) - 1):
        hs.append(layer(l, hs[-1]))
    return hs


def slopes(g: Function, a: Matrix, step: Fraction) -> Matrix:
    """∂g_j/∂a_i, (m, n), as difference quotients: exact where g is linear between a and a + step e_i."""
    return np.asarray(np.column_stack([(g(a + step * e) - g(a)) / step for e in identity(len(a))]))


def _constant(c: Matrix) -> Function:
    return lambda _: c


def decomposed(roots: list[Function], step: Fraction) -> Function:
    """The relevance R_0 as a function of the network's input, from R_L = f and a root for each layer."""

    def below(R: Function, l: int) -> Function:
        """R_l(a)_i = Σ_j ∂R_(l+1),j(layer(a))/∂a_i at the root of a, times a_i − root_i."""
        return lambda a: slopes(lambda b: R(layer(l, b)), roots[l](a), step).sum(axis=0) * (a - roots[l](a))

    R: Function = np.asarray
    for l in reversed(range(len(WEIGHTS))):
        R = below(R, l)
    return R


CLAIM = Claim(
    id="dtd-locally-constant",
    words="Deep Taylor Decomposition is gradient ⊙ input when its root points are locally constant.",
    source=SIXT_2022,
    section="abstract",
    verdict=Verdict.HOLDS,
    because="Then R_l is linear with a diagonal derivative, and the recursion is the chain rule: the map is "
    "gradient ⊙ (x − root), all neurons of a layer having one root. Roots that depend on the input give "
    "something else.",
    evidence=evidence,
)
