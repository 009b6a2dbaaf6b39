"""The strings of NAS-Bench-201's cells in other forms: lists, a matrix, and the published string of its class."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.compat.errors import WrongQuery

__all__ = ["OPERATIONS", "CellStrings", "str2lists", "str2matrix", "unique_str"]

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


def str2lists(arch_str: str) -> list[tuple[tuple[str, int], ...]]:
    """The inputs of every node but the first, each as (operation, source node).

    Examples
    --------
    >>> str2lists("|nor_conv_1x1~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|")[:2]
    [(('nor_conv_1x1', 0),), (('none', 0), ('none', 1))]
    """
    nodes = []
    for node in arch_str.split("+"):
        inputs = []
        for part in filter(None, node.split("|")):
            operation, *source = part.split("~")
            if len(source) != 1:
                raise WrongQuery(f"expected 'operation~source', not {part!r}")
            inputs.append((operation, int(source[0])))
        nodes.append(tuple(inputs))
    return nodes


def str2matrix(arch_str: str, search_space: Sequence[str] = OPERATIONS) -> NDArray[np.float64]:
    """The operations as a matrix: row is the node, column its source, 0 also where there is no edge.

    Examples
    --------
    >>> str2matrix("|nor_conv_1x1~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|")
    array([[0., 0., 0., 0.],
           [2., 0., 0., 0.],
           [0., 0., 0., 0.],
           [0., 0., 1., 0.]])
    """
    nodes = str2lists(arch_str)
    matrix = np.zeros((len(nodes) + 1,) * 2)
    for target, inputs in enumerate(nodes, start=1):
        for operation, source in inputs:
            if operation not in search_space:
                raise WrongQuery(f"the operation {operation} is none of {', '.join(search_space)}")
            matrix[target, source] = list(search_space).index(operation)
    return matrix


def unique_str(arch_str: str) -> str:
    """The published string of a cell's class, with skips and zeroes propagated (arXiv 2001.00326).

    It separates some equal networks and joins some that differ; ``nasbench_kit.space("nb201").key`` is exact.

    Examples
    --------
    >>> unique_str("|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|")
    '#+#+#+(0)@nor_conv_1x1'
    """
    values = ["0"]
    for inputs in str2lists(arch_str):
        terms = []
        for operation, source in inputs:
            if operation == "none" or values[source] == "#":
                terms.append("#")
            elif operation == "skip_connect":
                terms.append(values[source])
            else:
                terms.append(f"({values[source]})@{operation}")
        values.append("+".join(sorted(terms)))
    return values[-1]


class CellStrings:
    """What both packages offer for the strings of cells; a part of their interfaces."""

    @abstractmethod
    def arch(self, index: int) -> str: ...

    @abstractmethod
    def query_index_by_arch(self, arch: Any) -> int: ...

    def get_unique_str(self, arch: Any) -> str:
        """The published string of an architecture's class; equal for cells that it takes for the same."""
        return unique_str(self.arch(self.query_index_by_arch(arch)))

    @staticmethod
    def str2lists(arch_str: str) -> list[tuple[tuple[str, int], ...]]:
        """See `nasbench_kit.compat.topology.str2lists`."""
        return str2lists(arch_str)

    @staticmethod
    def str2matrix(arch_str: str, search_space: Sequence[str] = OPERATIONS) -> NDArray[np.float64]:
        """See `nasbench_kit.compat.topology.str2matrix`."""
        return str2matrix(arch_str, search_space)
