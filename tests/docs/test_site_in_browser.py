"""The site opened from its files: no complaint, nothing too wide, formulas drawn, the search answers."""

import time
from collections.abc import Iterator

import pytest

from tests.helpers.browser import Browser, browser, skip_without_browser

PAGES = (
    "index.html",
    "theory.html",
    "comparison.html",
    "tutorials/audit.html",
    "reference/rankone.html",
)
PATIENCE = 20  # seconds for the index of the search to be read, on a busy machine
ASKED = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
FRACTIONS = """return [...document.querySelectorAll('mfrac')].map((fraction) => {
  const [above, below] = [...fraction.children].map((part) => part.getBoundingClientRect())
  return above.height > 0 && above.bottom <= below.top + 1
})"""
FOUND = "return [...document.querySelectorAll('.md-search-result__item')].map((item) => item.textContent)"


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    skip_without_browser()
    with browser() as opened:
        yield opened


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_complained_of_and_nothing_is_too_wide(window, site, page, width) -> None:
    window.open(site.folder / page, width=width)
    assert window.errors() == []
    assert window.overflow() == 0


def test_nothing_is_asked_of_the_network(window, site) -> None:
    for page in PAGES:
        window.open(site.folder / page, width=1440)
        asked = window.run(ASKED)
        assert all(address.startswith(("file:", "data:", "blob:")) for address in asked), asked


def test_fractions_stand_above_each_other(window, site) -> None:
    """Without a script: MathML is drawn by the browser itself."""
    window.open(site.folder / "theory.html", width=1440)
    drawn = window.run(FRACTIONS)
    assert len(drawn) > 10 and all(drawn)


def test_the_search_answers_without_a_server(window, site) -> None:
    window.open(site.folder / "index.html", width=1440)
    window.run("document.querySelector('.md-search__input').focus()")
    window.press("Birkhoff")
    until = time.monotonic() + PATIENCE
    while not (found := window.run(FOUND)) and time.monotonic() < until:
        time.sleep(0.2)
    assert any("Birkhoff" in text for text in found)


# ---------------------------------------------------------------- the guards can fail


def test_a_page_with_faults_is_noticed(window, tmp_path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<!doctype html><script src=http://127.0.0.1:9/x.js></script><div style='width:2000px'>wide</div>"
        "<p>no mathematics: <mfrac><mi>a</mi><mi>b</mi></mfrac></p>",
        encoding="utf-8",
    )
    window.open(page, width=390)
    assert window.errors() != []
    assert window.overflow() > 0
    assert any(address.startswith("http:") for address in window.run(ASKED))
    assert window.run(FRACTIONS) == [False]
