"""NAS-Bench-201 (Dong and Yang 2020, arXiv 2001.00326): a cell of 4 nodes with operations on its 6 edges.

A node is the sum of its inputs. Also the topology space of NATS-Bench (arXiv 2009.00437).
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture, UnknownName
from nasbench_kit.graphs import edge_names, on_a_path
from nasbench_kit.graphs.hashing import mix
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node
from nasbench_kit.spaces.skeleton import Skeleton, area, halved
from nasbench_kit.spaces.space import Genotypes, Space

__all__ = ["EDGES", "NB201", "OPERATIONS", "SKELETONS", "NB201Skeleton", "network_cost"]

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NONE, SKIP, CONV1, CONV3, POOL = range(5)

# Column by column of the upper triangle, which is also the order of the official string.
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))

_RULES = ("exact", "published", "skip")


class NB201(Space):
    """The search space of NAS-Bench-201: 15,625 genotypes, 5,524 networks.

    Genes are the operations of the edges 0->1, 0->2, 1->2, 0->3, 1->3, 2->3, each one of
    0 none, 1 skip_connect, 2 nor_conv_1x1, 3 nor_conv_3x3, 4 avg_pool_3x3.

    Examples
    --------
    >>> space = NB201()
    >>> space.encode(["|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"])
    array([[3, 0, 1, 4, 0, 2]], dtype=uint8)
    >>> space.canonical([3, 0, 1, 4, 0, 2])  # the convolution may sit on either side of the skip
    array([[0, 3, 0, 4, 0, 2]], dtype=uint8)
    """

    name = "nb201"
    version = 1
    cardinalities = (5,) * 6

    @property
    def units(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """``"node"``: the edges that lead into each node."""
        return {**super().units, "node": ((0,), (1, 2), (3, 4, 5))}

    @property
    def gene_names(self) -> tuple[str, ...]:
        return edge_names(4)

    @property
    def gene_values(self) -> tuple[tuple[str, ...] | range, ...]:
        return (OPERATIONS,) * self.genes

    # ---------------------------------------------------------------- the same network

    def canonical(self, X: ArrayLike, rule: str = "exact") -> Genotypes:
        """The canonical genotype of each row: the first, by number, of its class.

        Parameters
        ----------
        X : array_like of int, shape (n, 6) or (6,)
        rule : {"exact", "published", "skip"}
            ``"exact"``: the same function once the parameters are set (5,524 classes).
            ``"published"``: the benchmark's own string with skips and zeroes propagated (6,466 classes; it keeps
            some equal networks apart and cannot tell one convolution used twice from two convolutions).
            ``"skip"``: its finer one with only skips propagated (12,751 classes).

        Returns
        -------
        ndarray of uint8, shape (n, 6)

        Raises
        ------
        InvalidArchitecture, UnknownName
        """
        rows = self.check(X)
        return self.from_number(self._representatives(rule)[self.number(rows)])

    def _canonical(self, rows: Genotypes) -> Genotypes:
        return self.canonical(rows)

    def key(self, X: ArrayLike, rule: str = "exact") -> NDArray[np.uint64]:
        """A 64-bit key of each row's network under ``rule`` (see `canonical`): (n,) uint64."""
        keys: NDArray[np.uint64] = self._representatives(rule)[self.number(self.check(X))]
        return keys

    def _representatives(self, rule: str) -> NDArray[np.uint64]:
        """The number of the canonical genotype of each of the 15,625 genotypes."""
        if rule == "exact":
            return self._exact_representatives
        if rule == "published":
            return self._published_representatives
        if rule == "skip":
            return self._skip_representatives
        raise UnknownName("rule", rule, _RULES)

    @cached_property
    def _exact_representatives(self) -> NDArray[np.uint64]:
        return _first_of_each(_exact_signatures(self.all()))

    @cached_property
    def _published_representatives(self) -> NDArray[np.uint64]:
        return _first_of_each(_string_signatures(zeroes=True))

    @cached_property
    def _skip_representatives(self) -> NDArray[np.uint64]:
        return _first_of_each(_string_signatures(zeroes=False))

    # ---------------------------------------------------------------- native forms

    def _encode_one(self, native: Any) -> Sequence[int]:
        if not isinstance(native, str):
            raise InvalidArchitecture(f"a native form is a string, not {type(native).__name__}")
        nodes = native.strip().split("+")
        if len(nodes) != 3:
            raise InvalidArchitecture(f"3 nodes joined by '+' are expected, not {len(nodes)}")
        genes = []
        for target, node in enumerate(nodes, start=1):
            parts = node.split("|")
            if len(parts) != target + 2 or parts[0] or parts[-1]:
                raise InvalidArchitecture(
                    f"node {target} must be {target} 'operation~source' between '|', not {node!r}"
                )
            for source, part in enumerate(parts[1:-1]):
                match = re.fullmatch(r"(\w+)~(\d+)", part)
                if not match or int(match[2]) != source:
                    raise InvalidArchitecture(f"'operation~{source}' is expected in node {target}, not {part!r}")
                if match[1] not in OPERATIONS:
                    raise InvalidArchitecture(str(UnknownName("operation", match[1], OPERATIONS)))
                genes.append(OPERATIONS.index(match[1]))
        return genes

    def _decode_one(self, row: Sequence[int]) -> str:
        op = [OPERATIONS[gene] for gene in row]
        return f"|{op[0]}~0|+|{op[1]}~0|{op[2]}~1|+|{op[3]}~0|{op[4]}~1|{op[5]}~2|"

    def _diagrams(self, row: Sequence[int]) -> list[Diagram]:
        there = np.zeros((1, 4, 4), dtype=np.bool_)
        for (i, j), gene in zip(EDGES, row, strict=True):
            there[0, i, j] = gene != NONE
        used = on_a_path(there)[0].tolist()
        nodes = [Node("input"), Node("1", used=used[1]), Node("2", used=used[2]), Node("output")]
        arrows = [
            Arrow(i, j, OPERATIONS[gene], used[i] and used[j])
            for (i, j), gene in zip(EDGES, row, strict=True)
            if gene != NONE
        ]
        return [Diagram(self.name, nodes, arrows)]

    @cached_property
    def _number_of_official_index(self) -> NDArray[np.uint64]:
        order = list(range(self.size))
        random.Random(88).shuffle(order)
        return np.array(order, dtype=np.uint64)

    def from_official_index(self, index: ArrayLike) -> Genotypes:
        """The genotypes at the benchmark's own architecture indices 0 ... 15,624: (n,) to (n, 6).

        The official order is the product of the operations, shuffled by Python's generator with the seed 88.
        """
        indices = np.atleast_1d(np.asarray(index))
        if indices.size and not (indices.min() >= 0 and indices.max() < self.size):
            raise InvalidArchitecture("an official index of NAS-Bench-201 is one of 0 ... 15624")
        return self.from_number(self._number_of_official_index[indices])

    def official_index(self, X: ArrayLike) -> NDArray[np.int64]:
        """The benchmark's own architecture index of each row: (n,) int64."""
        inverse = np.empty(self.size, dtype=np.int64)
        inverse[self._number_of_official_index.astype(np.int64)] = np.arange(self.size)
        return inverse[self.number(self.check(X))]

    # ---------------------------------------------------------------- costs

    def _skeletons(self) -> tuple[Mapping[str, Skeleton], Callable[..., NDArray[Any]]]:
        return SKELETONS, network_cost


@dataclass(frozen=True, kw_only=True)
class NB201Skeleton(Skeleton):
    """The network around the cell: what decides params and FLOPs (Dong and Yang 2020, section 2.1).

    Attributes
    ----------
    channels : tuple of int
        Channels of each stage; every stage after the first works at half the size of the one before.
    cells : int
        Cells a stage.
    reduction : {"residual", "pool"}
        Between stages: the paper's residual block of stride 2 (two 3x3 convolutions; average pooling and a 1x1
        convolution on the shortcut), or average pooling by 2, a 1x1 convolution and batch norm.
    """

    channels: tuple[int, ...] = (16, 32, 64)
    cells: int = 5
    reduction: str = "residual"

    choices: ClassVar = {"reduction": ("residual", "pool")}
    any_length: ClassVar = ("channels",)


# The published networks, and the small one of the kit's own table `nb201-digits`.
SKELETONS = {
    "cifar10": NB201Skeleton(image=(3, 32, 32), classes=10),
    "cifar10-valid": NB201Skeleton(image=(3, 32, 32), classes=10),
    "cifar100": NB201Skeleton(image=(3, 32, 32), classes=100),
    "ImageNet16-120": NB201Skeleton(image=(3, 16, 16), classes=120),
    "digits": NB201Skeleton(image=(1, 8, 8), classes=10, channels=(4, 8, 16), cells=1, reduction="pool"),
}


def network_cost(rows: Genotypes, name: str, skeleton: NB201Skeleton) -> NDArray[np.int64]:
    """``"params"`` (count) or ``"flops"`` (multiply-adds of convolutions and classifier) of cells in a skeleton.

    Parameters
    ----------
    rows : ndarray of uint8, shape (n, 6)
    name : {"params", "flops"}
    skeleton : NB201Skeleton

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    conv1 = (rows == CONV1).sum(axis=1, dtype=np.int64)
    conv3 = (rows == CONV3).sum(axis=1, dtype=np.int64)
    inputs, size = skeleton.image[0], skeleton.size
    first, last = skeleton.channels[0], skeleton.channels[-1]
    params: NDArray[np.int64] | int = 9 * inputs * first + 2 * first + 2 * last + (last + 1) * skeleton.classes
    flops: NDArray[np.int64] | int = (
        9 * inputs * first * area(size) + (last + 1) * skeleton.classes
    )  # the published figure counts the bias
    previous = first
    for stage, channels in enumerate(skeleton.channels):
        if stage:
            size = halved(size)
            kernels = previous * channels
            norms = 1
            if skeleton.reduction == "residual":
                kernels += 9 * previous * channels + 9 * channels**2
                norms = 2  # its shortcut has none
            params += kernels + norms * 2 * channels
            flops += kernels * area(size)
        params = params + skeleton.cells * (
            conv1 * (channels**2 + 2 * channels) + conv3 * (9 * channels**2 + 2 * channels)
        )
        flops = flops + skeleton.cells * area(size) * channels**2 * (conv1 + 9 * conv3)
        previous = channels
    return np.asarray(params if name == "params" else flops)


def _first_of_each(signatures: NDArray[Any]) -> NDArray[np.uint64]:
    _, first, inverse = np.unique(signatures, return_index=True, return_inverse=True)
    representatives: NDArray[np.uint64] = first[inverse].astype(np.uint64)
    return representatives


def _string_signatures(*, zeroes: bool) -> NDArray[np.str_]:
    """The official string of every genotype in order of its number (TopologyStructure.to_unique_str), skips propagated.

    A node's string joins its inputs' strings, sorted, with '+'. With ``zeroes`` an input through ``none``, or from a
    node whose whole string is '#', is '#', which stays in the join.
    """

    def term(op: int, source: str) -> str:
        if zeroes and (op == NONE or source == "#"):
            return "#"
        return source if op == SKIP else f"({source})@{OPERATIONS[op]}"

    signatures = []
    for first in range(5):
        one = term(first, "0")
        for ops in itertools.product(range(5), repeat=2):
            two = "+".join(sorted(map(term, ops, ("0", one))))
            # each input of the last node has only five values
            last = [[term(op, source) for op in range(5)] for source in ("0", one, two)]
            signatures += ["+".join(sorted(terms)) for terms in itertools.product(*last)]
    return np.array(signatures)


def _exact_signatures(rows: Genotypes) -> NDArray[np.uint64]:
    """A 64-bit signature of each row's network: equal where the cells are the same function of their parameters.

    A node's value is a multiset of terms (k, base): the base is the cell's input or one convolution with its own
    parameters, k counts the average poolings passed (pooling without padding is linear, so it distributes over
    sums). Two cells are the same network iff their output's multisets agree up to renaming of the convolutions.
    A convolution of an empty value is a constant (its batch norm's shift), which pooling leaves alone; a 1x1
    convolution of nothing but constants is one too.

    Renaming is taken out by colours: a convolution's colour is hashed from what it is applied to, then from where
    its output is used, twice over. That this separates all non-isomorphic cells holds for this space by exhaustion
    (the tests compare with all permutations), not in general.
    """
    n = len(rows)
    poolings, bases = 4, 7  # a path has at most 3 edges; the bases are the input and 6 edges
    genes = rows.T
    conv = (genes == CONV1) | (genes == CONV3)
    values = np.zeros((4, bases, poolings, n), dtype=np.uint64)
    values[0, 0, 0] = 1
    constant = np.zeros((bases, n), dtype=np.bool_)
    for edge, (source, target) in enumerate(EDGES):
        value, op, base = values[source], genes[edge], 1 + edge
        moving = np.where(constant[:, None], 0, value)
        pooled = value - moving
        pooled[:, 1:] += moving[:, :-1]
        values[target] += np.where(op == SKIP, value, 0) + np.where(op == POOL, pooled, 0)
        values[target, base, 0] += conv[edge]
        empty = ~value.any(axis=(0, 1))
        constant[base] = conv[edge] & (empty | ((op == CONV1) & ~moving.any(axis=(0, 1))))

    # what each convolution is applied to; a constant keeps its operation, since the parameters behind it are to match
    arguments = [np.where(constant[1 + e], 0, values[source]) for e, (source, _) in enumerate(EDGES)]
    output = values[3]
    position = mix(np.arange(1, 1 + poolings, dtype=np.uint64))[:, None]
    usage = np.zeros((bases, n), dtype=np.uint64)
    for _ in range(2):
        colour = np.zeros((bases, n), dtype=np.uint64)
        terms = np.zeros((bases, poolings, n), dtype=np.uint64)  # the hash of (k, base)
        terms[0] = mix(position + np.uint64(11))
        for edge in range(6):
            base = 1 + edge
            applied = (arguments[edge][:base] * terms[:base]).sum(axis=(0, 1))
            colour[base] = mix(mix(applied + genes[edge]) + usage[base])
            terms[base] = mix(position + colour[base])
        usage = (output * position).sum(axis=1)
        for edge in reversed(range(6)):
            base = 1 + edge
            outer = np.where(usage[base] > 0, mix(usage[base] + colour[base]), 0) * conv[edge]
            usage[:base] += (arguments[edge][:base] * (position * outer)).sum(axis=1)
        usage = mix(usage) * (usage > 0)
    return mix((output * terms).sum(axis=(0, 1)))
