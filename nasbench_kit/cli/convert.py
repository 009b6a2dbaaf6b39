"""Convert a published file to a store, which then opens in about a millisecond."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from nasbench_kit.cli.output import print_json, say
from nasbench_kit.cli.own import OWN
from nasbench_kit.data import store_folder
from nasbench_kit.loaders import convert, formats, store_name
from nasbench_kit.loaders.mapping import ColumnMap, FileMap, TableMapping, read_mapping


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    add_source_arguments(parser)
    parser.add_argument("store", nargs="?", help="the store file to write (default: in the store folder)")
    parser.add_argument("--reader", help="for nb101: builtin (default) or tensorflow (extra 'tensorflow')")
    parser.add_argument(
        "--curves",
        action="store_true",
        help="also store the values after every epoch, as separate datasets (nb201, nats)",
    )
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
    table.add_argument("--form", default="native", help="native (default), official_index or number")
    table.add_argument("--seed-column", metavar="COLUMN", help="the column of training seeds")
    table.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="MAP",
        help="COLUMN=DATASET/METRIC[@EPOCHS][#SEED][*SCALE][:max|:min]; repeatable",
    )


def mapping_of(options: argparse.Namespace) -> TableMapping | None:
    """The mapping described by the options; None if there is none."""
    given = options.architecture or options.column
    if options.mapping and given:
        raise ValueError("give --mapping, or --space, --architecture and --column, not both")
    if options.mapping:
        return read_mapping(Path(options.mapping))
    if not (given or options.space):
        return None
    if not (options.space and options.architecture and options.column):
        raise ValueError("a table needs all of --space, --architecture and at least one --column")
    columns = tuple(ColumnMap.parse(text) for text in options.column)
    return TableMapping(options.space, (FileMap(columns, options.architecture, options.form, options.seed_column),))


def default_target(source: Path, source_format: str | None = None, mapping: TableMapping | None = None) -> Path:
    """The default path of a store, in the store folder, which is created."""
    target = store_folder() / f"{store_name(source, source_format, mapping)}.h5"
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
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
