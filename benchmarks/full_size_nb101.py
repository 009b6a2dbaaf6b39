"""Converting a file of NAS-Bench-101's full size, beside the floor: reading it and comparing its checksums alone.

The file has the true cells, hashes and params in the official format and order; its accuracies and times are made up, so it
is for measuring alone and deleted afterwards: ``python -m benchmarks.full_size_nb101 [--cells N] [--folder FOLDER]``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import nasbench_kit as nk
from benchmarks.full_size import measure
from tests.loaders.nb101_file import framed, made_up_evaluations, message, payload, texts

FLOOR = """
from pathlib import Path
from nasbench_kit.loaders.tfrecord import read_records
print(sum(len(records) for records in read_records(Path(source))), "records")
"""
BUDGETS, REPEATS, BLOCK = (4, 12, 36, 108), 3, 4096


def write(path: Path, cells: int | None) -> int:
    """Write the file; returns the number of records."""
    space, rng = nk.space("nb101"), np.random.default_rng(0)
    rows = space.representatives(np.arange(space.networks if cells is None else cells))
    hashes = space.module_hash(rows)
    params = space.cost(rows, "params", dataset="cifar10")
    order = np.argsort(hashes)
    with path.open("wb") as file:
        for start in range(0, len(order), BLOCK):
            block = order[start : start + BLOCK]
            values = np.stack(
                [made_up_evaluations(len(block) * REPEATS, epochs, rng) for epochs in BUDGETS], axis=1
            ).reshape(len(block), REPEATS, len(BUDGETS), 3, 5)
            for i, cell in enumerate(block.tolist()):
                digest, count, text = str(hashes[cell]), int(params[cell]), texts(rows[cell].tolist())
                for repeat in range(REPEATS):
                    for b, epochs in enumerate(BUDGETS):
                        content = message(values[i, repeat, b].tolist(), count)
                        file.write(framed(payload(digest, epochs, *text, content)))
    return len(order) * REPEATS * len(BUDGETS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, help="the first cells alone")
    parser.add_argument("--folder", type=Path, help="where the file of 2 GB is written")
    options = parser.parse_args()
    measure(
        "made_up_nb101.tfrecord",
        lambda path: write(path, options.cells),
        FLOOR,
        options.folder,
        options.cells is not None,
    )


if __name__ == "__main__":
    main()
