"""The command `rankone sanity`: does a map depend on the class, and on the weights?"""

from pathlib import Path
from typing import Annotated

import typer

from rankone.cli.each import Runs
from rankone.cli.options import (
    METHODS,
    Extra,
    Held,
    Images,
    Limit,
    Model,
    Output,
    Quiet,
    Strict,
    Weights,
    names,
    opened,
    say_units,
)
from rankone.results.whole import refuse_unwritable


def sanity(
    *,
    model: Model,
    out: Annotated[Path, typer.Option(help="Folder for sanity.png and .csv, and the units of the run.")],
    weights: Weights = None,
    images: Images = "sample",
    output: Output = None,
    extra: Extra = None,
    methods: Annotated[
        str,
        typer.Option(
            help=f"{METHODS} Also smooth_grad, integrated_gradients, grad_cam:LAYER, occlusion; without "
            "a FILE pattern_net and pattern_attribution are estimated again for every network."
        ),
    ] = "gradient,z_plus,alpha_beta:2:1,guided_backprop",
    orders: Annotated[
        str, typer.Option(help="Of destruction: top_down, bottom_up, single, with commas; or none.")
    ] = "top_down",
    stages: Annotated[str, typer.Option(help="all, or names of layers with commas, output first.")] = "all",
    classes: Annotated[
        str, typer.Option(help="Other classes for each image: a number, 0 for none, or all.")
    ] = "1",
    draws: Annotated[int, typer.Option(help="Draws of the random weights.")] = 1,
    protocol: Annotated[
        str, typer.Option(help="corrected, or paper: as its code compares maps and draws weights.")
    ] = "corrected",
    limit: Limit = 10,
    seed: Annotated[int, typer.Option(help="Seed of classes and weights.")] = 0,
    float64: Annotated[bool, typer.Option("--float64", help="Twice the digits.")] = False,
    held: Held = True,
    strict: Strict = False,
    quiet: Quiet = False,
) -> None:
    """Sanity checks: do maps change with the class that is asked for, and with the network's weights?"""
    from paper_figs import scores as figure
    from rankone.results import protocol as protocols
    from rankone.results.runs import Units
    from rankone.results.tables import SANITY
    from torch_backend.audit.part import Examined, Plan
    from torch_backend.audit.study import study
    from torch_backend.commands import sanity as command
    from torch_backend.commands import subjects
    from torch_backend.commands.keeping import about
    from torch_backend.commands.progress import progress

    ends = (".png", ".csv", "_pairs.csv", "_failed.csv")
    refuse_unwritable(*(out / f"sanity{end}" for end in ends))
    plan = Plan(
        subjects.count(classes),
        subjects.orders(orders),
        None if stages == "all" else tuple(names(stages, all_of_them="all")),
        draws,
        protocols.named(protocol),
        seed,
    )
    label, network, batch, pictures, _ = opened(
        model,
        weights,
        images,
        limit,
        seed=seed,
        output=output,
        extra=extra,
        float64=float64,
        strict=strict,
        folder=out,
    )
    spelling = subjects.Spelling(batch, subjects.bounds(model, images), held)
    chosen = [spelling.subject(name) for name in methods.split(",")]
    runs, units = Runs(chosen), Units(out / "units")
    outcomes, runs.failed = study(
        Examined(network, batch, pictures),
        chosen,
        plan,
        units,
        lambda work: progress(work, label, quiet=quiet),
        about=about(network, map(str, (model, output, extra))),
    )
    say_units(units, quiet=quiet)
    if not outcomes:
        runs.end()
    table, pairs = command.write(out, label, plan, outcomes)
    failed = runs.write_failed(out / "sanity_failed.csv")
    picture = figure.draw(table, out / "sanity.png", failed=failed)
    typer.echo(command.summary(SANITY.read(table)))
    typer.echo(f"\nWritten: {picture}, {table}, {pairs}")
    raise typer.Exit(runs.end(table))
