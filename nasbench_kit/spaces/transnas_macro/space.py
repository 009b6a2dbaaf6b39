"""TransNAS-Bench-101's macro space (Duan et al. 2021, arXiv 2105.11871): 4 to 6 modules of residual blocks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.transnas_macro.cost import ABSENT, BOTH, DOUBLED, HALVED, SKELETONS, network_cost

__all__ = ["TransNASMacro"]

_NATIVE = re.compile(r"64-([1-4]{4,6})-basic")
_MODULES = ("no module", "normal", "channels x 2", "resolution / 2", "channels x 2, resolution / 2")
LEAST, MOST = 4, 6  # modules
DOUBLINGS, HALVINGS = (1, 3), (1, 4)  # least and most of each


class TransNASMacro(Space):
    """The macro space of TransNAS-Bench-101: 3,256 networks of variable length.

    Each of six genes is a module of residual blocks: 0 no module, which only the last genes may be, 1 neither, 2 doubles
    the channels, 3 halves the resolution, 4 both. A network has 4 to 6 modules, doubles the channels 1 to 3 times and
    halves the resolution 1 to 4 times. No two genotypes are the same network.

    Examples
    --------
    >>> space = TransNASMacro()
    >>> space.encode(["64-1234-basic", "64-433241-basic"])
    array([[1, 2, 3, 4, 0, 0],
           [4, 3, 3, 2, 4, 1]], dtype=uint8)
    """

    name = "transnas-macro"
    version = 1
    cardinalities = (len(_MODULES),) * MOST

    @property
    def gene_names(self) -> tuple[str, ...]:
        return tuple(f"module {i}" for i in range(1, MOST + 1))

    @property
    def gene_values(self) -> tuple[tuple[str, ...] | range, ...]:
        return (_MODULES,) * self.genes

    # ---------------------------------------------------------------- validity

    @cached_property
    def validity(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        rows = self.all()
        there = rows != ABSENT
        doublings = ((rows == DOUBLED) | (rows == BOTH)).sum(axis=1)
        halvings = ((rows == HALVED) | (rows == BOTH)).sum(axis=1)
        valid = (
            (there[:, 1:] <= there[:, :-1]).all(axis=1)
            & (there.sum(axis=1) >= LEAST)
            & (doublings >= DOUBLINGS[0])
            & (doublings <= DOUBLINGS[1])
            & (halvings >= HALVINGS[0])
            & (halvings <= HALVINGS[1])
        )
        return self.digit_weights.astype(np.int64), valid

    def valid_rows(self, rows: Genotypes) -> NDArray[np.bool_]:
        valid = self.validity[1]
        if not rows.size or int(rows.max()) < len(_MODULES):
            return valid.take(self.small_number(rows), mode="clip")
        inside: NDArray[np.bool_] = np.asarray((rows < len(_MODULES)).all(axis=1))
        return np.asarray(valid[self.small_number(np.where(inside[:, np.newaxis], rows, 0))] & inside)

    def why_invalid(self, row: NDArray[Any]) -> str:
        found = super().why_invalid(row)
        modules = row[: np.flatnonzero(np.append(row, 0) == ABSENT)[0]].tolist()
        if not found.startswith("violates"):
            return found
        if row[len(modules) :].any():
            return "a module follows after 'no module' (0)"
        return _why("".join(map(str, modules))) or found

    # ---------------------------------------------------------------- the same network

    def canonical_rows(self, rows: Genotypes) -> Genotypes:
        return rows.copy()

    # ---------------------------------------------------------------- native forms

    def encode_one(self, native: Any) -> Sequence[int]:
        if not isinstance(native, str):
            raise InvalidArchitecture(f"a native form must be a string, not {type(native).__name__}")
        match = _NATIVE.fullmatch(native.strip())
        if not match:
            raise InvalidArchitecture("expected 64-MODULES-basic with 4 to 6 digits from 1 to 4")
        wrong = _why(match[1])
        if wrong:
            raise InvalidArchitecture(wrong)
        return [*map(int, match[1]), *[ABSENT] * (MOST - len(match[1]))]

    def decode_one(self, row: Sequence[int]) -> str:
        return f"64-{''.join(str(gene) for gene in row if gene != ABSENT)}-basic"

    def diagrams_of(self, row: Sequence[int]) -> list[Diagram]:
        modules = [_MODULES[gene] for gene in row if gene != ABSENT]
        nodes = [Node("input"), Node("stem"), *(Node(module, True) for module in modules), Node("output")]
        return [Diagram(self.name, nodes, [Arrow(i, i + 1) for i in range(len(nodes) - 1)])]

    # ---------------------------------------------------------------- costs

    skeletons = SKELETONS

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        return network_cost(rows, name, skeleton)


def _why(digits: str) -> str:
    """Why a string of modules is not a network; empty if it is."""
    if not LEAST <= len(digits) <= MOST:
        return f"a network has {LEAST} to {MOST} modules, not {len(digits)}"
    for what, names, (least, most) in (
        ("doubles the channels", "24", DOUBLINGS),
        ("halves the resolution", "34", HALVINGS),
    ):
        count = sum(digit in names for digit in digits)
        if not least <= count <= most:
            return f"a network {what} {least} to {most} times (modules {names[0]} and {names[1]}), not {count} times"
    return ""
