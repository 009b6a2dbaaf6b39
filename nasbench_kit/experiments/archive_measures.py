"""What a result says of its archives: hypervolumes, other indicators, and contributions of members."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nasbench_kit.experiments.archive_quality import Yardstick, check_front, indicator_named
from nasbench_kit.experiments.recorder import known_front
from nasbench_kit.experiments.scale import scale_of
from nasbench_kit.metrics import Metric, minimised
from nasbench_kit.metrics.indicators import group_hypervolume, hypervolume_contributions, nondominated

if TYPE_CHECKING:
    from nasbench_kit.benchmark import Benchmark

__all__ = ["ArchiveMeasures"]


class ArchiveMeasures:
    """The part of a `Result` that measures archives; `Result` documents the attributes."""

    if TYPE_CHECKING:
        archive_run: NDArray[np.int64]
        archive_F: NDArray[np.float64]
        noise_free_F: NDArray[np.float64] | None
        bounds: NDArray[np.float64] | None
        front_bounds: NDArray[np.float64] | None
        objective_metrics: tuple[Metric, ...]
        source: dict[str, Any]

        @property
        def benchmark(self) -> Benchmark: ...

        @property
        def objectives(self) -> tuple[str, ...]: ...

        @property
        def runs(self) -> int: ...

        def archive(self, run: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]: ...

    def hypervolume(self, ref: ArrayLike | None = None, *, scale: str = "front") -> NDArray[np.float64]:
        """The hypervolume of each run's archive.

        Parameters
        ----------
        ref : array_like of float, shape (m,), optional
            The reference point in unscaled objective values, as in published figures.
        scale : {"front", "table"}
            Used without ``ref``. ``"front"`` scales each objective so that the exact Pareto front's best value (ideal point) is
            0 and its worst (nadir point) is 1, with the reference point 1.1 in each; ``"table"`` uses the best and worst
            values of the whole table, and 1.01. Points beyond the reference point contribute nothing. See
            `nasbench_kit.experiments.scale.scale_of`.

        Returns
        -------
        ndarray of float64, shape (runs,)
            Computed from noise-free values if the search saw single trainings.
        """
        if len(self.objectives) == 1:
            raise ValueError("hypervolume is for several objectives; see best(metric)")
        F, run = self._measured_archives
        if ref is not None:
            if scale != "front":
                raise ValueError("give ref= or scale=, not both: a reference point is in unscaled values")
            return group_hypervolume(F, run, self.runs, np.asarray(ref, dtype=np.float64))
        return scale_of(scale, self.bounds, self._front_bounds).hypervolume(F, run, self.runs)

    def indicator(self, name: str, front: ArrayLike | None = None) -> NDArray[np.float64]:
        """A quality indicator of each run's archive.

        Parameters
        ----------
        name : str
            One of `nasbench_kit.metrics.named_indicators.INDICATORS`: ``"hypervolume"``, ``"igd"``, ``"igd_plus"``, ``"gd"``,
            ``"gd_plus"``, ``"epsilon"``, ``"epsilon_multiplicative"``, ``"r2"``.
        front : array_like of float, shape (k, m), optional
            The reference front, minimised and unscaled. Default: the exact front of the benchmark that was searched. Its own
            bounds scale the objectives if the search knows none.

        Returns
        -------
        ndarray of float64, shape (runs,)
            Of objectives scaled as in `hypervolume`, ideal point 0 and nadir point 1; the multiplicative epsilon of unscaled
            ones. Computed from noise-free values if the search saw single trainings. ``inf`` for a run that found nothing
            (0 for the hypervolume).

        Raises
        ------
        UnknownName
            There is no such indicator.
        ValueError
            A single objective, unknown bounds, no front where one is needed, or one that does not fit.
        """
        needs_front = indicator_named(name).needs_front
        if len(self.objectives) == 1:
            raise ValueError(f"{name} is for several objectives; see best(metric)")
        reference = None if front is None else np.atleast_2d(np.asarray(front, dtype=np.float64))
        if reference is None and needs_front and "benchmark" in self.source:
            reference = self._exact_front
        check_front(name, reference, self.objectives)
        F, run = self._measured_archives
        ends = self._front_bounds
        if ends is None and reference is not None:
            ends = np.stack([reference.min(axis=0), reference.max(axis=0)])
        scale = scale_of("front", self.bounds, ends)
        return Yardstick(scale, reference).values(name, F, run, self.runs)

    def hypervolume_contributions(
        self, run: int, ref: ArrayLike | None = None, *, scale: str = "front"
    ) -> NDArray[np.float64]:
        """The hypervolume that each member of a run's archive contributes alone.

        Parameters
        ----------
        run : int
        ref, scale
            As in `hypervolume`.

        Returns
        -------
        ndarray of float64, shape (k,)
            In the order of ``archive(run)``. Computed from noise-free values if the search saw single trainings: 0 for members
            that are dominated by those, ``nan`` where they are unknown.
        """
        if len(self.objectives) == 1:
            raise ValueError("hypervolume is for several objectives; see best(metric)")
        F = self.archive(run)[1] if self.noise_free_F is None else self.noise_free_F[self.archive_run == run]
        if ref is None:
            between = scale_of(scale, self.bounds, self._front_bounds)
            F, ref = between.scaled(F), np.full(F.shape[1], between.reference)
        elif scale != "front":
            raise ValueError("give ref= or scale=, not both: a reference point is in unscaled values")
        known = np.isfinite(F).all(axis=1)
        adds = np.full(len(F), np.nan)
        one = np.zeros(int(known.sum()), dtype=np.int64)
        adds[known] = hypervolume_contributions(F[known], one, np.asarray(ref, dtype=np.float64))
        return adds

    def median_archive(self) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """The archive of the run with the median hypervolume, without the noise of single trainings.

        Returns
        -------
        genotypes : ndarray of uint8, shape (k, genes)
        F : ndarray of float64, shape (k, m)
            Minimised, one row per distinct point.
        """
        volume = self.hypervolume()
        median = int(np.argsort(volume, kind="stable")[len(volume) // 2])
        X, F = self.archive(median)
        if self.noise_free_F is not None:
            F = self.noise_free_F[self.archive_run == median]
            kept = np.flatnonzero(np.isfinite(F).all(axis=1))
            kept = kept[nondominated(F[kept], np.zeros(len(kept), dtype=np.int64))]
            X, F = X[kept], F[kept]
        return X, F

    @property
    def _measured_archives(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """What indicators are computed from: non-dominated points of all archives, noise-free, and the run of each."""
        if self.noise_free_F is None:
            return self.archive_F, self.archive_run
        return known_front(self.noise_free_F, self.archive_run)

    @cached_property
    def _exact_front(self) -> NDArray[np.float64]:
        """The exact front of the benchmark that was searched, noise-free and minimised: (k, m)."""
        seed = "mean" if self.source["seed"] == "random" else self.source["seed"]
        directions = {metric.name: metric.direction for metric in self.objective_metrics if metric.direction}
        where = {"dataset": self.source["dataset"], "epochs": self.source["epochs"], "seed": seed}
        _, values = self.benchmark.front(self.objectives, directions=directions, **where)
        return minimised(values, self.objective_metrics)

    @cached_property
    def _front_bounds(self) -> NDArray[np.float64] | None:
        """The front bounds of the problem; for files without them, those of the benchmark."""
        if self.front_bounds is None and "benchmark" in self.source:
            front = self._exact_front
            return np.stack([front.min(axis=0), front.max(axis=0)])
        return self.bounds if self.front_bounds is None else self.front_bounds
