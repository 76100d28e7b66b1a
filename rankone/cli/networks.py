"""Commands on a network and images, each carried out by the file of its name in torch_backend/commands."""

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
    Seed,
    Strict,
    Weights,
    names,
    notes_on_stderr,
    opened,
    say_units,
)
from rankone.results.whole import refuse_unwritable


def csc(
    *,
    model: Model,
    out: Annotated[Path, typer.Option(help="Folder for csc.png and csc.csv; its units/ resume a run.")],
    weights: Weights = None,
    images: Images = "sample",
    output: Output = None,
    extra: Extra = None,
    methods: Annotated[str, typer.Option(help=METHODS)] = "gradient,z_plus,alpha_beta:2:1",
    starts: Annotated[str, typer.Option(help="all, or names of layers with commas.")] = "all",
    vectors: Annotated[int, typer.Option(help="Random start vectors per image and layer.")] = 5,
    limit: Limit = 20,
    seed: Annotated[int, typer.Option(help="Seed of the start vectors and of random weights.")] = 0,
    float64: Annotated[
        bool, typer.Option("--float64", help="Twice the digits: for curves below 1e-12.")
    ] = False,
    theory: Annotated[
        bool, typer.Option("--theory", help="Draw what the mean and variance of each layer predict.")
    ] = False,
    held: Held = True,
    strict: Strict = False,
    quiet: Quiet = False,
) -> None:
    """Cosine similarity convergence: how parallel does random relevance become on its way to the input?"""
    from paper_figs import csc as figure
    from torch_backend.commands import csc as command
    from torch_backend.commands import method_names
    from torch_backend.commands.keeping import keep_in
    from torch_backend.commands.progress import Progress

    refuse_unwritable(*(out / f"csc{end}" for end in (".png", ".csv", "_theory.csv", "_failed.csv")))
    chosen = {text: method_names.chosen(text, held=held) for text in methods.split(",")}
    runs = Runs(list(chosen.values()))
    label, network, batch, *_ = opened(
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
    how = (names(starts, all_of_them="all"), vectors, seed)
    keeping = keep_in(out / "units", network, (model, output, extra, held), chosen)
    rounds = 2 if theory else 1
    with Progress(label, rounds * len(chosen) * len(batch), "image", quiet=quiet) as report:
        to = {"report": report, "keeping": keeping}
        measured = runs.each(lambda method: command.measure(label, network, batch, [method], *how, **to))
        if not measured:
            runs.end()
        predicted = (
            runs.each(lambda method: command.predict(label, network, batch, [method], *how, **to))
            if theory
            else []
        )
    say_units(keeping.units, quiet=quiet)
    table, curves = command.write(
        out, "csc", [(label, result) for result in measured], [(label, law) for law in predicted]
    )
    failed = runs.write_failed(out / "csc_failed.csv")
    picture = figure.draw(table, out / "csc.png", theory=curves, failed=failed)
    typer.echo(command.summary(label, measured))
    typer.echo(f"\nWritten: {picture}, {table}" + (f", {curves}" if curves else ""))
    raise typer.Exit(runs.end(table))


def predict(
    *,
    model: Model,
    out: Annotated[Path, typer.Option(help="Folder for predict.png and predict.csv.")],
    weights: Weights = None,
    images: Images = "sample",
    output: Output = None,
    extra: Extra = None,
    methods: Annotated[str, typer.Option(help=METHODS)] = "gradient,z_plus,alpha_beta:2:1",
    starts: Annotated[str, typer.Option(help="all, or names of layers with commas.")] = "all",
    measured: Annotated[
        Path | None, typer.Option(help="csc.csv of rankone csc, to be drawn beside the prediction.")
    ] = None,
    limit: Limit = 2,
    seed: Seed = 0,
    float64: Annotated[bool, typer.Option("--float64", help="Twice the digits.")] = False,
    held: Held = True,
    strict: Strict = False,
    quiet: Quiet = False,
) -> None:
    """Predict where random relevance will have become parallel, from one pass of each image's factors."""
    from paper_figs import predict as figure
    from torch_backend.commands import method_names
    from torch_backend.commands import predict as command
    from torch_backend.commands.progress import Progress

    refuse_unwritable(*(out / f"predict{end}" for end in (".png", ".csv", "_failed.csv")))
    runs = Runs([method_names.chosen(text, held=held) for text in methods.split(",")])
    label, network, batch, *_ = opened(
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
    which = names(starts, all_of_them="all")
    with Progress(label, len(runs.methods) * len(batch), "image", quiet=quiet) as report:
        laws = runs.each(
            lambda method: command.measure(label, network, batch, [method], which, seed, report=report)
        )
    if not laws:
        runs.end()
    table = command.write(out / "predict.csv", [(label, law) for law in laws])
    failed = runs.write_failed(out / "predict_failed.csv")
    picture = figure.draw(table, out / "predict.png", measured=measured, failed=failed)
    typer.echo(command.summary(label, laws))
    typer.echo(f"\nWritten: {picture}, {table}")
    raise typer.Exit(runs.end(table))


def model(
    *,
    model: Model,
    weights: Annotated[
        str | None, typer.Option(help="random (the default), download (torchvision) or a file.")
    ] = None,
    input_shape: Annotated[
        str | None, typer.Option(help="One image, such as 3x64x64; by default what the network reads.")
    ] = None,
    images: Annotated[
        str | None, typer.Option(help="Images or tokens instead of a random image; the first is taken.")
    ] = None,
    output: Output = None,
    extra: Extra = None,
    strict: Strict = False,
) -> None:
    """List a network's nodes: the names by which start layers and layers to read at are asked for."""
    from torch_backend.commands import model as command
    from torch_backend.commands.extra import read, with_extra
    from torch_backend.commands.opening import read_images, with_output
    from torch_backend.inputs import images as pictures
    from torch_backend.inputs import models

    with notes_on_stderr():
        network = models.load(model, weights or models.any_weights(model))
    about = models.notes(model, network), models.classes(model, weights)
    if images is None:
        image = command.one_image(model, input_shape, models.image_shape(model, network))
    else:
        image, skipped = read_images(images, pictures.preprocessing(model), 1, strict=strict)
        for row in skipped:
            typer.echo(f"rankone: {row['file']} skipped: {row['reason']}", err=True)
    network = with_output(network, output)
    network, image = with_extra(network, image, [read(text) for text in extra or ()], 1)
    typer.echo(command.summary(models.label(model), network, image, *about))


def relevance(
    *,
    model: Model,
    method: Annotated[
        str, typer.Option(help="A name, arguments after colons, or FILE.py:NAME for your own.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for relevance.png and relevance.npz.")],
    weights: Weights = None,
    images: Images = "sample",
    output: Output = None,
    extra: Extra = None,
    start: Annotated[str, typer.Option(help="The layer where relevance starts.")] = "logits",
    unit: Annotated[
        str,
        typer.Option(
            help="Its unit that relevance 1 is given to: largest, a number from 0, or at the logits a class; "
            "all: each in turn, for the first image."
        ),
    ] = "largest",
    region: Annotated[
        str | None,
        typer.Option(help="Of an output over space: a class's sum over rows and columns 10:50,20:80."),
    ] = None,
    mask: Annotated[
        str | None,
        typer.Option(help="The same over the white of an image, or the nonzero of a .npy array."),
    ] = None,
    at: Annotated[str, typer.Option(help="The layer whose relevance is drawn.")] = "input",
    limit: Limit = 5,
    seed: Seed = 0,
    float64: Annotated[bool, typer.Option("--float64", help="Twice the digits.")] = False,
    ledger: Annotated[
        bool, typer.Option("--ledger", help="Print what each node passed down, gave to its bias, and lost.")
    ] = False,
    held: Held = True,
    strict: Strict = False,
) -> None:
    """Relevance maps of single units, as pictures and arrays; and the books of every node."""
    from paper_figs import relevance as figure
    from torch_backend.commands import method_names
    from torch_backend.commands import region as regions
    from torch_backend.commands import relevance as command

    refuse_unwritable(out / "relevance.png", out / "relevance.npz")
    chosen, where = method_names.chosen(method, held=held), regions.read(region, mask)
    label, network, batch, drawn, classes = opened(
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
    if unit == "all":
        batch, drawn = batch[:1], drawn if drawn is None else drawn[:1]
    maps = command.measure(network, batch, chosen, start, at, unit, where, classes)
    arrays = command.write(out, label, maps, drawn)
    picture = figure.draw(arrays, out / "relevance.png")
    typer.echo(command.summary(label, maps))
    if ledger:
        typer.echo("\n" + command.books(maps))
    typer.echo(f"\nWritten: {picture}, {arrays}")


def cone(
    *,
    model: Model,
    out: Annotated[Path, typer.Option(help="Folder for cone.png and cone.csv; its units/ resume a run.")],
    weights: Weights = None,
    images: Images = "sample",
    output: Output = None,
    extra: Extra = None,
    methods: Annotated[str, typer.Option(help=f"Non-negative methods. {METHODS}")] = "z_plus",
    layers: Annotated[
        str, typer.Option(help="trunk (all that no skip goes around), or names of layers with commas.")
    ] = "trunk",
    limit: Limit = 5,
    seed: Seed = 0,
    held: Held = True,
    strict: Strict = False,
    quiet: Quiet = False,
) -> None:
    """How far apart can the maps of any two classes, or non-negative mixtures, be? In float64."""
    from paper_figs import cone as figure
    from torch_backend.commands import cone as command
    from torch_backend.commands import method_names
    from torch_backend.commands.keeping import keep_in
    from torch_backend.commands.progress import Progress

    refuse_unwritable(*(out / f"cone{end}" for end in (".png", ".csv", "_failed.csv")))
    chosen = {text: method_names.chosen(text, held=held) for text in methods.split(",")}
    runs = Runs(list(chosen.values()))
    label, network, batch, _, classes = opened(
        model, weights, images, limit, seed=seed, output=output, extra=extra, strict=strict, folder=out
    )
    where = names(layers, all_of_them="trunk")
    keeping = keep_in(out / "units", network, (model, output, extra, held), chosen)
    with Progress(label, len(chosen) * len(batch), "image", quiet=quiet) as report:
        to = {"report": report, "keeping": keeping}
        found = runs.each(lambda m: command.measure(label, network, batch, [m], where, **to).items())
        measured = dict(found)
    if not measured:
        runs.end()
    say_units(keeping.units, quiet=quiet)
    table = command.write(out, {label: measured})
    failed = runs.write_failed(out / "cone_failed.csv")
    picture = figure.draw(table, out / "cone.png", failed=failed)
    typer.echo(command.summary(label, measured, classes))
    typer.echo(f"\nWritten: {picture}, {table}")
    raise typer.Exit(runs.end(table))


def patterns(
    *,
    model: Model,
    out: Annotated[Path, typer.Option(help="The file for pattern_net:FILE and pattern_attribution:FILE.")],
    weights: Weights = None,
    images: Images = "sample",
    output: Output = None,
    extra: Extra = None,
    regime: Annotated[str, typer.Option(help="relu (the positive half-space) or linear.")] = "relu",
    limit: Limit = 1000,
    seed: Seed = 0,
    strict: Strict = False,
) -> None:
    """Estimate the patterns that PatternNet and PatternAttribution need, from images."""
    from torch_backend.commands import patterns as command

    refuse_unwritable(out)
    label, network, batch, *_ = opened(
        model, weights, images, limit, seed=seed, output=output, extra=extra, strict=strict, folder=out.parent
    )
    found = command.measure(network, batch, regime)
    typer.echo(command.summary(label, command.write(out, found), found))
