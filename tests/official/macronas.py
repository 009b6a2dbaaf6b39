"""MacroNAS' files: the true genotypes, MMACs and params in the official format, and made-up accuracies."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import nasbench_kit as nk

BLOCK = 2**17


def write_macronas(path: Path, genotypes: int | None = None, dataset: str = "cifar10") -> None:
    """Write ``benchmark_<dataset>_dataset.json``, or its like of the first genotypes alone."""
    space = nk.space("macronas")
    count = space.size if genotypes is None else genotypes
    made_up = np.round(np.random.default_rng(0).uniform(20, 95, (2, space.networks)), 2)
    with path.open("w") as file:
        file.write("{")
        for start in range(0, count, BLOCK):
            rows = space.from_number(np.arange(start, min(start + BLOCK, count)))
            values = made_up[:, space.network_index(rows)].tolist()
            costs = [space.cost(rows, name, dataset=dataset).tolist() for name in ("mmacs", "params")]
            records = zip(space.decode(rows), *costs, *values, strict=True)
            text = json.dumps(
                {key: {"MMACs": m, "Params": p, "val_acc": v, "test_acc": t} for key, m, p, v, t in records}
            )
            file.write((", " if start else "") + text[1:-1])
        file.write("}")
