"""The command `rankone audit`: what may be said of each attribution method on a network, and why."""

import shlex
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rankone.cli.each import SOME_FAILED, Runs
from rankone.cli.engines import SchedulerAddress, ShardName, WorkerCount, engine
from rankone.cli.engines import shard as named_shard
from rankone.cli.options import (
    METHODS,
    Device,
    Extra,
    Held,
    Images,
    Limit,
    ModelOrNone,
    Output,
    Quiet,
    Strict,
    Weights,
    names,
    notes_on_stderr,
    say_skipped,
)
from rankone.errors import refuse, visible
from rankone.results.whole import refuse_unwritable

if TYPE_CHECKING:
    from rankone.scale import Engine, Receipt, Shard
    from torch_backend.audit.bench import Bench
    from torch_backend.audit.options import Options
    from torch_backend.audit.tasks import Gathered

DEFAULT = "gradient,lrp_z,guided_backprop,z_plus,deep_taylor,alpha_beta:2:1"
FILES = ("results.nc", "summary.json", "report.html", "units/unit.npz", "figures/figure.png")


def audit(
    *,
    out: Annotated[
        Path, typer.Option(help="Folder for report.html, results.nc, summary.json; its units/ resume a run.")
    ],
    model: ModelOrNone = None,
    attribute: Annotated[
        str | None,
        typer.Option(help="Another tool's maps: FILE.py:NAME, attribute(model) or attribute(x, classes)."),
    ] = None,
    weights: Weights = None,
    images: Images = "sample",
    output: Output = None,
    extra: Extra = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help=f"all, or: {METHODS} Also smooth_grad, integrated_gradients, grad_cam:LAYER, occlusion."
        ),
    ] = None,
    classes: Annotated[
        str, typer.Option(help="Other classes for each image, at most: a number, 0 for none, or all.")
    ] = "9",
    draws: Annotated[int, typer.Option(help="Draws of the random weights.")] = 1,
    stages: Annotated[
        str,
        typer.Option(help="Down to which layers weights are destroyed: some, all, or names with commas."),
    ] = "some",
    starts: Annotated[
        str, typer.Option(help="Layers where random relevance starts: some, all, or names with commas.")
    ] = "some",
    vectors: Annotated[int, typer.Option(help="Random start vectors per image and layer.")] = 3,
    closely: Annotated[
        int, typer.Option(help="The first so many images are looked at layer by layer; the first is proved.")
    ] = 2,
    protocol: Annotated[
        str, typer.Option(help="corrected, or paper: as its code compares maps and draws weights.")
    ] = "corrected",
    device: Device = "cpu",
    limit: Limit = 8,
    fail_on: Annotated[
        str,
        typer.Option(
            help="Questions of which a failure is exit status 1, with commas: class, weights, image, "
            "collapse, repeat, batch; or none."
        ),
    ] = "class,weights,image,repeat,batch",
    workers: WorkerCount = None,
    scheduler: SchedulerAddress = None,
    shard: ShardName = None,
    seed: Annotated[int, typer.Option(help="Seed of classes, weights and start vectors.")] = 0,
    float64: Annotated[bool, typer.Option("--float64", help="Twice the digits.")] = False,
    held: Held = True,
    strict: Strict = False,
    quiet: Quiet = False,
) -> None:
    """Audit methods: does a map depend on the class, the weights, the image? Said in words, with the number.

    Exit status: 0 no method fails, 1 some method fails, 2 bad input, 3 something could not be judged.
    """
    from paper_figs.report import page
    from paper_figs.report.figures.written import write_figures
    from torch_backend.audit.options import Options
    from torch_backend.audit.tasks import gathered
    from torch_backend.commands import audit as command
    from torch_backend.commands import audited, subjects

    by, part = engine(workers, scheduler), named_shard(shard)
    refuse_unwritable(*(out / file for file in FILES))
    questions, began = audited.deciding(fail_on), time.monotonic()
    if model is None and attribute is None:
        refuse("model", expected="the name of a network", got="none", do="give --model, or --attribute")
    asked = methods or ("" if attribute else DEFAULT)
    chosen = subjects.ALL if asked == "all" else [name.strip() for name in asked.split(",") if name.strip()]
    options = Options(
        model or "",
        str(out),
        (*chosen, *([attribute] if attribute else ())),
        weights,
        images,
        output,
        tuple(extra or ()),
        protocol,
        device,
        subjects.count(classes),
        draws,
        _some(stages),
        _some(starts),
        vectors,
        limit,
        closely,
        seed,
        float64,
        held,
        strict,
        attribute,
    )
    with notes_on_stderr():
        bench = command.laid(options)
    say_skipped(list(bench.skipped), len(bench.images), out / "skipped.csv")
    receipts = _carried_out(bench, options, by, part, processes=workers or 1, quiet=quiet)
    if shard is not None:
        raise typer.Exit(_end_of_a_shard(receipts, part))
    found = gathered(bench, options)
    if len(found.failed) == len(options.methods):
        _refuse(bench, found)
    said = audited.judgements(bench, options, found)
    ending = audited.outcome(said, found.failed, questions)
    words = shlex.join(["rankone", *sys.argv[1:]])
    date = datetime.now(UTC).isoformat(timespec="seconds")
    made = command.provenance(bench, options, words, time.monotonic() - began, date)
    results = audited.write_results(out, found, made)
    summary = audited.write_summary(out, audited.summary(bench, found, said, made, ending, []))
    figures = [path.relative_to(out) for path in write_figures(results, summary, out / audited.FIGURES)]
    audited.write_summary(out, audited.summary(bench, found, said, made, ending, map(str, figures)))
    report = page.write(results, summary, out / audited.REPORT)
    typer.echo(audited.words(said, found.failed))
    typer.echo(f"\n{ending['said']}\nWritten: {report}, {results}, {summary}, {out / audited.FIGURES}")
    for method, why in found.failed.items():
        typer.echo(visible(f"rankone: {method} failed, the others are in {report}: {why}"), err=True)
    raise typer.Exit(ending["status"])


def _some(text: str) -> str | tuple[str, ...]:
    """ "some", "all", or names that were written with commas."""
    return text if text in ("some", "all") else tuple(names(text, all_of_them="all"))


def _carried_out(
    bench: "Bench", options: "Options", by: "Engine", part: "Shard", *, processes: int, quiet: bool
) -> "list[Receipt]":
    """The receipts of all tasks, or of a shard of them; what is there is not computed again."""
    from rankone.scale import Here, carry_out
    from torch_backend.audit.tasks import tasks, units
    from torch_backend.commands import audit as command
    from torch_backend.commands.carrying import loading, run_of, worker
    from torch_backend.commands.progress import Progress, lasting

    every = tasks(bench, options)
    run_of(bench, options, sys.argv[1:]).write(options.out)
    work = command.left(bench, options, tuple(every[k] for k in part.of(len(every))))
    if not quiet and work:
        counts = f"{_count(len(options.methods), 'method')}, {_count(len(bench.images), 'image')}"
        there = f" of {len(every)}" if len(work) < len(every) else ""
        seconds = command.estimate(bench, work) / processes
        said = f"{counts}, {len(work)}{there} units: about {lasting(seconds)}"
        typer.echo(visible(f"rankone: {bench.label}: {said}"), err=True)
    costs = {task.name: round(task.cost) for task in work}
    with Progress(bench.label, sum(costs.values()), "map", quiet=quiet) as report:

        def ended(receipt: "Receipt") -> None:
            if cost := costs.get(every[receipt.place].name, 0):
                report.advance(cost)

        here = isinstance(by, Here)
        make_worker = (lambda: worker(bench, options)) if here else loading(options)
        return carry_out(len(every), make_worker, by, folder=units(options).folder, shard=part, ended=ended)


def _end_of_a_shard(receipts: "list[Receipt]", part: "Shard") -> int:
    """Says what became of a shard's tasks; the exit status."""
    errors = [receipt for receipt in receipts if receipt.error]
    done = f"{len(receipts) - len(errors)} of {_count(len(receipts), 'task')} done"
    typer.echo(f"Shard {part}: {done}. Join all shards: rankone merge DIR … --out DIR")
    for receipt in errors:
        typer.echo(visible(f"rankone: task {receipt.place}: {receipt.error}"), err=True)
    return SOME_FAILED if errors else 0


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def _refuse(bench: "Bench", found: "Gathered") -> None:
    """ValueError naming each method that failed, or the one reason that all of them have."""
    runs = Runs(list(bench.subjects.values()))
    runs.failed = {method: ValueError(why) for method, why in found.failed.items()}
    runs.end()
