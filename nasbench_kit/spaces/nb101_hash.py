"""NAS-Bench-101's official hash of a cell, bit by bit, for many cells at once.

Each vertex begins with the md5 of its degrees and label; then, as many times as there are vertices, with the md5 of the
sorted hashes of its predecessors, a bar, those of its successors, a bar, and its own; the cell's hash is the md5 of the
sorted list as Python prints it (``hash_module`` of the official package, google-research/nasbench).

Vertices of different cells often have the same hash: each different text is hashed once.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.graphs import edges_to_matrix, on_a_path
from nasbench_kit.spaces.nb101_tables import EDGES
from nasbench_kit.spaces.space import Genotypes

__all__ = ["module_hash"]

INPUT, OUTPUT = -1, -2
_BLOCK = 16_384


def module_hash(rows: Genotypes) -> NDArray[np.str_]:
    """The official hash of valid genotypes: (n, 26) to (n,) strings of 32 hexadecimal digits."""
    result = np.empty(len(rows), dtype="S32")
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        matrix = edges_to_matrix(block[:, :EDGES]) != 0
        kept = on_a_path(matrix)
        labels = np.full(kept.shape, INPUT)
        labels[:, 1:-1] = block[:, EDGES:]
        labels[:, -1] = OUTPUT
        vertices = kept.sum(axis=1)
        for v in np.unique(vertices).tolist():
            cells = np.flatnonzero(vertices == v)
            vertex = np.nonzero(kept[cells])[1].reshape(-1, v)
            cell = cells[:, np.newaxis]
            pruned = matrix[cell[..., np.newaxis], vertex[:, :, np.newaxis], vertex[:, np.newaxis, :]]
            result[start + cells] = _hashes(pruned, labels[cell, vertex])
    return result.astype(np.str_)


def _hashes(matrix: NDArray[np.bool_], labels: NDArray[np.int64]) -> NDArray[np.bytes_]:
    """The hashes of pruned cells of the same number of vertices: (n, v, v) and (n, v) to (n,)."""
    v = labels.shape[1]
    degrees = np.stack([matrix.sum(axis=2), matrix.sum(axis=1), labels], axis=-1)
    kinds, which = _distinct(degrees.reshape(-1, 3))
    number = _md5([str(tuple(kind)).encode() for kind in kinds.tolist()])
    texts, rank = np.unique(number, return_inverse=True)
    name = rank[which].reshape(-1, v)
    for _ in range(v):
        # neighbours in order of their hashes, missing ones last; names are numbered in that order
        missing = len(texts)
        before = np.sort(np.where(matrix, name[:, :, np.newaxis], missing), axis=1).swapaxes(1, 2)
        after = np.sort(np.where(matrix, name[:, np.newaxis, :], missing), axis=2)
        kinds, which = _distinct(np.concatenate([before, after, name[..., np.newaxis]], axis=2).reshape(-1, 2 * v + 1))
        texts, rank = np.unique(_md5(_joined(kinds, texts, v)), return_inverse=True)
        name = rank[which].reshape(-1, v)
    kinds, which = _distinct(np.sort(name, axis=1))
    return _md5([str([text.decode() for text in row]).encode() for row in texts[kinds].tolist()])[which]


def _joined(kinds: NDArray[np.int64], texts: NDArray[np.bytes_], v: int) -> list[bytes]:
    """The texts to hash: the predecessors' hashes, a bar, the successors', a bar, the vertex's own."""
    joined = np.empty(len(kinds), dtype=object)
    counts = (kinds < len(texts))[:, : 2 * v].reshape(-1, 2, v).sum(axis=2)
    for before, after in np.unique(counts, axis=0).tolist():
        rows = np.flatnonzero((counts == [before, after]).all(axis=1))
        columns = [*range(before), *range(v, v + after), 2 * v]
        letters = np.ascontiguousarray(texts[kinds[rows][:, columns]]).view(np.uint8).reshape(len(rows), len(columns), 32)
        length = 32 * len(columns) + 2
        lines = np.full((len(rows), length), ord("|"), dtype=np.uint8)
        lines[:, : 32 * before] = letters[:, :before].reshape(len(rows), -1)
        lines[:, 32 * before + 1 : -33] = letters[:, before:-1].reshape(len(rows), -1)
        lines[:, -32:] = letters[:, -1]
        buffer = lines.tobytes()
        joined[rows] = [buffer[i : i + length] for i in range(0, len(buffer), length)]
    return list(joined)


def _distinct(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """The different rows, and which of them each row is."""
    packed = np.ascontiguousarray(rows.astype(np.int32))
    codes = packed.view(np.dtype((np.void, 4 * rows.shape[1])))[:, 0]
    _, first, which = np.unique(codes, return_index=True, return_inverse=True)
    return rows[first], which


def _md5(texts: list[bytes]) -> NDArray[np.bytes_]:
    md5 = hashlib.md5
    return np.array([md5(text, usedforsecurity=False).hexdigest() for text in texts], dtype="S32")
