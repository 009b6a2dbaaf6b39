"""NAS-Bench-101's ``ModelSpec``: a cell as a user wrote it, pruned, and its official hash."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.compat.errors import Unsupported, WrongQuery

__all__ = ["ModelSpec"]


class ModelSpec:
    """A cell: adjacency matrix and operations of its vertices.

    Parameters
    ----------
    matrix : array_like, shape (v, v)
        Strictly upper-triangular; the first vertex is the input and the last the output.
    ops : sequence of str, length v
    data_format : str
        Kept, not used.

    Attributes
    ----------
    original_matrix, original_ops
        Copies of what was given.
    matrix : ndarray or None
        Without the vertices that are on no path from input to output; None if there is no path.
    ops : list of str or None
    valid_spec : bool
        Whether there is a path.

    Raises
    ------
    WrongQuery
        A matrix that is not square or upper-triangular, or has another number of vertices than ``ops``. Also a
        ValueError.
    """

    def __init__(self, matrix: ArrayLike, ops: Sequence[str], data_format: str = "channels_last") -> None:
        given = np.array(matrix)
        if given.ndim != 2 or given.shape[0] != given.shape[1]:
            raise WrongQuery(f"matrix must be square, not of shape {given.shape}")
        if len(given) != len(ops):
            raise WrongQuery(f"a matrix of {len(given)} vertices needs as many ops, not {len(ops)}")
        if np.tril(given).any():
            raise WrongQuery("matrix must be strictly upper-triangular: edges go from earlier to later vertices")
        self.original_matrix, self.original_ops = given, copy.deepcopy(ops)
        self.data_format = data_format
        kept = _on_a_path(given != 0)
        self.valid_spec = len(kept) >= 2
        self.matrix: NDArray[Any] | None = given[np.ix_(kept, kept)] if self.valid_spec else None
        self.ops: list[str] | None = [ops[vertex] for vertex in kept] if self.valid_spec else None

    def hash_spec(self, canonical_ops: Sequence[str]) -> str:
        """The official hash of the cell, equal for isomorphic cells (``hash_module``; arXiv 1902.09635).

        Unlike the original's, it does not depend on the type of the matrix: a float matrix, or NumPy 2, gives the
        published hash too.
        """
        if self.matrix is None or self.ops is None:
            raise WrongQuery("the input does not reach the output, so that nothing is left to hash")
        edges = self.matrix != 0
        labels = [-1, *(list(canonical_ops).index(op) for op in self.ops[1:-1]), -2]
        degrees = zip(edges.sum(axis=1).tolist(), edges.sum(axis=0).tolist(), labels, strict=True)
        hashes = [_md5(str(degree)) for degree in degrees]
        sources = [np.flatnonzero(edges[:, vertex]).tolist() for vertex in range(len(labels))]
        targets = [np.flatnonzero(edges[vertex]).tolist() for vertex in range(len(labels))]
        for _ in labels:
            hashes = [
                _md5("|".join([_joined(hashes, into), _joined(hashes, out), own]))
                for into, out, own in zip(sources, targets, hashes, strict=True)
            ]
        return _md5(str(sorted(hashes)))

    def visualize(self) -> Any:
        """Refused: cells are drawn by the kit's own command."""
        raise Unsupported("a cell is drawn by 'nasbench-kit draw --space nb101', and by nasbench_kit.figures")


def _on_a_path(edges: NDArray[np.bool_]) -> list[int]:
    """The vertices on a path from the first to the last."""
    reaches = edges | np.eye(len(edges), dtype=np.bool_)
    for _ in range(len(edges)):
        reaches = reaches @ reaches
    return np.flatnonzero(reaches[0] & reaches[:, -1]).tolist() if reaches[0, -1] else []


def _joined(hashes: list[str], vertices: list[int]) -> str:
    return "".join(sorted(hashes[vertex] for vertex in vertices))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
