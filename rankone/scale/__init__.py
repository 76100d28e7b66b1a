"""Scale: a list of tasks carried out here, by worker processes, by a cluster, or in shards on many machines.

A task writes a unit into a folder that all processes see (`rankone.results.runs`) and leaves a receipt that
names its file: the file is the result. Tasks depend on each other in nothing, so neither their order nor who
carries them out changes a bit. NumPy only; Dask is imported where workers are asked for.

carrying   carry_out: all tasks of a list, or of a shard of it, by an Engine
receipt    Receipt: what became of a task, the file of its unit or what stopped it; MakeWorker
here       Here: the engine of this process
workers    Workers: processes of this machine
scheduler  Scheduler: a cluster, by the address of its Dask scheduler
submission tasks given to a Dask scheduler, a bounded number at a time
interrupts who hears Ctrl-C
shard      Shard: the i-th of n parts of a list; shard_named: as a command line or a batch system names it
run        Run: what a run directory is of, its tasks and what their units have in common
merging    merge: the units of several run directories in one; Merged: what became of them
"""

from rankone.scale.carrying import Engine, carry_out
from rankone.scale.here import Here
from rankone.scale.merging import Merged, merge
from rankone.scale.receipt import MakeWorker, Receipt
from rankone.scale.run import Run
from rankone.scale.scheduler import Scheduler
from rankone.scale.shard import Shard, shard_named
from rankone.scale.workers import Workers

__all__ = [
    "Engine",
    "Here",
    "MakeWorker",
    "Merged",
    "Receipt",
    "Run",
    "Scheduler",
    "Shard",
    "Workers",
    "carry_out",
    "merge",
    "shard_named",
]
