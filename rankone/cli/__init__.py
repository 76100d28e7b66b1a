"""The command line `rankone`. Heavy imports stay inside the commands: `rankone --help` answers at once.

networks  csc, predict, model, relevance, cone, patterns: on a network and images
audit     audit: what may be said of each method
sanity    sanity: do maps depend on the class, on the weights?
certify   certify: of a chain of matrices, or of a network
theory    claims, verify
merge     merge: the shards of a run become the run
engines   --workers, --scheduler, --shard: who carries tasks out
options   the options they share, and what these name
each      several methods, of which one may fail
"""

import sys
from typing import Any, cast

try:
    import typer
except ImportError:
    sys.exit("rankone: the command line needs typer; do: pip install 'rankone[cli]'")

from rankone.cli import audit, certify, merge, networks, sanity, theory
from rankone.errors import one_line, refuse

INTERRUPTED = 130  # what Typer makes of Ctrl-C
UsageError = cast(Any, typer.BadParameter).__base__  # Click's; newer Typers have a Click of their own

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
    networks.predict,
    networks.model,
    networks.relevance,
    networks.cone,
    networks.patterns,
    audit.audit,
    sanity.sanity,
    certify.certify,
    theory.verify,
    merge.merge,
):
    app.command()(command)


def main() -> None:
    """Entry point: bad input gets one line on stderr and exit status 2, Ctrl-C one and 130."""
    with one_line("rankone"):
        sys.exit(_status(sys.argv[1:] or ["--help"]))


def _status(arguments: list[str]) -> int:
    """The exit status of a command; ValueError for wrong arguments, KeyboardInterrupt for Ctrl-C."""
    try:
        status = app(arguments, prog_name="rankone", standalone_mode=False)
    except UsageError as error:
        command = error.ctx.command_path if error.ctx else "rankone"
        got = error.format_message().rstrip(".")
        refuse("arguments", expected=f"what {command} --help lists", got=got, do="correct the command")
    except RuntimeError as error:  # torch has no MemoryError of its own
        if "can't allocate memory" not in str(error):
            raise
        got = str(error).splitlines()[0]
        refuse("memory", expected="room for all numbers", got=got, do="ask for fewer images or vectors")
    if status == INTERRUPTED:
        raise KeyboardInterrupt
    return status or 0
