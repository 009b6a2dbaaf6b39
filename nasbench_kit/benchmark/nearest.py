"""The stored genotype that stands for any genotype: that of the same network, or the one that differs in the fewest genes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.benchmark.queries import Queries
from nasbench_kit.kernels.agreement import Agreement
from nasbench_kit.kernels.compiling import enabled
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["StoredRows"]


class StoredRows:
    """Some rows of a table, which answer for all genotypes of its space.

    Parameters
    ----------
    bench : Queries
    rows : ndarray of int, shape (k,)
        Positions in ``bench.architectures``, at least one.

    Attributes
    ----------
    genotypes : ndarray of uint8, shape (k, genes)
    rows : ndarray of int, shape (k,)
        As given.
    """

    def __init__(self, bench: Queries, rows: NDArray[np.intp]) -> None:
        self.genotypes, self.rows = np.array(bench.architectures[rows]), rows
        self._bench = bench
        self._agreement = Agreement(self.genotypes, bench.space.cardinalities)
        # position of each record here, -1 for those that are not here and for the record -1, which is none
        self._of_record = np.full(len(bench) + 1, -1, dtype=np.intp)
        self._of_record[rows] = np.arange(len(rows))
        space = bench.space
        self._one_each = space.networks_are_counted and space.networks == space.size  # a network per genotype

    def answering(self, X: Genotypes) -> Genotypes:
        """The genotype that answers each valid row of ``X``: (n, genes).

        That of the row's own record or its network's where it is here, else the one that differs in the fewest genes; of
        several, the one with the smallest key.
        """
        answers: Genotypes = self.genotypes.take(self.places(X), axis=0)
        return answers

    def places(self, X: Genotypes) -> NDArray[np.intp]:
        """Positions of `answering` in `genotypes`: (n,)."""
        if self._one_each and enabled():  # its own record is the nearest, and found as fast as by its key
            return self._agreement.most(X)
        where = self._of_record[self._bench.records(X)]
        unknown = np.flatnonzero(where < 0)
        if len(unknown):
            where[unknown] = self._agreement.most(X[unknown])
        return where
