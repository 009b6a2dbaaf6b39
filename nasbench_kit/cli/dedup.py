"""Find architectures that are the same network: print the first of each, or the class of every architecture."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from nasbench_kit.cli.natives import native_text, read_natives
from nasbench_kit.cli.output import print_json, say
from nasbench_kit.cli.own import OWN
from nasbench_kit.errors import InvalidArchitecture, UnknownName
from nasbench_kit.graphs import canonical_form
from nasbench_kit.spaces import list_spaces, space
from nasbench_kit.spaces.blocks.natives import whole_numbers

ANY_DAG = "dag"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's options."""
    parser.add_argument(
        "space",
        help=f"the search space, {OWN}; or {ANY_DAG}: any labelled DAGs as "
        '{"matrix": [[0, 1], [0, 0]], "ops": ["a", "b"]}, of any size, every vertex and edge counted',
    )
    parser.add_argument("architectures", nargs="*", help="native forms; nested forms as JSON")
    parser.add_argument("--file", metavar="FILE", help="a file of native forms, one per line; - is stdin")
    parser.add_argument(
        "--classes", action="store_true", help="print the class number, from 0, before every architecture"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the subcommand; returns the exit status."""
    if options.space != ANY_DAG and options.space not in list_spaces():
        raise UnknownName("space", options.space, [*list_spaces(), ANY_DAG])
    natives = read_natives(options.architectures, options.file)
    if options.space == ANY_DAG:
        marks: list[Any] = _marks_of_dags(natives)
    else:
        chosen = space(options.space)
        marks = chosen.key(chosen.encode(natives)).tolist()
    number: dict[Any, int] = {}
    classes = [number.setdefault(mark, len(number)) for mark in marks]
    texts = [native_text(native) for native in natives]
    if options.json:
        members: list[list[str]] = [[] for _ in number]
        for text, index in zip(texts, classes, strict=True):
            members[index].append(text)
        print_json({"architectures": len(texts), "networks": len(number), "classes": members})
        return 0
    shown: set[int] = set()
    for text, index in zip(texts, classes, strict=True):
        if options.classes:
            say(index, text)
        elif index not in shown:
            say(text)
        shown.add(index)
    say(f"{len(texts):,} architectures, {len(number):,} different networks", error=True)
    return 0


def _marks_of_dags(natives: list[Any]) -> list[tuple[int, bytes]]:
    """What tells labelled DAGs apart: their number of vertices and the bytes of their canonical form."""
    matrices, labels = [], []
    number: dict[str, int] = {}
    for i, native in enumerate(natives):
        if not isinstance(native, dict) or set(native) != {"matrix", "ops"} or not isinstance(native["ops"], list):
            raise InvalidArchitecture(f'no. {i}: a DAG is {{"matrix": [[0, 1], [0, 0]], "ops": ["a", "b"]}}')
        matrix = whole_numbers(native["matrix"], f"the matrix of no. {i}")
        if matrix.shape != (len(native["ops"]),) * 2:
            raise InvalidArchitecture(f"no. {i}: a matrix of shape {matrix.shape} with {len(native['ops'])} ops")
        matrices.append(matrix)
        labels.append([number.setdefault(str(op), len(number)) for op in native["ops"]])
    marks: list[tuple[int, bytes]] = [(0, b"")] * len(natives)
    for v in {len(row) for row in labels}:
        where = [i for i, row in enumerate(labels) if len(row) == v]
        try:
            forms = canonical_form(np.stack([matrices[i] for i in where]), np.array([labels[i] for i in where]))
        except ValueError:
            for i in where:  # which one is it?
                try:
                    canonical_form(matrices[i], labels[i])
                except ValueError as error:
                    raise InvalidArchitecture(f"no. {i}: {str(error).removeprefix('graph 0 ')}") from error
            raise
        for i, matrix, row in zip(where, *forms, strict=True):
            marks[i] = (v, matrix.tobytes() + row.tobytes())
    return marks
