"""The command `rankone merge`: the shards of a run become the run."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from rankone.cli.each import SOME_FAILED
from rankone.errors import visible

NAMED = 10  # tasks and files that are named; of more the number is said


def merge(
    folders: Annotated[list[Path], typer.Argument(help="Run directories: the --out of each shard.")],
    *,
    out: Annotated[Path, typer.Option(help="The run directory of all; it may be one of them.")],
) -> None:
    """Merge the shards of a run, and finish it as its command would: tables, verdicts, pages.

    Where tasks are missing they are named, nothing is finished, and the exit status is 3.
    """
    from rankone.cli import app
    from rankone.scale import merge as merged_in

    merged = merged_in(folders, out)
    typer.echo(visible(f"{out}: {merged.summary()}"))
    _name("damaged", [str(path) for path in merged.damaged])
    _name("missing", merged.missing)
    words = [*merged.run.command, "--out", str(out)]
    if merged.missing:
        if merged.run.command:
            typer.echo(
                visible(f"What is missing is computed by: {shlex.join(['rankone', *words])}"), err=True
            )
        raise typer.Exit(SOME_FAILED)
    if merged.run.command:
        raise typer.Exit(app(words, prog_name="rankone", standalone_mode=False) or 0)


def _name(what: str, names: "list[str] | tuple[str, ...]") -> None:
    if names:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        typer.echo(visible(f"rankone: {what}: {', '.join(names[:NAMED])}{more}"), err=True)
