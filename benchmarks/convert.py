"""Converting published files: time and peak memory, beside the floor.

Any conversion has to read the file, compare its checksums (NAS-Bench-101) and decompress it (NATS-Bench). The floor does only
that, on one core. The files have the exact formats and made-up values. They are small by default; at full size, on all
cores (``python -m benchmarks`` limits everything to one):

    python -m benchmarks.convert nb101|macronas|nats|nb201 full|COUNT|PATH
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.timing import table
from nasbench_kit.kernels.cores import usable_cores
from tests.official.macronas import write_macronas
from tests.official.nb101 import write_nb101
from tests.official.nb201 import SPACE, write_nats_simple, write_nb201_pth

READ = """
with open(source, "rb") as file:
    while chunk := file.read(2**24):
        pass
"""
CHECKED = """
from nasbench_kit.loaders.tfrecord import read_records
for records in read_records(Path(source)):
    pass
"""
UNPACKED = """
import bz2
for path in sorted(Path(source).iterdir()):
    bz2.decompress(path.read_bytes())
"""

Writer = Callable[[Path, int | None], None]


def _indices(write: Callable[[Path, range], None]) -> Writer:
    return lambda path, count: write(path, range(SPACE.size if count is None else count))


# by kind: the writer of so many cells, genotypes or architectures; the default number; the floor; variants of the conversion
KINDS: dict[str, tuple[Writer, int, str, tuple[str, ...]]] = {
    "nb101": (write_nb101, 4_000, CHECKED, ("",)),
    "macronas": (write_macronas, 300_000, READ, ("",)),
    "nats": (_indices(write_nats_simple), 60, UNPACKED, ("", "curves")),
    "nb201": (_indices(write_nb201_pth), 100, READ, ("", "curves")),
}

# each in its own process; the peak as recorded by Linux, because ru_maxrss would start with the parent's
MEASURE = """
import sys, time
from pathlib import Path
import nasbench_kit as nk
source = sys.argv[1]
start = time.perf_counter()
{}
seconds = time.perf_counter() - start
print(seconds, next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
KIT = "nk.convert(source, sys.argv[2], partial=True, progress=False, **{name: True for name in sys.argv[3:]})"


def run(kinds: tuple[str, ...] = tuple(KINDS), given: str | None = None) -> dict[str, Any]:
    cores = usable_cores()
    found: dict[str, Any] = {"cores": cores}
    rows = []
    for kind in kinds:
        write, usual, floor, variants = KINDS[kind]
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / kind, Path(folder) / "out.h5"
            if given is None or given == "full" or given.isdigit():
                write(source, usual if given is None else None if given == "full" else int(given))
            else:
                source = Path(given)
            size = sum(path.stat().st_size for path in (source.iterdir() if source.is_dir() else [source]))
            for name, code, words in (
                ("floor", floor, []),
                *(("kit, " + v if v else "kit", KIT, [str(target), *filter(None, [v])]) for v in variants),
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
    seconds, kibibytes = map(float, done.stdout.split())
    return seconds, kibibytes * 1024


if __name__ == "__main__":
    kinds = (sys.argv[1],) if len(sys.argv) > 1 else tuple(KINDS)
    print(json.dumps(run(kinds, sys.argv[2] if len(sys.argv) > 2 else None), indent=1))
