"""The page of an audit in a browser: it draws, its controls work, nothing is wider than the window."""

import re
from dataclasses import replace

import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from paper_figs.report import charts, convergence, scores
from paper_figs.report.page import write
from paper_figs.report.reading import read
from tests.helpers import audit_example as example
from tests.helpers.browser import browser, excuse, skip_without_browser

WIDTHS = (1440, 390)
HOSTILE = "hostile"
KINDS = ("five", "seventeen", HOSTILE)
CURVES = "#convergence-chart .line"


@pytest.fixture(scope="module")
def window():
    skip_without_browser()
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def audits(tmp_path_factory):
    """Three audits, written."""

    def hostile(text):
        return example.HOSTILE[len(text) % len(example.HOSTILE)] + text

    small = {"side": 8, "draws": 1}
    of = {
        "five": ({}, {}),
        "seventeen": ({"methods": example.SEVENTEEN}, {"layers": 30, "stages": 20}),
        HOSTILE: ({"name": hostile}, {}),
    }
    found = {}
    for kind, (both, data) in of.items():
        folder = tmp_path_factory.mktemp(kind)
        said = example.summary(**both, failed=("occlusion",))
        files = example.written(folder, example.dataset(**small, **both, **data), said)
        found[kind] = (write(*files, folder / "report.html"), read(*files))
    return found


@pytest.fixture
def five(window, audits):
    """The first page on a wide screen, and what it shows."""
    page, audit = audits["five"]
    window.open(page, width=1440)
    return audit


# ---------------------------------------------------------------- what holds for each page


@pytest.mark.parametrize("script", [True, False], ids=["script", "no_script"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_complained_of_and_nothing_is_too_wide(window, audits, kind, width, script) -> None:
    page, audit = audits[kind]
    window.open(page, width=width, script=script)
    assert window.errors() == []
    assert window.overflow() <= 0
    drawn = window.values(CURVES, "d")
    assert len(drawn) == len(convergence.starts(audit, 1)[0].curves) and all(drawn)
    assert len(window.all(".panel .measured .line")) == len(audit.methods)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no_script"])
def test_controls_are_there_where_they_work(window, audits, script) -> None:
    window.open(audits["five"][0], width=1440, script=script)
    shown = [element.is_displayed() for element in window.all("#start, .toggle, [name=axis], #score")]
    assert shown == [script] * len(shown)


def test_names_run_nothing(window, audits) -> None:
    window.open(audits[HOSTILE][0], width=1440)
    assert len(window.all("script")) == 2 and window.all("img[src=x]") == []
    assert len(window.all("select option")) > 0 and "<script>" in window.run("return document.body.innerText")


def test_details_open_without_being_too_wide(window, audits) -> None:
    for kind in KINDS:
        window.open(audits[kind][0], width=390)
        window.run("for (const part of document.querySelectorAll('details')) part.open = true")
        assert window.overflow() <= 0


def test_printed_it_has_no_controls_and_fits(window, audits) -> None:
    window.open(audits["five"][0], width=1440)
    window.printed()
    try:
        assert window.overflow() <= 0
        assert not any(element.is_displayed() for element in window.all("select, input, button, nav"))
        assert all(element.is_displayed() for element in window.all("table.verdicts, .sentences li"))
    finally:
        window.on_screen()


# ---------------------------------------------------------------- controls


def test_another_start_layer_draws_other_curves(window, five) -> None:
    before = window.values(CURVES, "d")
    Select(window.all("#start")[0]).select_by_index(2)
    after = window.values(CURVES, "d")
    assert len(after) == len(convergence.starts(five, 9)[2].curves) and set(after).isdisjoint(before)
    assert "block1" in window.all("#start-said")[0].text


def test_a_linear_axis_draws_other_curves_and_back_the_same(window, five) -> None:
    before = window.values(CURVES, "d")
    window.all("[name=axis][value=linear]")[0].click()
    assert window.values(CURVES, "d") != before and "linear" in window.all("#start-said")[0].text
    window.all("[name=axis][value=log]")[0].click()
    assert window.values(CURVES, "d") == before


def test_methods_go_and_come_back(window, five) -> None:
    def drawn():
        return {int(m) for m in window.values("#convergence-chart [data-method]", "data-method")}

    every = set(range(len(five.methods)))
    assert drawn() == every
    window.all(".toggle[value='1']")[0].click()
    assert drawn() == every - {1}
    window.all("#none")[0].click()
    assert drawn() == set()
    window.all("#all")[0].click()
    assert drawn() == every


def test_another_score_draws_other_curves(window, five) -> None:
    before = window.values(".panel .measured .line", "d")
    Select(window.all("#score")[0]).select_by_index(1)
    after = window.values(".panel .measured .line", "d")
    assert len(after) == len(before) and set(after).isdisjoint(before)


@pytest.mark.parametrize("kind", ["log", "linear"])
@pytest.mark.parametrize("k", range(3))
def test_the_script_draws_what_the_server_draws(window, five, kind, k) -> None:
    """Its numbers have four digits, so its pixels may differ by a tenth."""
    Select(window.all("#start")[0]).select_by_index(k)
    window.all(f"[name=axis][value={kind}]")[0].click()
    width, height = map(float, window.values("#convergence-chart svg", "viewBox")[0].split()[2:])
    start = convergence.starts(five, 9)[k]
    axis = charts.axis_of(start.curves, charts.logarithmic if kind == "log" else charts.linear)
    room = charts.WIDE.below(start.places).bottom - charts.WIDE.bottom
    box = replace(charts.WIDE, width=width, height=height - room)
    expected = charts.chart(start.curves, start.places, axis, box)
    assert_same_paths(window.values(CURVES, "d"), [line.path for line in expected.lines])
    words = window.run(
        "return [...document.querySelectorAll('#convergence-chart text')].map((e) => e.textContent)"
    )
    assert sorted(words) == sorted(text for _, text in (*expected.up, *expected.across))


def test_the_script_draws_the_panels_of_the_server(window, five) -> None:
    before = window.values(".panel .line", "d")
    choice = Select(window.all("#score")[0])
    choice.select_by_index(1)
    choice.select_by_index(0)
    assert_same_paths(window.values(".panel .line", "d"), before)
    assert len(before) == sum(len(curves) for _, curves in scores.destroyed_weights(five)[0].panels)


def assert_same_paths(found, expected) -> None:
    def split(path):
        return re.sub(r"[\d.]+", "#", path), np.array(re.findall(r"[\d.]+", path), float)

    assert len(found) == len(expected)
    for a, b in zip(map(split, found), map(split, expected), strict=True):
        assert a[0] == b[0]
        np.testing.assert_allclose(a[1], b[1], atol=0.21)


# ---------------------------------------------------------------- keyboard


def test_the_first_key_offers_the_verdicts_and_focus_is_seen(window, five) -> None:
    window.press(Keys.TAB)
    assert window.run("return document.activeElement.textContent") == "Skip to the verdicts"
    assert window.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    window.press(Keys.ENTER)
    assert window.run("return location.hash") == "#verdicts"


def test_a_method_is_turned_off_by_its_key(window, five) -> None:
    before = len(window.values(CURVES, "d"))
    window.run("document.querySelector('.toggle').focus()")
    window.press(Keys.SPACE)
    assert len(window.values(CURVES, "d")) < before


def test_every_control_has_a_name(window, five) -> None:
    for element in window.all("select, input, button"):
        assert element.accessible_name.strip()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no_script"])
def test_what_scrolls_can_be_reached_by_key(window, audits, script) -> None:
    window.open(audits["seventeen"][0], width=390, script=script)
    window.run("for (const part of document.querySelectorAll('details')) part.open = true")
    unreached = """return [...document.querySelectorAll('*')]
        .filter((box) => getComputedStyle(box).overflowX === 'auto')
        .filter((box) => box.scrollWidth > box.clientWidth && box.tabIndex < 0).length"""
    assert window.run(unreached) == 0


# ---------------------------------------------------------------- the guards can fail

FAULTS = {
    "a script that throws": ("<p>no</p>", "throw new Error('broken')", "broken"),
    "an inline script": ("<script>1</script>", "", "Content Security Policy"),
    "an inline style": ('<p style="color:red">x</p>', "", "Content Security Policy"),
    "a picture from elsewhere": (
        '<img src="https://127.0.0.1:9/x.png" alt="x">',
        "",
        "Content Security Policy",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_console_says_is_noticed(window, audits, tmp_path, fault) -> None:
    inserted, script, words = FAULTS[fault]
    text = audits["five"][0].read_text("utf-8").replace("<main>", f"<main>{inserted}")
    bad = tmp_path / "bad.html"
    bad.write_text(text, "utf-8")
    window.open(bad, width=1440)
    if script:
        window.run(f"setTimeout(() => {{ {script} }}); return new Promise((done) => setTimeout(done, 50))")
    assert any(words in said for said in window.errors())


def test_a_page_that_is_too_wide_is_noticed(window, audits, tmp_path) -> None:
    text = audits["five"][0].read_text("utf-8")
    bad = tmp_path / "wide.html"
    bad.write_text(text.replace("<main>", '<main><svg width="2000" height="1"></svg>'), "utf-8")
    for width in WIDTHS:
        window.open(bad, width=width)
        assert window.overflow() > 500


def test_ci_has_no_excuse_where_a_browser_can_be_installed() -> None:
    assert excuse(there=True, in_ci=True, could_install=True) is None
    assert "apt-get install" in excuse(there=False, in_ci=True, could_install=False)
    assert "apt-get install" in excuse(there=False, in_ci=False, could_install=True)
    with pytest.raises(AssertionError, match="make browser"):
        excuse(there=False, in_ci=True, could_install=True)
