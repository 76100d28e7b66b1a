"""The page of an audit: one file that opens offline, with and without JavaScript.

write(Path("out/results.nc"), Path("out/summary.json"), Path("out/report.html"))
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from paper_figs.report import (
    charts,
    classes,
    convergence,
    glossary,
    ledger,
    maps,
    scores,
    verdicts,
    wording,
)
from paper_figs.report.looks import Look, looks_of
from paper_figs.report.policy import content_security_policy
from paper_figs.report.reading import Audit, read
from paper_figs.report.sizes import LIMIT, SIZES, Size
from rankone.errors import refuse
from rankone.results.whole import write_whole

HERE = Path(__file__).parent
DIGITS = 4  # significant ones of the numbers that page.js draws
MOST_IMAGES = 50  # that the page names
EDGES = "A control: edges know nothing of the network."
KINDS = {
    "native": "the chain: relevance as it is handed from layer to layer",
    "attribute": "maps alone, as a tool returns them: nothing is known of its insides",
}
PROVENANCE = {
    "model": "Model",
    "weights_digest": "Digest of the weights",
    "date": "Date (UTC)",
    "command": "Command",
    "protocol": "Protocol",
    "device": "Device",
    "precision": "Precision",
    "seed": "Seed",
    "schema": "Schema",
}


def write(results: Path, summary: Path, out: Path) -> Path:
    """Write the page of an audit; returns `out`.

    results: results.nc, summary: summary.json. The page is below 3 MB: maps are made smaller, then start
    layers are left out, and the page says so. ValueError for other files, and where no page is small enough;
    OSError where one cannot be read or written.
    """
    audit = read(results, summary)
    pages = (rendered(audit, size).encode() for size in SIZES)
    small = next((page for page in pages if len(page) < LIMIT), None)
    if small is None:
        refuse(
            str(out),
            expected=f"a page of less than {LIMIT / 1e6:g} MB",
            got="a larger one, without most pictures and curves",
            do="audit fewer methods at once",
        )
    return write_whole(out, small)


def rendered(audit: Audit, size: Size) -> str:
    """The page as text, its pictures and curves of that size."""
    css, js = (Markup((HERE / name).read_text("utf-8")) for name in ("page.css", "page.js"))
    template = environment().get_template("page.html.j2")
    return template.render(
        policy=content_security_policy(css, js),
        style=css,
        script=js,
        size=size,
        charts=charts,
        **content(audit, size),
    )


def content(audit: Audit, size: Size) -> dict[str, Any]:
    """What the template shows, part by part; parts of which nothing was measured are empty."""
    methods = verdicts.methods_of(audit)
    looks = looks_of([method.name for method in methods])
    starts = convergence.starts(audit, size.starts)
    comparisons = [part for part in compared(audit) if part[-1]]
    parts = {
        "starts": starts,
        "classes": classes.all_classes(audit),
        "destroyed": scores.destroyed_weights(audit),
        "same": same(audit),
        "pictures": maps.shown(audit, size),
        "ledger": ledger.ledger(audit),
    }
    return {
        **parts,
        "comparisons": comparisons,
        "parts": [
            (place, words)
            for place, words, there in (
                ("convergence", "Convergence", parts["starts"]),
                ("classes", "All classes", parts["classes"]),
                *((place, title, found) for place, title, _, found in comparisons),
                ("weights", "Destroyed weights", parts["destroyed"]),
                ("same", "The same again", parts["same"]),
                ("maps", "Maps", parts["pictures"]),
                ("ledger", "Ledger", parts["ledger"]),
            )
            if there
        ],
        "summary": audit.summary,
        "methods": methods,
        "questions": verdicts.questions(methods),
        "unjudged": verdicts.not_judged(methods),
        "never_judged": glossary.NOT_JUDGED,
        "terms": glossary.TERMS,
        "provenance": provenance(audit),
        "versions": audit.record("versions"),
        "hides": audit.record("hides"),
        "files": files(audit),
        "most_images": MOST_IMAGES,
        "looks": looks,
        "curve_methods": sorted({m for start in starts for m in start.methods}),
        "predicted": any(curve.kind == "predicted" for start in starts for curve in start.curves),
        "layers": audit.names("layer"),
        "class_kinds": classes.WORDS,
        "score_kinds": scores.KINDS,
        "accounts": audit.names("account"),
        "account_words": ledger.WORDS,
        "scales": {"signed": maps.scale_of(maps.SIGNED), "positive": maps.scale_of(maps.NON_NEGATIVE)},
        "data": for_script(starts, parts["destroyed"], methods, looks),
    }  # fmt: skip


def compared(audit: Audit) -> list[tuple[str, str, str, tuple[scores.Comparison, ...]]]:
    """Place on the page, title, words, and what was compared."""
    return [
        ("other", "Another class", "How alike is the map of another class?", scores.other_classes(audit)),
        ("image", "Another image", "How alike is the map of another image?", scores.another_image(audit)),
        ("edges", "Edges of the image", f"How alike is the map to them? {EDGES}", scores.edges(audit)),
    ]


def provenance(audit: Audit) -> list[tuple[str, str]]:
    """Where the numbers come from: name and value, without what is not there."""
    found = {words: audit.attribute(name) for name, words in PROVENANCE.items()}
    kind, seconds = audit.attribute("kind"), audit.data.attrs.get("seconds")
    found["Audited"] = KINDS.get(kind, kind)
    found["Took"] = "" if seconds is None else wording.duration(float(seconds))
    return [(words, value) for words, value in found.items() if value]


def files(audit: Audit) -> list[str]:
    """The other files of the audit, relative to the page."""
    said = audit.summary.get("files", {})
    return [name for name in (said.get("results"), *said.get("figures", [])) if name]


def environment() -> Environment:
    """Every text is escaped; a name that the template does not know is an error."""
    made = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": wording.number,
        "short": wording.short,
        "percent": wording.percent,
        "duration": wording.duration,
        "shortened": wording.shortened,
        "score": scores.word,
        "link": lambda path: quote(str(path)),
    }
    return made


def same(audit: Audit) -> tuple[tuple[int, float, float], ...]:
    """For each method the largest gap between maps that should be equal: repeated, and within a batch."""
    gaps = [audit.array(name, "method", "image") for name in ("repeat_gap", "batch_gap")]
    worst = [classes.largest(gap) for gap in gaps]
    return tuple(
        (m, float(repeat), float(batch))
        for m, (repeat, batch) in enumerate(zip(*worst, strict=True))
        if repeat == repeat or batch == batch
    )


def for_script(
    starts: Sequence[convergence.Start],
    destroyed: Sequence[scores.Destroyed],
    methods: Sequence[verdicts.Method],
    looks: Sequence[Look],
) -> dict[str, Any]:
    """What page.js draws anew: curves as lists of numbers, null where nothing was measured."""
    return {
        "starts": [
            {"name": start.name, "places": start.places, "curves": [plain(curve) for curve in start.curves]}
            for start in starts
        ],
        "destroyed": [
            {
                "score": score.score,
                "places": score.places,
                "panels": {m: [plain(curve) for curve in curves] for m, curves in score.panels},
            }
            for score in destroyed
        ],
        "looks": [
            {
                "title": method.title,
                "colour": look.family.colour,
                "marker": look.family.marker,
                "dash": look.dash,
                "hollow": look.hollow,
            }
            for method, look in zip(methods, looks, strict=True)
        ],
        "box": asdict(charts.WIDE),
        "panel": asdict(charts.PANEL),
    }


def plain(curve: charts.Curve) -> dict[str, Any]:
    """A curve as JSON has it."""
    low, high = curve.band or ((), ())
    return {
        "kind": curve.kind,
        "method": curve.method,
        "values": [rounded(v) for v in curve.values],
        "low": [rounded(v) for v in low],
        "high": [rounded(v) for v in high],
    }


def rounded(value: float) -> float | None:
    """As many digits as are drawn; None where there is no finite number."""
    value = float(value)
    return float(f"{value:.{DIGITS}g}") if abs(value) < float("inf") else None
