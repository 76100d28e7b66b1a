"""What is committed elsewhere and shown on the site; pages link it where it lies in the repository."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
# Where it lies -> where the site has it.
SHOWN = {"paper_figs/shown": "figures", "benchmarks/results": "measured", "examples": "examples"}
ENDINGS = (".png", ".md", ".py")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The site's files, with the figures, the dated tables and the examples."""
    for folder, place in SHOWN.items():
        for path in sorted(ROOT.glob(f"{folder}/*")):
            if path.suffix in ENDINGS:
                files.append(File.generated(config, f"{place}/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with links to them where the site has them."""
    for folder, place in SHOWN.items():
        markdown = markdown.replace(f"../{folder}/", f"{place}/")
    return markdown
