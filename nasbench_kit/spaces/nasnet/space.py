"""The NASNet search space (Zoph et al. 2018, arXiv 1707.07012): a normal and a reduction cell of five nodes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from nasbench_kit.errors import InvalidArchitecture, UnknownName
from nasbench_kit.spaces.blocks.cell_pair import CELLS, INPUTS, CellPair
from nasbench_kit.spaces.blocks.cell_stack import stack_cost
from nasbench_kit.spaces.blocks.natives import whole_number
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nasnet.cost import SKELETONS

__all__ = ["JOINS", "OPERATIONS", "NASNet"]

OPERATIONS = (
    "identity",
    "conv_1x3_3x1",
    "conv_1x7_7x1",
    "dilated_conv_3x3",
    "avg_pool_3x3",
    "max_pool_3x3",
    "max_pool_5x5",
    "max_pool_7x7",
    "conv_1x1",
    "conv_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
)
JOINS = ("sum", "concatenation")
NODES = 5
LONGEST = 20_000  # characters of a JSON text that is read at all; a genotype has about 800


class NASNet(CellPair):
    """The NASNet search space: about 5.2e36 genotypes.

    A genotype encodes a normal and a reduction cell of five nodes each. A node has two halves, each an (input,
    operation) pair of genes, and a gene that says whether they are summed (0) or concatenated (1). The inputs available
    to a node are 0 and 1, the cell's own inputs, and the preceding nodes, from 2; both halves may use the same input.
    Operations are indices into `OPERATIONS`, in the order in which section 3 of the paper lists them. Nodes that no
    other node uses are concatenated as the cell's output, so every node is used.

    Two genotypes are the same network if their cells agree up to exchanging the halves of nodes and renumbering nodes.
    Exchanging the halves of a concatenation permutes its channels, which the operations that read it absorb: all of them
    reduce the channels by a convolution. The canonical genotype is the lexicographically smallest. Since flat indices do
    not fit into 64 bits, `key` is a hash of the canonical genotype; two networks collide with probability 2^-64.

    The native form is a dict ``{"normal": [node, ...], "reduction": [node, ...]}``, or its JSON text. A node is a list
    ``[[input, operation], [input, operation], "sum" or "concatenation"]``, with operations by name.

    Examples
    --------
    >>> space = NASNet()
    >>> nodes = [[[0, "sep_conv_5x5"], [1, "identity"], "sum"]] + [[[1, "identity"], [0, "conv_1x1"], "concatenation"]] * 4
    >>> X = space.encode([{"normal": nodes, "reduction": nodes}])
    >>> X[0, :10]
    array([ 0, 11,  1,  0,  0,  1,  0,  0,  8,  1], dtype=uint8)
    >>> space.decode(space.canonical(X))[0]["normal"][0]
    [[0, 'conv_1x1'], [1, 'identity'], 'concatenation']
    """

    name = "nasnet"
    version = 1
    nodes = NODES
    operations = OPERATIONS
    joins = JOINS

    # ---------------------------------------------------------------- native forms

    def encode_one(self, native: Any) -> Sequence[int]:
        if isinstance(native, str):
            native = _parsed(native)
        if not isinstance(native, Mapping) or set(native) != set(CELLS):
            raise InvalidArchitecture(
                'a native form is a dict {"normal": [node, ...], "reduction": [node, ...]}, or its JSON'
            )
        return [gene for cell in CELLS for gene in _genes_of_cell(native[cell], cell)]

    def decode_one(self, row: Sequence[int]) -> dict[str, Any]:
        nodes = [
            [[first, OPERATIONS[one]], [second, OPERATIONS[other]], JOINS[join]]
            for first, one, second, other, join in zip(*(row[i::5] for i in range(5)), strict=True)
        ]
        return dict(zip(CELLS, (nodes[:NODES], nodes[NODES:]), strict=True))

    # ---------------------------------------------------------------- costs

    skeletons = SKELETONS

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        return stack_cost(self, rows, name, skeleton)


def _parsed(text: str) -> Any:
    if len(text) > LONGEST:
        raise InvalidArchitecture(f"the text has {len(text)} characters; a genotype has about 800")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidArchitecture(
            'a native form as text is JSON: {"normal": [[[0, "identity"], [1, "conv_1x1"], "sum"], ...], "reduction": [...]}'
        ) from None


def _genes_of_cell(nodes: Any, cell: str) -> list[int]:
    if not _is_list(nodes, NODES):
        raise InvalidArchitecture(f"the {cell} cell must be a list of {NODES} nodes")
    genes: list[int] = []
    for i, node in enumerate(nodes, start=INPUTS):
        where = f"node {i} of the {cell} cell"
        if not _is_list(node, 3) or not all(_is_list(half, 2) for half in node[:2]):
            raise InvalidArchitecture(
                f'{where} must be [[input, operation], [input, operation], "sum" or "concatenation"]'
            )
        for source, operation in node[:2]:
            number = whole_number(source, f"the inputs of {where}")
            if not 0 <= number < i:
                raise InvalidArchitecture(f"the input {number} of {where} is not one of 0 ... {i - 1}")
            genes += [number, _place(operation, OPERATIONS, "operation")]
        genes.append(_place(node[2], JOINS, "combination"))
    return genes


def _is_list(value: Any, length: int) -> bool:
    return not isinstance(value, (str, bytes, Mapping)) and hasattr(value, "__len__") and len(value) == length


def _place(name: Any, known: tuple[str, ...], what: str) -> int:
    if not isinstance(name, str) or name not in known:
        raise InvalidArchitecture(str(UnknownName(what, str(name)[:40], known)))
    return known.index(name)
