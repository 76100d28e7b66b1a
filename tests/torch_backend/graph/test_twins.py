"""Two spellings of one function have the same relevance: what a map says depends on the function computed,
not on the way it was written.
"""

import re
from functools import cache

import pytest
import torch

from tests.helpers.twins import TWINS, Twins
from tests.helpers.twins.compared import BY_CHANCE, CRASH, METHODS, PATTERNED, maps_of, verdicts
from tests.helpers.twins.spelling import FOR_ALL
from torch_backend.commands.method_names import spellings

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")

LAWS = {name: twins for name, twins in TWINS.items() if twins.is_law}
PAIRS = [(name, other) for name, twins in LAWS.items() for other in twins.others]
plain_maps = cache(lambda name: maps_of(TWINS[name], TWINS[name].plain))


def wrong(twins: Twins, spelling: str) -> list[str]:
    """Under which methods a spelling breaks the law, and how."""
    found = []
    allowed = twins.refusals.get(spelling)
    for verdict in verdicts(plain_maps(twins.name), maps_of(twins, spelling)):
        why = twins.differ.get((spelling, verdict.method))
        if verdict.apart is None:
            refused = not verdict.refusal.startswith(CRASH)
            by_name = allowed and refused and re.search(allowed, verdict.refusal)
            if not (by_name and verdict.method not in FOR_ALL) and not (why and refused):
                found.append(f"{verdict.method}: refused ({verdict.refusal[:150]})")
        elif why and verdict.agrees and verdict.method not in BY_CHANCE:
            found.append(f"{verdict.method}: agrees, though an exemption says {why!r}: remove it")
        elif not why and not verdict.agrees:
            found.append(f"{verdict.method}: apart by {verdict.apart:.1e} of the largest entry")
    return found


@pytest.mark.parametrize("name,spelling", PAIRS)
def test_relevance_does_not_depend_on_the_spelling(name: str, spelling: str) -> None:
    """Every method of the command line: the map of the plain spelling, to 1e-9 of its largest entry; or a
    refusal that the table expects, by name, for a spelling without a rule of its own. No exemption is stale.
    """
    found = wrong(LAWS[name], spelling)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name,twins", LAWS.items(), ids=LAWS)
def test_the_plain_spelling_has_a_map_under_every_method(name: str, twins: Twins) -> None:
    """It is finite and not zero, so that agreeing with it says something."""
    found = {
        method: value if isinstance(value, str) else float(value.abs().max())
        for method, value in plain_maps(name).items()
    }
    bad = {k: v for k, v in found.items() if isinstance(v, str) or not 0 < v < float("inf")}
    assert not bad


@pytest.mark.parametrize("name,twins", TWINS.items(), ids=TWINS)
def test_twins_are_one_function(name: str, twins: Twins) -> None:
    """Their outputs and autograd's derivatives agree, on the images and on others: the table is right."""
    results = {}
    for spelling in twins.spellings:
        x = torch.cat([twins.images(), 2 * twins.images(3)]).requires_grad_()
        y = twins.model(spelling)(x)
        start = torch.randn(y.shape, generator=torch.Generator().manual_seed(3), dtype=y.dtype)
        (slope,) = torch.autograd.grad(y, x, start)
        results[spelling] = y.detach(), slope
    y, slope = results[twins.plain]
    assert y.shape[1:] == (4,)
    assert slope.abs().max() > 1e-3
    for spelling, (other, derivative) in results.items():
        torch.testing.assert_close(other, y, rtol=1e-11, atol=1e-11, msg=lambda m, s=spelling: f"{s}: {m}")
        torch.testing.assert_close(derivative, slope, rtol=1e-10, atol=1e-10)


def test_every_method_of_the_command_line_is_compared() -> None:
    assert set(spellings()) <= set(METHODS) | set(PATTERNED)


def test_the_table_is_large_and_its_exemptions_name_methods() -> None:
    assert len(PAIRS) > 250
    for twins in TWINS.values():
        assert {method for _, method in twins.differ} <= set(METHODS) | set(PATTERNED)
