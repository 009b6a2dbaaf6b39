"""What a user waits for every day: the start of each command, beside a Python that only imports what the command cannot do without.

``convert`` of each format is measured by `benchmarks.convert`, ``encode``, ``frame`` and ``validate`` by `benchmarks.tables`. Each time
is the least of several runs of a process, by the clock.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.timing import table

ROUNDS = 5
CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
PYTHON = "pass"
ARRAYS, FRAMES = "import numpy, h5py", "import numpy, h5py, pandas"
STATISTICS = "import numpy, h5py, pandas, scipy.stats, rich.table, rich.console"

# what is waited for: the arguments of nasbench-kit, or Python's, and what it has to import
KIT: dict[str, tuple[list[str], str]] = {
    "import nasbench_kit": (["-c", "import nasbench_kit"], PYTHON),
    "nk.open, one query": (
        [
            "-c",
            "import nasbench_kit as nk; b = nk.open('nb201'); b.query([[0] * 6], 'valid_accuracy', dataset='cifar10-valid')",
        ],
        ARRAYS,
    ),
    "nk.search, one run": (
        [
            "-c",
            "import nasbench_kit as nk; nk.search(nk.open('nb201-digits').problem('valid_accuracy'), nk.RandomSearch(), evaluations=100)",
        ],
        ARRAYS,
    ),
    "frame": (["-c", "import nasbench_kit as nk; nk.open('nb201-digits').frame()"], FRAMES),
    "--help": (["--help"], "import argparse"),
    "list": (["list"], "import numpy, h5py, rich.table, rich.console"),
    "info": (["info", "nb201"], "import numpy, h5py, rich.table, rich.console"),
    "query": (["query", "nb201", CELL, "--dataset", "cifar10-valid"], ARRAYS),
    "validate": (["validate", "nb201"], ARRAYS),
    "dedup": (["dedup", "nb201", CELL, CELL], ARRAYS),
    "export": (["export", "nb201-digits", "-o", "{folder}/table.csv"], FRAMES),
    "cite": (["cite", "nb201"], ARRAYS),
    "compare, two algorithms of 10 runs": (
        [
            "compare",
            "nb201-digits",
            "--algorithms",
            "RandomSearch",
            "RegularizedEvolution",
            "--runs",
            "10",
            "--evaluations",
            "100",
        ],
        STATISTICS,
    ),
    "draw": (["draw", "nb201", CELL, "-o", "{folder}/cell.svg"], "import numpy, matplotlib.figure"),
    "reproduce nb201-cifar10": (["reproduce", "nb201-cifar10"], STATISTICS),
}


def run() -> dict[str, Any]:
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (arguments, imports) in KIT.items():
            arguments = [
                argument.format(folder=folder) if "{folder}" in argument else argument for argument in arguments
            ]
            command = [sys.executable, *([] if arguments[0] == "-c" else ["-m", "nasbench_kit"]), *arguments]
            floor = [sys.executable, "-c", imports]
            took = {"kit": [], "floor": []}  # type: dict[str, list[float]]
            for _ in range(ROUNDS):
                took["kit"].append(_seconds(command))
                took["floor"].append(_seconds(floor))
            found[name] = {which: min(times) for which, times in took.items()} | {"imports": imports}
    table(
        ["", "seconds", "its imports alone", "time / floor"],
        [
            [name, f"{f['kit']:.2f}", f"{f['floor']:.2f}: `{f['imports']}`", f"{f['kit'] / f['floor']:.1f}"]
            for name, f in found.items()
        ],
    )
    return found


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path.cwd())
    took = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr}")
    return took
