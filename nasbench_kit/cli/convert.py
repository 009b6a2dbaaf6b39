"""Convert a published file to a store, which then opens in about a millisecond, or join a table to a store."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from nasbench_kit.benchmark import open_benchmark
from nasbench_kit.cli.output import print_json, say
from nasbench_kit.cli.own import OWN
from nasbench_kit.data import store_folder
from nasbench_kit.loaders import convert, formats, store_name
from nasbench_kit.loaders.join import join
from nasbench_kit.loaders.mapping import ColumnMap, FileMap, TableMapping, read_mapping


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    add_source_arguments(parser)
    parser.add_argument("store", nargs="?", help="the store file to write (default: in the store folder)")
    parser.add_argument("-o", "--output", metavar="STORE", help="the same, as in the other commands")
    parser.add_argument("--reader", help="for nb101: builtin (default) or tensorflow (extra 'tensorflow')")
    parser.add_argument(
        "--curves",
        action="store_true",
        help="also store the values after every epoch, as separate datasets (nb201, nats)",
    )
    joining = parser.add_argument_group("for side tables, such as latencies (CSV, Parquet)")
    joining.add_argument(
        "--join", metavar="BENCHMARK", help="write a store with this benchmark's metrics and those of the table"
    )
    joining.add_argument(
        "--skip-unknown", action="store_true", help="leave out architectures that the benchmark does not have"
    )
    joining.add_argument("--replace", action="store_true", help="replace metrics that the benchmark has already")
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_source_arguments(parser: argparse.ArgumentParser, flag: str = "source") -> None:
    """Declare the options for a source and how to read it."""
    parser.add_argument(flag, help="the file or folder to read")
    parser.add_argument(
        "--from", dest="source_format", metavar="FORMAT", help=f"one of {', '.join(formats())} (default: recognised)"
    )
    parser.add_argument("--partial", action="store_true", help="accept a source that lacks architectures")
    table = parser.add_argument_group("for tables (CSV, Parquet)")
    table.add_argument("--mapping", metavar="FILE", help="a TOML file that maps the columns")
    table.add_argument("--space", help=f"the search space, {OWN}, instead of --mapping")
    table.add_argument("--architecture", metavar="COLUMN", help="the column of architectures")
    table.add_argument(
        "--form",
        default="native",
        help="the form of architectures: native (default), number, or another of the space: hash, naslib, official_index",
    )
    table.add_argument("--seed-column", metavar="COLUMN", help="the column of training seeds")
    table.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="MAP",
        help="COLUMN=DATASET/METRIC[@EPOCHS][#SEED][*SCALE][:max|:min]; repeatable",
    )


def mapping_of(options: argparse.Namespace, space: str | None = None) -> TableMapping | None:
    """The mapping described by the options, for a known space or that of ``--space``; None if there is none."""
    given = options.architecture or options.column
    if options.mapping and given:
        raise ValueError("give --mapping, or --space, --architecture and --column, not both")
    if options.mapping:
        return read_mapping(Path(options.mapping))
    if not (given or options.space):
        return None
    space = options.space or space
    if not (space and options.architecture and options.column):
        raise ValueError("a table needs all of --space, --architecture and at least one --column")
    columns = tuple(ColumnMap.parse(text) for text in options.column)
    return TableMapping(space, (FileMap(columns, options.architecture, options.form, options.seed_column),))


def default_target(source: Path, source_format: str | None = None, mapping: TableMapping | None = None) -> Path:
    """The default path of a store, in the store folder, which is created."""
    target = store_folder() / f"{store_name(source, source_format, mapping)}.h5"
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    if options.output is not None:
        if options.store is not None:
            raise ValueError(f"give one store to write, {options.store} or --output {options.output}")
        options.store = options.output
    if options.join:
        return _join(options)
    if options.skip_unknown or options.replace:
        raise ValueError(f"{'--skip-unknown' if options.skip_unknown else '--replace'} only applies with --join")
    mapping = mapping_of(options)
    source = Path(options.source)
    start = time.perf_counter()
    target = Path(options.store) if options.store else default_target(source, options.source_format, mapping)
    bench = convert(
        source,
        target,
        source_format=options.source_format,
        partial=options.partial,
        mapping=mapping,
        reader=options.reader,
        curves=options.curves,
    )
    seconds = time.perf_counter() - start
    if options.json:
        print_json({**bench.info, "seconds": seconds})
        return 0
    say(f"{target}: {len(bench):,} architectures of {bench.space.name}, datasets {', '.join(bench.datasets)}")
    say(f"converted in {seconds:.1f} s", error=True)
    if "verified_by" in bench.info:
        say(f"published file: {bench.info['published_file']}; verified by {bench.info['verified_by']}", error=True)
    name = bench.name if not options.store else str(target)
    say(f"open it with nasbench_kit.open({name!r}), or: nasbench-kit info {name}", error=True)
    return 0


def _join(options: argparse.Namespace) -> int:
    """Join a table to a benchmark; returns the exit status."""
    for flag in ("partial", "reader", "curves"):
        if getattr(options, flag):
            raise ValueError(f"--{flag} does not apply with --join")
    if options.source_format not in (None, "table"):
        raise ValueError(f"only tables (CSV, Parquet) can be joined, not the format {options.source_format}")
    bench = open_benchmark(options.join)
    source, mapping = Path(options.source), mapping_of(options, bench.space.name)
    if mapping is None or not (options.store or mapping.name):
        what = "a mapping of its columns: --mapping, or --architecture and --column" if mapping is None else "a STORE"
        raise ValueError(f"a table to join needs {what}")
    target = Path(options.store) if options.store else default_target(source, "table", mapping)
    joined = join(
        bench,
        source,
        target,
        mapping=mapping,
        unknown="skip" if options.skip_unknown else "raise",
        replace=options.replace,
    )
    added = joined.info["sources"][-1]
    if options.json:
        print_json(joined.info)
        return 0
    say(f"{target}: {len(joined):,} architectures, {added['records']:,} of them with {', '.join(added['columns'])}")
    if "skipped_architectures" in added:
        say(f"left out {added['skipped_architectures']:,} architectures that {bench.name} does not have", error=True)
    return 0
