"""Run all benchmarks on one core, or those that are named: ``python -m benchmarks [classes] [query] [search] ...``."""

from __future__ import annotations

import os

# one core: before numpy is imported, since that is when BLAS reads it
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import json
import platform
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from benchmarks.timing import processor

NAMES = ("classes", "query", "bundled", "tables", "search", "store", "convert", "train", "trainer", "matrix")
BY_NAME_ONLY = ("growth", "waits")  # takes long and much memory; measures by the clock


def main() -> int:
    chosen = sys.argv[1:] or NAMES
    unknown = set(chosen) - {*NAMES, *BY_NAME_ONLY}
    if unknown:
        print(
            f"there is no benchmark {', '.join(unknown)}; there is {', '.join([*NAMES, *BY_NAME_ONLY])}",
            file=sys.stderr,
        )
        return 2
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    found = {
        "machine": {
            "processor": processor(),
            "python": platform.python_version(),
            **{name: version(name) for name in ("nasbench-kit", "numpy", "moocore")},
        }
    }
    print(" · ".join(f"{name} {value}" for name, value in found["machine"].items()), "· one core")
    for name in chosen:
        print(f"\n## {name}")
        found[name] = import_module(f"benchmarks.{name}").run()
    target = Path("results") / "bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(found, indent=1))
    print(f"\nwritten to {target}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
