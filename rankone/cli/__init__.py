"""The command line `rankone`. Heavy imports stay inside the commands: `rankone --help` answers at once."""

import sys
from pathlib import Path
from typing import Annotated

try:
    import typer
except ImportError:
    sys.exit("rankone: the command line needs typer; do: pip install 'rankone[cli]'")

from rankone.errors import one_line

app = typer.Typer(
    name="rankone",
    help="Does a saliency map depend on the decision? Measured, explained, proved.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Model = Annotated[
    str, typer.Option(help="digits-vgg, digits-resnet, a torchvision classifier, or FILE.py:FUNCTION.")
]
Weights = Annotated[
    str | None, typer.Option(help="random, download (torchvision) or a file; shipped networks need none.")
]
Images = Annotated[str, typer.Option(help="sample, an image, a folder of images or a .npy array.")]
Limit = Annotated[int, typer.Option(help="Use the first so many images.")]
METHODS = "Names with commas, arguments after colons, or FILE.py:NAME for your own."


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


@app.command()
def csc(
    *,
    model: Model,
    out: Annotated[Path, typer.Option(help="Folder for csc.png and csc.csv.")],
    weights: Weights = None,
    images: Images = "sample",
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
) -> None:
    """Cosine similarity convergence: how much does relevance depend on where it starts?"""
    from paper_figs import csc as figure
    from torch_backend.commands import csc_report, csc_study, method_names
    from torch_backend.inputs import images as pictures
    from torch_backend.inputs import models

    chosen = [method_names.method(name) for name in methods.split(",")]
    network, label = models.load(model, weights, seed=seed), models.label(model, weights)
    batch = pictures.read(images, pictures.preprocessing(model), limit)
    if float64:
        network, batch = network.double(), batch.double()
    work = (label, network, batch, chosen, starts if starts == "all" else starts.split(","), vectors, seed)
    measured = csc_study.measure(*work)
    predicted = csc_study.predict(*work) if theory else []
    table, curves = csc_study.write(
        out, "csc", [(label, result) for result in measured], [(label, result) for result in predicted]
    )
    picture = figure.draw(table, out / "csc.png", theory=curves)
    typer.echo(csc_report.table(label, measured))
    typer.echo(f"\nWritten: {picture}, {table}" + (f", {curves}" if curves else ""))


@app.command()
def model(
    *,
    model: Model,
    weights: Annotated[
        str, typer.Option(help="random, download (torchvision) or a file: names do not depend on it.")
    ] = "random",
    input_shape: Annotated[
        str | None, typer.Option(help="One image, such as 3x64x64; by default what the network reads.")
    ] = None,
) -> None:
    """List a network's nodes: the names by which start layers and layers to read at are asked for."""
    from torch_backend.commands import model as model_report
    from torch_backend.inputs import models

    image = model_report.one_image(model, input_shape)
    typer.echo(model_report.report(models.label(model), models.load(model, weights), image))


@app.command()
def relevance(
    *,
    model: Model,
    method: Annotated[
        str, typer.Option(help="A name, arguments after colons, or FILE.py:NAME for your own.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for relevance.png and relevance.npz.")],
    weights: Weights = None,
    images: Images = "sample",
    start: Annotated[str, typer.Option(help="The layer where relevance starts.")] = "logits",
    unit: Annotated[
        str, typer.Option(help="Its unit that relevance 1 is given to: largest, or a number from 0.")
    ] = "largest",
    at: Annotated[str, typer.Option(help="The layer whose relevance is drawn.")] = "input",
    limit: Limit = 5,
    seed: Annotated[int, typer.Option(help="Seed of random weights.")] = 0,
    float64: Annotated[bool, typer.Option("--float64", help="Twice the digits.")] = False,
    ledger: Annotated[
        bool, typer.Option("--ledger", help="Print what each node passed down, gave to its bias, and lost.")
    ] = False,
) -> None:
    """Relevance maps of single units, as pictures and arrays; and the books of every node."""
    from paper_figs import relevance as figure
    from torch_backend.commands import method_names
    from torch_backend.commands import relevance as relevance_report
    from torch_backend.inputs import images as pictures
    from torch_backend.inputs import models

    chosen = method_names.method(method)
    network, label = models.load(model, weights, seed=seed), models.label(model, weights)
    batch = pictures.read(images, pictures.preprocessing(model), limit)
    if float64:
        network, batch = network.double(), batch.double()
    maps = relevance_report.measure(network, batch, chosen, start, at, unit)
    arrays = relevance_report.write(out, label, maps)
    picture = figure.draw(arrays, out / "relevance.png")
    typer.echo(relevance_report.table(label, maps))
    if ledger:
        typer.echo("\n" + relevance_report.books(maps))
    typer.echo(f"\nWritten: {picture}, {arrays}")


@app.command()
def cone(
    *,
    model: Model,
    out: Annotated[Path, typer.Option(help="Folder for cone.png and cone.csv.")],
    weights: Weights = None,
    images: Images = "sample",
    methods: Annotated[str, typer.Option(help=f"Non-negative methods. {METHODS}")] = "z_plus",
    layers: Annotated[
        str, typer.Option(help="trunk (all that no skip goes around), or names of layers with commas.")
    ] = "trunk",
    limit: Limit = 5,
    seed: Annotated[int, typer.Option(help="Seed of random weights.")] = 0,
) -> None:
    """How far apart can the maps of any two classes, or mixtures of classes, be? All of them, no sampling."""
    from paper_figs import cone as figure
    from torch_backend.commands import cone as cone_report
    from torch_backend.commands import method_names
    from torch_backend.inputs import images as pictures
    from torch_backend.inputs import models

    chosen = [method_names.method(name) for name in methods.split(",")]
    network, label = models.load(model, weights, seed=seed), models.label(model, weights)
    batch = pictures.read(images, pictures.preprocessing(model), limit)
    measured = cone_report.measure(
        label, network, batch, chosen, layers if layers == "trunk" else layers.split(",")
    )
    table = cone_report.write(out, label, measured)
    picture = figure.draw(table, out / "cone.png")
    typer.echo(cone_report.table(label, measured))
    typer.echo(f"\nWritten: {picture}, {table}")


@app.command()
def patterns(
    *,
    model: Model,
    out: Annotated[Path, typer.Option(help="The file for pattern_net:FILE and pattern_attribution:FILE.")],
    weights: Weights = None,
    images: Images = "sample",
    regime: Annotated[str, typer.Option(help="relu (the positive half-space) or linear.")] = "relu",
    limit: Limit = 1000,
    seed: Annotated[int, typer.Option(help="Seed of random weights.")] = 0,
) -> None:
    """Estimate the patterns that PatternNet and PatternAttribution need, from images."""
    from tqdm import tqdm

    from torch_backend import estimate_patterns, trace
    from torch_backend.inputs import images as pictures
    from torch_backend.inputs import models

    out.parent.mkdir(parents=True, exist_ok=True)
    network = models.load(model, weights, seed=seed)
    batches = pictures.read(images, pictures.preprocessing(model), limit).split(16)
    graph = trace(network, batches[0])
    found = estimate_patterns(graph, tqdm(batches, desc="patterns", leave=False, disable=None), regime)
    found.save(out)
    typer.echo(f"{out}: {len(found.by_node)} layers of {models.label(model, weights)}, regime {regime}")


@app.command()
def certify(
    factors: Annotated[Path, typer.Argument(help="npz with Z1, Z2, … (Z1 nearest the input), all ≥ 0.")],
    out: Annotated[Path, typer.Option(help="The certificate, a JSON file.")],
    probability: Annotated[float, typer.Option(help="Of the statement about signed starts.")] = 0.9,
) -> None:
    """Prove how little the map of C = Z1 Z2 … can depend on its start, rounding errors included."""
    from rankone.proof import certificate

    proof = certificate.certify(certificate.read_factors(factors), probability=probability, file=factors.name)
    proof.write(out)
    typer.echo(proof.describe())


@app.command()
def verify(
    certificate: Annotated[Path, typer.Argument(help="The JSON file that `rankone certify` wrote.")],
    factors: Annotated[Path | None, typer.Option(help="The npz file, if it is not beside it.")] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Integers, with python-flint, at any size.")] = False,
) -> None:
    """Check a certificate independently. Exit status 1: a claim is not confirmed, 2: unreadable input."""
    from rankone.proof.verify import NotConfirmed, verify

    try:
        typer.echo(f"{certificate.name}: {verify(certificate, factors, exact=exact)}")
    except NotConfirmed as reason:
        typer.echo(f"{certificate.name}: not confirmed: {' '.join(str(reason).split())}")
        raise typer.Exit(1) from None


def main() -> None:
    """Entry point: bad input gets one line on stderr and exit status 2, Ctrl-C exit status 130."""
    with one_line("rankone"):
        app()
