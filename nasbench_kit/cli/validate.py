"""Check a store (checksums, encodings, classes, costs, sampled rows of its source), or architectures of a space."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from nasbench_kit.benchmark import open_benchmark
from nasbench_kit.benchmark.validation import validate
from nasbench_kit.cli.convert import add_source_arguments, mapping_of
from nasbench_kit.cli.natives import native_text, read_natives
from nasbench_kit.cli.output import print_json, print_table, say
from nasbench_kit.data import find_store, list_benchmarks
from nasbench_kit.loaders import load, recognise
from nasbench_kit.loaders.official import ask_official
from nasbench_kit.spaces import list_spaces, space
from nasbench_kit.store import Table
from nasbench_kit.store.hdf5 import opens_in_time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("benchmark", help="a benchmark's name or the path of a store; with architectures, also a space")
    parser.add_argument("architectures", nargs="*", help="native forms to check, instead of the store")
    parser.add_argument("--file", metavar="FILE", help="a file of native forms, one per line; - is stdin")
    add_source_arguments(parser, "--source")
    parser.add_argument(
        "--against",
        metavar="FILE",
        help="compare with the official package on this file or folder of NAS-Bench-201 or NATS-Bench (extra 'official')",
    )
    parser.add_argument("--sample", type=int, default=1000, help="rows to compare with a source (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the sample")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    # a name that is a space's alone asks about architectures, which come on stdin like those of a query
    space_alone = options.benchmark in list_spaces() and options.benchmark not in list_benchmarks()
    if options.architectures or options.file or space_alone:
        return _check_architectures(options)
    path = find_store(options.benchmark)
    opens_in_time(path)
    source, against = (Path(text) if text else None for text in (options.source, options.against))

    def read(curves: bool) -> Table:
        assert source is not None
        return load(
            source,
            source_format=options.source_format,
            mapping=mapping_of(options),
            partial=options.partial,
            curves=curves,
        )

    def ask(indices: Collection[int], answer: Callable[[int, Any], None]) -> None:
        assert against is not None
        ask_official(against, recognise(against), indices, answer)

    checks = validate(
        path,
        source=read if source else None,
        official=ask if against else None,
        sample=options.sample,
        seed=options.seed,
    )
    failed = [check for check in checks if not check.passed]
    if options.json:
        print_json({"passed": not failed, "checks": [vars(check) for check in checks]})
    else:
        rows = [["ok" if check.passed else "FAILED", check.name, check.found] for check in checks]
        print_table(None, ["result", "check", "found"], rows, left=3)
    return 1 if failed else 0


def _check_architectures(options: argparse.Namespace) -> int:
    name = options.benchmark
    chosen = space(name) if name in list_spaces() else open_benchmark(name).space
    natives = read_natives(options.architectures, options.file)
    faults = [chosen.fault(native) for native in natives]
    if options.json:
        print_json(
            {
                "passed": not any(faults),
                "architectures": [
                    {"architecture": native_text(native), "valid": fault is None, "fault": fault}
                    for native, fault in zip(natives, faults, strict=True)
                ],
            }
        )
    else:
        for native, fault in zip(natives, faults, strict=True):
            say("FAILED" if fault else "ok", native_text(native), *([fault] if fault else []))
    return 1 if any(faults) else 0
