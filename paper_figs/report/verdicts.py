"""The table of verdicts: a row for each method, a column for each question, and what was not judged."""

from dataclasses import dataclass
from typing import Any

from paper_figs.report.reading import Audit

QUESTIONS = {
    "class": "changes with the class",
    "weights": "changes with the weights",
    "image": "changes with the image",
    "collapse": "keeps directions apart",
    "batch": "same within a batch",
    "repeat": "same when repeated",
}
STATES = ("holds", "fails", "not judged")


@dataclass(frozen=True)
class Judged:
    """One verdict of the summary, and the name of its place on the page."""

    place: str
    said: dict[str, Any]

    @property
    def question(self) -> str:
        return self.said["question"]

    @property
    def state(self) -> str:
        """One of STATES; what is none of them was not judged."""
        return self.said["state"] if self.said["state"] in STATES else "not judged"


@dataclass(frozen=True)
class Method:
    """A method with its verdicts. failed: why it came to no end, None if it did."""

    number: int
    name: str
    title: str
    note: str
    failed: str | None
    verdicts: tuple[Judged, ...]

    def on(self, question: str) -> tuple[Judged, ...]:
        return tuple(judged for judged in self.verdicts if judged.question == question)


def methods_of(audit: Audit) -> tuple[Method, ...]:
    """In the order of the summary."""
    return tuple(
        Method(
            m,
            method["name"],
            method["title"],
            method["note"],
            method["failed"],
            tuple(Judged(f"verdict-{m}-{k}", said) for k, said in enumerate(method["verdicts"])),
        )
        for m, method in enumerate(audit.methods)
    )


def questions(methods: tuple[Method, ...]) -> dict[str, str]:
    """Question -> in words: those that some method was asked; ones that are not known stay as they are."""
    asked = dict.fromkeys(judged.question for method in methods for judged in method.verdicts)
    known = [question for question in QUESTIONS if question in asked]
    return {question: QUESTIONS.get(question, question) for question in dict.fromkeys([*known, *asked])}


def not_judged(methods: tuple[Method, ...]) -> dict[tuple[str, str], list[str]]:
    """(question in words, reason) -> the methods that it holds for."""
    found: dict[tuple[str, str], list[str]] = {}
    for method in methods:
        for judged in method.verdicts:
            if judged.state == "not judged":
                words = QUESTIONS.get(judged.question, judged.question)
                found.setdefault((words, judged.said["reason"] or "no reason given"), []).append(method.title)
    return found
