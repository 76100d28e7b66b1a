"""The committed figures on the site. Pages link them where they lie, for who reads the sources."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

SHOWN = Path(__file__).parents[2] / "paper_figs" / "shown"
LINKED, SITE = "../paper_figs/shown/", "figures/"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The site's files, and figures/NAME.png for each that is committed."""
    for picture in sorted(SHOWN.glob("*.png")):
        files.append(File.generated(config, SITE + picture.name, abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with links to the figures where the site has them."""
    return markdown.replace(LINKED, SITE)
