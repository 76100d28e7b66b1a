"""The page of an audit keeps its rules whatever was measured and whatever things are called."""

import io
import json
import re
from base64 import b64decode

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from PIL import Image

from paper_figs.report import charts, ledger, maps, page, scores, wording
from paper_figs.report.looks import looks_of
from paper_figs.report.page import rendered, write
from paper_figs.report.reading import Audit
from paper_figs.report.sizes import LARGEST, LIMIT, SIZES
from paper_figs.report.verdicts import QUESTIONS
from rankone.errors import visible
from tests.helpers import audit_example as example
from tests.helpers.page_rules import broken, parsed

SMALL = {"layers": 4, "starts": 2, "stages": 2, "draws": 1, "side": 6}
SOME = settings(max_examples=25, deadline=None, derandomize=True)
SHORT = ("one", "two")
METHODS = [("gradient",), SHORT, example.METHODS, example.SEVENTEEN]
ORDER = (
    *("verdicts", "sentences", "provenance", "convergence", "classes", "other", "image"),
    *("edges", "weights", "same"),
    *("maps", "ledger", "limits", "thresholds", "glossary"),
)


def audit(**options) -> Audit:
    said = {name: options[name] for name in ("methods", "images", "name") if name in options}
    return Audit(example.dataset(**{**SMALL, **options}), example.summary(**said))


def html(**options) -> str:
    return rendered(audit(**options), LARGEST)


def from_files(folder, **options) -> str:
    it = audit(**options)
    return write(*example.written(folder, it.data, it.summary), folder / "report.html").read_text("utf-8")


# ---------------------------------------------------------------- rules


@pytest.mark.parametrize("methods", METHODS, ids=len)
@pytest.mark.parametrize("images", [1, 3])
def test_the_page_breaks_no_rule(methods, images) -> None:
    assert broken(html(methods=methods, images=images)) == []


def test_the_parts_stand_in_their_order() -> None:
    found = [attrs["id"] for tag, attrs in parsed(html()).tags if tag == "section"]
    assert tuple(found) == ORDER


@pytest.mark.parametrize("hostile", example.HOSTILE)
def test_a_name_changes_no_tag_and_is_shown_as_it_is(hostile, tmp_path) -> None:
    named = from_files(tmp_path, name=lambda text: hostile + text)
    tame = from_files(tmp_path, name=lambda text: "x" + text)
    assert broken(named) == []
    assert [tag for tag, _ in parsed(named).tags] == [tag for tag, _ in parsed(tame).tags]
    shown = " ".join(parsed(named).text.split())
    for words in ("a network", "photo0.jpg", "class 0", "a note", "too few images"):
        assert visible(hostile) + words in shown


@given(
    st.sets(st.sampled_from(sorted(example.dataset(**SMALL).data_vars))),
    st.booleans(),
    st.sampled_from(METHODS[:3]),
)
@SOME
def test_what_was_not_measured_is_left_out(lacking, gone, methods) -> None:
    data = example.dataset(**SMALL, methods=methods)
    for name in lacking:
        numeric = data[name].dtype.kind == "f"
        data = data.drop_vars(name) if gone or not numeric else data.assign({name: data[name] * np.nan})
    assert broken(rendered(Audit(data, example.summary(methods=methods)), LARGEST)) == []


def test_without_any_measurement_verdicts_remain() -> None:
    data = example.dataset(**SMALL)
    text = rendered(Audit(data.drop_vars(list(data.variables)), example.summary()), LARGEST)
    assert broken(text) == []
    found = [attrs["id"] for tag, attrs in parsed(text).tags if tag == "section"]
    assert found == ["verdicts", "sentences", "provenance", "limits", "thresholds", "glossary"]


def test_nan_is_not_measured_and_never_zero() -> None:
    whole = audit()
    for name in ("logit", "another", "repeat_gap", "books"):
        whole.data[name][{"method": 1}] = np.nan
    text = " ".join(parsed(rendered(whole, LARGEST)).text.split())
    assert text.count("z_plus not measured") == 2 * len(example.SCORES) + 1, "scores, and once the same again"
    assert wording.number(np.nan) == wording.number(None) == wording.percent(np.nan) == "not measured"
    assert wording.short(np.nan) == "–" and wording.number(0.0) == "0"
    assert wording.number(1 - 1e-6) == "1.00" and wording.number(1) == "1"


# ---------------------------------------------------------------- verdicts


def test_every_verdict_is_a_word_that_leads_to_its_sentence() -> None:
    text = html()
    said = example.summary()["methods"]
    for m, method in enumerate(said):
        for k, verdict in enumerate(method["verdicts"]):
            cell = re.search(rf'<a class="state" href="#verdict-{m}-{k}">(.*?)</a>', text, re.DOTALL).group(1)
            assert f"<span>{verdict['state']}</span>" in cell and "<svg" in cell
            sentence = re.search(rf'<li id="verdict-{m}-{k}".*?</li>', text, re.DOTALL).group(0)
            assert verdict["sentence"] in parsed(sentence).text


def test_states_differ_in_shape() -> None:
    cells = re.findall(r'<a class="state".*?</a>', html(), re.DOTALL)
    shapes = {
        state: {re.search(r"<(circle|rect|path)", cell).group(1) for cell in cells if f">{state}<" in cell}
        for state in ("holds", "fails", "not judged")
    }
    assert shapes == {"holds": {"circle"}, "fails": {"rect"}, "not judged": {"path"}}


def test_a_method_that_failed_is_named_with_its_reason() -> None:
    text = rendered(Audit(example.dataset(**SMALL), example.summary(failed=("z_plus",))), LARGEST)
    assert broken(text) == []
    assert "Came to no end: numbers: expected finite ones, got inf" in text


def test_what_a_tool_hides_is_said_in_words() -> None:
    assert "The tool hides: signs, amounts<" in html()


def test_a_question_and_a_state_that_are_not_known_are_shown() -> None:
    said = example.summary()
    said["methods"][0]["verdicts"][0] |= {"question": "odd", "state": "perhaps"}
    text = rendered(Audit(example.dataset(**SMALL), said), LARGEST)
    assert (
        broken(text) == []
        and '<th scope="col" role="columnheader">odd</th>' in text
        and "perhaps" not in text
    )


def test_the_questions_are_those_of_the_summary() -> None:
    assert tuple(QUESTIONS) == example.QUESTIONS


# ---------------------------------------------------------------- numbers


def test_curves_and_tables_have_the_same_numbers() -> None:
    whole = audit()
    text = rendered(whole, LARGEST)
    (data,) = (json.loads(code) for _, attrs, code in parsed(text).code if attrs.get("id") == "data")
    for k, start in enumerate(data["starts"]):
        for curve in start["curves"]:
            variable = {"measured": "csc", "predicted": "predicted", "null": "csc_null"}[curve["kind"]]
            values = whole.array(variable, "method", "start", "layer")[curve["method"], k]
            np.testing.assert_allclose(curve["values"], values[-len(start["places"]) :], rtol=1e-3)
            for value in curve["values"]:
                assert f"<td>{wording.short(value)}</td>" in text


def test_scores_are_medians_over_images_and_classes() -> None:
    whole = audit()
    for comparison in scores.other_classes(whole):
        k = example.SCORES.index(comparison.score)
        for row in comparison.rows:
            assert row.median == np.median(whole.data["logit"].values[row.method, ..., k])
            assert row.low <= row.median <= row.high


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(lambda x: sum(x) > 0))
@SOME
def test_shares_of_a_conserving_ledger_fill_the_bar(amounts) -> None:
    whole = audit(images=1)
    whole.data["books"][:] = np.array(amounts) / sum(amounts)
    for _, shares in ledger.ledger(whole):
        np.testing.assert_allclose(shares[-1].start + shares[-1].width, 1, atol=1e-12)


# ---------------------------------------------------------------- looks and axes


def test_seventeen_methods_have_seventeen_looks_and_a_family_one_colour() -> None:
    looks = looks_of(example.SEVENTEEN)
    assert len({(look.family.marker, look.dash, look.hollow) for look in looks}) == 17, "also in grey"
    assert len({look.family.colour for look in looks}) == len({look.family.words for look in looks})


@given(st.lists(st.one_of(st.floats(0, 1), st.just(np.nan)), min_size=1, max_size=8), st.booleans())
@SOME
def test_a_curve_stays_in_its_box_and_higher_numbers_stand_higher(values, log) -> None:
    curve = charts.Curve("measured", 0, values)
    axis = charts.axis_of([curve], charts.logarithmic if log else charts.linear)
    drawn = charts.chart([curve], ["x"] * len(values), axis, charts.WIDE)
    box, marks = drawn.box, drawn.lines[0].marks
    known = [v for v in values if v == v]
    assert len(marks) == len(known)
    heights = [box.height - y for _, y, _ in marks]
    assert all(box.bottom <= height <= box.height - box.top for height in heights)
    assert [h for _, h in sorted(zip(known, heights, strict=True))] == sorted(heights)


def test_a_gap_is_no_line() -> None:
    path = charts.chart(
        [charts.Curve("null", 0, [0.1, np.nan, 0.3, 0.4])], "abcd", charts.linear([]), charts.WIDE
    )
    assert re.sub(r"[\d. ]+", "", path.lines[0].path) == "MML"


def test_a_pixel_that_is_nan_has_a_colour_of_no_number() -> None:
    whole = audit()
    whole.data["map"][0, 0, 0, 2, 3] = np.nan
    uri = maps.shown(whole, LARGEST)[0].rows[0].pictures[0][0]
    picture = np.asarray(Image.open(io.BytesIO(b64decode(uri.partition(",")[2]))).convert("RGB"))
    grey = (picture == np.round(255 * np.array(to_rgb(maps.MISSING)))).all(-1)
    assert np.argwhere(grey).tolist() == [[2, 3]]


# ---------------------------------------------------------------- files


def test_a_large_audit_fits_and_says_what_it_lacks(tmp_path) -> None:
    large = {"layers": 12, "stages": 8, "side": 96, "shown": 3, "images": 4, "starts": 3}
    data = example.dataset(methods=example.SEVENTEEN, **large)
    out = write(
        *example.written(tmp_path, data, example.summary(methods=example.SEVENTEEN)), tmp_path / "report.html"
    )
    assert LIMIT / 3 < out.stat().st_size < LIMIT
    assert "this page has maps of at most 64 × 64 pixels" in out.read_text("utf-8")


def test_sizes_fall_and_the_largest_lacks_nothing() -> None:
    whole = audit(side=40, starts=4, shown=3)
    lengths = [len(rendered(whole, size)) for size in SIZES]
    assert lengths == sorted(lengths, reverse=True) and not LARGEST.said()
    assert "To stay below 3 MB" in rendered(whole, SIZES[-1])


def test_what_fits_nowhere_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(page, "LIMIT", 1000)
    files = example.written(tmp_path, example.dataset(**SMALL), example.summary())
    with pytest.raises(ValueError, match=r"report\.html: expected a page of less than"):
        write(*files, tmp_path / "report.html")


def test_other_files_are_refused(tmp_path) -> None:
    data, said = example.dataset(**SMALL), example.summary()
    results, summary = example.written(tmp_path, data, said)
    for file, content in ((results, b"no netcdf"), (results, b""), (summary, b"{"), (summary, b"[]")):
        kept = file.read_bytes()
        file.write_bytes(content)
        with pytest.raises(ValueError, match=f"{file.name}: expected .*, got .*; run the audit again"):
            write(results, summary, tmp_path / "report.html")
        file.write_bytes(kept)
    del said["methods"][1]["verdicts"][2]["state"]
    with pytest.raises(ValueError, match=r"summary.json: expected the key 'state', got none; run the audit"):
        write(*example.written(tmp_path, data, said), tmp_path / "report.html")
    said = example.summary()
    data["csc"] = data["csc"].isel(start=0, drop=True)
    with pytest.raises(ValueError, match="csc: expected dimensions method, start, layer, got method, layer"):
        write(*example.written(tmp_path, data, said), tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_methods_in_another_order_keep_their_numbers(tmp_path) -> None:
    data, said = example.dataset(**SMALL), example.summary()
    plain = write(*example.written(tmp_path, data, said), tmp_path / "a.html").read_text("utf-8")
    turned = write(*example.written(tmp_path, data.isel(method=[4, 2, 0, 1, 3]), said), tmp_path / "b.html")
    assert turned.read_text("utf-8") == plain


# ---------------------------------------------------------------- the guards can fail

FAULTS = {
    "style attribute": ("<main>", '<main style="color:red">'),
    "inline handler": ("<main>", '<main onclick="x()">'),
    "id twice": ("<main>", '<main id="verdicts">'),
    "leads nowhere": ("<main>", '<main><a href="#gone">x</a>'),
    "from elsewhere": ("<main>", '<main><img alt="x" src="https://x.example/x.png">'),
    "a link with a scheme": ("<main>", '<main><a href="javascript:x">x</a>'),
    "no words for a picture": ("<main>", '<main><img src="data:,">'),
    "tags out of order": ("<main>", "<main><p><b></p></b>"),
    "not allowed: script": ("<main>", "<main><script>x</script>"),
    "not allowed: style": ("</style>", "p{}</style>"),
    "loose policy": ("script-src", "script-src 'unsafe-inline'"),
    "policy: default-src": ("default-src &#39;none&#39;", "default-src *"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_rule_is_noticed(fault) -> None:
    good = html()
    bad = good.replace(*FAULTS[fault], 1)
    assert bad != good and any(said.startswith(fault) for said in broken(bad))


def test_a_name_that_is_not_escaped_is_noticed() -> None:
    good = html(name=lambda text: "<b>" + text)
    assert [tag for tag, _ in parsed(good.replace("&lt;b&gt;", "<b>", 1)).tags] != [
        t for t, _ in parsed(good).tags
    ]
