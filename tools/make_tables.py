"""Make the stores that ship with the package from their published sources: make tables SOURCE=FOLDER.

The same sources give the same bytes: the date in a store is SOURCE_DATE_EPOCH, which the Makefile sets. Each source is
a path in the folder; where it is from, its licence and its citation are in the store (nasbench-kit info NAME).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import nasbench_kit as nk

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Recipe:
    """How a store is made: its source in the folder, the source's format, mappings of columns, and tables to join."""

    source: str
    source_format: str
    mapping: str | None = None
    joins: tuple[str, ...] = ()  # mappings of side tables in the same folder


STORES = {
    "nb201": Recipe("nb201", "table", "nats.toml", ("v1_1.toml", "hardware.toml", "proxies.toml")),
    "nas-bench-macro": Recipe("macronas/nas-bench-macro_cifar10.json", "nas-bench-macro"),
    "nas-bench-graph": Recipe("nas-bench-graph", "nas-bench-graph"),
    "transnas-bench-101-micro": Recipe("transnas-bench-101/micro_final_valid.csv.gz", "transnas"),
    "transnas-bench-101-macro": Recipe("transnas-bench-101/macro_final_valid.csv.gz", "transnas"),
    "accel-nasbench": Recipe("accel-nasbench/anb_dataset_jsons.tar.gz", "accel-nasbench"),
    "nb101-test": Recipe("nb101/mean_test_108_epochs_by_hash_order.npy", "nb101-test"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="folder of the published sources")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"stores to make (default: all: {', '.join(STORES)})")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "nasbench_kit" / "data", help="where to write them")
    options = parser.parse_args()
    for name in options.names or STORES:
        if name not in STORES:
            parser.error(f"unknown store {name!r}. Available: {', '.join(STORES)}")
        recipe, source, target = STORES[name], options.source / STORES[name].source, options.output / f"{name}.h5"
        mappings = ROOT / "tools" / name
        bench = nk.convert(
            source,
            target,
            source_format=recipe.source_format,
            mapping=None if recipe.mapping is None else mappings / recipe.mapping,
            progress=False,
        )
        for side in recipe.joins:
            bench = nk.join(bench, source, target, mapping=mappings / side)
        print(f"{bench.path}: {len(bench):,} architectures, {bench.path.stat().st_size:,} bytes", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
