"""The site is built without a warning, asks nothing of the network, and has every module in its reference."""

import html
import re
import shutil

import pytest

from tests.helpers import sources
from tests.helpers.site import Site, build

LOADS = re.compile(r"<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=\"?([^\"\s>]+)")
OUTSIDE = re.compile(r"^(?:https?:)?//")


def loaded_from_outside(page: str) -> list[str]:
    """What the page would ask of the network when it is opened."""
    return [address for address in LOADS.findall(page) if OUTSIDE.match(address)]


def unread_formulas(page: str) -> list[str]:
    """Formulas that were left as TeX."""
    return re.findall(r'class="arithmatex"|<m[ino]>\\\w+', page)


def test_the_site_is_built_without_a_warning(site: Site) -> None:
    assert site.status == 0, site.said
    assert "WARNING" not in site.said


def test_no_page_asks_anything_of_the_network(site: Site) -> None:
    found = {page.name: loaded_from_outside(page.read_text(encoding="utf-8")) for page in site.pages()}
    assert {page: addresses for page, addresses in found.items() if addresses} == {}
    styles = [path.read_text(encoding="utf-8") for path in site.folder.rglob("*.css")]
    assert styles and not any(re.search(r"url\(['\"]?(?:https?:)?//|@import", style) for style in styles)


def test_every_formula_is_mathml(site: Site) -> None:
    pages = [page.read_text(encoding="utf-8") for page in site.pages()]
    assert sum(page.count("<math ") for page in pages) > 100
    assert [formula for page in pages for formula in unread_formulas(page)] == []


def test_the_reference_has_every_module_with_its_docstring(site: Site) -> None:
    pages = {
        page.stem: page.read_text(encoding="utf-8") for page in (site.folder / "reference").glob("*.html")
    }
    for house in ("rankone", "torch_backend"):
        for package in sources.packages(sources.ROOT / house):
            name = ".".join(package.relative_to(sources.ROOT).parts)
            page = pages.pop(name)
            for file in package.glob("[!_]*.py"):
                assert f'id="{name}.{file.stem}"' in page, file
    assert pages == {}
    assert "the best constant in d(Ax, Ay)" in html.unescape(
        (site.folder / "reference" / "rankone.html").read_text(encoding="utf-8")
    )


def test_no_docstring_is_taken_for_a_box(site: Site) -> None:
    """As "name: words" with an indented line below would be; written "name   words", it is prose."""
    boxed = {page.name for page in site.pages() if is_boxed(page.read_text(encoding="utf-8"))}
    assert boxed == set()


def is_boxed(page: str) -> bool:
    return "<details" in page or 'class="admonition' in page


def test_the_figures_that_pages_show_are_there(site: Site) -> None:
    shown = {
        page.parent / address
        for page in site.folder.glob("*.html")
        for address in re.findall(r'<img [^>]*src="([^"]+)"', page.read_text(encoding="utf-8"))
    }
    assert len(shown) >= 10 and all(picture.is_file() for picture in shown)


def test_the_readme_links_what_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (sources.ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(links) > 10 and {link for link in links if not (sources.ROOT / link).exists()} == set()


# ---------------------------------------------------------------- the guards can fail

FAULTS = """# A page

A [link](nowhere.md) and [a place](theory.md#nowhere), `rankone.nothing` and $\\nonsense{x}$.
"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory) -> Site:
    """The site with a page more, which has four faults and stands in no navigation."""
    project = tmp_path_factory.mktemp("project")
    for name in ("rankone", "torch_backend", "docs"):
        shutil.copytree(
            sources.ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors")
        )
    for folder in ("paper_figs/shown", "benchmarks/results"):
        shutil.copytree(sources.ROOT / folder, project / folder)
    shutil.copy(sources.ROOT / "mkdocs.yml", project)
    (project / "docs" / "faults.md").write_text(FAULTS, encoding="utf-8")
    return build(project, project / "site")


@pytest.mark.parametrize(
    "fault", ["nowhere.md", "theory.md#nowhere", "rankone.nothing", "nonsense", "faults.md"]
)
def test_a_fault_is_noticed(faulty: Site, fault: str) -> None:
    assert faulty.status != 0
    assert any("WARNING" in line and fault in line for line in faulty.said.splitlines())


@pytest.mark.parametrize(
    "line",
    [
        '<script src="https://unpkg.com/x"></script>',
        '<link rel="stylesheet" href="//fonts.googleapis.com/css">',
        "<img alt=x src=http://a.b/c.png>",
    ],
)
def test_what_is_loaded_from_outside_is_noticed(line: str) -> None:
    assert loaded_from_outside(line)
    assert not loaded_from_outside(
        '<a href="https://arxiv.org">a link to follow</a><img src="figures/a.png">'
    )


def test_a_box_is_noticed() -> None:
    assert is_boxed('<details class="seed" open>') and not is_boxed("<p>details</p>")


def test_a_formula_that_is_left_is_noticed() -> None:
    assert unread_formulas('<span class="arithmatex">') and unread_formulas(r"<mi>\foo</mi>")
    assert not unread_formulas("<mi>x</mi>")
