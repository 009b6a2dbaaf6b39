"""What a search and a query cost as their sizes grow, as exponents: 1 is proportional, 0 is constant.

``python -m benchmarks growth`` takes half an hour, 6 GB of disk and as much memory, and writes ``docs/growth.json``. Times
are those of the process on a core, the least of several; memory is the peak of a process of its own. What is to be expected:

- A search costs at least its evaluations, so 1 for runs and evaluations, and less while a round's NumPy calls are dear
  beside its work. Survival of two objectives is a sort, of more a comparison of pairs, so that it grows with the population
  faster than by 1 for the same number of evaluations. Memory has the population, flags and traces, nothing per evaluation.
- A query by binary search in n rows has log2(n) dependent reads, of which the last ones miss every cache in a large table.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import nasbench_kit as nk
from benchmarks.timing import table
from nasbench_kit.kernels import compiling
from nasbench_kit.spaces import Chain, register_space
from nasbench_kit.store import MetricColumn, Table, write_store

TARGET = Path(__file__).parent.parent / "docs" / "growth.json"
SPACE = Chain(9, "abcdefgh", name="growth")  # 134 million networks
ROWS = (10**4, 10**5, 10**6, 10**7, 10**8)
ASKED = 10**6  # rows of a query
PROCESSES = 8


@dataclass(frozen=True)
class Series:
    """Measured values over sizes."""

    what: str
    by: str
    unit: str
    sizes: Sequence[int]
    values: Sequence[float]

    @property
    def exponents(self) -> tuple[float, float]:
        """Slope over all sizes in a plot of logarithms, and that between the last two."""
        x, y = np.log(self.sizes), np.log(self.values)
        return float(np.polyfit(x, y, 1)[0]), float((y[-1] - y[-2]) / (x[-1] - x[-2]))


def run() -> dict[str, Any]:
    compiling.enable()
    series = [*_searches(), *_memory()]
    with tempfile.TemporaryDirectory(dir=os.environ.get("NASBENCH_KIT_SCRATCH")) as folder:
        more, facts = _queries(Path(folder))
    series += more
    rows = []
    for one in series:
        everywhere, last = one.exponents
        ends = f"{one.values[0]:,.3g} to {one.values[-1]:,.3g} {one.unit}"
        rows.append(
            [one.what, one.by, f"{one.sizes[0]:,} to {one.sizes[-1]:,}", ends, f"{everywhere:.2f}", f"{last:.2f}"]
        )
    table(["of", "by", "from, to", "cost", "exponent", "at the end"], rows)
    for name, value in facts.items():
        print(f"{name}: {value}")
    listed = [
        {
            "of": one.what,
            "by": one.by,
            "unit": one.unit,
            "sizes": one.sizes,
            "values": one.values,
            "exponents": one.exponents,
        }
        for one in series
    ]
    found = {"series": listed, "facts": facts}
    TARGET.write_text(json.dumps(found, indent=1) + "\n")
    return found


# ---------------------------------------------------------------- searches


def _searches() -> list[Series]:
    bench = nk.open("nb201")
    names = ["valid_accuracy", "params", "latency_edgegpu", "energy_fpga", "flops"]

    def problem(objectives: int) -> nk.Problem:
        return bench.problem(names[:objectives], dataset="cifar10-valid", seed="mean", charge="one")

    two = problem(2)
    found = []

    def measure(what: str, by: str, sizes: Sequence[int], search: Callable[[int], Callable[[], object]]) -> None:
        values = [_seconds(search(size)) for size in sizes]
        found.append(Series(what, by, "s", sizes, values))
        print(f"{what} by {by}: {values}", flush=True)

    def searching(problem: nk.Problem, population: int, runs: int, evaluations: int) -> Callable[[], object]:
        algorithm = nk.NSGA2(population_size=population)
        return lambda: nk.search(problem, algorithm, runs=runs, evaluations=evaluations, workers=1)

    measure(
        "NSGA2, runs of 2,000 evaluations",
        "runs",
        (1, 10, 100, 1000, 10_000),
        lambda n: searching(two, 100, n, 2000),
    )
    measure(
        "NSGA2, 1,000 runs",
        "evaluations",
        (1000, 10_000, 100_000, 1_000_000),
        lambda n: searching(two, 100, 1000, n),
    )
    measure(
        "NSGA2, 10 runs of 100,000 evaluations",
        "population",
        (10, 100, 1000, 10_000),
        lambda n: searching(two, n, 10, 100_000),
    )
    measure(
        "NSGA2, 100 runs of 5,000 evaluations",
        "objectives",
        (2, 3, 4, 5),
        lambda n: searching(problem(n), 100, 100, 5000),
    )
    measure(
        "RegularizedEvolution, 100 runs of 2,000 evaluations",
        "genes",
        (4, 8, 16, 32, 64, 128, 250),
        lambda n: lambda: nk.search(_counting(n), nk.RegularizedEvolution(), runs=100, evaluations=2000, workers=1),
    )
    return found


def _counting(genes: int) -> nk.Problem:
    return nk.FunctionProblem(lambda X: (X == 1).sum(axis=1), Chain(genes, "abc", name=f"growth-{genes}"))


def _seconds(function: Callable[[], object]) -> float:
    """The least seconds on a core of up to five calls, fewer of long ones."""
    times: list[float] = []
    while len(times) < 5 and sum(times) < 20:
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


MEMORY = """
import sys
import nasbench_kit as nk
evaluations = int(sys.argv[1])
bench = nk.open("nb201")
problem = bench.problem(["valid_accuracy", "params"], dataset="cifar10-valid", seed="mean", charge="one")
algorithms = {"NSGA2": nk.NSGA2(), "RandomSearch": nk.RandomSearch()}
nk.search(problem, algorithms[sys.argv[2]], runs=100, evaluations=evaluations, workers=1)
with open("/proc/self/status") as file:  # getrusage would count the memory of the process that started this one
    print(next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM")))
"""


def _memory() -> list[Series]:
    sizes = (1000, 10_000, 100_000, 1_000_000)
    found = []
    for name in ("NSGA2", "RandomSearch"):
        values = [float(_python(MEMORY, str(size), name)) for size in sizes]
        found.append(Series(f"peak memory of {name}, 100 runs", "evaluations", "MiB", sizes, values))
        print(f"memory of {name}: {values}", flush=True)
    return found


def _python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


# ---------------------------------------------------------------- queries


class _Sorted(Table):
    """A table whose rows are in the order of their keys already, so that writing it needs no second copy."""

    def sorted_rows(self) -> tuple[Any, Any]:
        return self.space.key(self.architectures), slice(None)


QUERY = """
import sys, time
import numpy as np
import nasbench_kit as nk
from nasbench_kit.spaces import Chain, register_space

def memory(kind):
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(kind + ":"))

register_space(Chain(9, "abcdefgh", name="growth"))
nk.open("nb201-digits").query([0] * 6, "valid_accuracy")  # so that everything is imported
openings = []
for _ in range(5):
    start = time.perf_counter()
    bench = nk.open(sys.argv[1])
    openings.append(time.perf_counter() - start)
rng = np.random.default_rng(int(sys.argv[2]))
rows = bench.architectures[rng.integers(0, len(bench), int(sys.argv[3]))]
before = memory("Anonymous")
bench.query(rows[:1], "accuracy")
times = []
for _ in range(5):
    start = time.process_time()
    bench.query(rows, "accuracy")
    times.append(time.process_time() - start)
held = memory("Anonymous") - before
if len(sys.argv) > 4:  # beside others: touch all of it, then wait for them
    for i in range(0, len(bench), 2**20):
        bench.query(bench.architectures[i : i + 2**20], "accuracy")
    print("ready", flush=True)
    sys.stdin.readline()
print(min(openings), min(times), held, memory("Rss"), memory("Pss"), memory("Anonymous"))
"""


def _queries(folder: Path) -> tuple[list[Series], dict[str, Any]]:
    """Stores of more and more rows: of random values, every tenth, hundredth, ... network."""
    register_space(SPACE)
    opening, seconds, memory = [], [], []
    facts: dict[str, Any] = {}
    for n in ROWS:
        path = _store(folder / f"{n}.h5", n)
        first, least, held, *_ = map(float, _python(QUERY, str(path), "0", str(ASKED)).split())
        opening.append(1e3 * first)
        seconds.append(1e9 * least / ASKED)
        memory.append(max(held, 0.1))
        print(f"{n:,} rows: {path.stat().st_size / 1e9:.2f} GB, {first}, {least}, {held}", flush=True)
        if n < ROWS[-1]:
            path.unlink()
    facts["store of all rows, GB"] = path.stat().st_size / 1e9
    found = [_beside(path, number) for number in (1, PROCESSES)]
    for number, (resident, proportional, own) in zip((1, PROCESSES), found, strict=True):
        facts[f"{number} processes: resident, proportional and own memory of all together, MiB"] = [
            resident,
            proportional,
            own,
        ]
    return [
        Series("opening a store", "rows", "ms", ROWS, opening),
        Series("a row of a query of a million", "rows", "ns", ROWS, seconds),
        Series("own memory kept after queries", "rows", "MiB", ROWS, memory),
    ], facts


def _store(path: Path, n: int) -> Path:
    rng = np.random.default_rng(n)
    numbers = np.arange(n, dtype=np.int64) * (SPACE.size // n)
    X = np.empty((n, SPACE.genes), dtype=np.uint8)
    for gene in reversed(range(SPACE.genes)):
        X[:, gene] = numbers % 8
        numbers //= 8
    keys = SPACE.key(X)
    order = slice(None) if (keys[1:] > keys[:-1]).all() else np.argsort(keys)
    values = {
        name: MetricColumn(rng.random((n, 1, 3), dtype=np.float32), (100,), (1, 2, 3)) for name in ("accuracy", "loss")
    }
    return write_store(path, _Sorted(SPACE, X[order], {"made-up": values}, {"source": "random"}))


def _beside(path: Path, number: int) -> tuple[float, float, float]:
    """Memory of processes that have read all of a store, while all of them are there: sums in MiB."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", QUERY, str(path), str(seed), "100000", "all"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(number)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    sums = np.zeros(3)
    for process in processes:  # each tells before the next one ends
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        sizes = {line.split(":")[0]: line.split()[1] for line in lines}
        sums += [int(sizes[kind]) / 1024 for kind in ("Rss", "Pss", "Anonymous")]
    for process in processes:
        process.communicate("\n")
    return float(sums[0]), float(sums[1]), float(sums[2])
