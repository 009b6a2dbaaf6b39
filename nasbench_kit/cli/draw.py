"""Draw an architecture: each of its cells or stages as a graph, unused parts in grey."""

from __future__ import annotations

import argparse

from nasbench_kit.cli.natives import read_natives
from nasbench_kit.cli.output import say
from nasbench_kit.cli.own import OWN
from nasbench_kit.cli.picture import add_look_arguments, look_of
from nasbench_kit.figures.networks import draw
from nasbench_kit.spaces import space


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument("space", help=f"the search space, {OWN}")
    parser.add_argument("architecture", help="the native form; nested forms as JSON; - is stdin")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the figure to write: .svg, .png or .pdf")
    add_look_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    chosen = space(options.space)
    stdin = options.architecture == "-"
    natives = read_natives([], "-") if stdin else read_natives([options.architecture], None)
    if len(natives) != 1:
        raise ValueError(f"one architecture is drawn at a time, not {len(natives)}")
    say(draw(chosen, natives[0], options.output, **look_of(options)))
    return 0
