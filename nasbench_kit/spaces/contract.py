"""The contract of a search space: what every space can do, and how genotypes are checked.

A genotype is a row of ``uint8`` genes. What a gene means, which rows are networks and when two
rows are the same network is each space's own business, one file a space.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.spaces.costs import Costs
from nasbench_kit.spaces.diagram import Diagram
from nasbench_kit.spaces.genotypes import Genotypes, as_rng
from nasbench_kit.spaces.sameness import Sameness

__all__ = ["Space"]

MOST_DRAWS = 10_000  # for each genotype of a sample, before a space is taken to have hardly any that are valid


class Space(Sameness, Costs):
    """A search space: its genotypes, when they are the same network, and what they cost.

    Attributes
    ----------
    name : str
        The name under which ``nasbench_kit.space`` finds it.
    version : int
        Raised when the meaning of a genotype, its canonical form or its key changes.
    cardinalities : tuple of int
        The number of values of each gene.
    """

    name: str
    version: int
    cardinalities: tuple[int, ...]

    def __repr__(self) -> str:
        return f"<space {self.name}: {len(self.cardinalities)} genes, {self.size} genotypes>"

    # ---------------------------------------------------------------- genotypes

    @property
    def units(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """The genes that belong together, by what they are: variation may exchange them as wholes.

        ``"gene"``, each gene by itself, is always there; a space adds its own, such as ``"stage"`` or ``"cell"``. Each of
        them divides all genes.
        """
        return {"gene": tuple((gene,) for gene in range(self.genes))}

    @property
    def mutation_rates(self) -> NDArray[np.float64]:
        """The usual probability of each gene to be mutated: 1 / genes, unless a space's authors have others."""
        return np.full(self.genes, 1 / self.genes)

    @property
    def gene_names(self) -> tuple[str, ...]:
        """What each gene is called, no two alike: ``"gene 0"``, ... unless a space says more."""
        return tuple(f"gene {i}" for i in range(self.genes))

    @property
    def gene_values(self) -> tuple[tuple[str, ...] | range, ...]:
        """What each gene may be, in the order of its values: names, or a range where it is a number (a bit, a node)."""
        return tuple(range(cardinality) for cardinality in self.cardinalities)

    def as_rows(self, X: ArrayLike) -> Genotypes:
        """``X`` as rows of genes, its shape and type checked, its values not yet.

        Parameters
        ----------
        X : array_like of int, shape (n, genes) or (genes,)
            Genotypes. Whole numbers of any dtype are taken.

        Returns
        -------
        ndarray of uint8, shape (n, genes)
            A view where ``X`` already is one.

        Raises
        ------
        InvalidArchitecture
            Wrong shape, values that are not whole numbers, or values outside 0 ... 255.
        """
        try:
            rows = np.asarray(X)
        except ValueError:  # ragged: native forms of several lengths
            rows = np.array(None)
        if rows.dtype.kind in "OSU":
            raise InvalidArchitecture(
                f"{self.name}: genotypes are rows of {self.genes} whole numbers; native forms become genotypes by "
                f"space.encode([...]), here nk.space({self.name!r}).encode([...])"
            )
        if rows.ndim == 1 and rows.size == 0:
            rows = rows.reshape(0, self.genes)
        if rows.ndim == 1:
            rows = rows[np.newaxis]
        if rows.ndim != 2 or rows.shape[1] != self.genes:
            raise InvalidArchitecture(
                f"{self.name}: genotypes have the shape (n, {self.genes}) or ({self.genes},), not {np.shape(X)}"
            )
        if rows.dtype == np.uint8:
            return rows
        if rows.size == 0:
            return rows.astype(np.uint8)
        if rows.dtype.kind not in "biuf":
            raise InvalidArchitecture(f"{self.name}: genes are whole numbers, not {rows.dtype}")
        with np.errstate(invalid="ignore"):
            small = rows.astype(np.uint8)
        wrong = (small != rows).any(axis=1)
        if wrong.any():
            self.refuse(rows, wrong)
        return small

    def check(self, X: ArrayLike) -> Genotypes:
        """``X`` as valid rows of genes.

        Returns
        -------
        ndarray of uint8, shape (n, genes)

        Raises
        ------
        InvalidArchitecture
            Names the first five rows that are invalid, and why.
        """
        rows = self.as_rows(X)
        valid = self.valid_rows(rows)
        if not valid.all():
            self.refuse(rows, ~valid)
        return rows

    def refuse(self, rows: NDArray[Any], wrong: NDArray[np.bool_]) -> None:
        where = np.flatnonzero(wrong)
        shown = "; ".join(f"row {i} {rows[i].tolist()}: {self.why_invalid(rows[i])}" for i in where[:5])
        more = f"; and {len(where) - 5} more" if len(where) > 5 else ""
        raise InvalidArchitecture(f"{self.name}: {len(where)} of {len(rows)} genotypes are invalid: {shown}{more}")

    def why_invalid(self, row: NDArray[Any]) -> str:
        for i, (value, cardinality) in enumerate(zip(row.tolist(), self.cardinalities, strict=True)):
            if not 0 <= value < cardinality or value != int(value):
                return f"gene {i} is {value}, not one of 0 ... {cardinality - 1}"
        return "breaks a rule of the space"

    def is_valid(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Which rows are genotypes of this space: (n,) bool. A wrong shape still raises."""
        rows = np.asarray(X)
        if rows.dtype != np.uint8 and rows.size and rows.dtype.kind in "biuf" and rows.ndim in (1, 2):
            rows = np.atleast_2d(rows)
            inside = np.all((rows >= 0) & (rows <= 255) & (rows == np.floor(rows)), axis=1)
            return np.logical_and(inside, self.valid_rows(self.as_rows(np.where(inside[:, np.newaxis], rows, 0))))
        return self.valid_rows(self.as_rows(rows))

    @property
    def unconstrained(self) -> bool:
        """Whether every combination of gene values is a valid genotype."""
        return type(self).valid_rows is Space.valid_rows

    @property
    def validity(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
        """Weights (genes,) and a table: ``table[row @ weights]`` is whether a row is valid, if each gene has one of its values.

        None where the rules of the space have no such form.
        """
        if self.unconstrained:
            return np.zeros(self.genes, dtype=np.int64), np.ones(1, dtype=np.bool_)
        return None

    def valid_rows(self, rows: Genotypes) -> NDArray[np.bool_]:
        """Validity of rows of the right shape. A space with rules beyond its cardinalities overrides this."""
        if len(set(self.cardinalities)) == 1 and (not rows.size or int(rows.max()) < self.cardinalities[0]):
            return np.ones(len(rows), dtype=np.bool_)
        return np.asarray((rows < np.array(self.cardinalities)).all(axis=1))

    def sample(self, n: int, rng: int | np.random.Generator) -> Genotypes:
        """``n`` valid genotypes, uniform over the valid genotypes, with replacement.

        Parameters
        ----------
        n : int
            How many.
        rng : int or numpy.random.Generator
            The seed or source of randomness.

        Returns
        -------
        ndarray of uint8, shape (n, genes)
        """
        generator = as_rng(rng)
        found = self._draw(n, generator)
        if self.unconstrained:
            return found
        kept = [found[self.valid_rows(found)]]
        missing = n - len(kept[0])
        drawn = n
        while missing:
            if drawn > MOST_DRAWS * n:
                raise InvalidArchitecture(f"{self.name}: hardly any genotype is valid, {n - missing} of {drawn} drawn")
            # a batch for about what is missing, by the share of valid ones so far
            found = self._draw(min(1 + missing * drawn // max(n - missing, 1), 2**16), generator)
            drawn += len(found)
            kept.append(found[self.valid_rows(found)][:missing])
            missing -= len(kept[-1])
        return np.concatenate(kept)

    def _draw(self, n: int, generator: np.random.Generator) -> Genotypes:
        """Genotypes uniform over all combinations of gene values."""
        return generator.integers(0, self.cardinalities, size=(n, self.genes), dtype=np.uint8)

    def neighbours(self, x: ArrayLike) -> Genotypes:
        """Every valid genotype that differs from ``x`` in exactly one gene.

        Parameters
        ----------
        x : array_like of int, shape (genes,)

        Returns
        -------
        ndarray of uint8, shape (m, genes)
            Ordered by gene, then by value.
        """
        centre = self.check(x)
        if len(centre) != 1:
            raise InvalidArchitecture(f"{self.name}: neighbours of one genotype at a time, not of {len(centre)}")
        others: Genotypes = self.one_gene_changes(centre)[0]
        return others[self.valid_rows(others)]

    def one_gene_changes(self, rows: Genotypes) -> Genotypes:
        """All changes of one gene to another of its values, valid or not: (n, sum of (cardinality - 1), genes)."""
        gene = np.repeat(np.arange(self.genes), [c - 1 for c in self.cardinalities])
        step = np.concatenate([np.arange(1, c) for c in self.cardinalities])
        changed = np.repeat(rows[:, np.newaxis, :], len(gene), axis=1)
        old = rows[:, gene].astype(np.int64)
        new = np.where(step <= old, step - 1, step)
        changed[:, np.arange(len(gene)), gene] = new
        return changed

    # ---------------------------------------------------------------- native forms

    @abstractmethod
    def encode_one(self, native: Any) -> Sequence[int]:
        """The genes of one native form; raises InvalidArchitecture with the reason alone."""

    @abstractmethod
    def decode_one(self, row: Sequence[int]) -> Any:
        """The native form of one valid genotype."""

    def encode(self, natives: Iterable[Any]) -> Genotypes:
        """Native forms to genotypes.

        Parameters
        ----------
        natives : iterable of native forms
            A single string is refused: it is one native form, not a list of them.

        Returns
        -------
        ndarray of uint8, shape (n, genes)

        Raises
        ------
        InvalidArchitecture
            Names the first five native forms that cannot be read, and why.
        """
        if isinstance(natives, (str, bytes)):
            raise TypeError(f"encode takes a list of native forms; for a single one write encode([{natives!r}])")
        rows: list[Sequence[int]] = []
        wrong: list[str] = []
        for i, native in enumerate(natives):
            try:
                rows.append(self.encode_one(native))
            except InvalidArchitecture as error:
                text = repr(native)
                wrong.append(f"no. {i} {text if len(text) <= 120 else text[:117] + '...'}: {error}")
        if wrong:
            more = f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""
            raise InvalidArchitecture(
                f"{self.name}: {len(wrong)} native forms cannot be read: {'; '.join(wrong[:5])}{more}"
            )
        return np.array(rows, dtype=np.uint8).reshape(len(rows), self.genes)

    def fault(self, native: Any) -> str | None:
        """Why a native form is no valid architecture of this space; None where it is one."""
        try:
            row = np.array(self.encode_one(native), dtype=np.uint8)
        except InvalidArchitecture as error:
            return str(error)
        return None if self.valid_rows(row[np.newaxis])[0] else self.why_invalid(row)

    def decode(self, X: ArrayLike) -> list[Any]:
        """Genotypes to native forms; the inverse of `encode`."""
        return [self.decode_one(row) for row in self.check(X).tolist()]

    def diagrams(self, x: ArrayLike) -> list[Diagram]:
        """What there is to draw of one valid genotype (genes,): its cells, stages or chain."""
        row = self.check(x)
        if len(row) != 1:
            raise InvalidArchitecture(f"{self.name}: diagrams of one genotype at a time, not of {len(row)}")
        return self.diagrams_of(row[0].tolist())

    @abstractmethod
    def diagrams_of(self, row: Sequence[int]) -> list[Diagram]:
        """The diagrams of one valid genotype."""
