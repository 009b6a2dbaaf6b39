"""Vectorised, bit-exact implementation of NAS-Bench-101's official cell hash.

The hash of a vertex is initialised to the md5 of its degrees and label. In each of as many rounds as there are
vertices, it is replaced by the md5 of the sorted hashes of the predecessors, a bar, those of the successors, a bar, and
its own. The hash of the cell is the md5 of the sorted list of vertex hashes as printed by Python (``hash_module`` of
the official package, google-research/nasbench).

Vertices of different cells often share a hash, so each distinct text is hashed only once.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.graphs import edges_to_matrix, on_a_path
from nasbench_kit.kernels.hashing import mix
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.nb101.tables import EDGES

__all__ = ["module_hash"]

INPUT, OUTPUT = -1, -2
_BLOCK = 4096


def module_hash(rows: Genotypes) -> NDArray[np.str_]:
    """Official hash of valid genotypes: (n, 26) to (n,) strings of 32 hexadecimal digits."""
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
    """Hashes of pruned cells with the same number of vertices: (n, v, v) and (n, v) to (n,)."""
    n, v = labels.shape
    edges = np.ascontiguousarray(matrix.transpose(1, 2, 0))  # (source, target, cell)
    degrees = np.stack([edges.sum(axis=1), edges.sum(axis=0), labels.T]).reshape(3, -1)
    kinds, which = _distinct(degrees)
    texts, rank = _md5([str(tuple(kind)).encode() for kind in kinds.T.tolist()])
    name = rank[which].reshape(v, n)
    for _ in range(v):
        # neighbours sorted by hash, missing ones last; names are ranks of hashes
        missing = len(texts)
        before = _ascending(np.where(edges, name[:, np.newaxis], missing))
        after = _ascending(np.where(edges.swapaxes(0, 1), name[:, np.newaxis], missing))
        kinds, which = _distinct(np.concatenate([before, after, name[np.newaxis]]).reshape(2 * v + 1, -1))
        texts, rank = _md5(_joined(kinds, texts))
        name = rank[which].reshape(v, n)
    kinds, which = _distinct(_ascending(name))
    words = texts.view("S32")[:, 0]
    texts, rank = _md5([str([word.decode() for word in row]).encode() for row in words[kinds.T].tolist()])
    return texts.view("S32")[:, 0][rank[which]]


def _ascending(columns: NDArray[np.intp]) -> NDArray[np.intp]:
    """Sort along the short first axis by odd-even transposition, vectorised over the second."""
    columns = columns.copy()
    for start in range(len(columns)):
        for i in range(start % 2, len(columns) - 1, 2):
            least = np.minimum(columns[i], columns[i + 1])
            np.maximum(columns[i], columns[i + 1], out=columns[i + 1])
            columns[i] = least
    return columns


def _joined(kinds: NDArray[np.intp], texts: NDArray[np.uint8]) -> list[bytes]:
    """Texts to hash: hashes of the predecessors, a bar, those of the successors, a bar, and the vertex's own."""
    v = len(kinds) // 2
    joined = np.empty(kinds.shape[1], dtype=object)
    before, after = (kinds[: 2 * v] < len(texts)).reshape(2, v, -1).sum(axis=1)
    degrees = before * (v + 1) + after
    for degree in np.unique(degrees).tolist():
        b, a = divmod(degree, v + 1)
        rows = np.flatnonzero(degrees == degree)
        characters = texts[kinds[[*range(b), *range(v, v + a), 2 * v]][:, rows].T]
        length = 32 * (b + a + 1) + 2
        lines = np.full((len(rows), length), ord("|"), dtype=np.uint8)
        lines[:, : 32 * b] = characters[:, :b].reshape(len(rows), -1)
        lines[:, 32 * b + 1 : -33] = characters[:, b:-1].reshape(len(rows), -1)
        lines[:, -32:] = characters[:, -1]
        buffer = lines.tobytes()
        joined[rows] = [buffer[i : i + length] for i in range(0, len(buffer), length)]
    return list(joined)


def _distinct(columns: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Unique columns of a (k, n) array, and the inverse index (n,)."""
    code = np.zeros(columns.shape[1], dtype=np.uint64)
    for values in columns:
        code = mix(code + values.astype(np.uint64))
    _, first, which = np.unique(code, return_index=True, return_inverse=True)
    kinds = columns[:, first]
    if not all((kind[which] == values).all() for kind, values in zip(kinds, columns, strict=True)):
        kinds, which = np.unique(columns, axis=1, return_inverse=True)  # hash collision
    return kinds, which.reshape(-1)


def _md5(texts: list[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Sorted md5 hashes of distinct texts, as hexadecimal characters (n, 32), and the rank of each text's hash."""
    md5 = hashlib.md5
    digests = np.frombuffer(b"".join([md5(text, usedforsecurity=False).digest() for text in texts]), dtype=np.uint8)
    halves = digests.view(">u8").reshape(-1, 2)
    order = np.lexsort((halves[:, 1], halves[:, 0]))
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return _HEXADECIMAL[digests.reshape(-1, 16)[order]].reshape(-1, 32), rank


_HEXADECIMAL = np.frombuffer(bytes(range(256)).hex().encode(), dtype=np.uint8).reshape(256, 2)
