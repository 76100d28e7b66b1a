"""`rankone certify`: of a chain of matrices, or of a network for an image."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from rankone.cli.options import (
    Device,
    Extra,
    Images,
    Output,
    Quiet,
    Seed,
    Strict,
    Weights,
    opened,
)
from rankone.errors import refuse, visible
from rankone.results.whole import refuse_unwritable

RATE = 1e10  # multiplications that two cores do in a second
GIGA = 1e9


def certify(
    factors: Annotated[
        Path | None, typer.Argument(help="npz with Z1, Z2, … (Z1 nearest the input), all ≥ 0; or --model.")
    ] = None,
    *,
    out: Annotated[
        Path,
        typer.Option(
            help="The certificate: a JSON file; of a network NAME.cert.json, its tensors beside it."
        ),
    ],
    probability: Annotated[
        float, typer.Option(help="Of the statement about signed starts, for factors.")
    ] = 0.9,
    model: Annotated[
        str | None, typer.Option(help="A network instead of factors, as for rankone cone.")
    ] = None,
    weights: Weights = None,
    images: Images = "sample",
    output: Output = None,
    extra: Extra = None,
    method: Annotated[
        str, typer.Option(help="z_plus, excitation_backprop, deep_taylor, alpha_beta:1:0 and their like.")
    ] = "z_plus",
    start: Annotated[str, typer.Option(help="Where relevance is put: any, but not negative.")] = "logits",
    layer: Annotated[
        str | None, typer.Option(help="The last layer for which all starts are computed, whatever it takes.")
    ] = None,
    budget: Annotated[
        float, typer.Option(help="Without --layer: seconds for all starts, about, on two cores.")
    ] = 120.0,
    memory: Annotated[float, typer.Option(help="For the maps of all starts, in GB.")] = 4.5,
    device: Device = "cpu",
    limit: Annotated[int, typer.Option(help="Use the first so many images, a certificate for each.")] = 1,
    seed: Seed = 0,
    strict: Strict = False,
    quiet: Quiet = False,
) -> None:
    """Prove how little a map can depend on its start, rounding errors included.

    Of a chain of matrices C = Z1 Z2 …, or with --model of a network's maps of one image.
    """
    if factors is not None and model is None:
        _of_factors(factors, out, probability)
        return
    if model is None or factors is not None:
        got = "none" if model is None else "both"
        refuse("certify", expected="either a file of factors or --model", got=got, do="name one")
    from paper_figs import certificate as figure
    from rankone.proof.network import ENDING
    from torch_backend.commands import certify as command
    from torch_backend.commands import method_names
    from torch_backend.commands.device import device_of
    from torch_backend.commands.progress import Progress
    from torch_backend.proof.all_columns import Room

    if not out.name.endswith(ENDING) or out.name == ENDING:
        refuse("--out", expected=f"a name that ends in {ENDING}", got=out.name, do=f"add {ENDING}")
    if not (budget > 0 and memory > 0):
        refuse("--budget, --memory", expected="more than 0", got=min(budget, memory), do="leave them out")
    stem = out.with_name(out.name.removesuffix(ENDING))
    table, picture = (stem.with_name(f"{stem.name}{end}") for end in (".csv", ".png"))
    refuse_unwritable(out, table, picture)
    chosen, where = method_names.chosen(method, held=True), device_of(device)
    label, network, batch, _, classes = opened(
        model, weights, images, limit, seed=seed, output=output, extra=extra, strict=strict, folder=out.parent
    )
    network, batch = network.to(where), batch.to(where)
    room, shared = Room(int(memory * GIGA), budget * RATE), f"{stem.name}.weights.safetensors"
    proofs, written = [], []
    stopped: BaseException | None = None
    try:
        with Progress(label, len(batch), "image", quiet=quiet) as report:
            for place, image in enumerate(report.over(batch.split(1))):
                proof = command.measure(network, image, chosen, start, layer, room, place=place, seed=seed)
                path = command.certificate_path(out, place, len(batch))
                written += command.write_certificate(path, label, proof, classes, shared)
                proofs.append(proof)
                typer.echo(command.summary(label, proof, classes))
                typer.echo(f"check it: {shlex.join(['rankone', 'verify', str(path)])}\n")
                if stopped := proof.stopped:
                    break
    except (KeyboardInterrupt, MemoryError, RuntimeError, ValueError, OSError) as error:
        if not proofs:
            raise
        stopped = error
    figure.draw(command.write_table(table, label, proofs), picture)
    typer.echo(f"Written: {', '.join(map(str, dict.fromkeys([*written, picture, table])))}")
    if stopped:
        done = f"after {len(proofs)} of {len(batch)} images"
        last = f"below {proofs[-1].layers[-1].layer.node}" if proofs[-1].stopped else done
        typer.echo(visible(f"rankone: stopped {last}; what was certified is written"), err=True)
        raise stopped


def _of_factors(factors: Path, out: Path, probability: float) -> None:
    from rankone.proof import certificate

    refuse_unwritable(out)
    proof = certificate.certify(certificate.read_factors(factors), probability=probability, file=factors.name)
    proof.write(out)
    typer.echo(proof.describe())
    beside = out.resolve().parent == factors.absolute().parent.resolve()
    command = ["rankone", "verify", str(out), *(() if beside else ("--factors", str(factors)))]
    typer.echo(f"check it: {shlex.join(command)}")
