"""The command line `rankone`. Heavy imports stay inside the commands: `rankone --help` answers at once."""

import sys
from typing import Annotated

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


@app.command()
def claims(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list instead of text.")] = False,
    id: Annotated[str | None, typer.Option(help="One claim: its evidence in plain words.")] = None,
) -> None:
    """Run the evidence for the paper's claims. Exit status 1 if a verdict is not reproduced."""
    from tqdm import tqdm

    from rankone.claims import LEDGER, find, report

    chosen = LEDGER if id is None else (find(id),)
    runs = [report.run(claim) for claim in tqdm(chosen, desc="claims", leave=False, disable=None)]
    if as_json:
        typer.echo(report.as_json(runs))
    else:
        typer.echo(report.table(runs) if id is None else report.page(runs[0]))
    if any(run.evidence is None for run in runs):
        raise typer.Exit(1)


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
