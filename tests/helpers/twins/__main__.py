"""How far the spellings of each function are apart: `python -m tests.helpers.twins > table.md`.

max |a - b| / max |a| at the input against the plain spelling, for five methods and the worst of all; "0"
below 1e-9, "refused" where a method has no map of a spelling, "trace" where the network is not read at all.
"""

import sys
import warnings

from tests.helpers.twins import TWINS
from tests.helpers.twins.compared import TOLERANCE, Verdict, maps_of, verdicts

SHOWN = ("z_plus", "lrp_z", "gradient", "alpha2_beta1", "deep_taylor")


def cell(verdict: Verdict) -> str:
    if verdict.apart is None:
        return next((word for word in ("trace", "crash") if word in verdict.refusal[:40]), "refused")
    return "0" if verdict.agrees else f"{verdict.apart:.0e}"


def main() -> None:
    print(f"| function | spelling | {' | '.join(SHOWN)} | worst | under |")
    print("|---" * (4 + len(SHOWN)) + "|")
    for name, twins in TWINS.items():
        plain = maps_of(twins, twins.plain)
        for spelling in twins.others:
            found = {v.method: v for v in verdicts(plain, maps_of(twins, spelling))}
            told = [v for v in found.values() if v.apart is not None]
            law = [v for v in told if (spelling, v.method) not in twins.differ and twins.is_law]
            worst = max(law or told, key=lambda v: v.apart, default=None)
            if all(v.agrees for v in found.values()) and "all" not in sys.argv:
                continue
            far = worst and worst.apart > TOLERANCE
            cells = [cell(found[m]) for m in SHOWN] + [
                cell(worst) if worst else "-",
                worst.method if far else "-",
            ]
            print(f"| {name}{'' if twins.is_law else ' (open)'} | {spelling} | {' | '.join(cells)} |")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
