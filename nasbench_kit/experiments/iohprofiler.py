"""Runs in the format of IOHprofiler: a .json file that describes them and a .dat file of what each found, and when.

Source: IOHexperimenter (de Nobel et al. 2024, Evolutionary Computation 32(3), arXiv 2111.04077), the data format of its
version 0.3; read by IOHanalyzer (Wang et al. 2022, arXiv 2007.03953) and by the Python package iohinspector.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import WriteError, one_line
from nasbench_kit.files import replace_file
from nasbench_kit.metrics import minimised
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["check_empty", "write_iohprofiler"]

FORMAT_VERSION = "0.3.18"
FUNCTION_ID = 1


class _Points:
    """What the runs found and when, sorted by run, then by evaluations.

    Attributes
    ----------
    run, evaluations : ndarray of int, shape (n,)
    X : ndarray of uint8, shape (n, genes)
    F : ndarray of float64, shape (n, objectives)
        Minimised.
    seconds : ndarray of float64, shape (n,)
    """

    def __init__(self, result: Any) -> None:
        log, rows = result.generations, result.rows
        if log is not None:
            self.run, self.evaluations, self.seconds = log.front_run, log.front_entered, log.front_seconds
            self.X, self.F = log.front_X, log.front_F
        elif len(result.objectives) == 1:
            new = np.ones(len(rows["run"]), dtype=np.bool_)
            new[1:] = (np.diff(rows["run"]) != 0) | (rows["incumbent_F"][1:] < rows["incumbent_F"][:-1])
            new &= np.isfinite(rows["incumbent_F"])
            self.run, self.evaluations, self.seconds, self.X = (
                rows[name][new] for name in ("run", "evaluations", "simulated_seconds", "incumbent")
            )
            self.F = rows["incumbent_F"][new][:, np.newaxis]
        else:
            raise ValueError(
                "the trace of a search on several objectives has no points of its fronts: search with record=True (--record)"
            )


def write_iohprofiler(result: Any, folder: Path, name: str) -> Path:
    """Write the runs of a result to an empty folder; see `Result.to_iohprofiler`.

    A row of the .dat file is a genotype that improved its run: a new incumbent or, for several objectives, a new member
    of the front. Its columns are ``evaluations``, ``raw_y``, ``simulated_seconds``, and the genes ``x0``, ``x1``, ....
    For one objective, ``raw_y`` is in its own unit, and a run ends with the value that it ended with. For several, all are
    minimised, as readers expect, and ``F2``, ``F3``, ... follow ``raw_y``. Every run begins at evaluation 1, with
    infinitely bad values if that found nothing, or nothing that was kept.
    """
    check_empty(folder)
    points, genes = _Points(result), result.space.genes
    function = _plain_name("-".join((_searched(result), *result.objectives)))
    file = f"IOHprofiler_f{FUNCTION_ID}_DIM{genes}.dat"
    data = Path(f"data_f{FUNCTION_ID}_{function}") / file
    extra = [f"F{i}" for i in range(2, len(result.objectives) + 1)]
    columns = ["evaluations", "raw_y", *extra, "simulated_seconds", *(f"x{i}" for i in range(genes))]
    try:
        (folder / data.parent).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"{folder} cannot be written: {error.strerror}") from error
    replace_file(folder / data, lambda path: _write_rows(path, result, points, columns))
    described = {
        "version": FORMAT_VERSION,
        "suite": "nasbench-kit",
        "function_id": FUNCTION_ID,
        "function_name": function,
        "maximization": len(result.objectives) == 1 and result.objective_metrics[0].direction == "max",
        "algorithm": {"name": one_line(name), "info": f"nasbench-kit {version('nasbench-kit')}"},
        "experiment_attributes": [{"seed": str(result.seed)}],
        "attributes": columns,
        "scenarios": [{"dimension": genes, "path": data.as_posix(), "runs": list(_runs(result, points))}],
    }
    text = json.dumps(described, indent=2)
    replace_file(folder / f"IOHprofiler_f{FUNCTION_ID}_{function}.json", lambda path: path.write_text(text, "utf-8"))
    return folder


def check_empty(folder: Path) -> None:
    """Raise WriteError if a folder is not empty or can clearly not be made.

    The runs of two searches in one folder would be taken for one experiment.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise WriteError(f"{folder} is not empty; give the name of a new folder")
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise WriteError(f"{folder} cannot be written: {there} is a file; give the name of a folder")
    if not os.access(there, os.W_OK):
        raise WriteError(f"{folder} cannot be written: no permission in {there}")


def _write_rows(path: Path, result: Any, points: _Points, columns: list[str]) -> None:
    values, worst = _shown(result, points.F), _shown(result, np.full((1, len(result.objectives)), np.inf))
    header = " ".join(columns) + "\n"
    nothing = np.zeros((1, result.space.genes), dtype=np.uint8)
    with path.open("w", encoding="ascii", newline="\n") as file:
        for run in range(result.runs):
            file.write(header)
            of_run = slice(*np.searchsorted(points.run, [run, run + 1]))
            evaluations, seconds = points.evaluations[of_run], points.seconds[of_run]
            if not len(evaluations) or evaluations[0] != 1:  # readers tell runs apart by their first evaluation
                file.writelines(_lines(np.array([1]), worst, np.zeros(1), nothing))
            file.writelines(_lines(evaluations, values[of_run], seconds, points.X[of_run]))
            total = result.evaluations[run : run + 1]
            if len(evaluations) and evaluations[-1] < total[0] and len(result.objectives) == 1:
                last = slice(of_run.stop - 1, of_run.stop)
                file.writelines(_lines(total, values[last], result.simulated_seconds[run : run + 1], points.X[last]))


def _lines(
    evaluations: NDArray[np.int64], values: NDArray[np.float64], seconds: NDArray[np.float64], X: Genotypes
) -> Iterator[str]:
    for count, value, second, x in zip(
        evaluations.tolist(), values.tolist(), seconds.tolist(), X.tolist(), strict=True
    ):
        yield " ".join([str(count), *map(repr, value), repr(second), *map(str, x)]) + "\n"


def _runs(result: Any, points: _Points) -> Iterator[dict[str, Any]]:
    """The description of every run: its length and its best point, by the first objective."""
    values = _shown(result, points.F)[:, 0]
    for run in range(result.runs):
        first, last = np.searchsorted(points.run, [run, run + 1])
        best: dict[str, Any] = {"evals": 0, "y": None, "x": []}
        if last > first:
            i = first + int(points.F[first:last, 0].argmin())
            best = {"evals": int(points.evaluations[i]), "y": float(values[i]), "x": points.X[i].tolist()}
        yield {"instance": 1, "evals": int(result.evaluations[run]), "best": best}


def _shown(result: Any, F: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values as they are written: a single objective in its own unit, several as minimised."""
    return minimised(F, result.objective_metrics) if len(result.objectives) == 1 else F


def _searched(result: Any) -> str:
    """The benchmark and dataset that were searched; for a function, its space."""
    if "benchmark" not in result.source:
        return str(result.space.name)
    return f"{Path(result.source['benchmark']).stem}-{result.source['dataset']}"


def _plain_name(text: str) -> str:
    """A name that is safe as a part of a file name, and has no spaces, which separate columns."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-.")[:100] or "function"
