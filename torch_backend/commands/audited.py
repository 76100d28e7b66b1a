"""What an audit found, as files: results.nc with all numbers, summary.json with what may be said of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from rankone.errors import refuse
from rankone.results.audit import NAME, dataset, write
from rankone.results.text import aligned
from rankone.results.whole import write_whole
from rankone.verdict import FAILS, NOT_JUDGED, QUESTIONS, THRESHOLDS, Verdict
from torch_backend.audit.bench import Bench
from torch_backend.audit.judging import MEASUREMENT, NO_CHAIN, verdicts
from torch_backend.audit.options import Options
from torch_backend.audit.stages import stages, top_down
from torch_backend.audit.tasks import Gathered, name_of

RESULTS, SUMMARY, REPORT, FIGURES = "results.nc", "summary.json", "report.html", "figures"
DECIDING = ("class", "weights", "image", "repeat", "batch")  # the exit status, if nothing else is asked for
FINE, SOME_FAIL, SOME_OPEN = 0, 1, 3

Judgements = Mapping[str, Sequence[Verdict]]  # method -> an answer to each question


def judgements(bench: Bench, options: Options, found: Gathered) -> dict[str, tuple[Verdict, ...]]:
    """The answers to all questions; of a method that came to no end that none was judged, and why."""
    classes, closely = bench.network.nodes[-1].shape[0], min(options.closely, len(bench.images))
    said = {}
    for method in bench.subjects:
        missing = {name: why for (of, name), why in found.missing.items() if of == method}
        why_not = {**_unasked(bench, options, found), **missing}
        if not bench.is_chain(method):
            why_not[MEASUREMENT["collapse"]] = NO_CHAIN
        if method in found.failed:
            why_not = dict.fromkeys(MEASUREMENT.values(), f"it came to no end: {found.failed[method]}")
        subject = f"{method} on {bench.label.partition(' (weights of')[0]}"
        known = None if method == options.attribute else classes
        said[method] = verdicts(found.values, method, subject, known, closely, why_not)
    return said


def _unasked(bench: Bench, options: Options, found: Gathered) -> dict[str, str]:
    """Measurement -> why what was asked for answers no question, of whatever method."""
    why = {}
    start, lowest = (found.values.coordinates[name][place] for name, place in (("start", 0), ("stage", -1)))
    if not options.closely:
        why = dict.fromkeys(
            (MEASUREMENT["collapse"], MEASUREMENT["repeat"]), "no image was looked at closely"
        )
    elif prod(bench.network.node(start).shape) == 1:
        why[MEASUREMENT["collapse"]] = f"{start} has one unit, from which there is one direction only"
    names = [stage.name for stage in stages(bench.network)]
    if lowest in names and lowest != (below := top_down.in_turn(names)[-1]):
        trained = f"weights were drawn anew down to {lowest} only, and those down to {below} are as trained"
        why[MEASUREMENT["weights"]] = trained
    return why


def deciding(text: str) -> tuple[str, ...]:
    """The questions that decide the exit status, written with commas; "none": none. ValueError for others."""
    asked = () if text == "none" else tuple(text.split(","))
    for question in asked:
        if question not in QUESTIONS:
            refuse("fail-on", expected=f"{', '.join(QUESTIONS)}, or none", got=repr(question), do="name some")
    return asked


def outcome(said: Judgements, failed: Collection[str], questions: Collection[str]) -> dict[str, Any]:
    """The exit status with a sentence: SOME_FAIL where a method fails a question, SOME_OPEN where one could
    not be judged or a method came to no end, else FINE.
    """

    def those(state: str) -> list[str]:
        return [m for m, all_ in said.items() if any(_is(verdict, state, questions) for verdict in all_)]

    if not questions and not failed:
        return {"status": FINE, "said": "No question decides: each verdict stands by itself."}
    asked = f"judged by {', '.join(questions) or 'nothing'}"
    if fails := those(FAILS):
        fail = "fails" if len(fails) == 1 else "fail"
        words = f"{len(fails)} of {len(said)} methods {fail} ({asked}): {', '.join(fails)}."
        return {"status": SOME_FAIL, "said": words}
    if left := sorted({*those(NOT_JUDGED), *failed}):
        words = f"No method fails ({asked}), but not all could be judged: {', '.join(left)}."
        return {"status": SOME_OPEN, "said": words}
    return {"status": FINE, "said": f"No method fails ({asked})."}


def _is(verdict: Verdict, state: str, questions: Collection[str]) -> bool:
    return verdict.state == state and verdict.question in questions


def summary(
    bench: Bench,
    found: Gathered,
    said: Judgements,
    provenance: Mapping[str, Any],
    ending: Mapping[str, Any],
    figures: Iterable[str],
) -> dict[str, Any]:
    """summary.json, whose keys are those of docs/verdicts.md."""
    targets = found.values.arrays["target"].tolist()
    return {
        "schema": NAME,
        "model": bench.label,
        "kind": provenance["kind"],
        "images": [
            {"name": name, "digest": digest, "target": target, "target_name": name_of(bench, target)}
            for name, digest, target in zip(bench.names, bench.digests, targets, strict=True)
        ],
        "methods": [
            {
                "name": method,
                "title": bench.subjects[method].name,
                "note": bench.subjects[method].note,
                "failed": found.failed.get(method),
                "verdicts": [verdict.as_json() for verdict in said[method]],
            }
            for method in bench.subjects
        ],
        "thresholds": {name: {"value": t.value, "why": t.why} for name, t in THRESHOLDS.items()},
        "provenance": dict(provenance),
        "outcome": dict(ending),
        "files": {"report": REPORT, "results": RESULTS, "figures": list(figures)},
    }


def write_results(folder: Path, found: Gathered, provenance: Mapping[str, Any]) -> Path:
    """folder/results.nc, whole or not at all; returns its path."""
    values = found.values
    return write(folder / RESULTS, dataset(values.coordinates, values.arrays, provenance))


def write_summary(folder: Path, summed: Mapping[str, Any]) -> Path:
    """folder/summary.json, whole or not at all; returns its path."""
    text = json.dumps(summed, indent=1, ensure_ascii=False, allow_nan=False)
    return write_whole(folder / SUMMARY, text.encode())


def words(said: Judgements, failed: Mapping[str, str]) -> str:
    """A table of states, methods by questions, and the sentences of all that was judged."""
    rows = [["method", *QUESTIONS]]
    rows += [[method, *(verdict.state for verdict in all_)] for method, all_ in said.items()]
    sentences = [v.sentence for method, all_ in said.items() for v in all_ if method not in failed]
    return "\n".join([*aligned(rows, left=1), "", *(f"  {sentence}" for sentence in sentences)])
