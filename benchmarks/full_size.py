"""Seconds and peak memory of converting a file of full size, each step in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.timing import table

__all__ = ["measure"]

CONVERT = """
import nasbench_kit as nk
print(len(nk.convert(source, source + ".h5", partial=partial, progress=False)), "architectures")
"""
# Linux's own record of the peak; ru_maxrss would begin with that of the parent
PEAK = """
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def measure(
    name: str, write: Callable[[Path], int], floor: str, folder: Path | None = None, partial: bool = False
) -> None:
    """Write a file, measure the floor and the conversion, print a table, and delete what was written."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        path = Path(temporary) / name
        start = time.perf_counter()
        records = write(path)
        print(f"{records:,} records, {path.stat().st_size:,} bytes, written in {time.perf_counter() - start:.0f} s")
        rows = []
        for step, script in (("reading alone", floor), ("conversion", CONVERT)):
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", f"source = {str(path)!r}\npartial = {partial}\n{script}{PEAK}"],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            seconds = time.perf_counter() - start
            found, peak = done.stdout.splitlines()
            rows.append([step, found, f"{seconds:.1f} s", f"{int(peak) / 1024:.0f} MB"])
        table(["step", "found", "time", "peak memory"], rows)
