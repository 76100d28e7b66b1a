"""The command line `rankone`. Heavy imports stay inside the commands: `rankone --help` answers at once.

networks  csc, model, relevance, cone, patterns: on a network and images
theory    claims, certify, verify
options   the options they share, and what these name
"""

import sys

try:
    import typer
except ImportError:
    sys.exit("rankone: the command line needs typer; do: pip install 'rankone[cli]'")

from rankone.cli import networks, theory
from rankone.errors import one_line

app = typer.Typer(
    name="rankone",
    help="Does a saliency map depend on the decision? Measured, explained, proved.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def version() -> None:
    """Print the version."""
    from rankone import __version__

    typer.echo(__version__)


for command in (
    version,
    theory.claims,
    networks.csc,
    networks.model,
    networks.relevance,
    networks.cone,
    networks.patterns,
    theory.certify,
    theory.verify,
):
    app.command()(command)


def main() -> None:
    """Entry point: bad input gets one line on stderr and exit status 2, Ctrl-C exit status 130."""
    with one_line("rankone"):
        app()
