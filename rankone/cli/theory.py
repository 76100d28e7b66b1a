"""Commands that need no network: the paper's claims, and the verification of certificates."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rankone.errors import refuse, visible

if TYPE_CHECKING:
    from rankone.claims import Claim
    from rankone.claims.report import Run


def claims(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list instead of text.")] = False,
    id: Annotated[
        str | None, typer.Option(help="One claim, of either kind: its evidence in plain words.")
    ] = None,
    networks: Annotated[
        bool, typer.Option("--networks", help="Also those that trained networks decide (extra zoo; minutes).")
    ] = False,
    out: Annotated[
        Path, typer.Option(help="Folder where those of networks are kept: a stopped run goes on from there.")
    ] = Path("out/claims"),
) -> None:
    """Run the evidence for the paper's claims. Exit status 1 if a verdict is not reproduced."""
    from tqdm import tqdm

    from rankone.claims import LEDGER, find, report

    ledger = LEDGER
    if networks or id not in (None, *(claim.id for claim in LEDGER)):
        ledger += claims_of_networks()
    chosen = ledger if id is None else (find(id, ledger),)
    runs = [
        report.run(claim) if claim in LEDGER else kept(claim, out / "units")
        for claim in tqdm(chosen, desc="claims", leave=False, disable=None)
    ]
    if as_json:
        typer.echo(report.as_json(runs))
    else:
        typer.echo(report.table(runs) if id is None else report.page(runs[0]))
    if any(run.evidence is None for run in runs):
        raise typer.Exit(1)


def kept(claim: "Claim", folder: Path) -> "Run":
    """The run of a claim on networks, from its unit in the folder if it is there."""
    from rankone.results.runs import Units
    from torch_backend.commands import claims as command

    run: Run = command.run(claim, Units(folder))
    return run


def claims_of_networks() -> "tuple[Claim, ...]":
    """Those of `torch_backend.audit.claims`; ValueError if the networks are not installed."""
    if find_spec("torch") is None:
        do = "pip install 'rankone[zoo]'"
        refuse("--networks", expected="the extra zoo", got="no torch installed", do=do)
    from torch_backend.audit.claims import ledger
    from torch_backend.audit.claims.networks import refuse_missing

    refuse_missing()
    found: tuple[Claim, ...] = ledger.LEDGER
    return found


def verify(
    certificate: Annotated[Path, typer.Argument(help="The JSON file that `rankone certify` wrote.")],
    factors: Annotated[
        Path | None, typer.Option(help="The npz file of a chain, if it is not beside it.")
    ] = None,
    memory: Annotated[float, typer.Option(min=0.001, help="Of a network: GB for columns.")] = 4.0,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="Integers, with python-flint, up to 8 million entries; fractions for tiny networks.",
        ),
    ] = False,
) -> None:
    """Check a certificate, of a chain or of a network, independently.

    Exit status 1: a claim is not confirmed, 2: unreadable input, or more to compute than the options allow.
    """
    from rankone.proof import verify, verify_network
    from rankone.proof.verify import NotConfirmed

    try:
        if verify_network.is_of_network(certificate):
            if factors is not None:
                got = "one of a network, whose tensors stand beside it"
                refuse("--factors", expected="a certificate of a chain", got=got, do="leave it out")
            said = verify_network.verify_network(certificate, memory=int(memory * 1e9), exact=exact)
        else:
            said = verify.verify(certificate, factors, exact=exact)
        typer.echo(visible(f"{certificate.name}: {said}"))
    except NotConfirmed as reason:
        typer.echo(visible(f"{certificate.name}: not confirmed: {reason}"))
        raise typer.Exit(1) from None
