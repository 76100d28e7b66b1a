r"""Networks of public collections: which are read, is their gradient right, which methods serve them.

    python -m benchmarks.coverage [--only REGEX] [--rows FILE.jsonl] [--out FILE.md] [--jobs 2]

Every network is built without weights (seeded), in eval mode and float64, at a small input that it accepts,
with a batch of two; its batch norms get the statistics of their layers, as after training. Each one has a
process of its own with a limit of time and memory, and its row is appended to --rows at once: a row that is
there is not measured again, so that a stopped run goes on where it was. --out is written from all rows that
--only matches.

The collections are for this benchmark only. Put them beside the project in an environment of their own,
without what they depend on, as some ask for another torch than the project's:

    python -m venv zoo && zoo/bin/pip install --constraint constraints.txt '.[networks]'
    zoo/bin/pip install --no-deps timm==1.0.31 segmentation-models-pytorch==0.6.0 monai==1.6.1 \
        torchxrayvision==1.5.7 braindecode==1.8.1 torchaudio==2.11.0
    zoo/bin/pip install --no-deps PyYAML==6.0.4 huggingface_hub==2.4.0 hf-xet==1.8.0 httpx==0.28.1 \
        httpcore==1.0.9 httpx2==2.16.2 httpcore2==2.16.2 truststore==0.10.5 h11==0.16.0 anyio==4.16.0 \
        sniffio==1.3.1 idna==3.20 certifi==2026.10.19.post1 requests==2.34.2 urllib3==2.8.0 \
        charset-normalizer==3.5.3 pandas==3.1.1 pytz==2026.6 python-dateutil==4.0.0 joblib==1.6.0 \
        einops==0.8.2 mne==1.13.2 mne-bids==0.20.0 decorator==5.3.1 pooch==1.9.0 platformdirs==4.14.8 \
        h5py==3.16.0 skorch==1.4.0 tabulate==0.10.0 torchinfo==1.8.0 wfdb==4.3.1 \
        docstring-inheritance==3.0.0 linear-attention-transformer==0.19.1 linformer==0.2.3 \
        axial-positional-embedding==0.3.12 local-attention==1.11.2 \
        hyper-connections==0.4.11 product-key-memory==0.3.0 CoLT5-attention==0.11.2

A collection that is not installed is said to be missing, and left out.
"""

import argparse
import json
import os
import re
import resource
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.collected import COLLECTIONS, Case, Wanted
from benchmarks.measure import RESULTS, describe_machine
from rankone.errors import one_line, refuse
from torch_backend import Graph, Method, ledger, methods, relevance, trace

SEED = 0
BATCH = 2
RIGHT = 1e-8  # relative error of a gradient in float64 that is rounding only
RIGHT_Z = 1e-6  # the same of LRP_z, whose small denominators blow rounding up
CLOSED = 1e-9  # what the books leave unexplained, relative to the largest account
SAID = 300  # characters of a message that are kept
PRELOADED = ("torchvision", "timm", "segmentation_models_pytorch", "monai.networks.nets")
HOW = {-signal.SIGXCPU: "out of time", -signal.SIGKILL: "out of time", -signal.SIGSEGV: "segmentation fault"}
METHODS = {
    "z_plus": methods.z_plus,
    "alpha2_beta1": methods.alpha2_beta1,
    "lrp_epsilon": methods.lrp_epsilon(),
}


# --- one network, in its own process


def examine(case: Case) -> dict[str, Any]:
    """The row of one network; {"unbuilt": why} where the collection gives no network that runs."""
    try:
        model, images = built(case)
    except Exception as error:
        return {"unbuilt": said(error)}
    begin = time.process_time()
    norms = sum(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())
    row: dict[str, Any] = {"wrapped": isinstance(model, Wanted), "batch_norms": norms}
    try:
        graph = trace(model, images)
    except Exception as error:
        row |= {"refused": said(error), "traceback": is_traceback(error)}
    else:
        row |= {"nodes": len(graph.nodes), "kinds": dict(Counter(node.kind for node in graph.nodes[1:]))}
        row["gradient"] = gradient_error(graph, model, images)
        row["lrp_z"] = z_error(graph, model, images)
        row |= {name: served(graph, method) for name, method in METHODS.items()}
    return row | {"seconds": round(time.process_time() - begin, 2)}


def built(case: Case) -> tuple[nn.Module, Tensor]:
    """The network, which gives one tensor for the images."""
    torch.manual_seed(SEED)
    model = case.make().eval().double()
    images = torch.randn(BATCH, *case.shape, dtype=torch.float64)
    settle(model, images)
    with torch.no_grad():
        output = model(images.clone())
    return (model if isinstance(output, Tensor) else Wanted(model, case.wanted).eval()), images


@torch.no_grad()
def settle(model: nn.Module, images: Tensor) -> None:
    """Batch norms get the mean and variance of what they read and a random scale and shift; layers that a
    collection starts with zeros, which would hide all below them, random weights.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d) and not layer.weight.any():
            nn.init.normal_(layer.weight, std=0.02)

    def learn(norm: nn.modules.batchnorm._BatchNorm, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].transpose(0, 1).flatten(1)
        if norm.running_mean is not None:
            norm.running_mean.copy_(x.mean(1))
            norm.running_var.copy_(x.var(1, correction=0).clamp(min=1e-2))
        if norm.weight is not None:
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.1)

    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    handles = [norm.register_forward_pre_hook(learn) for norm in norms]
    model(images.clone())
    for handle in handles:
        handle.remove()


def gradient_error(graph: Graph, model: nn.Module, images: Tensor) -> float | str:
    """‖ours − autograd's‖ / ‖autograd's‖ for random weights of all outputs; or what was said."""
    shape, generator = graph.node("logits").value.shape, torch.Generator().manual_seed(SEED)
    start = torch.randn(shape, dtype=torch.float64, generator=generator)
    return error_of(graph, methods.gradient, start, autograd(model, images, start))


def z_error(graph: Graph, model: nn.Module, images: Tensor) -> float | str:
    """LRP_z against autograd's gradient ⊙ input, which it is where nothing bends but ReLUs and maxima."""
    start = largest(graph)
    expected = autograd(model, images, start) * images
    return error_of(graph, methods.lrp_z, start * graph.node("logits").value, expected)


def autograd(model: nn.Module, images: Tensor, start: Tensor) -> Tensor:
    """The gradient through the model itself."""
    x = images.clone().requires_grad_()
    return torch.autograd.grad(model(x.clone()), x, start)[0]


def error_of(graph: Graph, method: Method, start: Tensor, expected: Tensor) -> float | str:
    """‖relevance − expected‖ / ‖expected‖ at the input; or what was said."""
    try:
        (found,) = relevance(graph, method, "logits", start[None], "input")
    except Exception as error:
        return said(error)
    return float((found - expected).norm() / expected.norm())


def largest(graph: Graph) -> Tensor:
    """1 at each image's largest output, 0 elsewhere."""
    logits = graph.node("logits").value
    value = logits.flatten(1)
    return torch.zeros_like(value).scatter(1, value.argmax(1, keepdim=True), 1).reshape(logits.shape)


def served(graph: Graph, method: Method) -> dict[str, Any]:
    """Relevance 1 at each image's largest output: what arrives, and what the books leave unexplained."""
    start = largest(graph)[None]
    try:
        arrives = relevance(graph, method, "logits", start, "input").flatten(2).sum(2).mean()
        entries = ledger(graph, method, "logits", start)
    except Exception as error:
        message = said(error)
        kinds = Counter(re.findall(r"\((\w+), ", str(error))) if "without:" in message else {}
        return {"without": dict(kinds), "said": message, "traceback": is_traceback(error)}
    accounts = [torch.stack((e.into, e.down, e.bias, e.epsilon, e.lost)).abs().max() for e in entries]
    rest = max(e.rest.abs().max() for e in entries) / max(accounts)
    return {"arrives": float(arrives), "rest": float(rest)}


def is_traceback(error: BaseException) -> bool:
    """Is it something else than a refusal, or than the limit of memory?"""
    return not isinstance(error, ValueError | MemoryError) and "can't allocate memory" not in str(error)


def said(error: BaseException) -> str:
    """A message in one line; the type first, unless it is the house's own."""
    text = " ".join(str(error).split())
    if "can't allocate memory" in text:
        return "out of memory"
    return (text if isinstance(error, ValueError) else f"{type(error).__name__}: {text}")[:SAID]


def in_this_process(key: str, sender: Connection, seconds: float, gigabytes: float, threads: int) -> None:
    """Send the row of one network; what libraries print is dropped."""
    collection, name = key.split("/", 1)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + int(gigabytes * 1e9),) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds),) * 2)
    torch.set_num_threads(threads)
    warnings.simplefilter("ignore")
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing), redirect_stderr(nothing):
        row = examine(COLLECTIONS[collection].cases[name])
    sender.send(row)


# --- all of them


def in_its_own_process(context: BaseContext, key: str, limits: tuple[float, float, int]) -> dict[str, Any]:
    """The row of one network; {"crashed": how} where its process ended otherwise."""
    begin = time.perf_counter()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=in_this_process, args=(key, sender, *limits))
    process.start()
    sender.close()
    try:
        row = receiver.recv()
    except EOFError:
        process.join()
        row = {"crashed": HOW.get(process.exitcode, f"exit status {process.exitcode}")}
    process.join()
    return {"network": key, **row, "wall": round(time.perf_counter() - begin, 1)}


def verdict(row: Mapping[str, Any], method: str) -> str:
    """A cell: what a method does in a network that was read."""
    found = row.get(method)
    if found is None:
        return ""
    if "arrives" in found:
        open_books = "" if closed(row, method) else f" (open: {found['rest']:.0e})"
        return f"{found['arrives']:.2g}{open_books}"
    return ", ".join(f"{count} {kind}" for kind, count in found["without"].items()) or found["said"]


def closed(row: Mapping[str, Any], method: str) -> bool:
    """Is the network served, with books that close?"""
    return row.get(method, {}).get("rest", float("nan")) <= CLOSED


def right(row: Mapping[str, Any]) -> bool:
    """Is the gradient autograd's?"""
    return isinstance(row.get("gradient"), float) and row["gradient"] <= RIGHT


def tracebacks(row: Mapping[str, Any]) -> bool:
    """Did anything else than a ValueError come out?"""
    return (
        "crashed" in row
        or row.get("traceback", False)
        or any(row.get(method, {}).get("traceback", False) for method in METHODS)
    )


def summary(rows: Sequence[Mapping[str, Any]]) -> list[list[object]]:
    """A line per collection, and one of all."""
    groups = {name: [r for r in rows if r["network"].startswith(f"{name}/")] for name in COLLECTIONS}
    return [
        [
            name,
            len(some) - sum("unbuilt" in row for row in some),
            sum("nodes" in row for row in some),
            sum(map(right, some)),
            sum(isinstance(row.get("lrp_z"), float) and row["lrp_z"] <= RIGHT_Z for row in some),
            *(sum(closed(row, method) for row in some) for method in METHODS),
            sum("nodes" in r and r["batch_norms"] > 0 and "affine" in r["kinds"] for r in some),
            sum(map(tracebacks, some)),
        ]
        for name, some in [*groups.items(), ("all", rows)]
        if some
    ]


SUMMARY = (
    "collection",
    "networks",
    "read",
    "gradient right",
    "LRP_z right",
    *METHODS,
    "with affine nodes",
    "tracebacks",
)
HEADER = ("network", "nodes", "gradient's error", "LRP_z's error", *METHODS, "seconds", "what was said")


def line(row: Mapping[str, Any]) -> list[object]:
    """A row of the table of networks."""
    errors = [row.get("gradient", ""), row.get("lrp_z", "")]
    message = row.get("refused") or row.get("crashed") or row.get("unbuilt") or ""
    kind = next((word for word in ("crashed", "unbuilt") if word in row), "")
    if row.get("traceback"):
        kind = "traceback"
    return [
        row["network"],
        row.get("nodes", ""),
        *(f"{error:.0e}" if isinstance(error, float) else "" for error in errors),
        *(verdict(row, method) for method in METHODS),
        row.get("seconds", ""),
        f"{kind}: {message}" if kind else message,
    ]


def table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> list[str]:
    cells = [
        [str(cell).replace("|", "\\|") for cell in row] for row in (header, ["---"] * len(header), *rows)
    ]
    return ["| " + " | ".join(row) + " |" for row in cells]


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """The summary and all rows, as Markdown."""
    packages = ("torch", *{collection.package for collection in COLLECTIONS.values()})
    lines = [
        "# Networks of public collections: what is read, whose gradient is right, what the methods serve",
        "",
        describe_machine(packages),
        "",
        *table(SUMMARY, summary(rows)),
        "",
        "Networks: those that the collection builds and that run. Gradient right: equal to "
        f"autograd's through the model itself within {RIGHT:g}. LRP_z right: gradient ⊙ input within "
        f"{RIGHT_Z:g}, which it is where nothing bends but ReLUs and maxima (not ReLU6). A method: the "
        f"networks it serves, with books that close within {CLOSED:g}. "
        "With affine nodes: read, but batch norms (or other constant factors) stay nodes of their own. "
        "Tracebacks: errors that are no ValueError.",
        "",
        *table(HEADER, map(line, rows)),
        "",
        f"Random weights, float64, {BATCH} images. A method's column: the sum of relevance that arrives at "
        "the input, of 1 at the largest output, or the kinds of nodes that it has no rule for.",
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def chosen(only: str) -> list[str]:
    """The keys, "collection/name", that match; a collection that is not installed is said to be missing."""
    keys = []
    for name, collection in COLLECTIONS.items():
        some = [key for key in (f"{name}/{case}" for case in collection.cases) if re.search(only, key)]
        if some and find_spec(collection.package) is None:
            print(f"{name}: not installed, {len(some)} networks are left out", file=sys.stderr)
        else:
            keys += some
    if not keys:
        refuse("only", expected="a pattern that some network matches", got=repr(only), do="leave it out")
    return keys


def measured(path: Path) -> dict[str, dict[str, Any]]:
    """The rows that are there."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {row["network"]: row for row in map(json.loads, lines)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="a regular expression, found in collection/name")
    parser.add_argument("--rows", type=Path, default=Path("out/coverage.jsonl"))
    parser.add_argument("--out", type=Path, default=RESULTS / "coverage.md")
    parser.add_argument("--jobs", type=int, default=2, help="networks at a time")
    parser.add_argument("--seconds", type=float, default=240, help="limit of a network, of processor time")
    parser.add_argument("--gigabytes", type=float, default=9, help="limit, beyond the imports")
    options = parser.parse_args()
    keys, there = chosen(options.only), measured(options.rows)
    options.rows.parent.mkdir(parents=True, exist_ok=True)
    threads = max(1, (os.cpu_count() or 1) // options.jobs)
    limits = (options.seconds, options.gigabytes, threads)
    context = get_context("forkserver")  # imports once what all processes need
    context.set_forkserver_preload(["benchmarks.coverage", *PRELOADED])
    with ThreadPoolExecutor(options.jobs) as pool, options.rows.open("a") as file:
        missing = [key for key in keys if key not in there]
        for done in as_completed(pool.submit(in_its_own_process, context, key, limits) for key in missing):
            row = done.result()
            there[row["network"]] = row
            file.write(json.dumps(row) + "\n")
            file.flush()
            print(*line(row), sep="  ", flush=True)
    rows = [there[key] for key in keys]
    write(options.out, rows)
    print("\n".join(table(SUMMARY, summary(rows))))


if __name__ == "__main__":
    with one_line("coverage"):
        main()
