"""Binary features of genotypes, for predictors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["ENCODINGS", "encoded"]

ENCODINGS = ("path", "one_hot")


def encoded(X: Genotypes, space: Space, encoding: str, longest: int) -> NDArray[np.bool_]:
    """Features of genotypes (runs, n, genes): (runs, n, features).

    Parameters
    ----------
    X : ndarray of uint8, shape (runs, n, genes)
    space : Space
    encoding : {"path", "one_hot"}
        ``"path"`` is ``space.paths``, if the space has paths; otherwise, and for ``"one_hot"``, there is a feature for
        each value of each gene, and a single one for a gene of two values.
    longest : int
        Maximum number of operations on a path.
    """
    rows = X.reshape(-1, space.genes)
    found = space.paths(rows, longest) if encoding == "path" else None
    if found is None:
        gene = np.repeat(np.arange(space.genes), [1 if c == 2 else c for c in space.cardinalities])
        value = np.concatenate([[1] if c == 2 else range(c) for c in space.cardinalities])
        found = rows[:, gene] == value.astype(np.uint8)
    return found.reshape(*X.shape[:2], found.shape[1])
