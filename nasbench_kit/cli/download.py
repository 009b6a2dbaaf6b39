"""Download the published files of a benchmark, verify them, and convert them to stores."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from nasbench_kit.cli.convert import default_target
from nasbench_kit.cli.output import print_json, progress_bars, say
from nasbench_kit.data import store_folder
from nasbench_kit.data.catalogue import downloads
from nasbench_kit.errors import UnknownName
from nasbench_kit.loaders import convert
from nasbench_kit.loaders.download import download


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("benchmark", help=f"one of {', '.join(downloads())}")
    names = "; ".join(f"{name}: {', '.join(file.name for file in known.files)}" for name, known in downloads().items())
    parser.add_argument("--file", action="append", metavar="NAME", help=f"another of its files ({names}); repeatable")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FOLDER", help="where to write the files (default: the store folder)"
    )
    parser.add_argument("--folder", dest="output", type=Path, help=argparse.SUPPRESS)  # its earlier name
    parser.add_argument("--no-convert", action="store_true", help="download and verify only")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    if options.benchmark not in downloads():
        raise UnknownName("published benchmark", options.benchmark, downloads())
    known = downloads()[options.benchmark]
    files = [known.file(name) for name in options.file] if options.file else known.files[: known.default]
    folder = options.output or store_folder()
    if known.together:
        folder = folder / options.benchmark
    say(f"licence {known.licence}; to cite: {known.citation}", error=True)
    done: list[dict[str, Any]] = []
    with progress_bars([file.name for file in files]) as update:
        for file in files:
            path = download(file, known, folder, progress=partial(update, file.name))
            done.append({"file": str(path), "verified_by": file.evidence})
    sources = [folder] if known.together else [Path(entry["file"]) for entry in done]
    for path in [] if options.no_convert else sources:
        say(f"converting {path.name}", error=True)
        bench = convert(path, default_target(path))
        for entry in done:
            if path in (folder, Path(entry["file"])):
                entry |= {"store": str(bench.path), "name": bench.name, "architectures": len(bench)}
    if options.json:
        print_json(done)
        return 0
    for entry in done:
        say(entry.get("store", entry["file"]))
        say(f"verified by {entry['verified_by']}", error=True)
        if "store" in entry:
            say(f"open it with nasbench_kit.open({entry['name']!r})", error=True)
    return 0
