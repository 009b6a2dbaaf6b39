"""Open a surrogate: the ensembles of NAS-Bench-301, or any ONNX model with a mapping of its inputs and outputs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from numpy.typing import ArrayLike

from nasbench_kit.benchmark.card import benchmark_card
from nasbench_kit.errors import SourceError, UnknownName
from nasbench_kit.metrics import Direction, known_metric
from nasbench_kit.spaces import space
from nasbench_kit.surrogates.ensemble import Ensemble, read_ensemble
from nasbench_kit.surrogates.predictions import Predicted, Predictions, Seed
from nasbench_kit.surrogates.problem import SurrogateProblem

__all__ = ["SurrogateBenchmark"]

DATASET, EPOCHS = "cifar10", 100
CITATION = (
    "Zela et al. 2022, Surrogate NAS benchmarks: going beyond the limited search spaces of tabular NAS benchmarks, arXiv "
    "2008.09777 (NAS-Bench-301)"
)


class SurrogateBenchmark(Predictions):
    """A benchmark that answers by a model instead of a table; used like `Benchmark`.

    Parameters
    ----------
    path : path-like
        The folder of an ensemble of NAS-Bench-301, such as ``xgb_v1.0`` (extra ``nb301``), or an ONNX model (extra
        ``onnx``). Pickled boosters are read from their bytes; nothing is unpickled.
    runtime : path-like, optional
        The folder of an ensemble that predicts training times, such as ``lgb_runtime_v1.0``.
    mapping : path-like, optional
        For an ONNX model: a TOML file that says what its inputs and outputs are.

    Raises
    ------
    SourceError
        If a file is missing, damaged, or not what it claims to be.
    MissingExtra

    Notes
    -----
    The members of an ensemble stand for training seeds: ``query(..., seed="mean")`` is their mean, ``seed=3`` the
    prediction of one, and a problem draws one per evaluation. The published code adds normal noise of the members'
    standard deviation instead; the mean is the same.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        runtime: str | os.PathLike[str] | None = None,
        mapping: str | os.PathLike[str] | None = None,
    ) -> None:
        where = Path(path)
        if not os.path.exists(where):  # noqa: PTH110 - unlike Path.exists, False for invalid names
            raise SourceError(f"{where}: no such file or folder")
        if where.is_dir():
            if mapping is not None:
                raise SourceError(f"{where} is a folder: mapping= only applies to an ONNX model")
            self._open_ensembles(where, None if runtime is None else Path(runtime))
        else:
            if runtime is not None:
                raise SourceError(f"{where} is a file: runtime= only applies to the folders of NAS-Bench-301")
            self._open_onnx(where, mapping)

    def _open_ensembles(self, folder: Path, runtime: Path | None) -> None:
        accuracy = _ensemble(folder, times=False)
        columns = {"valid_accuracy": _column("valid_accuracy", accuracy)}
        info = {
            **accuracy.info,
            "url": "https://github.com/automl/nasbench301",
            "licence": "Apache-2.0",
            "citation": CITATION,
            "notes": "Predictions of models fitted to about 60,000 trainings, not trainings: accuracies outside of what "
            "was trained are extrapolated. 100 epochs on CIFAR-10 with 8 cells and 32 initial channels.",
        }
        if runtime is not None:
            times = _ensemble(runtime, times=True)
            columns["training_time"] = _column("training_time", times)
            info |= {f"runtime_{name}": value for name, value in times.info.items()}
        super().__init__(folder.resolve().name, space("darts"), {DATASET: columns}, info)

    def _open_onnx(self, path: Path, mapping: str | os.PathLike[str] | None) -> None:
        from nasbench_kit.surrogates.onnx_model import read_onnx

        if mapping is None:
            raise SourceError(
                f"{path}: an ONNX model needs a mapping of its inputs and outputs: give mapping='....toml', or give the "
                "folder of an ensemble of NAS-Bench-301"
            )
        name, target, columns, info = read_onnx(path, Path(mapping))
        super().__init__(name, target, columns, info)

    def __repr__(self) -> str:
        return f"<surrogate {self.name}: {', '.join(self.datasets)} of {self.space.name}>"

    def _repr_html_(self) -> str:
        return benchmark_card(self, "surrogate", trained="members")

    def problem(
        self,
        objectives: str | Sequence[str],
        *,
        dataset: str | None = None,
        seed: Seed | None = None,
        bounds: ArrayLike | None = None,
        directions: Mapping[str, Direction] | None = None,
    ) -> SurrogateProblem:
        """Objectives of a search, to be passed to ``nasbench_kit.search`` or ``nasbench_kit.compare``.

        Parameters
        ----------
        objectives : str or sequence of str
        dataset : str, optional
            May be omitted if there is only one.
        seed : int, {"mean", "random"}, optional
            What an evaluation answers with. Default: ``"random"``, a member per evaluation, where there are several.
        bounds : array_like of float, shape (2, m), optional
            The best and the worst value of each objective, in its own unit. Needed for hypervolumes; with one
            objective, regret is measured from the best value. A surrogate has no exact front to take them from.
        directions : mapping of str to {"max", "min"}, optional
            Directions of metrics that have none.

        Returns
        -------
        SurrogateProblem

        Raises
        ------
        UnknownName, ValueError
        """
        names = (objectives,) if isinstance(objectives, str) else tuple(objectives)
        dataset = self._dataset(dataset)
        given = dict(directions or {})
        for name in given:
            if name not in names:
                raise UnknownName("objective", name, names, "Directions can only be given for objectives.")
        found = [self.metric(name, dataset) for name in names]
        metrics = tuple(replace(m, direction=given[m.name]) if m.name in given else m for m in found)
        if seed is None:
            seed = "random" if any(self.seeds(dataset, name) for name in names) else "mean"
        self._check_seed(dataset, seed, 0 if seed == "random" else None)
        return SurrogateProblem(self, metrics, dataset, seed, bounds)


def _ensemble(folder: Path, *, times: bool) -> Ensemble:
    found = read_ensemble(folder)
    if found.times != times:
        wanted, other = ("training times", "accuracies") if times else ("accuracies", "training times")
        raise SourceError(
            f"{folder} predicts {other} (its model is {found.info['model']!r}), but an ensemble that predicts {wanted} is "
            f"expected {'as runtime=' if times else 'first; give this one as runtime='}"
        )
    return found


def _column(name: str, ensemble: Ensemble) -> Predicted:
    metric = known_metric(name)
    assert metric is not None
    return Predicted(metric, ensemble.predict, ensemble.members, EPOCHS)
