"""The contract of a search space: what every space can do, and how genotypes are checked.

A genotype is a row of ``uint8`` genes. What a gene means, which rows are networks and when two
rows are the same network is each space's own business, one file a space.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import InvalidArchitecture, UnknownName
from nasbench_kit.graphs.hashing import hash_rows
from nasbench_kit.spaces.diagram import Diagram
from nasbench_kit.spaces.skeleton import Skeleton

__all__ = ["LISTED_SIZE", "SMALL_SIZE", "Genotypes", "Space", "as_rng"]

Genotypes = NDArray[np.uint8]

# Spaces up to this size are answered from tables by genotype number: such a table stays in the cache.
SMALL_SIZE = 2**16

# Spaces up to this size have their networks counted and numbered by listing all genotypes.
LISTED_SIZE = 2**24

MOST_DRAWS = 10_000  # for each genotype of a sample, before a space is taken to have hardly any that are valid

_BLOCK = 8192  # rows of a matrix product: its operands stay in the cache, and BLAS stays on one thread


def as_rng(rng: int | np.random.Generator) -> np.random.Generator:
    """The generator itself, or a new one from an ``int`` seed. Nothing else is a source of randomness."""
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool):
        if rng < 0:
            raise ValueError(f"a seed is a whole number from 0 on, not {rng}")
        return np.random.default_rng(int(rng))
    raise TypeError(f"rng must be an int seed or a numpy.random.Generator, not {type(rng).__name__}")


class Space(ABC):
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
    def genes(self) -> int:
        """The number of genes."""
        return len(self.cardinalities)

    @property
    def size(self) -> int:
        """The number of genotypes, valid or not (a Python int: it may pass 2**64)."""
        return math.prod(self.cardinalities)

    @cached_property
    def digit_weights(self) -> NDArray[np.uint64]:
        """What each gene counts in a genotype's `number`: (genes,)."""
        weights = [math.prod(self.cardinalities[i + 1 :]) for i in range(self.genes)]
        return np.array(weights, dtype=np.uint64)

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
            self._raise_invalid(rows, wrong)
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
        valid = self._valid(rows)
        if not valid.all():
            self._raise_invalid(rows, ~valid)
        return rows

    def _raise_invalid(self, rows: NDArray[Any], wrong: NDArray[np.bool_]) -> None:
        where = np.flatnonzero(wrong)
        shown = "; ".join(f"row {i} {rows[i].tolist()}: {self._why_invalid(rows[i])}" for i in where[:5])
        more = f"; and {len(where) - 5} more" if len(where) > 5 else ""
        raise InvalidArchitecture(f"{self.name}: {len(where)} of {len(rows)} genotypes are invalid: {shown}{more}")

    def _why_invalid(self, row: NDArray[Any]) -> str:
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
            return np.logical_and(inside, self._valid(self.as_rows(np.where(inside[:, np.newaxis], rows, 0))))
        return self._valid(self.as_rows(rows))

    @property
    def unconstrained(self) -> bool:
        """Whether every combination of gene values is a valid genotype."""
        return type(self)._valid is Space._valid

    @property
    def validity(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
        """Weights (genes,) and a table: ``table[row @ weights]`` is whether a row is valid, if each gene has one of its values.

        None where the rules of the space have no such form.
        """
        if self.unconstrained:
            return np.zeros(self.genes, dtype=np.int64), np.ones(1, dtype=np.bool_)
        return None

    def _valid(self, rows: Genotypes) -> NDArray[np.bool_]:
        """Validity of rows of the right shape. A space with rules beyond its cardinalities overrides this."""
        if len(set(self.cardinalities)) == 1 and (not rows.size or int(rows.max()) < self.cardinalities[0]):
            return np.ones(len(rows), dtype=np.bool_)
        return np.asarray((rows < np.array(self.cardinalities)).all(axis=1))

    def number(self, X: ArrayLike) -> NDArray[np.uint64]:
        """The genotypes' numbers, 0 ... size - 1: their genes read as digits, the first the most significant.

        Only for spaces of at most 2**64 genotypes, else OverflowError. Values are not checked.
        """
        rows = self.as_rows(X)
        self._check_numbered()
        if self.size > 2**53:
            total = np.zeros(len(rows), dtype=np.uint64)
            for gene, weight in enumerate(self.digit_weights):
                total += rows[:, gene] * weight
            return total
        return self.small_number(rows).astype(np.uint64)

    def small_number(self, rows: Genotypes) -> NDArray[np.intp]:
        """`number` as an index for ``take``, for valid rows of spaces of at most 2**53 genotypes: (n,) intp.

        A matrix product in floats, which is exact there and several times as fast as integer arithmetic.
        """
        weights = self.digit_weights.astype(np.float32 if self.size <= 2**24 else np.float64)
        numbers = np.empty(len(rows), dtype=np.intp)
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            numbers[start : start + _BLOCK] = block.astype(weights.dtype) @ weights
        return numbers

    def from_number(self, numbers: ArrayLike) -> Genotypes:
        """The inverse of `number`: (n,) numbers to (n, genes) genotypes."""
        self._check_numbered()
        rest = np.atleast_1d(np.asarray(numbers, dtype=np.uint64))
        if rest.size and int(rest.max()) >= self.size:
            raise InvalidArchitecture(f"{self.name}: genotype number {int(rest.max())} is not below {self.size}")
        cards = np.array(self.cardinalities, dtype=np.uint64)
        return ((rest[:, np.newaxis] // self.digit_weights) % cards).astype(np.uint8)

    def _check_numbered(self) -> None:
        if self.size > 2**64:
            raise OverflowError(f"{self.name} has {self.size} genotypes: their numbers do not fit into 64 bits")

    def all(self) -> Genotypes:
        """Every genotype, in the order of `number`: (size, genes). For spaces that fit into memory."""
        if self.size > 2**27:
            raise MemoryError(f"{self.name} has {self.size} genotypes: too many to list")
        return self.from_number(np.arange(self.size, dtype=np.uint64))

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
        kept = [found[self._valid(found)]]
        missing = n - len(kept[0])
        drawn = n
        while missing:
            if drawn > MOST_DRAWS * n:
                raise InvalidArchitecture(f"{self.name}: hardly any genotype is valid, {n - missing} of {drawn} drawn")
            # a batch for about what is missing, by the share of valid ones so far
            found = self._draw(min(1 + missing * drawn // max(n - missing, 1), 2**16), generator)
            drawn += len(found)
            kept.append(found[self._valid(found)][:missing])
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
        return others[self._valid(others)]

    def one_gene_changes(self, rows: Genotypes) -> Genotypes:
        """All changes of one gene to another of its values, valid or not: (n, sum of (cardinality - 1), genes)."""
        gene = np.repeat(np.arange(self.genes), [c - 1 for c in self.cardinalities])
        step = np.concatenate([np.arange(1, c) for c in self.cardinalities])
        changed = np.repeat(rows[:, np.newaxis, :], len(gene), axis=1)
        old = rows[:, gene].astype(np.int64)
        new = np.where(step <= old, step - 1, step)
        changed[:, np.arange(len(gene)), gene] = new
        return changed

    # ---------------------------------------------------------------- the same network

    @abstractmethod
    def _canonical(self, rows: Genotypes) -> Genotypes:
        """The canonical forms of valid rows."""

    def canonical(self, X: ArrayLike) -> Genotypes:
        """The canonical genotype of each row's network: equal rows are the same network, up to renaming.

        Parameters
        ----------
        X : array_like of int, shape (n, genes) or (genes,)

        Returns
        -------
        ndarray of uint8, shape (n, genes)
            Idempotent: ``canonical(canonical(X))`` equals ``canonical(X)``.

        Raises
        ------
        InvalidArchitecture
            Where a row is no genotype of this space.
        """
        return self._canonical(self.check(X))

    def key(self, X: ArrayLike) -> NDArray[np.uint64]:
        """A 64-bit key of each row's network: (n,) uint64, equal where the canonical forms are equal.

        In spaces of more than 2**64 genotypes it is a hash: two networks share one by chance once in 2**64 pairs.
        """
        canonical = self.canonical(X)
        return self.number(canonical) if self.size <= 2**64 else hash_rows(canonical)

    @cached_property
    def networks(self) -> int | None:
        """How many different networks the space has; None where they have not been counted."""
        return int(self.network_of_number.max()) + 1 if self.size <= LISTED_SIZE else None

    def network_index(self, X: ArrayLike) -> NDArray[np.intp]:
        """The number of each row's network, 0 ... networks - 1: (n,). For spaces whose `networks` are counted.

        Raises
        ------
        InvalidArchitecture
        OverflowError
            Where they are not; `key` tells networks apart there.
        """
        if self.networks is None:
            raise OverflowError(f"the networks of {self.name} have not been counted; its keys tell them apart")
        return self.network_of_number.take(self.small_number(self.check(X)), mode="clip").astype(np.intp)

    @cached_property
    def network_of_number(self) -> NDArray[np.int32]:
        """A small number for each genotype's network, by the genotype's number: (size,), -1 where it is invalid.

        Networks are numbered from 0 in the order of their keys. For spaces that fit into memory.
        """
        everything = self.all()
        valid = self._valid(everything)
        networks = np.full(len(everything), -1, dtype=np.int32)
        networks[valid] = np.unique(self.key(everything[valid]), return_inverse=True)[1]
        return networks

    # ---------------------------------------------------------------- native forms

    @abstractmethod
    def _encode_one(self, native: Any) -> Sequence[int]:
        """The genes of one native form; raises InvalidArchitecture with the reason alone."""

    @abstractmethod
    def _decode_one(self, row: Sequence[int]) -> Any:
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
                rows.append(self._encode_one(native))
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
            row = np.array(self._encode_one(native), dtype=np.uint8)
        except InvalidArchitecture as error:
            return str(error)
        return None if self._valid(row[np.newaxis])[0] else self._why_invalid(row)

    def decode(self, X: ArrayLike) -> list[Any]:
        """Genotypes to native forms; the inverse of `encode`."""
        return [self._decode_one(row) for row in self.check(X).tolist()]

    def diagrams(self, x: ArrayLike) -> list[Diagram]:
        """What there is to draw of one valid genotype (genes,): its cells, stages or chain."""
        row = self.check(x)
        if len(row) != 1:
            raise InvalidArchitecture(f"{self.name}: diagrams of one genotype at a time, not of {len(row)}")
        return self._diagrams(row[0].tolist())

    @abstractmethod
    def _diagrams(self, row: Sequence[int]) -> list[Diagram]:
        """The diagrams of one valid genotype."""

    # ---------------------------------------------------------------- costs

    #: What a network in a skeleton costs: parameters, and multiply-adds.
    cost_names: tuple[str, ...] = ("params", "flops")

    @property
    def skeletons(self) -> Mapping[str, Skeleton]:
        """The network around an architecture, for each dataset that it is defined for; none unless a space has them."""
        return self._skeletons()[0]

    def _skeletons(self) -> tuple[Mapping[str, Any], Callable[[Genotypes, str, Any], NDArray[Any]]]:
        """`skeletons`, and the function that gives valid rows' cost, by name, in one of them."""
        return {}, _no_cost

    def costs(self, dataset: str) -> tuple[str, ...]:
        """The names of the costs that follow from the architecture alone, for this dataset; none without `skeletons`.

        Raises
        ------
        UnknownName
            Where the space's published network is not defined for ``dataset``.
        """
        if not self.skeletons:
            return ()
        if dataset not in self.skeletons:
            raise UnknownName(f"dataset of {self.name}", dataset, self.skeletons)
        return self.cost_names

    def known_costs(self, dataset: str) -> tuple[str, ...]:
        """``costs(dataset)``, or none at all for a dataset that the space's published network is not defined for."""
        try:
            return self.costs(dataset)
        except UnknownName:
            return ()

    def _cost(self, rows: Genotypes, name: str, dataset: str) -> NDArray[Any]:
        """One cost of valid rows, its name already checked."""
        skeletons, network_cost = self._skeletons()
        return network_cost(rows, name, skeletons.get(dataset))

    def cost(
        self, X: ArrayLike, name: str, *, dataset: str | None = None, skeleton: Skeleton | None = None
    ) -> NDArray[Any]:
        """A cost that follows from the architecture alone, from its definition.

        Parameters
        ----------
        X : array_like of int, shape (n, genes) or (genes,)
        name : str
            One of ``costs(dataset)``: ``"params"`` (count), ``"flops"`` (multiply-adds), ...
        dataset : str
            The dataset whose network is meant, e.g. ``"cifar10"``.
        skeleton : Skeleton
            In place of a dataset: the network around the architecture, one of `skeletons` with other figures.

        Returns
        -------
        ndarray, shape (n,)
            The cost of each genotype as it is written: dead parameters count, as the benchmarks count them.
        """
        if (dataset is None) == (skeleton is None):
            raise TypeError("a cost is asked for on a dataset or in a skeleton: give one of dataset= and skeleton=")
        if skeleton is not None:
            if name not in self.cost_names:
                raise UnknownName(f"cost of {self.name}", name, self.cost_names)
            return self._skeletons()[1](self.check(X), name, skeleton)
        assert dataset is not None
        names = self.costs(dataset)
        if name not in names:
            raise UnknownName(f"cost of {self.name} on {dataset}", name, names)
        return self._cost(self.check(X), name, dataset)


def _no_cost(rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
    raise NotImplementedError(f"a space's costs name {name!r}, but neither its _cost nor its _skeletons give it")
