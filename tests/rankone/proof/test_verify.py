"""The verifier: independent, sound by itself, confirms what is true and gives the reason for what is not."""

import ast
import hashlib
import json
import math
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from rankone.proof import verify
from rankone.proof.certificate import certify
from rankone.proof.verify import NotConfirmed, Unreadable
from tests.helpers.exact_oracle import KINDS, chain, maxima, number

A_TINY, B_TINY = np.array([[1.0, 2.0**-500]]), np.array([[1.0, 1.0], [2.0**-500, 2.0**-600]])
PATHS = {"integers": 2**60, "binary64": -1}  # the work up to which the verifier takes integers


@pytest.fixture(params=PATHS)
def path(request, monkeypatch):
    """Either way of the verifier, whatever the size of the chain."""
    monkeypatch.setattr(verify, "SMALL", PATHS[request.param])
    return request.param


def save(folder, factors, **options):
    np.savez(folder / "factors.npz", **{f"Z{l}": Z for l, Z in enumerate(factors, start=1)})
    certify(factors, **options).write(folder / "certificate.json")
    return folder / "certificate.json"


def edit(certificate, change):
    record = json.loads(certificate.read_text())
    change(record)
    certificate.write_text(json.dumps(record))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(1, 6))
def test_confirms_what_was_certified_in_binary64(tmp_path, path, kind, seed):
    certificate = save(tmp_path, chain(kind, seed), exact=False)
    assert verify.verify(certificate).startswith("confirmed: 8 claims")
    assert verify.verify(certificate).endswith({"integers": "integers", "binary64": "its own"}[path])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("exact", [True, False], ids=["python-flint", "standard library"])
def test_confirms_what_was_certified_in_integers(tmp_path, kind, seed, exact):
    certificate = save(tmp_path, chain(kind, seed), exact=True)
    assert "integers" in verify.verify(certificate, exact=exact)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("path", ["integers", "binary64"])
def test_its_own_bounds_are_never_below_the_exact_answer(kind, seed, path):
    factors = [Z.astype(np.float64) for Z in chain(kind, seed)]
    if path == "integers":
        found = verify.exact_maxima(verify._flint_product(factors))
    else:
        found = verify._floating_maxima(factors)
    truth = maxima(factors)
    for name, bound in verify._bounds(*found, 0.9).items():
        if name in truth and math.isfinite(bound):
            assert number(bound) >= truth[name], name


@pytest.mark.parametrize("widths", [(2500, 130), (1024, 5, 64), (1025, 40, 65), (3, 20, 200)])
def test_confirms_across_blocks_of_rows_and_of_columns(tmp_path, monkeypatch, widths):
    monkeypatch.setattr(verify, "SMALL", PATHS["binary64"])
    factors = chain("half-normal", seed=0, widths=widths, depth=len(widths) - 1)
    assert "binary64" in verify.verify(save(tmp_path, factors, exact=False))


@pytest.mark.parametrize("name", ["one_minus_cos", "angle", "total_variation", "hilbert_diameter"])
def test_the_last_row_and_the_last_column_are_not_overlooked(tmp_path, monkeypatch, name):
    monkeypatch.setattr(verify, "SMALL", PATHS["binary64"])
    Z = np.ones((2 * verify.WIDTH + 1, verify.ROWS + 2))
    Z[-1, -1] = 2
    certificate = save(tmp_path, [Z], exact=False)
    assert verify.verify(certificate)
    edit(certificate, lambda record: record["claims"][name].update(bound=1e-9))
    with pytest.raises(NotConfirmed, match=f"^{name} is claimed"):
        verify.verify(certificate)


@pytest.mark.parametrize("name", verify.STATEMENTS)
def test_a_bound_below_the_truth_is_refused(tmp_path, path, name):
    factors = chain("uniform in [1, 2]", seed=1, widths=[6] * 5, depth=4)
    certificate = save(tmp_path, factors, exact=path == "integers")

    def tighten(record):
        record["claims"][name]["bound"] *= 1 - 1e-6

    edit(certificate, tighten)
    with pytest.raises(NotConfirmed, match=f"^{name} is claimed at most .* but the verifier finds"):
        verify.verify(certificate)


def test_a_zero_column_is_refused(tmp_path, path):
    certificate = save(tmp_path, [np.eye(2)], exact=path == "integers")
    forge(certificate, np.array([[1.0, 0.0], [1.0, 0.0]]))
    with pytest.raises(NotConfirmed, match="the product has a zero column"):
        verify.verify(certificate)


@pytest.mark.parametrize(
    "factors", [[A_TINY, B_TINY], [np.array([[1e-320, 1.0]])]], ids=["product", "factor"]
)
def test_numbers_that_may_be_flushed_are_refused_in_binary64_and_fine_in_integers(
    tmp_path, monkeypatch, factors
):
    certificate = save(tmp_path, factors, exact=True)
    assert verify.verify(certificate).endswith("integers")
    monkeypatch.setattr(verify, "SMALL", PATHS["binary64"])
    rounding = verify._rounding(verify.ARITHMETIC["binary64"], factors)
    edit(certificate, lambda record: record.update(rounding=rounding))
    with pytest.raises(NotConfirmed, match=r"flush|too far apart"):
        verify.verify(certificate)


@pytest.mark.parametrize(
    ("Z", "reason"),
    [
        (np.array([[1.0, -1.0]]), "is empty, or has a negative or non-finite entry"),
        (np.array([[1.0, np.nan]]), "is empty, or has a negative or non-finite entry"),
        (np.array([[np.inf, 1.0]]), "is empty, or has a negative or non-finite entry"),
        (np.ones((0, 2)), "is empty, or has a negative or non-finite entry"),
        (np.ones((2, 2), int), "is neither float64 nor float32"),
        (np.ones((2, 2), ">f8"), "is neither float64 nor float32"),
    ],
    ids=["negative", "NaN", "infinite", "empty", "integers", "big-endian"],
)
def test_a_factor_that_no_certificate_can_have_is_refused(tmp_path, Z, reason):
    certificate = save(tmp_path, [np.eye(2)])
    forge(certificate, Z)
    with pytest.raises(NotConfirmed, match=f"^Z1 {reason}"):
        verify.verify(certificate)


def test_factors_that_do_not_fit_together_are_refused(tmp_path):
    certificate = save(tmp_path, [np.eye(2), np.eye(2)])
    forge(certificate, np.ones((2, 3)), Z2=np.eye(2))
    with pytest.raises(NotConfirmed, match="factors do not fit together"):
        verify.verify(certificate)


def forge(certificate, Z, **others):
    """Put another factor in the place of the first one, with all that is recorded about it."""
    np.savez(certificate.parent / "factors.npz", Z1=Z, **others)
    digest = hashlib.sha256(f"{Z.dtype.str} {Z.shape[0]}x{Z.shape[1]}\n".encode() + Z.tobytes()).hexdigest()
    about = {"dtype": str(Z.dtype), "shape": list(Z.shape), "sha256": digest}
    edit(certificate, lambda record: record["factors"]["arrays"][0].update(about))


def test_a_looser_bound_is_still_a_true_statement(tmp_path, path):
    certificate = save(tmp_path, [np.array([[2.0, 1.0], [1.0, 3.0]])], exact=path == "integers")

    def loosen(record):
        for name, claim in record["claims"].items():
            claim["bound"] = "infinite" if name in verify.UNLIMITED else claim["bound"] * 1.5
        record["claims"]["signed_one_minus_cos"]["probability"] = 0.5

    edit(certificate, loosen)
    assert verify.verify(certificate).startswith("confirmed")


LONG = chain("uniform in [1, 2]", seed=0, widths=[6] * 23, depth=22)  # its angle is far below δ


def test_a_certificate_that_claims_integers_is_verified_in_integers(tmp_path, monkeypatch):
    """Without being asked: in binary64 none of its bounds could be confirmed."""
    certificate = save(tmp_path, LONG, exact=True)
    monkeypatch.setattr(verify, "SMALL", PATHS["binary64"])
    assert verify.verify(certificate).endswith("integers, with python-flint")
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(Unreadable, match=r"^a certificate that claims integers needs python-flint; do: pip"):
        verify.verify(certificate)


@pytest.mark.usefixtures("path")
def test_binary64_work_that_claims_integers_is_refused_by_its_gammas(tmp_path):
    certificate = save(tmp_path, LONG, exact=False)
    edit(certificate, lambda record: record["rounding"].update(arithmetic=verify.ARITHMETIC["exact"]))
    with pytest.raises(NotConfirmed, match=r"^rounding.unit_roundoff is not 0.0"):
        verify.verify(certificate)


@pytest.mark.usefixtures("path")
def test_binary64_work_that_claims_integers_is_refused_by_its_bounds(tmp_path):
    """In binary64 the columns agree, or nearly; that they do so exactly is false by 1e-25."""
    certificate = save(tmp_path, LONG, exact=True)
    edit(certificate, lambda record: record["claims"]["angle"].update(bound=0.0))
    with pytest.raises(NotConfirmed, match=r"^angle is claimed at most 0.0, but the verifier finds 6.3"):
        verify.verify(certificate)


def test_exact_without_python_flint_says_what_to_install(tmp_path, monkeypatch):
    certificate = save(tmp_path, [np.eye(2)])
    monkeypatch.setitem(sys.modules, "flint", None)
    with pytest.raises(Unreadable, match=r"^--exact needs python-flint; do: pip install"):
        verify.verify(certificate, exact=True)


def test_exact_refuses_what_would_take_forever(tmp_path, monkeypatch):
    certificate = save(tmp_path, [np.eye(2)])
    monkeypatch.setattr(verify, "LARGEST_EXACT", 3)
    with pytest.raises(Unreadable, match="--exact: more than 3 entries"):
        verify.verify(certificate, exact=True)


def test_an_archive_that_unpacks_to_more_than_recorded_is_not_unpacked(tmp_path, monkeypatch):
    certificate = save(tmp_path, [np.eye(2)])
    np.savez_compressed(tmp_path / "factors.npz", Z1=np.zeros((1000, 1000)))
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("unpacked"))
    with pytest.raises(NotConfirmed, match=r"^Z1 is larger than recorded"):
        verify.verify(certificate)


# Fields of a certificate of [[1, 0], [1, 1]]: where, the new value, what the reason says.
DENIED = {
    "format": (("format",), "rankone certificate 1", "^certificate.format is not"),
    "extra field": (("more",), 1, "^certificate is not an object with the fields"),
    "list of claims": (("claims",), [], r"^certificate.claims is not of type dict"),
    "no claims": (("claims",), {}, "^certificate.claims is not an object with the fields one"),
    "path": (("factors", "file"), "../factors.npz", "^factors.file is not a bare file name"),
    "absolute path": (("factors", "file"), "/etc/passwd", "^factors.file is not a bare file name"),
    "no arrays": (("factors", "arrays"), [], "^factors.npz holds .*, not the 0 recorded factors"),
    "array of numbers": (("factors", "arrays"), [1], "^Z1 is not of type dict"),
    "array name": (("factors", "arrays", 0, "name"), "Z2", "^Z1.name is not 'Z1'"),
    "dtype": (("factors", "arrays", 0, "dtype"), "float32", "^Z1.dtype is not 'float64'"),
    "unknown dtype": (("factors", "arrays", 0, "dtype"), "object", "^Z1.dtype is not 'float64'"),
    "shape": (("factors", "arrays", 0, "shape"), [2, 3], "^Z1.shape is not 2"),
    "shape of a vector": (("factors", "arrays", 0, "shape"), [4], "^Z1.shape is not"),
    "fractional shape": (("factors", "arrays", 0, "shape"), [2.0, 2], "^Z1.shape is not of type int"),
    "negative shape": (("factors", "arrays", 0, "shape"), [-2, -2], "^Z1.shape is not 2"),
    "digest": (("factors", "arrays", 0, "sha256"), "0" * 64, "^Z1 has another SHA-256"),
    "arithmetic": (("rounding", "arithmetic"), "guesswork", "^rounding.arithmetic is none of"),
    "unit roundoff": (("rounding", "unit_roundoff"), 1e-20, "^rounding.unit_roundoff is not"),
    "gammas": (("rounding", "gammas"), [0.0], "^rounding.gammas is not"),
    "delta": (("rounding", "delta"), 1e-20, "^rounding.delta is not 0.0"),
    "delta of another type": (("rounding", "delta"), 0, "^certificate.rounding.delta is not of type float"),
    "statement": (
        ("claims", "angle", "statement"),
        "all is well",
        "^certificate.claims.angle.statement is not",
    ),
    "method": (("claims", "angle", "method"), "divination", "^certificate.claims.angle.method is not"),
    "negative bound": (("claims", "angle", "bound"), -1.0, "^angle has a bound that is neither"),
    "true bound": (("claims", "angle", "bound"), True, "^angle has a bound that is neither"),
    "null bound": (("claims", "angle", "bound"), None, "^angle has a bound that is neither"),
    "infinite angle": (("claims", "angle", "bound"), "infinite", "^angle has a bound that is neither"),
    "proof by chance": (("claims", "angle", "probability"), 0.5, "^angle has a probability"),
    "certain chance": (
        ("claims", "signed_one_minus_cos", "probability"),
        1.0,
        "^signed_.* has a probability",
    ),
    "versions": (("versions", "numpy"), ["2"], r"^versions\['numpy'\] is not of type str"),
}


@pytest.mark.parametrize("case", DENIED)
def test_every_field_is_checked(tmp_path, case):
    where, value, reason = DENIED[case]
    certificate = save(tmp_path, [np.array([[1.0, 0.0], [1.0, 1.0]])])

    def change(record):
        for key in where[:-1]:
            record = record[key]
        record[where[-1]] = value

    edit(certificate, change)
    with pytest.raises(NotConfirmed, match=reason):
        verify.verify(certificate)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "\xff",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1, "a": 2}',
        "[" * 100_000,
        "1" * 10_000,
    ],
    ids=["empty", "cut", "not UTF-8", "NaN", "infinity", "twice", "deep", "long"],
)
def test_what_is_not_strict_json_is_unreadable(tmp_path, text):
    (tmp_path / "c.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(Unreadable, match=r"^c.json: no certificate"):
        verify.verify(tmp_path / "c.json")


def test_a_number_beyond_the_floats_is_denied(tmp_path):
    certificate = save(tmp_path, [np.eye(2)])
    certificate.write_text(certificate.read_text().replace('"bound": 1.0', '"bound": 1e999'))
    with pytest.raises(NotConfirmed, match="neither a number"):
        verify.verify(certificate)


@pytest.mark.parametrize("content", [b"", b"not a zip", None, "pickle", "array"])
def test_factors_that_cannot_be_read_are_unreadable(tmp_path, content):
    certificate = save(tmp_path, [np.eye(2)])
    factors = tmp_path / "factors.npz"
    if content == "pickle":
        np.savez(factors, Z1=np.array([{}], object), allow_pickle=True)
    elif content == "array":
        with factors.open("wb") as file:
            np.save(file, np.eye(2))
    else:
        factors.write_bytes(factors.read_bytes()[:150] if content is None else content)
    with pytest.raises(Unreadable, match=r"^factors.npz: no readable npz"):
        verify.verify(certificate)


ALLOWED = {"flint", "numpy", *sys.stdlib_module_names}


def imported(source):
    """The top-level names that a module imports; a relative import counts as the package's own."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "rankone" if node.level else str(node.module).split(".")[0]


def test_verifier_imports_only_the_standard_library_and_numpy():
    assert set(imported(Path(verify.__file__).read_text())) <= ALLOWED


@pytest.mark.parametrize(
    "line", ["import scipy.linalg", "from rankone.proof.rounding import gamma", "from . import certificate"]
)
def test_import_guard_can_fail(line):
    assert not set(imported(line)) <= ALLOWED


def test_a_file_name_that_no_system_takes_is_unreadable(tmp_path):
    certificate = save(tmp_path, [np.eye(2)])
    edit(certificate, lambda record: record["factors"].update(file="f\0.npz"))
    with pytest.raises(Unreadable, match="null byte"):
        verify.verify(certificate)


def test_npz_member_that_is_damaged_inside_is_unreadable(tmp_path):
    certificate = save(tmp_path, [np.eye(2)])
    with zipfile.ZipFile(tmp_path / "factors.npz", "w") as archive:
        archive.writestr("Z1.npy", b"\x93NUMPY\x01\x00" + b"\xff" * 40)
    with pytest.raises(Unreadable, match="no readable npz"):
        verify.verify(certificate)
