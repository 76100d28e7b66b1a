"""The command line `rankone`. Heavy imports stay inside the commands: `rankone --help` answers at once."""

import sys

try:
    import typer
except ImportError:
    sys.exit("rankone: the command line needs typer; do: pip install 'rankone[cli]'")

app = typer.Typer(
    name="rankone",
    help="Does a saliency map depend on the decision? Measured, explained, proved.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def version() -> None:
    """Print the version."""
    from rankone import __version__

    typer.echo(__version__)


def main() -> None:
    """Entry point: bad input gets one line on stderr and exit status 2, Ctrl-C exit status 130."""
    try:
        app()
    except (ValueError, OSError, MemoryError) as error:
        message = " ".join(str(error).split()) or type(error).__name__
        print(f"rankone: {message}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("rankone: interrupted", file=sys.stderr)
        sys.exit(130)
