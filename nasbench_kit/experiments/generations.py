"""The log of a search: population, best genotype, approximation front and evaluations at the end of every generation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.metrics import Metric, minimised
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NEVER", "Generations"]

NEVER = np.iinfo(np.int64).max  # when members of the last front leave it


@dataclass(eq=False, kw_only=True)
class Generations:
    """What ``search(..., record=True)`` keeps of every generation.

    Populations are stored as changes, so that a steady-state algorithm needs one row per evaluation, not a population. The
    approximation front is stored as its members, each with the evaluations at which it entered and left.

    Attributes
    ----------
    space : Space
    objectives : tuple of Metric
    evaluations : ndarray of int, shape (generations, runs)
        Evaluations of each run so far. They stop growing when a run has ended.
    sizes : ndarray of int, shape (generations, runs)
        The number of members of each population; for an algorithm without a population, of its last batch.
    change_run, change_generation, change_member : ndarray of int, shape (changes,)
        The members that differ from the generation before, sorted by run, then by generation.
    change_X : ndarray of uint8, shape (changes, genes)
    change_F : ndarray of float64, shape (changes, objectives)
        Minimised, as the search saw them.
    front_run, front_entered, front_left : ndarray of int, shape (members,)
        The members of all fronts, sorted by run, then by ``front_entered``: the number of the evaluation that found them.
        ``front_left`` is the number of evaluations after which they were no longer in the front. For one objective they
        are the successive incumbents; for several, those at the end of each generation, without what a generation found
        and surpassed itself.
    front_X : ndarray of uint8, shape (members, genes)
    front_F : ndarray of float64, shape (members, objectives)
    front_seconds : ndarray of float64, shape (members,)
        Simulated seconds of their run when they were found.
    """

    space: Space
    objectives: tuple[Metric, ...]
    evaluations: NDArray[np.int64]
    sizes: NDArray[np.int64]
    change_run: NDArray[np.int64]
    change_generation: NDArray[np.int64]
    change_member: NDArray[np.int64]
    change_X: Genotypes
    change_F: NDArray[np.float64]
    front_run: NDArray[np.int64]
    front_entered: NDArray[np.int64]
    front_left: NDArray[np.int64]
    front_X: Genotypes
    front_F: NDArray[np.float64]
    front_seconds: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.evaluations)

    def __repr__(self) -> str:
        return f"<{len(self)} generations of {self.evaluations.shape[1]} runs>"

    @cached_property
    def ended(self) -> NDArray[np.int64]:
        """The number of generations of each run until it ended: (runs,)."""
        grown = np.diff(self.evaluations, axis=0, prepend=0) > 0
        return np.where(grown.any(axis=0), len(self) - grown[::-1].argmax(axis=0), 0)

    # ---------------------------------------------------------------- one generation

    def population(self, generation: int, run: int) -> tuple[Genotypes, NDArray[np.float64]]:
        """The population of a run at the end of a generation: genotypes (members, genes), values (members, objectives)."""
        generation, run = self._checked(generation, run)
        first, last = np.searchsorted(self.change_run, [run, run + 1])
        last = first + np.searchsorted(self.change_generation[first:last], generation, side="right")
        place = np.zeros(self.sizes[: generation + 1, run].max(), dtype=np.intp)
        place[self.change_member[first:last]] = np.arange(first, last)  # of repeated members, the last change stays
        place = place[: self.sizes[generation, run]]
        return self.change_X[place], self.change_F[place]

    def front(self, generation: int, run: int) -> tuple[Genotypes, NDArray[np.float64]]:
        """The best genotypes that a run had found by the end of a generation: (k, genes), values (k, objectives).

        For one objective the incumbent; for several, the approximation front of all its evaluations so far.
        """
        generation, run = self._checked(generation, run)
        kept = np.flatnonzero(self._in_front(generation) & (self.front_run == run))
        return self.front_X[kept], self.front_F[kept]

    def best(self, generation: int) -> tuple[Genotypes, NDArray[np.float64]]:
        """The best genotype of every run by the end of a generation, for several objectives by the first: (runs, genes).

        Their values (runs, objectives) are infinite for runs that had found nothing.
        """
        generation, _ = self._checked(generation, 0)
        runs = self.evaluations.shape[1]
        X, F = np.zeros((runs, self.space.genes), dtype=np.uint8), np.full((runs, len(self.objectives)), np.inf)
        kept = np.flatnonzero(self._in_front(generation))
        kept = kept[np.lexsort((self.front_F[kept, 0], self.front_run[kept]))]
        run, first = np.unique(self.front_run[kept], return_index=True)
        X[run], F[run] = self.front_X[kept[first]], self.front_F[kept[first]]
        return X, F

    def _in_front(self, generation: int) -> NDArray[np.bool_]:
        now = self.evaluations[generation][self.front_run]
        found: NDArray[np.bool_] = (self.front_entered <= now) & (now < self.front_left)
        return found

    def _checked(self, generation: int, run: int) -> tuple[int, int]:
        for name, value, count in (("generation", generation, len(self)), ("run", run, self.evaluations.shape[1])):
            if not -count <= value < count:
                raise IndexError(f"{name} must be one of 0 ... {count - 1}, not {value}")
        return generation % len(self), run % self.evaluations.shape[1]

    # ---------------------------------------------------------------- frames

    def frame(self) -> pd.DataFrame:
        """One row per run and generation until the run ended.

        Returns
        -------
        pandas.DataFrame
            Columns ``run``, ``generation`` (from 0), ``evaluations``, ``members`` of the population, ``front`` (its number
            of points), and the best value of each objective so far, in its own unit and under its own name.
        """
        import pandas as pd

        parts = []
        for generation in range(len(self)):
            kept = np.flatnonzero(self._in_front(generation))
            run, runs = self.front_run[kept], np.flatnonzero(self.ended > generation)
            best = np.full((self.evaluations.shape[1], len(self.objectives)), np.inf)
            np.minimum.at(best, run, self.front_F[kept])
            columns: dict[str, Any] = {
                "run": runs,
                "generation": generation,
                "evaluations": self.evaluations[generation, runs],
                "members": self.sizes[generation, runs],
                "front": np.bincount(run, minlength=len(best))[runs],
            }
            parts.append(pd.DataFrame(columns | self._values(best[runs])))
        return pd.concat(parts).sort_values(["run", "generation"], ignore_index=True)

    def populations(self, run: int) -> pd.DataFrame:
        """The populations of one run: ``generation``, ``member``, ``architecture`` (native form), and the objectives."""
        found = [(g, self.population(g, run)) for g in range(int(self.ended[run]))]
        member = [np.arange(len(X)) for _, (X, _) in found]
        return self._members(found, {"member": np.concatenate([*member, np.empty(0, dtype=np.intp)])})

    def fronts(self, run: int) -> pd.DataFrame:
        """The approximation fronts of one run: ``generation``, ``architecture`` (native form), and the objectives."""
        return self._members([(g, self.front(g, run)) for g in range(int(self.ended[run]))], {})

    def _members(
        self, found: Sequence[tuple[int, tuple[Genotypes, NDArray[np.float64]]]], columns: dict[str, Any]
    ) -> pd.DataFrame:
        import pandas as pd

        X = np.concatenate([np.empty((0, self.space.genes), dtype=np.uint8), *(X for _, (X, _) in found)])
        F = np.concatenate([np.empty((0, len(self.objectives))), *(F for _, (_, F) in found)])
        generation = np.repeat([g for g, _ in found], [len(X) for _, (X, _) in found]).astype(np.int64)
        different, index = np.unique(X, axis=0, return_inverse=True)
        natives = np.array([*self.space.decode_texts(different), ""], dtype=object)[index.ravel()]
        return pd.DataFrame({"generation": generation, **columns, "architecture": natives, **self._values(F)})

    def _values(self, F: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Objectives by name, in their own units; ``nan`` where nothing was found."""
        own = np.where(np.isfinite(F), minimised(F, self.objectives), np.nan)
        return {metric.name: own[:, i] for i, metric in enumerate(self.objectives)}

    # ---------------------------------------------------------------- files, and batches of runs

    @classmethod
    def joined(cls, parts: Sequence[Generations]) -> Generations | None:
        """The log of consecutive batches of runs; None if there is none."""
        if not parts:
            return None
        longest = max(map(len, parts))
        found: dict[str, Any] = {"space": parts[0].space, "objectives": parts[0].objectives}
        for name in ARRAYS:
            values = [getattr(part, name) for part in parts]
            if name in ("evaluations", "sizes"):  # runs that ended earlier stay as they are
                padded = [np.pad(v, ((0, longest - len(v)), (0, 0)), mode="edge") for v in values]
                found[name] = np.concatenate(padded, axis=1)
                continue
            if name.endswith("_run"):
                before = np.cumsum([0, *(part.evaluations.shape[1] for part in parts)])
                values = [run + first for run, first in zip(values, before, strict=False)]
            found[name] = np.concatenate(values)
        return cls(**found)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays by name, for a file, whole numbers in as few bytes as they need."""
        found = {name: getattr(self, name) for name in ARRAYS}
        return {name: _small(values) if values.dtype == np.int64 else values for name, values in found.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], space: Space, objectives: tuple[Metric, ...]) -> Self:
        """The inverse of `arrays`; ValueError or KeyError if they do not fit together."""
        kinds = {"X": "u", "F": "f", "seconds": "f"}
        found: dict[str, Any] = {}
        for name in ARRAYS:
            values, kind = arrays[name], kinds.get(name.rpartition("_")[2], "iu")
            if values.dtype.kind not in kind or (kind == "f" and values.dtype != np.float64):
                raise ValueError(f"generations/{name} is {values.dtype}")
            found[name] = values.astype(np.int64) if kind == "iu" else values
            if kind == "iu" and (found[name] < 0).any():
                raise ValueError(f"generations/{name} has negative numbers")
        last = np.iinfo(arrays["front_left"].dtype).max
        found["front_left"] = np.where(arrays["front_left"] == last, NEVER, found["front_left"])
        log = cls(space=space, objectives=objectives, **found)
        log._check()
        return log

    def _check(self) -> None:
        """Raise ValueError unless all shapes and numbers fit together."""
        shape, genes, m = self.evaluations.shape, self.space.genes, len(self.objectives)
        if len(shape) != 2 or not shape[0] or self.sizes.shape != shape:
            raise ValueError(f"the generations have the shapes {shape} and {self.sizes.shape}")
        for prefix in ("change", "front"):
            names = [name for name in ARRAYS if name.startswith(prefix)]
            n = len(getattr(self, names[0]))
            for name in names:
                wanted = (n, *{"X": (genes,), "F": (m,)}.get(name.rpartition("_")[2], ()))
                if getattr(self, name).shape != wanted:
                    raise ValueError(f"generations/{name} has the shape {getattr(self, name).shape}, not {wanted}")
            run = getattr(self, f"{prefix}_run")
            if n and (run.max() >= shape[1] or (np.diff(run) < 0).any()):
                raise ValueError(f"generations/{prefix}_run does not have the numbers of runs in their order")
            self.space.check(getattr(self, f"{prefix}_X"))
        if (np.diff(self.evaluations, axis=0) < 0).any():
            raise ValueError("generations/evaluations decrease")
        run, generation, member = self.change_run, self.change_generation, self.change_member
        if (self.sizes.max(axis=0) > np.bincount(run, minlength=shape[1])).any():  # every member has changed once
            raise ValueError("generations/sizes has populations larger than what is stored")
        if len(run) and generation.max() >= shape[0]:
            raise ValueError("generations/change_generation has numbers beyond the last")
        if (np.diff(run * shape[0] + generation) < 0).any() or (member >= self.sizes[generation, run]).any():
            raise ValueError("generations/change_member does not fit the populations")


ARRAYS = tuple(part.name for part in fields(Generations) if part.name not in ("space", "objectives"))


def _small(values: NDArray[np.int64]) -> NDArray[Any]:
    """Whole numbers in the smallest unsigned type in which none but `NEVER` is its largest."""
    finite = values[values != NEVER]
    kind = np.min_scalar_type(int(finite.max(initial=0)) + 1)
    return np.where(values == NEVER, np.iinfo(kind).max, values).astype(kind)
