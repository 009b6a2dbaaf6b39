"""The search-space interface, and validation of genotypes.

A genotype is a row of ``uint8`` genes. Each space defines what its genes mean, which rows are valid, and when two rows
encode the same network.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture
from nasbench_kit.notebook import card, picture
from nasbench_kit.spaces.costs import Costs
from nasbench_kit.spaces.diagram import Diagram
from nasbench_kit.spaces.forms import Form
from nasbench_kit.spaces.genotypes import Genotypes, as_rng
from nasbench_kit.spaces.sameness import Sameness

__all__ = ["Space"]

MOST_DRAWS = 10_000  # per requested sample, before rejection sampling gives up


class Space(Sameness, Costs):
    """A search space: its genotypes, their network equivalence, and their costs.

    Attributes
    ----------
    name : str
        The name by which ``nasbench_kit.space`` finds it.
    version : int
        Incremented when the meaning of a genotype, its canonical form or its key changes.
    cardinalities : tuple of int
        Number of values of each gene.
    """

    name: str
    version: int
    cardinalities: tuple[int, ...]

    def __repr__(self) -> str:
        return f"<space {self.name}: {len(self.cardinalities)} genes, {self.size} genotypes>"

    def _repr_html_(self) -> str:
        values = sorted(set(self.cardinalities))
        facts = {
            "genes": f"{self.genes}, of {values[0] if len(values) == 1 else f'{values[0]} to {values[-1]}'} values",
            "genotypes": _count(self.size),
            "networks": _count(self.networks)
            if self.networks_are_counted and self.networks is not None
            else "not counted",
            "costs": ", ".join(self.cost_names),
        }
        drawn = picture(self)
        return card(self.name, "search space", facts, drawn, note="one of its architectures" if drawn else "")

    # ---------------------------------------------------------------- genotypes

    @property
    def units(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """Named partitions of the genes into groups that variation operators may exchange as a whole.

        ``"gene"`` (each gene by itself) is always available; spaces add their own, such as ``"stage"`` or ``"cell"``.
        """
        return {"gene": tuple((gene,) for gene in range(self.genes))}

    @property
    def mutation_rates(self) -> NDArray[np.float64]:
        """Default mutation probability of each gene: 1 / genes, or the rates used by the space's authors."""
        return np.full(self.genes, 1 / self.genes)

    @property
    def gene_names(self) -> tuple[str, ...]:
        """Unique name of each gene; default: ``"gene 0"``, ``"gene 1"``, ..."""
        return tuple(f"gene {i}" for i in range(self.genes))

    @property
    def gene_values(self) -> tuple[tuple[str, ...] | range, ...]:
        """Meaning of each gene's values, in order: names, or a range for genes that are numbers (bits, nodes)."""
        return tuple(range(cardinality) for cardinality in self.cardinalities)

    def as_rows(self, X: ArrayLike) -> Genotypes:
        """Convert ``X`` to rows of genes, checking shape and dtype but not the gene values.

        Parameters
        ----------
        X : array_like of int, shape (n, genes) or (genes,)
            Genotypes. Whole numbers of any dtype are accepted.

        Returns
        -------
        ndarray of uint8, shape (n, genes)
            ``X`` itself if it already has this form.

        Raises
        ------
        InvalidArchitecture
            Wrong shape, values that are not whole numbers, or values outside 0 ... 255.
        """
        try:
            rows = np.asarray(X)
        except ValueError:  # ragged, e.g. native forms of different lengths
            rows = np.array(None)
        if rows.dtype.kind in "OSU":
            raise InvalidArchitecture(
                f"{self.name}: genotypes are rows of {self.genes} whole numbers; convert native forms with "
                f"space.encode([...]), here nk.space({self.name!r}).encode([...])"
            )
        if rows.ndim == 1 and rows.size == 0:
            rows = rows.reshape(0, self.genes)
        if rows.ndim == 1:
            rows = rows[np.newaxis]
        if rows.ndim != 2 or rows.shape[1] != self.genes:
            raise InvalidArchitecture(
                f"{self.name}: genotypes must have the shape (n, {self.genes}) or ({self.genes},), not {np.shape(X)}"
            )
        if rows.dtype == np.uint8:
            return rows
        if rows.size == 0:
            return rows.astype(np.uint8)
        if rows.dtype.kind not in "biuf":
            raise InvalidArchitecture(f"{self.name}: genes must be whole numbers, not {rows.dtype}")
        with np.errstate(invalid="ignore"):
            small = rows.astype(np.uint8)
        wrong = (small != rows).any(axis=1)
        if wrong.any():
            self.refuse(rows, wrong)
        return small

    def check(self, X: ArrayLike) -> Genotypes:
        """Convert ``X`` to rows of genes and check that every row is valid.

        Returns
        -------
        ndarray of uint8, shape (n, genes)

        Raises
        ------
        InvalidArchitecture
            Lists the first five invalid rows with the reasons.
        """
        rows = self.as_rows(X)
        valid = self.valid_rows(rows)
        if np.count_nonzero(valid) < len(valid):  # several times faster than `all` for few rows
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
        return "violates a constraint of the space"

    def is_valid(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Whether each row is a valid genotype: (n,) bool. A wrong shape still raises."""
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
        """Weights (genes,) and a lookup table such that ``table[row @ weights]`` tells whether a row is valid.

        Assumes that every gene is within its cardinality. None if validity cannot be expressed in this form.
        """
        if self.unconstrained:
            return np.zeros(self.genes, dtype=np.int64), np.ones(1, dtype=np.bool_)
        return None

    def valid_rows(self, rows: Genotypes) -> NDArray[np.bool_]:
        """Validity of rows of the right shape. Spaces with constraints beyond cardinalities override this."""
        if len(set(self.cardinalities)) == 1 and (not rows.size or int(rows.max()) < self.cardinalities[0]):
            return np.ones(len(rows), dtype=np.bool_)
        return np.asarray((rows < np.array(self.cardinalities)).all(axis=1))

    def sample(self, n: int, rng: int | np.random.Generator) -> Genotypes:
        """Draw valid genotypes uniformly, with replacement.

        Parameters
        ----------
        n : int
            Number of genotypes.
        rng : int or numpy.random.Generator
            Seed or random generator.

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
                raise InvalidArchitecture(
                    f"{self.name}: too few genotypes are valid to sample from ({n - missing} of {drawn} drawn); "
                    "override sample"
                )
            # size the batch by the acceptance rate so far
            found = self._draw(min(1 + missing * drawn // max(n - missing, 1), 2**16), generator)
            drawn += len(found)
            kept.append(found[self.valid_rows(found)][:missing])
            missing -= len(kept[-1])
        return np.concatenate(kept)

    def _draw(self, n: int, generator: np.random.Generator) -> Genotypes:
        """Draw genotypes uniformly over all combinations of gene values, valid or not."""
        return generator.integers(0, self.cardinalities, size=(n, self.genes), dtype=np.uint8)

    def neighbours(self, x: ArrayLike) -> Genotypes:
        """All valid genotypes that differ from ``x`` in exactly one gene.

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
            raise InvalidArchitecture(f"{self.name}: neighbours takes one genotype, not {len(centre)}")
        others: Genotypes = self.one_gene_changes(centre)[0]
        return others[self.valid_rows(others)]

    def one_gene_changes(self, rows: Genotypes) -> Genotypes:
        """All single-gene changes of each row, valid or not: (n, sum of (cardinality - 1), genes)."""
        gene = np.repeat(np.arange(self.genes), [c - 1 for c in self.cardinalities])
        step = np.concatenate([np.arange(1, c) for c in self.cardinalities])
        changed = np.repeat(rows[:, np.newaxis, :], len(gene), axis=1)
        old = rows[:, gene].astype(np.int64)
        new = np.where(step <= old, step - 1, step)
        changed[:, np.arange(len(gene)), gene] = new
        return changed

    def paths(self, rows: Genotypes, longest: int) -> NDArray[np.bool_] | None:
        """The paths from input to output that the cells of valid genotypes (n, genes) have: (n, features).

        A feature stands for a sequence of operations, of which there are at most ``longest``. None for spaces that are
        not single cells; cell spaces override this.
        """
        return None

    # ---------------------------------------------------------------- native forms

    @abstractmethod
    def encode_one(self, native: Any) -> Sequence[int]:
        """Encode one native form; the message of InvalidArchitecture is only the reason."""

    @abstractmethod
    def decode_one(self, row: Sequence[int]) -> Any:
        """Decode one valid genotype to its native form."""

    def encode(self, natives: Iterable[Any]) -> Genotypes:
        """Encode native forms as genotypes.

        Parameters
        ----------
        natives : iterable of native forms
            A single string is rejected, because it is one native form rather than a list.

        Returns
        -------
        ndarray of uint8, shape (n, genes)

        Raises
        ------
        InvalidArchitecture
            Lists the first five native forms that cannot be read, with the reasons.
        """
        if isinstance(natives, (str, bytes)):
            raise TypeError(f"encode takes a list of native forms; for a single one write encode([{natives!r}])")
        return self._encode_each(enumerate(natives))

    def _encode_each(self, numbered: Iterable[tuple[int, Any]]) -> Genotypes:
        """Encode native forms one by one; their numbers are for error messages."""
        rows: list[Sequence[int]] = []
        wrong: list[str] = []
        for i, native in numbered:
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
        """Why a native form is not a valid architecture of this space; None if it is valid."""
        try:
            row = np.array(self.encode_one(native), dtype=np.uint8)
        except InvalidArchitecture as error:
            return str(error)
        return None if self.valid_rows(row[np.newaxis])[0] else self.why_invalid(row)

    def decode(self, X: ArrayLike) -> list[Any]:
        """Decode genotypes to native forms; the inverse of `encode`."""
        return [self.decode_one(row) for row in self.check(X).tolist()]

    def decode_texts(self, X: ArrayLike) -> list[str]:
        """Native forms of genotypes as text: strings as they are, nested forms as JSON."""
        return [native if isinstance(native, str) else json.dumps(native) for native in self.decode(X)]

    @property
    def forms(self) -> dict[str, Form]:
        """The notations by which tables and commands may refer to architectures, by name.

        ``"native"`` and ``"number"`` (see `from_number`) are always available; spaces add their own, such as
        ``"official_index"`` or ``"hash"``.
        """
        return {"native": Form(self.encode), "number": Form(self.from_number, "numbers")}

    def diagrams(self, x: ArrayLike) -> list[Diagram]:
        """Diagrams of one valid genotype (genes,): its cells, stages or chain."""
        row = self.check(x)
        if len(row) != 1:
            raise InvalidArchitecture(f"{self.name}: diagrams takes one genotype, not {len(row)}")
        return self.diagrams_of(row[0].tolist())

    @abstractmethod
    def diagrams_of(self, row: Sequence[int]) -> list[Diagram]:
        """The diagrams of one valid genotype."""


def _count(number: int) -> str:
    """A number of any size, in as many digits as can be read."""
    return f"{number:,}" if number < 10**15 else f"about {float(number):.3g}"
