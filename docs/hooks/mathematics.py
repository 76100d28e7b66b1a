"""Formulas as MathML, made when the site is built: browsers draw it without a script or a font."""

import html
import logging
import re
from functools import partial

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

LOG = logging.getLogger("mkdocs.hooks.mathematics")
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
# What is not understood is left as it is: a command with its backslash, or an alignment's ampersand.
LEFT_OVER = re.compile(r"<m[ino]>(?:\\[a-zA-Z]+|&(?:amp;)?)</m[ino]>")
# A function's name and its argument, where no bracket stands between them: TeX leaves a thin space there.
NAME = re.compile(r"(?<!<msup>)(?<!<msub>)(<mi>(?:ln|cos|sin|cosh|sinh|tanh|arccos)</mi>)(?!<mo|</)")


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page's HTML with every formula as MathML; a warning for a TeX command that is not understood."""
    return FORMULA.sub(partial(_mathml, page.file.src_uri), content)


def _mathml(page: str, formula: re.Match[str]) -> str:
    tex = html.unescape(formula[3])
    drawn = convert(tex, display="block" if formula[2] == "[" else "inline")
    if LEFT_OVER.search(drawn):
        LOG.warning("%s: not understood in the formula %s", page, tex)
    spaced = NAME.sub(r'\1<mspace width="0.17em" />', drawn)
    return f'<{formula[1]} class="formula">{spaced}</{formula[1]}>'
