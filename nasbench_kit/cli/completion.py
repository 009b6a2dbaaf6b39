"""Print a completion script for bash, zsh or fish: commands, options, and the names of benchmarks, spaces and algorithms.

The script stands alone: completing starts no Python. Print it again after an update.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterable

from nasbench_kit.algorithms import ALGORITHMS, CONFIGURATIONS
from nasbench_kit.benchmark import Benchmark
from nasbench_kit.cli.completion_scripts import SHELLS, Completion, Words
from nasbench_kit.cli.main import COMMANDS
from nasbench_kit.data import found_stores, store_folder
from nasbench_kit.data.catalogue import downloads
from nasbench_kit.errors import InvalidArchitecture, StoreError
from nasbench_kit.experiments.recipe import bundled_recipes
from nasbench_kit.loaders import formats
from nasbench_kit.spaces import list_spaces

# what the value of an argument is, by its name, or by command and name
_KINDS: dict[str | tuple[str, str], str] = {
    "algorithm": "algorithms",
    "algorithms": "algorithms",
    "baseline": "algorithms",
    "benchmark": "benchmarks",
    "join": "benchmarks",
    "dataset": "datasets",
    "metric": "metrics",
    "metrics": "metrics",
    "objectives": "metrics",
    "source_format": "formats",
    "space": "spaces",
    ("cite", "names"): "names",
    ("compare", "report"): "metrics",
    ("download", "benchmark"): "downloads",
    ("reproduce", "recipe"): "recipes",
}
MANY = 99  # values of an option that takes any number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("shell", choices=list(SHELLS), help="the shell that reads the script")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    print(SHELLS[options.shell](_completion()), end="")
    return 0


def _completion() -> Completion:
    """All that can be completed, from the commands' own declarations."""
    lists = _names()
    options: dict[str, Words] = {}
    taking: list[tuple[str, str, int]] = []
    positions: list[tuple[str, str]] = []
    for command in COMMANDS:
        module = importlib.import_module(f"nasbench_kit.cli.{command}")
        parser = argparse.ArgumentParser()
        module.add_arguments(parser)
        if not any(action.dest == "space" for action in parser._actions):
            parser.add_argument("--space")
        place = 0
        for action in parser._actions:
            kind = _kind(command, action, lists)
            if not action.option_strings:
                positions.append((f"{command} {'*' if action.nargs in ('*', '+') else place}", kind))
                place += 1
            elif action.nargs != 0:
                count = MANY if action.nargs in ("*", "+") else 1
                taking += [(f"{command} {flag}", kind, count) for flag in action.option_strings]
        # an earlier name of an option still works, but is not offered
        shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]
        flags = [flag for action in shown for flag in action.option_strings]
        options[command] = tuple(sorted(flags))
    return Completion(tuple(COMMANDS), options, tuple(taking), tuple(positions), lists, str(store_folder()))


def _kind(command: str, action: argparse.Action, lists: dict[str, Words]) -> str:
    """The list of an argument's values, by name; ``files`` if they are not listed."""
    if action.choices is not None:
        kind = f"{command}-{action.dest}"
        lists[kind] = tuple(map(str, action.choices))
        return kind
    return _KINDS.get((command, action.dest)) or _KINDS.get(action.dest) or "files"


def _names() -> dict[str, Words]:
    bundled = [name for name, store in found_stores().items() if store.bundled]
    datasets: list[str] = []
    metrics: list[str] = []
    for store in found_stores().values():
        try:
            bench = Benchmark(store.path)
            datasets += bench.datasets
            metrics += [name for dataset in bench.datasets for name in bench.metrics(dataset)]
        except (StoreError, InvalidArchitecture):  # one that does not open has nothing to complete
            continue
    algorithms = [*ALGORITHMS, *CONFIGURATIONS]
    return {
        "benchmarks": _words(bundled),
        "spaces": _words(list_spaces()),
        "algorithms": _words(algorithms),
        "names": _words([*bundled, *list_spaces(), *ALGORITHMS]),
        "datasets": _words(datasets),
        "metrics": _words(metrics),
        "downloads": _words(downloads()),
        "recipes": _words(bundled_recipes()),
        "formats": _words(formats()),
    }


def _words(names: Iterable[str]) -> Words:
    """Names in order, each once, without those that a shell would not take for one word."""
    return tuple(name for name in dict.fromkeys(names) if all(c.isalnum() or c in "-_.+/" for c in name))
