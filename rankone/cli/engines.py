"""Who carries a command's tasks out: --workers, --scheduler and --shard, and what they name."""

from typing import TYPE_CHECKING, Annotated

import typer

from rankone.errors import refuse

if TYPE_CHECKING:
    from rankone.scale import Engine, Shard

WorkerCount = Annotated[
    int | None, typer.Option("--workers", help="Processes on this machine (extra scale-out).")
]
SchedulerAddress = Annotated[
    str | None,
    typer.Option("--scheduler", help="A Dask scheduler whose workers see --out: tcp://node7:8786."),
]
ShardName = Annotated[
    str | None,
    typer.Option(
        "--shard", help="The tasks i of n only: 2/32; auto: from RANK or a Slurm array. Then `merge`."
    ),
]


def engine(workers: int | None, scheduler: str | None) -> "Engine":
    """This process if neither is asked for; ValueError for both, fewer than one worker, or without Dask."""
    from rankone.scale import Here, Scheduler, Workers

    if workers is not None and scheduler is not None:
        do = "take the cluster's workers, or those of this machine"
        refuse("arguments", expected="--workers or --scheduler", got="both", do=do)
    if scheduler is not None:
        return Scheduler(scheduler)
    return Here() if workers is None else Workers(workers)


def shard(text: str | None) -> "Shard":
    """The whole list if none is asked for; ValueError for what is no shard."""
    from rankone.scale import Shard, shard_named

    return Shard(1, 1) if text is None else shard_named(text)
