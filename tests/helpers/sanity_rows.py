"""Made-up rows of SANITY: methods with given medians."""

from math import nan

from rankone.results.table import Row

SCORES = ("ssim", "ssim_flip", "spearman", "spearman_flip")
NUMBERS = {
    "images": 8,
    "float64": 0.0,
    "undefined": 0.0,
    "spread": 0.0,
    "null": 0.2,
    "forward_alone": 0.3,
    "edges": 0.1,
    "another": 0.4,
}


def sanity_rows(
    medians: dict[str, float],
    *,
    stages=("fc", "conv"),
    orders=("top_down",),
    half: float = 0.05,
    protocol: str = "corrected",
    **numbers: float,
) -> list[Row]:
    """For each method a random logit and all stages of each order, with one median; intervals ± half, or none
    where it is nan; numbers: of other columns.
    """
    tests = [
        ("random_logit", "another class", 0),
        *((o, s, d) for o in orders for d, s in enumerate(stages)),
    ]
    return [
        {
            **NUMBERS,
            **numbers,
            "model": "a network",
            "protocol": protocol,
            "method": method,
            "note": "",
            "test": test,
            "stage": stage,
            "depth": depth,
            "score": score,
            "median": median,
            "low": median - half,
            "high": median + half,
            "forward_alone": nan
            if test == "random_logit"
            else numbers.get("forward_alone", NUMBERS["forward_alone"]),
        }
        for method, median in medians.items()
        for test, stage, depth in tests
        for score in SCORES
    ]
