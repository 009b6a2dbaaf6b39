"""Converting NAS-Bench-201 and NATS-Bench files: time and peak memory, beside the floor.

The limit: whatever is done, the file has to be read, and what bz2 has packed has to be unpacked. The floor does just that
and looks at nothing; for NATS-Bench on one core, and divided by the cores. The files have the exact format and made-up values.

    python -m benchmarks.convert nats [ARCHITECTURES | FOLDER]
    python -m benchmarks.convert nb201 [ARCHITECTURES | FILE]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.full_size import write_nats_simple, write_nb201_pth
from benchmarks.timing import table

ARCHITECTURES = 100
WRITERS = {"nats": write_nats_simple, "nb201": write_nb201_pth}

# each in a process of its own: what is measured is its seconds and its peak resident memory
KIT = """
nk.convert(sys.argv[1], sys.argv[2], partial=True, curves=len(sys.argv) > 3)
"""
FLOOR = """
import bz2
from pathlib import Path
source = Path(sys.argv[1])
for path in sorted(source.iterdir()) if source.is_dir() else [source]:
    with open(path, "rb") as file:
        while chunk := file.read(2**24):
            if source.is_dir():
                bz2.decompress(chunk)
"""
MEASURE = """
import resource, sys, time
import nasbench_kit as nk
start = time.perf_counter()
{}
seconds = time.perf_counter() - start
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def run(kinds: tuple[str, ...] = tuple(WRITERS), given: str | None = None) -> dict[str, Any]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found: dict[str, Any] = {"cores": cores}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            source = Path(given or str(ARCHITECTURES))
            if source.name.isdigit():
                count = int(source.name)
                source = Path(folder) / kind
                WRITERS[kind](source, range(count))
            size = sum(path.stat().st_size for path in (source.iterdir() if source.is_dir() else [source]))
            target = Path(folder) / "out.h5"
            for name, code, words in (
                ("floor", FLOOR, []),
                ("kit", KIT, [str(target)]),
                ("kit, curves", KIT, [str(target), "curves"]),
            ):
                seconds, peak = measured(code, [str(source), *words])
                stored = target.stat().st_size if target.exists() else 0
                found[f"{kind}, {name}"] = {"seconds": seconds, "peak bytes": peak, "store bytes": stored}
                rows.append(
                    [
                        f"{kind}, {size / 1e6:,.0f} MB",
                        name,
                        f"{seconds:.1f} s",
                        f"{seconds / found[f'{kind}, floor']['seconds']:.2f}",
                        f"{peak / 1e6:,.0f} MB",
                        f"{stored / 1e6:,.1f} MB",
                    ]
                )
    table(["source", f"{cores} core{'s' if cores > 1 else ''}", "time", "time / floor", "peak memory", "store"], rows)
    return found


def measured(code: str, words: list[str]) -> tuple[float, float]:
    """Seconds and peak resident bytes of a piece of Python, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE.format(code), *words], capture_output=True, text=True, check=True
    )
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak


if __name__ == "__main__":
    kinds = (sys.argv[1],) if len(sys.argv) > 1 else tuple(WRITERS)
    print(json.dumps(run(kinds, sys.argv[2] if len(sys.argv) > 2 else None), indent=1))
