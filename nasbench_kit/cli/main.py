"""Entry point of the command line: runs a subcommand, turns errors into one line and an exit status."""

from __future__ import annotations

import argparse
import dis
import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from nasbench_kit.cli.output import say
from nasbench_kit.cli.signals import raised_signals
from nasbench_kit.errors import MOST_SHOWN, NasbenchKitError, one_line

__all__ = ["main"]

COMMANDS = {
    "list": "list benchmarks, spaces and algorithms",
    "info": "show the provenance and content of a benchmark",
    "download": "download published files and convert them to stores",
    "convert": "convert a published file to a store",
    "export": "write a benchmark as a CSV or Parquet table",
    "query": "look up metrics of architectures",
    "validate": "check a store, or architectures",
    "dedup": "find architectures that are the same network",
    "draw": "draw an architecture (extra 'plot')",
    "compare": "compare search algorithms",
    "sweep": "search every problem of a grid with every algorithm; resumable",
    "watch": "show how far a sweep or a training is, while it runs",
    "merge": "merge results of a search whose runs were divided",
    "reproduce": "reproduce published results",
    "report": "write a page about results",
    "cite": "print BibTeX entries",
    "completion": "print a completion script for bash, zsh or fish",
    "search": "search a table, or by real training (extra 'train')",
    "train": "create a table by training networks (extra 'train')",
    "verify": "train sampled entries of a store and compare (extra 'train')",
    "proxies": "score architectures without training them (extra 'train')",
}


def _deliberate(error: Exception) -> bool:
    """Whether an error was raised deliberately, by a ``raise`` statement of the kit, rather than by a bug."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None or not str(last.tb_frame.f_globals.get("__name__", "")).startswith("nasbench_kit."):
        return False
    return dis.opname[last.tb_frame.f_code.co_code[last.tb_lasti]] == "RAISE_VARARGS"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``nasbench-kit``.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the command line.

    Returns
    -------
    int
        0 done, 1 the answer is no, 2 wrong use or bad input, 128 and its number after a signal (130: Ctrl-C). What the kit
        did not foresee is raised.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = next((word for word in words if word in COMMANDS), "")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # as stderr does: on Windows, stdout has an encoding that lacks some of what is printed
        sys.stdout.reconfigure(errors="backslashreplace")
    with raised_signals() as signals:
        try:
            status = _run(words)
            sys.stdout.flush()
        except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except KeyboardInterrupt:
            signals.came = signals.came or signal.SIGINT
            status = signals.status
        except Exception as error:
            status = 2
            foreseen = isinstance(error, (NasbenchKitError, OSError, MemoryError))
            if (
                not signals.came
                and not foreseen
                and not (isinstance(error, (ValueError, TypeError)) and _deliberate(error))
            ):
                raise
            if not signals.came:
                say(one_line(f"nasbench-kit {command}: {error}", MOST_SHOWN + 100), error=True)
        if signals.came:
            say(signals.line, error=True)
            return signals.status
    return status


class _Parser(argparse.ArgumentParser):
    """A parser whose errors show arguments on one line."""

    def error(self, message: str) -> NoReturn:
        super().error(one_line(message, MOST_SHOWN))


def add_command(commands: Any, name: str) -> argparse.ArgumentParser:
    """Add a subcommand with all of its options to the subparsers of ``nasbench-kit``."""
    module = importlib.import_module(f"nasbench_kit.cli.{name}")
    parser: argparse.ArgumentParser = commands.add_parser(name, help=COMMANDS[name], description=module.__doc__)
    module.add_arguments(parser)
    if not any(action.dest == "space" for action in parser._actions):
        parser.add_argument("--space", metavar="FILE.py:NAME", help="the search space of the store, if it is your own")
    parser.set_defaults(run=module.run)
    return parser


def parsed(words: Sequence[str]) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """The parser of ``nasbench-kit`` and the options that it reads from words; wrong use ends in SystemExit."""
    parser = _Parser(
        prog="nasbench-kit",
        description="Compare neural architecture search algorithms on tables of trained networks.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, text in COMMANDS.items():
        if list(words[:1]) == [name]:  # only the command that is called is imported: the others' imports cost a second
            add_command(commands, name)
        else:
            commands.add_parser(name, help=text)
    options, rest = parser.parse_known_args(words)
    if hasattr(options, "architectures") and (rest[:1] == ["--"] or not any(word.startswith("-") for word in rest)):
        options.architectures += [word for word in rest if word != "--"]  # argparse takes none after an option
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return parser, options


def _run(words: list[str]) -> int:
    """Run the command that the words give; returns the exit status."""
    parser, options = parsed(words)
    if options.version:
        from importlib.metadata import version

        print(version("nasbench-kit"))
        return 0
    if options.command is None:
        parser.print_help()
        return 2
    if ".py:" in (getattr(options, "space", None) or ""):
        from nasbench_kit.cli.own import space_of

        options.space = space_of(options.space).name  # known by its name from here on
    return int(options.run(options))
