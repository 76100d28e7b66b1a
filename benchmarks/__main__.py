"""`make bench`: run every benchmark of this package, one after the other, on an otherwise quiet machine.

Not among them: before_after, which needs a second checkout to compare with, collections, which needs other
packages, and tricks, which patches the engine.
"""

import pkgutil
import subprocess
import sys

import benchmarks

PARTS = ("__main__", "collected", "measure", "floor", "peers")  # what benchmarks are made of
BY_HAND = ("before_after", "before_after_worker", "collections", "tricks")

if __name__ == "__main__":
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name not in (*PARTS, *BY_HAND):
            subprocess.run([sys.executable, "-m", f"benchmarks.{module.name}"], check=True)
