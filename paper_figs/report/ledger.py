"""Where relevance goes: of 1 at the explained class, what reaches the image and what does not."""

from dataclasses import dataclass

import numpy as np

from paper_figs.report.reading import Audit

WORDS = {
    "image": "reaches the image",
    "bias": "goes to biases",
    "epsilon": "goes to ε",
    "lost": "is lost to 0/0",
}


@dataclass(frozen=True)
class Share:
    """One account: its amount, NaN where it was not measured, and where it lies on a bar of width 1."""

    account: str
    amount: float
    start: float
    width: float


def ledger(audit: Audit) -> tuple[tuple[int, tuple[Share, ...]], ...]:
    """For each method with books the means over images; a bar is 1 long, or the sum if that is more.

    A loss below 0 is growth: it has a number and no place on the bar.
    """
    accounts = audit.names("account")
    books = audit.array("books", "method", "image", "account")
    kept = ~np.isnan(books).any(2)  # images with all accounts: a mean over others would not add up
    return tuple(
        (m, tuple(_shares(accounts, books[m, kept[m]].mean(0))))
        for m in range(len(books))
        if accounts and kept[m].any()
    )


def _shares(accounts: tuple[str, ...], amounts: np.ndarray) -> list[Share]:
    lengths = np.nan_to_num(amounts, posinf=0, neginf=0).clip(0)
    lengths = lengths / max(1.0, lengths.sum())
    starts = np.cumsum(lengths) - lengths
    return [
        Share(*pieces)
        for pieces in zip(accounts, amounts.tolist(), starts.tolist(), lengths.tolist(), strict=True)
    ]
