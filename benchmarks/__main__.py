"""`make bench`: run every benchmark of this package, one after the other, on an otherwise quiet machine."""

import pkgutil
import subprocess
import sys

import benchmarks

if __name__ == "__main__":
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name not in ("__main__", "measure"):
            subprocess.run([sys.executable, "-m", f"benchmarks.{module.name}"], check=True)
