"""The reference: a page for each package, from its docstrings; `rankone.…` on any page is a link to it."""

import ast
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
HOUSES = ("rankone", "torch_backend")
FENCE = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
NAME = re.compile(rf"(?<![\[`])`((?:{'|'.join(HOUSES)})(?:\.\w+)+)`(?![\]`])")


def packages() -> Iterator[tuple[str, str, list[str]]]:
    """(package, its contents page, its public modules) of both houses; outer packages before inner ones."""
    for house in HOUSES:
        for init in sorted((ROOT / house).rglob("__init__.py")):
            folder = init.parent
            name = ".".join(folder.relative_to(ROOT).parts)
            contents = ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))) or ""
            yield name, contents, [f"{name}.{path.stem}" for path in sorted(folder.glob("[!_]*.py"))]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The navigation with a section of the reference for each house."""
    pages = {house: [] for house in HOUSES}
    for package, _, _ in packages():
        pages[package.partition(".")[0]].append({package: _place(package)})
    config.nav.append({"Reference": [{house: entries} for house, entries in pages.items()]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The site's files, and the reference's pages, which mkdocstrings fills in."""
    for package, contents, modules in packages():
        page = "\n\n".join(
            [f"# {package}", f"```text\n{contents}\n```", *(f"::: {module}" for module in modules)]
        )
        files.append(File.generated(config, _place(package), content=page))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with `rankone.contraction` and its like as links into the reference; code stays as it is."""
    parts = FENCE.split(markdown)
    parts[::2] = [NAME.sub(partial(_link, page.file.src_uri), prose) for prose in parts[::2]]
    return "".join(parts)


def _link(page: str, name: re.Match[str]) -> str:
    """To the page of a package, or to the place of a module or of what is in it."""
    if (ROOT.joinpath(*name[1].split("."), "__init__.py")).exists():
        return f"[`{name[1]}`]({'../' * page.count('/')}{_place(name[1])})"
    return f"[`{name[1]}`][{name[1]}]"


def _place(package: str) -> str:
    return f"reference/{package}.md"
