"""Converting a file of MacroNAS' full size, beside the floor: reading it and counting its records.

The file has the true genotypes, MMACs and params in the official format; its accuracies are made up, so it is for measuring
alone and deleted afterwards: ``python -m benchmarks.full_size_macronas [--dataset cifar100] [--folder FOLDER]``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import nasbench_kit as nk
from benchmarks.full_size import measure

FLOOR = """
with open(source, "rb") as file:
    print(sum(block.count(b"{") for block in iter(lambda: file.read(2**23), b"")) - 1, "records")
"""
BLOCK = 2**17


def write(path: Path, dataset: str) -> int:
    """Write the file; returns the number of records."""
    space = nk.space("macronas")
    made_up = np.round(np.random.default_rng(0).uniform(20, 95, (2, space.size)), 2)
    with path.open("w") as file:
        file.write("{")
        for start in range(0, space.size, BLOCK):
            rows = space.from_number(np.arange(start, min(start + BLOCK, space.size)))
            values = made_up[:, space.key(rows)].tolist()
            costs = [space.cost(rows, name, dataset=dataset).tolist() for name in ("mmacs", "params")]
            records = zip(space.decode(rows), *costs, *values, strict=True)
            text = json.dumps(
                {key: {"MMACs": m, "Params": p, "val_acc": v, "test_acc": t} for key, m, p, v, t in records}
            )
            file.write((", " if start else "") + text[1:-1])
        file.write("}")
    return space.size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="cifar10", choices=("cifar10", "cifar100"))
    parser.add_argument("--folder", type=Path, help="where the file of 440 MB is written")
    options = parser.parse_args()
    measure(f"made_up_{options.dataset}.json", lambda path: write(path, options.dataset), FLOOR, options.folder)


if __name__ == "__main__":
    main()
