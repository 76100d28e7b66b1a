"""1,200 seeded single mutations of a certificate or its factors, each seen by both ways of the verifier.

None is confirmed with a false bound, and nothing but the verifier's two refusals is ever raised. What is
confirmed although something changed: a looser bound (or one tightened by less than its slack, still true),
"infinite" where that is allowed, a smaller probability, versions, white space, and zip metadata on which no
array depends. All of these leave true statements.
"""

import copy
import io
import json
import math
from collections import Counter

import numpy as np
import pytest

from rankone.proof import verify
from rankone.proof.certificate import certify
from tests.helpers.exact_oracle import chain, maxima, number, signed

MUTATIONS = 75  # of each kind
FACTORS = chain("uniform in [1, 2]", seed=7, widths=[7, 6, 5, 4], depth=3)
TRUTH = maxima(FACTORS)
RECORD = json.loads(certify(FACTORS).to_json())
BINARY64 = json.loads(certify(FACTORS, exact=False).to_json())
STRANGE = [
    None,
    True,
    0,
    -1,
    1,
    10**400,
    "",
    "infinite",
    "NaN",
    [],
    {},
    [[1.0]],
    -0.0,
    -1e-9,
    1e308,
    5e-324,
    "1.0",
]
FACTOR_OF_BOUND = [0.0, 0.5, 1 - 1e-3, 1 - 1e-6, 1 - 1e-9, 1 + 1e-12, 1 + 1e-6, 2.0, 1e6, -1.0]


def places(node, at=()):
    """Every path into a JSON value, the whole excluded."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in items:
        yield (*at, key)
        yield from places(child, (*at, key))


def parent(record, place):
    for key in place[:-1]:
        record = record[key]
    return record


def dump(record):
    return json.dumps(record, ensure_ascii=False).encode()


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


ARRAYS = {f"Z{l}": Z for l, Z in enumerate(FACTORS, start=1)}
NPZ = npz(**ARRAYS)


# Mutations of the certificate: (rng, record) -> bytes of the file.


def another_value(rng, record):
    place = choose(rng, list(places(record)))
    parent(record, place)[place[-1]] = choose(rng, STRANGE)
    return dump(record)


def another_bound(rng, record):
    claim = record["claims"][choose(rng, list(verify.STATEMENTS))]
    claim["bound"] *= choose(rng, FACTOR_OF_BOUND)
    return dump(record)


def bound_beside_the_truth(rng, record):
    """Within a few units in the last place of the true value, on either side."""
    name = choose(rng, list(TRUTH))
    bound = float(TRUTH[name])
    for _ in range(int(rng.integers(1, 6))):
        bound = math.nextafter(bound, choose(rng, [-1.0, math.inf]))
    record["claims"][name]["bound"] = bound
    return dump(record)


def another_probability(rng, record):
    claim = record["claims"][choose(rng, ["signed_one_minus_cos", *verify.STATEMENTS])]
    claim["probability"] = float(choose(rng, [0.0, 0.5, 0.89999, 0.90001, 0.99, 1 - 1e-16, 1.0, 2.0, -0.5]))
    return dump(record)


def another_number(rng, record):
    numbers = [p for p in places(record) if type(parent(record, p)[p[-1]]) in (int, float)]
    place = choose(rng, numbers)
    parent(record, place)[place[-1]] *= choose(rng, FACTOR_OF_BOUND)
    return dump(record)


def another_text(rng, record):
    texts = [p for p in places(record) if type(parent(record, p)[p[-1]]) is str]
    place = choose(rng, texts)
    text = parent(record, place)[place[-1]]
    i = int(rng.integers(len(text)))
    parent(record, place)[place[-1]] = text[:i] + choose(rng, ["", "x", "\0", "/", "∞", text]) + text[i + 1 :]
    return dump(record)


def renamed_key(rng, record):
    place = choose(rng, [p for p in places(record) if isinstance(p[-1], str)])
    holder = parent(record, place)
    holder[choose(rng, ["", "bound", place[-1] + " ", place[-1].upper()])] = holder.pop(place[-1])
    return dump(record)


def dropped(rng, record):
    place = choose(rng, list(places(record)))
    del parent(record, place)[place[-1]]
    return dump(record)


def swapped_values(rng, record):
    first, second = (choose(rng, list(places(record))) for _ in range(2))
    if first == second[: len(first)] or second == first[: len(second)]:
        first, second = ("claims", "angle", "bound"), ("claims", "one_minus_cos", "bound")
    a, b = parent(record, first), parent(record, second)
    a[first[-1]], b[second[-1]] = b[second[-1]], a[first[-1]]
    return dump(record)


def not_quite_json(rng, record):
    text = dump(record).decode()
    old, new = choose(
        rng,
        [
            ('"bound": 0.', '"bound": NaN, "old": 0.'),
            ('"bound": ', '"bound": 0.0, "bound": '),
            ('"bound": ', '"bound": 1e999, "x": '),
            ('"bound": ', '"bound": ' + "[" * int(10 ** rng.uniform(1, 5.5))),
            ('"bound": ', '"bound": ' + '{"a":' * int(10 ** rng.uniform(1, 5.5))),
            ('"bound": 0', '"bound": ' + "9" * int(10 ** rng.uniform(1, 5))),
            ('"bound": 0.', '"bound": 0.' + "0" * int(10 ** rng.uniform(1, 4))),
            ("}", "},"),
            ("{", " { "),
        ],
    )
    at = [i for i in range(len(text)) if text.startswith(old, i)]
    i = choose(rng, at)
    return (text[:i] + new + text[i + len(old) :]).encode()


def flipped_bit(rng, record):
    return flip(rng, dump(record))


def truncated(rng, record):
    data = dump(record)
    return data[: int(rng.integers(len(data)))]


# Mutations of the factors: (rng,) -> bytes of the npz.


def flipped_bit_of_factors(rng):
    return flip(rng, NPZ)


def truncated_factors(rng):
    return NPZ[: int(rng.integers(len(NPZ)))]


def another_entry(rng):
    """One entry moved, by as little as a unit in the last place; zip checksums are made anew."""
    name = choose(rng, list(ARRAYS))
    Z = ARRAYS[name].copy()
    i = tuple(int(rng.integers(n)) for n in Z.shape)
    Z[i] = choose(rng, [np.nextafter(Z[i], 9), 0.0, -0.0, -Z[i], np.nan, np.inf, 2 * Z[i], 5e-324, 1e308])
    return npz(**{**ARRAYS, name: Z})


def rearranged_factors(rng):
    name = choose(rng, list(ARRAYS))
    Z = ARRAYS[name]
    other = {
        "swapped": {"Z1": FACTORS[1], "Z2": FACTORS[0], "Z3": FACTORS[2]},
        "transposed": {**ARRAYS, name: Z.T},
        "float32": {**ARRAYS, name: Z.astype(np.float32)},
        "big-endian": {**ARRAYS, name: Z.astype(">f8")},
        "same bytes, other shape": {**ARRAYS, name: Z.reshape(-1, 1)},
        "one more": {**ARRAYS, "Z4": np.eye(4)},
        "one less": {key: value for key, value in ARRAYS.items() if key != name},
        "renamed": {key + "x" * (key == name): value for key, value in ARRAYS.items()},
        "scaled": {**ARRAYS, name: 2 * Z},
        "column order": {**ARRAYS, name: np.asfortranarray(Z)},
        "rows permuted": {**ARRAYS, name: rng.permutation(Z)},
    }
    return npz(**other[choose(rng, list(other))])


OF_CERTIFICATE = [
    another_value,
    another_bound,
    bound_beside_the_truth,
    another_probability,
    another_number,
    another_text,
    renamed_key,
    dropped,
    swapped_values,
    not_quite_json,
    flipped_bit,
    truncated,
]
OF_FACTORS = [flipped_bit_of_factors, truncated_factors, another_entry, rearranged_factors]


def choose(rng, values):
    return values[int(rng.integers(len(values)))]


def flip(rng, data):
    i, bit = int(rng.integers(len(data))), 1 << int(rng.integers(8))
    return data[:i] + bytes([data[i] ^ bit]) + data[i + 1 :]


def outcome(folder):
    """What the verifier says; any other exception than its refusals is a failure."""
    try:
        verify.verify(folder / "certificate.json")
    except verify.NotConfirmed:
        return "not confirmed"
    except (verify.Unreadable, OSError):
        return "unreadable"
    return "confirmed"


def assert_true(record):
    """Every bound of a confirmed certificate of FACTORS holds in exact arithmetic."""
    for name, claim in record["claims"].items():
        bound, probability = claim["bound"], claim["probability"]
        if name == "signed_one_minus_cos":
            assert number(bound) >= signed(TRUTH["angle"], probability) * (1 - 1e-30)
        else:
            assert probability == 1
            assert bound == "infinite" or number(bound) >= TRUTH[name], name


@pytest.mark.parametrize("small", [2**60, -1], ids=["integers", "binary64"])
@pytest.mark.parametrize("mutation", OF_CERTIFICATE + OF_FACTORS, ids=lambda f: f.__name__)
def test_no_mutation_is_confirmed_with_a_false_bound(tmp_path, monkeypatch, mutation, small):
    monkeypatch.setattr(verify, "SMALL", small)
    rng = np.random.default_rng((OF_CERTIFICATE + OF_FACTORS).index(mutation))
    seen = Counter()
    for _ in range(MUTATIONS):
        certificate, factors = dump(BINARY64), NPZ
        if mutation in OF_FACTORS:
            factors = mutation(rng)
        else:
            certificate = mutation(rng, copy.deepcopy(choose(rng, [RECORD, BINARY64])))
        (tmp_path / "certificate.json").write_bytes(certificate)
        (tmp_path / "factors.npz").write_bytes(factors)
        result = outcome(tmp_path)
        seen[result] += 1
        if result == "confirmed":
            assert_true(json.loads(certificate))
            with np.load(tmp_path / "factors.npz") as archive:
                assert all(np.array_equal(archive[name], ARRAYS[name]) for name in ARRAYS)
    print(mutation.__name__, dict(seen))
    assert seen["not confirmed"] + seen["unreadable"] > 0


def test_the_unchanged_certificates_are_confirmed(tmp_path, monkeypatch):
    (tmp_path / "factors.npz").write_bytes(NPZ)
    for record, smalls in ((RECORD, [2**60]), (BINARY64, [2**60, -1])):
        (tmp_path / "certificate.json").write_bytes(dump(record))
        for small in smalls:
            monkeypatch.setattr(verify, "SMALL", small)
            assert outcome(tmp_path) == "confirmed"


def test_the_fuzz_would_notice_a_false_bound():
    record = copy.deepcopy(RECORD)
    record["claims"]["angle"]["bound"] *= 1 - 1e-8
    with pytest.raises(AssertionError, match="angle"):
        assert_true(record)


def test_there_are_at_least_a_thousand_mutations():
    assert MUTATIONS * len(OF_CERTIFICATE + OF_FACTORS) >= 1000
