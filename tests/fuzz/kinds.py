"""Everything that reads a file: a small right one, how it is damaged, and what reading it means."""

from __future__ import annotations

import importlib.util
import itertools
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

import nasbench_kit as nk
from nasbench_kit.cli.natives import read_natives
from nasbench_kit.experiments.recipe_file import read_recipe
from nasbench_kit.loaders import load
from nasbench_kit.loaders.mapping import ColumnMap, FileMap, TableMapping
from nasbench_kit.training.datasets import load_dataset
from tests.experiments.test_recipe_file import TEXT as RECIPE
from tests.fuzz.damage import (
    damaged,
    damaged_bz2_pickle,
    damaged_gzip,
    damaged_npz,
    damaged_pickle,
    damaged_text,
    damaged_tfrecord,
)
from tests.fuzz.hdf5 import alter
from tests.loaders.test_nas_bench_macro import records
from tests.official.accel_nasbench import write_accel_nasbench, write_accel_nasbench_folder
from tests.official.images import cifar_files, write_cifar, write_cifar_tar
from tests.official.macronas import write_macronas
from tests.official.nas_bench_graph import write_graph
from tests.official.nas_bench_nlp import write_logs, write_logs_zip
from tests.official.nats_size import SIZE
from tests.official.nb101 import write_nb101
from tests.official.nb201 import write_nats_file, write_nats_simple, write_nats_tar, write_nb201_pth
from tests.official.transnas import write_transnas

__all__ = ["Kind", "kinds"]

Damage = Callable[[bytes, bytes, np.random.Generator], bytes]


@dataclass(frozen=True)
class Kind:
    """One kind of file.

    Attributes
    ----------
    write : callable
        Writes a right one to a path, which may become a folder.
    read : callable
        Reads one; a generator decides about options.
    inside : callable
        Damage that gets behind the file's own checksums or syntax; plain damage to its bytes is tried as well.
    suffix : str
        What its name has to end in.
    alter : callable, optional
        For files of a library: changes one in place, through the library, instead of ``inside``.
    names_file : bool
        Whether its errors name the file.
    limit : float
        Seconds for one file.
    hangs : bool
        Whether a library below it is known to hang on some: that is counted, and no fault.
    """

    write: Callable[[Path], object]
    read: Callable[[Path, np.random.Generator], object]
    inside: Damage = damaged
    suffix: str = ""
    alter: Callable[[Path, np.random.Generator], None] | None = None
    names_file: bool = True
    limit: float = 20.0
    hangs: bool = field(default=False)


TABLE = TableMapping(
    "nas-bench-macro", (FileMap((ColumnMap.parse("accuracy=cifar10/valid_accuracy"),), "architecture", "native", None),)
)
NESTED = TableMapping(
    "genetic-cnn", (FileMap((ColumnMap.parse("accuracy=cifar10/valid_accuracy"),), "architecture", "native", None),)
)
HASHES = TableMapping(
    "nb101", (FileMap((ColumnMap.parse("accuracy=cifar10/valid_accuracy"),), "architecture", "hash", None),)
)
TUPLES = TableMapping(
    "nb201", (FileMap((ColumnMap.parse("accuracy=digits/latency_x"),), "architecture", "naslib", None),)
)
SIDE = TableMapping(
    "nb201", (FileMap((ColumnMap.parse("accuracy=digits/latency_x"),), "architecture", "native", None),)
)
TABLES = {"table.csv": TABLE, "table.parquet": NESTED, "hashes.csv": HASHES, "tuples.csv": TUPLES}  # by name of a file
TOML = """space = "nas-bench-macro"
name = "mine"

[[table]]
file = "table.csv"
architecture = "architecture"
form = "native"
column = [
  "accuracy=cifar10/valid_accuracy@50#1",
  { column = "time", dataset = "cifar10", metric = "latency_x", scale = 1.5, direction = "min", range = [0, 99], epochs = 50 },
]

[provenance]
url = "https://example.org"
licence = "MIT"
"""


def kinds() -> dict[str, Kind]:
    """All kinds by name; those that need torch only where it is installed."""
    found = {
        "nas-bench-macro": Kind(_write_macro, _loaded("nas-bench-macro"), damaged_text),
        "table.csv": Kind(_write_csv, _table("table.csv"), damaged_text, ".csv"),
        "hashes.csv": Kind(_write_hashes, _table("hashes.csv"), damaged_text, ".csv"),
        "tuples.csv": Kind(_write_tuples, _table("tuples.csv"), damaged_text, ".csv"),
        "side.csv": Kind(_write_side, _read_side, damaged_text, ".csv"),
        "nb101": Kind(lambda path: write_nb101(path, 4), _loaded("nb101"), damaged_tfrecord),
        "macronas": Kind(lambda path: write_macronas(path, 120), _loaded("macronas"), damaged_text),
        "nb201": Kind(lambda path: write_nb201_pth(path, range(1)), _loaded("nb201"), damaged_pickle),
        "nb201-zip": Kind(lambda path: write_nb201_pth(path, range(1), zipped=True), _loaded("nb201")),
        "nats-folder": Kind(lambda path: write_nats_simple(path, range(1)), _loaded("nats"), damaged_bz2_pickle),
        "nats-tar": Kind(lambda path: write_nats_tar(path, range(1)), _loaded("nats")),
        "nats-file": Kind(lambda path: write_nats_file(path, range(1)), _loaded("nats"), damaged_bz2_pickle),
        "nlp-folder": Kind(write_logs, _loaded("nas-bench-nlp"), damaged_text),
        "nlp-zip": Kind(write_logs_zip, _loaded("nas-bench-nlp")),
        "nats-size-folder": Kind(
            lambda path: write_nats_simple(path, range(1), kind=SIZE), _loaded("nats"), damaged_bz2_pickle
        ),
        "nats-size-tar": Kind(lambda path: write_nats_tar(path, range(1), kind=SIZE), _loaded("nats")),
        "nats-size-file": Kind(
            lambda path: write_nats_file(path, range(1), kind=SIZE), _loaded("nats"), damaged_bz2_pickle
        ),
        "accel-nasbench": Kind(lambda path: write_accel_nasbench(path, 6), _loaded("accel-nasbench"), damaged_gzip),
        "accel-nasbench-folder": Kind(
            lambda path: write_accel_nasbench_folder(path, 6), _loaded("accel-nasbench"), damaged_text
        ),
        "graph-folder": Kind(lambda path: write_graph(path, 300), _loaded("nas-bench-graph"), damaged_pickle),
        "transnas.csv": Kind(lambda path: write_transnas(path, count=60), _loaded("transnas"), damaged_text, ".csv"),
        "images-folder": Kind(lambda path: write_cifar(path, cifar_files(10, 10, 2)), _read_images, damaged_pickle),
        "images-tar": Kind(lambda path: write_cifar_tar(path, 10, cifar_files(10, 10, 2)), _read_images, damaged_gzip),
        "images.npz": Kind(_write_npz, lambda path, _: load_dataset(str(path)), damaged_npz, ".npz"),
        "mapping.toml": Kind(_write_mapping, _read_mapping, damaged_text, names_file=False),
        "recipe.toml": Kind(_write_recipe, lambda path, _: read_recipe(path), damaged_text, ".toml"),
        "natives": Kind(_write_natives, _read_natives, damaged_text, names_file=False),
        "store": Kind(_write_store, _read_store, alter=alter, limit=8, hangs=True),
        "result": Kind(_write_result, _read_result, alter=alter, limit=8, hangs=True),
    }
    if importlib.util.find_spec("pyarrow"):
        found["table.parquet"] = Kind(_write_nested, _table("table.parquet"), suffix=".parquet")
    try:
        import sklearn  # noqa: F401
        import torch  # noqa: F401
    except ImportError:
        return found
    from tests.fuzz import trained

    return found | {
        "checkpoint": Kind(trained.write_checkpoint, trained.read_checkpoint),
        "export": Kind(trained.write_export, trained.read_export, trained.damaged_export),
        "parts": Kind(trained.write_parts, trained.read_parts, trained.damaged_part),
        "cache": Kind(trained.write_cache, trained.read_cache, alter=_alter_rows),
    }


# ---------------------------------------------------------------------------- loaders


def _loaded(source_format: str) -> Callable[[Path, np.random.Generator], object]:
    def read(path: Path, rng: np.random.Generator) -> object:
        named, partial = rng.random() < 0.8, rng.random() < 0.7
        return load(path, source_format=source_format if named else None, partial=bool(partial))

    return read


def _write_macro(path: Path) -> None:
    path.write_text(json.dumps(dict(itertools.islice(records().items(), 30)), indent=0))


def _write_csv(path: Path) -> None:
    space = nk.space("nas-bench-macro")
    rows = (f"{native},{i / 10}\n" for i, native in enumerate(space.decode(space.all()[:40])))
    path.write_text("architecture,accuracy\n" + "".join(rows))


def _write_hashes(path: Path) -> None:
    space = nk.space("nb101")
    hashes = space.module_hash(space.representatives(np.arange(0, 4000, 100)))
    path.write_text("architecture,accuracy\n" + "".join(f"{text},{i / 10}\n" for i, text in enumerate(hashes)))


def _write_tuples(path: Path) -> None:
    tuples = itertools.islice(itertools.product(range(5), repeat=6), 0, 15_625, 400)
    path.write_text("architecture,accuracy\n" + "".join(f'"{text}",{i / 10}\n' for i, text in enumerate(tuples)))


def _write_nested(path: Path) -> None:
    space = nk.space("genetic-cnn")
    natives = space.decode(space.distinct(space.sample(40, 0))[0])
    pd.DataFrame({"architecture": natives, "accuracy": np.arange(len(natives)) / 10}).to_parquet(path)


def _write_side(path: Path) -> None:
    bench = nk.open("nb201-digits")
    natives = bench.space.decode(bench.architectures[:40])
    path.write_text("architecture,accuracy\n" + "".join(f"{native},{i / 10}\n" for i, native in enumerate(natives)))


def _table(name: str) -> Callable[[Path, np.random.Generator], object]:
    return lambda path, _: load(path, source_format="table", partial=True, mapping=TABLES[name])


def _read_side(path: Path, rng: np.random.Generator) -> object:
    unknown: Literal["raise", "skip"] = "raise" if rng.random() < 0.5 else "skip"
    return nk.join("nb201-digits", path, path.with_suffix(".h5"), mapping=SIDE, unknown=unknown)


def _read_images(path: Path, _: np.random.Generator) -> object:
    return load_dataset("cifar10", path, verify=False)


def _write_npz(path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(path, images=rng.integers(0, 256, (20, 1, 4, 4), dtype=np.uint8), labels=np.arange(20) % 2)


def _write_mapping(path: Path) -> None:
    path.mkdir()
    (path / "mapping.toml").write_text(TOML)
    rows = (f"{native},{i * 10},{i}\n" for i, native in enumerate(nk.space("nas-bench-macro").decode(np.eye(8))))
    (path / "table.csv").write_text("architecture,accuracy,time\n" + "".join(rows))


def _read_mapping(path: Path, _: np.random.Generator) -> object:
    return load(path / "table.csv", partial=True, mapping=path / "mapping.toml")


def _write_recipe(path: Path) -> None:
    path.write_text(RECIPE)


def _write_natives(path: Path) -> None:
    lines = []
    for name in nk.list_spaces():
        space = nk.space(name)
        lines += [text if isinstance(text, str) else json.dumps(text) for text in space.decode(space.sample(3, 0))]
    path.write_text("\n".join(lines))


def _read_natives(path: Path, rng: np.random.Generator) -> object:
    try:
        natives = read_natives([], str(path))
    except ValueError as error:
        if "no architectures: " in str(error):  # wrong use, says the command
            return None
        raise
    space = nk.space(str(rng.choice(nk.list_spaces())))
    for native in natives:
        fault = space.fault(native)
        assert fault is None or ("\n" not in fault and len(fault) < 2000), f"{space.name}: {fault!r}"
    space.canonical(space.encode([native for native in natives if space.fault(native) is None]))
    return space.encode(natives) if rng.random() < 0.5 else None


# ---------------------------------------------------------------------------- stores and results


def _write_store(path: Path) -> None:
    bench = nk.open("nb201-digits")
    path.write_bytes(bench.path.read_bytes())


def _read_store(path: Path, rng: np.random.Generator) -> object:
    bench = nk.open(str(path))
    info = bench.info
    for dataset in bench.datasets:
        for name in bench.metrics(dataset):
            bench.epochs(dataset, name), bench.seeds(dataset, name), bench.metric(name, dataset)
    X = bench.architectures[:50]
    for dataset in bench.datasets[:2]:
        name = str(rng.choice(bench.metrics(dataset)))
        bench.query(X, name, dataset=dataset)
        if len(bench) < 20_000:
            bench.frame(dataset)
    if rng.random() < 0.3:
        bench.check_file()
    return info


def _write_result(path: Path) -> None:
    problem = nk.open("nb201-digits").problem(["valid_accuracy", "params"])
    nk.search(problem, nk.NSGA2(population_size=4), runs=2, evaluations=20, seed=0, record=True).save(path)


def _read_result(path: Path, _: np.random.Generator) -> object:
    result = nk.load_result(path)
    repr(result), result.trace
    if log := result.generations:
        log.frame(), log.populations(0), log.fronts(result.runs - 1), log.best(0)
    return result.hypervolume()


# ---------------------------------------------------------------------------- SQLite


def _alter_rows(path: Path, rng: np.random.Generator) -> None:
    """Change a value of a training cache through SQLite."""
    with sqlite3.connect(path) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        table = str(rng.choice(tables))
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        odd = [None, -1, 2**62, "x", b"\xff\xfe", 1e308, "\x1b[2J", b"", "x" * 10_000][int(rng.integers(9))]
        column = str(rng.choice(columns))
        try:
            match int(rng.integers(3)):
                case 0:
                    connection.execute(f"DELETE FROM {table}")
                case 1:
                    connection.execute(f"ALTER TABLE {table} RENAME TO other")
                case _:
                    connection.execute(f"UPDATE {table} SET {column} = ?", (odd,))
        except sqlite3.Error:
            connection.execute(f"DROP TABLE {table}")
    connection.close()
