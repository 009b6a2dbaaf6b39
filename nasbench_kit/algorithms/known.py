"""What each run has evaluated, and which neighbours of a genotype it has not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.kernels.climbing import ordered_unknown
from nasbench_kit.kernels.hash_sets import HashSets
from nasbench_kit.kernels.hashing import mix
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Known"]

NUMBERED = 2**53  # maximum space size for which genotypes go by their number
INDEXED = 2**31  # maximum number of networks of a space for which they go by their index


class Known:
    """A set of genotypes, or of networks, for each run.

    Genotypes are told apart by a sum of one 64-bit word per gene value. In spaces of at most `NUMBERED` genotypes the sum
    is their number; in larger ones the words are random, and two genotypes collide with probability 2**-64.

    Parameters
    ----------
    runs : int
        Number of runs.
    space : Space
    networks : bool
        Whether genotypes of the same network are the same.

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> known = Known(2, nk.space("nas-bench-macro"))
    >>> known.add(np.array([[0, 1] * 4, [2, 1] * 4], dtype=np.uint8))
    >>> known.holds(np.array([0, 1]), np.array([[[0, 1] * 4, [2, 1] * 4]] * 2, dtype=np.uint8))
    array([[ True, False],
           [False,  True]])
    """

    def __init__(self, runs: int, space: Space, *, networks: bool = False) -> None:
        self.space, self.networks = space, networks
        self._sets = HashSets(runs)
        self._everyone = np.arange(runs)
        cardinalities = space.cardinalities
        self._gene = np.repeat(np.arange(space.genes), [values - 1 for values in cardinalities])
        self._step = np.concatenate([np.arange(1, values) for values in cardinalities])
        self._gene_of_word = np.arange(space.genes) * max(cardinalities)
        self._words = _words(space).reshape(-1)

    @property
    def width(self) -> int:
        """Number of single-gene changes of a genotype, valid or not."""
        return len(self._gene)

    def add(self, X: Genotypes) -> None:
        """Add one genotype to each run: (runs, genes)."""
        self._sets.add(self._everyone, self._names(X))

    def holds(self, runs: NDArray[np.intp], X: Genotypes) -> NDArray[np.bool_]:
        """Whether the given runs (k,) contain the genotypes (k, n, genes): (k, n)."""
        return self._sets.holds(runs, self._names(X.reshape(-1, X.shape[2])).reshape(X.shape[:2]))

    def new_neighbours(
        self, runs: NDArray[np.intp], X: Genotypes, order: NDArray[np.uint32]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Valid genotypes one gene away from one genotype of each run, without known ones.

        Parameters
        ----------
        runs : ndarray of int, shape (k,)
            Runs, each at most once.
        X : ndarray of uint8, shape (k, genes)
            The genotype of each.
        order : ndarray of uint32, shape (k, width)
            Random words that determine the order of the neighbours.

        Returns
        -------
        changes : ndarray of int, shape (k, width)
            The neighbours, as changes that `changed` makes; the first ones are those sought. Of networks, no two are the
            same.
        count : ndarray of int, shape (k,)
            Number of those sought.
        """
        if self.space.unconstrained and not self.networks:
            return ordered_unknown(self._sets, runs, self._names_of_changed(X), None, order, False)
        rows = self.space.one_gene_changes(X).reshape(-1, self.space.genes)
        valid = self.space.is_valid(rows)
        if self.networks:
            names = np.zeros(len(rows), dtype=np.uint64)
            names[valid] = self._names(rows[valid])
        else:
            names = self._names_of_changed(X)
        shape = (len(X), self.width)
        return ordered_unknown(self._sets, runs, names.reshape(shape), valid.reshape(shape), order, self.networks)

    def changed(self, X: Genotypes, change: NDArray[np.intp]) -> Genotypes:
        """Genotypes (k, genes) with one gene changed: (k, genes)."""
        changed, rows, gene = X.copy(), np.arange(len(X)), self._gene.take(change)
        old, step = X[rows, gene], self._step.take(change)
        changed[rows, gene] = step - (step <= old)
        return changed

    def _names(self, X: Genotypes) -> NDArray[np.uint64]:
        """Words that are equal for equal genotypes or networks: (n, genes) to (n,)."""
        if self.networks:
            networks = self.space.networks
            indexed = networks is not None and networks <= INDEXED
            return self.space.network_index(X).astype(np.uint64) if indexed else self.space.key(X)
        if self.space.size <= NUMBERED:
            return self.space.small_number(X).astype(np.uint64)
        names: NDArray[np.uint64] = self._words.take(X + self._gene_of_word).sum(axis=1, dtype=np.uint64)
        return names

    def _names_of_changed(self, X: Genotypes) -> NDArray[np.uint64]:
        """Names of all single-gene changes of genotypes: (k, genes) to (k, width)."""
        old = X[:, self._gene]
        new = self._step - (self._step <= old)
        first = self._gene_of_word[self._gene]
        # modulo 2**64
        difference = self._words.take(new + first) - self._words.take(old + first)
        return np.asarray(self._names(X)[:, np.newaxis] + difference)


def _words(space: Space) -> NDArray[np.uint64]:
    """A word per gene value: (genes, largest cardinality)."""
    most = max(space.cardinalities)
    if space.size <= NUMBERED:
        return np.arange(most, dtype=np.uint64) * space.digit_weights[:, np.newaxis]
    return mix(np.arange(space.genes * most, dtype=np.uint64).reshape(space.genes, most))
