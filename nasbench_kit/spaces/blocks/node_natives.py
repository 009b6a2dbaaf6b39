"""Native forms of cells with operations on vertices, encoded and decoded in batches.

What these functions do not accept is encoded one by one by `NodeDAG.encode_one`, which says what is wrong with it.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.graphs import edge_list, edges_to_matrix
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["INPUT", "OUTPUT", "decoded", "decoded_texts", "encoded", "encoded_stack"]

INPUT, OUTPUT = "input", "output"
_BLOCK = 4096  # native forms at a time, so that one odd form makes few others slow

Labels = tuple[int, ...] | None  # the operation genes of a list of ops; None if it has to be looked at more closely


def encoded(natives: Sequence[Any], vertices: int, operations: tuple[str, ...]) -> tuple[Genotypes, NDArray[np.bool_]]:
    """Encode a list of ``{"matrix": ..., "ops": ...}``.

    Returns
    -------
    rows : ndarray of uint8, shape (n, genes)
    done : ndarray of bool, shape (n,)
        Whether the row is encoded.
    """
    edges = len(edge_list(vertices))
    rows = np.zeros((len(natives), edges + vertices - 2), dtype=np.uint8)
    done = np.zeros(len(natives), dtype=np.bool_)
    known: dict[Hashable, Labels] = {}
    for start in range(0, len(natives), _BLOCK):
        members: dict[int, list[int]] = {}
        matrices: dict[int, list[Any]] = {}
        labels: dict[int, list[tuple[int, ...]]] = {}
        for i, native in enumerate(natives[start : start + _BLOCK], start):
            if type(native) is not dict or len(native) != 2 or "matrix" not in native or "ops" not in native:
                continue
            found = _labels(native["ops"], vertices, operations, known)
            if found is None:
                continue
            v = len(native["ops"])
            members.setdefault(v, []).append(i)
            matrices.setdefault(v, []).append(native["matrix"])
            labels.setdefault(v, []).append(found)
        for v, where in members.items():
            stack = _stacked(matrices[v], v)
            if stack is not None:
                right = _are_cells(stack)
                place = np.array(where)[right]
                rows[place, :edges] = _edges(stack[right], vertices)
                rows[place, edges:] = np.array(labels[v], dtype=np.uint8)[right]
                done[place] = True
    return rows, done


def encoded_stack(
    matrices: NDArray[Any], ops: NDArray[Any], vertices: int, operations: tuple[str, ...]
) -> tuple[Genotypes, NDArray[np.bool_]]:
    """Encode stacked arrays (n, v, v) and (n, v); returns what `encoded` does."""
    edges = len(edge_list(vertices))
    n, v = ops.shape
    rows = np.zeros((n, edges + vertices - 2), dtype=np.uint8)
    if not 2 <= v <= vertices or matrices.dtype.kind not in "biuf":
        return rows, np.zeros(n, dtype=np.bool_)
    done = _are_cells(matrices) & (ops[:, 0] == INPUT) & (ops[:, -1] == OUTPUT)
    for i in range(v - 2):
        column, found = ops[:, i + 1], np.zeros(n, dtype=np.bool_)
        for gene, operation in enumerate(operations):
            same = np.asarray(column == operation)
            rows[same, edges + i] = gene
            found |= same
        done &= found
    rows[done, :edges] = _edges(matrices[done], vertices)
    return rows, done


def _labels(ops: Any, vertices: int, operations: tuple[str, ...], known: dict[Hashable, Labels]) -> Labels:
    """The operation genes of a list of ops, if it is one of strings for at most ``vertices`` vertices."""
    try:
        words = tuple(ops) if not isinstance(ops, (str, bytes)) else ()
        if words in known:
            return known[words]
    except TypeError:  # not iterable, or not hashable
        return None
    if not all(isinstance(word, str) for word in words) or not 2 <= len(words) <= vertices:
        return None
    if words[0] != INPUT or words[-1] != OUTPUT or not set(words[1:-1]) <= set(operations):
        return None
    genes = tuple(operations.index(word) for word in words[1:-1]) + (0,) * (vertices - len(words))
    known[words] = genes
    return genes


def _stacked(matrices: list[Any], v: int) -> NDArray[Any] | None:
    """Matrices as one array (n, v, v) of numbers; None if they do not have this form."""
    try:
        stack = np.array(matrices)
    except (ValueError, TypeError, OverflowError):  # of different shapes
        return None
    return stack if stack.shape[1:] == (v, v) and stack.dtype.kind in "biuf" else None


def _are_cells(matrices: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether matrices (n, v, v) are strictly upper-triangular, of zeros and ones: (n,)."""
    v = matrices.shape[1]
    lower = np.tril(np.ones((v, v), dtype=np.bool_))
    right: NDArray[np.bool_] = ((matrices == 0) | ((matrices == 1) & ~lower)).all(axis=(1, 2))
    return right


def _edges(matrices: NDArray[Any], vertices: int) -> NDArray[np.uint8]:
    """Edge genes of cells (n, v, v) of at most ``vertices`` vertices; unused ones come before the output."""
    v = matrices.shape[1]
    number = {edge: gene for gene, edge in enumerate(edge_list(vertices))}
    place = [*range(v - 1), vertices - 1]
    rows = np.zeros((len(matrices), len(number)), dtype=np.uint8)
    for source, target in edge_list(v):
        rows[:, number[place[source], place[target]]] = matrices[:, source, target]
    return rows


def decoded(rows: Genotypes, vertices: int, operations: tuple[str, ...]) -> list[dict[str, Any]]:
    """Native forms of genotypes; no two of them share a list."""
    matrices, which_matrix, words, which_words = _parts(rows, vertices, operations)
    collecting = gc.isenabled()
    gc.disable()  # all of these lists stay alive: traversing them again and again would take ten times as long
    try:
        return [
            {"matrix": list(map(list.copy, matrices[m])), "ops": words[w].copy()}
            for m, w in zip(which_matrix, which_words, strict=True)
        ]
    finally:
        if collecting:
            gc.enable()


def decoded_texts(rows: Genotypes, vertices: int, operations: tuple[str, ...]) -> list[str]:
    """Native forms of genotypes as JSON."""
    matrices, which_matrix, words, which_words = _parts(rows, vertices, operations)
    first = [f'{{"matrix": {json.dumps(matrix)}, "ops": ' for matrix in matrices]
    second = [f"{json.dumps(ops)}}}" for ops in words]
    return [first[m] + second[w] for m, w in zip(which_matrix, which_words, strict=True)]


def _parts(
    rows: Genotypes, vertices: int, operations: tuple[str, ...]
) -> tuple[list[list[list[int]]], list[int], list[list[str]], list[int]]:
    """The distinct matrices and lists of ops of genotypes, and the number of each row's."""
    edges = len(edge_list(vertices))
    genes, which_matrix = _distinct(rows[:, :edges])
    matrices = edges_to_matrix(genes).tolist()
    labels, which_words = _distinct(rows[:, edges:])
    words = [[INPUT, *(operations[gene] for gene in row), OUTPUT] for row in labels.tolist()]
    return matrices, which_matrix, words, which_words


def _distinct(rows: Genotypes) -> tuple[Genotypes, list[int]]:
    """The distinct rows, and the number of each row's."""
    packed = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1])))[:, 0] if rows.shape[1] else None
    if packed is None:
        return rows[:1], [0] * len(rows)
    numbers: dict[bytes, int] = {}
    which = [numbers.setdefault(row, len(numbers)) for row in packed.tolist()]
    distinct = np.frombuffer(b"".join(numbers), dtype=np.uint8).reshape(-1, rows.shape[1])
    return distinct, which
