"""The content of a result's file, and checks of what was read from one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import Field, asdict, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.metrics import Metric, known_metric

__all__ = ["FORMAT", "READABLE", "check_loaded", "contents", "joined", "objective", "stored", "stored_fields"]

FORMAT = "nasbench-kit result"
READABLE = (2, 4)  # results of version 2 have no checksum and describe their objectives by name only


def stored(shape: str, kinds: str, *, optional: bool = False) -> Any:
    """A field of `Result` that is an array in its file. Checking, saving, loading and joining follow from this declaration.

    Parameters
    ----------
    shape : str
        The lengths of its axes: ``runs``, ``members`` (of all archives), ``genes``, ``m`` (objectives), or a number.
    kinds : str
        The kinds of its dtype, as ``dtype.kind`` has them; ``f`` is float64.
    optional : bool
        Whether it may be None.
    """
    metadata = {"shape": shape.split(), "kinds": kinds}
    return field(default=None, metadata=metadata) if optional else field(metadata=metadata)


def stored_fields(result: Any) -> list[Field[Any]]:
    """The fields of `Result` that were declared with `stored`."""
    return [declared for declared in fields(result) if "shape" in declared.metadata]


def joined(parts: Sequence[Any]) -> dict[str, NDArray[Any] | None]:
    """The stored fields of consecutive batches of runs as one: those that have an axis of runs or members concatenated."""
    found = {}
    for declared in stored_fields(parts[0]):
        values = [getattr(part, declared.name) for part in parts]
        along = declared.metadata["shape"][0] in ("runs", "members") and values[0] is not None
        found[declared.name] = np.concatenate([v for v in values if v is not None]) if along else values[0]
    return found


def contents(result: Any) -> tuple[dict[str, str | int | float], dict[str, NDArray[Any]]]:
    """The attributes and arrays of a `Result`, for `nasbench_kit.store.record.write_record`."""
    described = [{"name": metric.name, **metric.attributes()} for metric in result.objective_metrics]
    attributes: dict[str, str | int | float] = {
        "format": FORMAT,
        "format_version": READABLE[-1],
        "algorithm": result.algorithm,
        "seed": str(result.seed),  # of any size
        "wall_seconds": float(result.wall_seconds),
        "space": result.space.name,
        "settings": json.dumps(result.settings, default=_plain),
        "source": json.dumps(result.source, default=_plain),
        "objectives": json.dumps(described),
    }
    if result.clock is not None:
        attributes["clock"] = result.clock
    if result.budget is not None:
        attributes["budget"] = json.dumps(asdict(result.budget))
    if result.options:
        attributes["options"] = json.dumps(result.options)
    arrays = {declared.name: getattr(result, declared.name) for declared in stored_fields(result)}
    arrays = {name: values for name, values in arrays.items() if values is not None}
    arrays |= {f"metrics/{name}": values for name, values in result.metrics.items()}
    arrays |= {f"trace/{name}": values for name, values in result.rows.items()}
    if result.generations is not None:
        arrays |= {f"generations/{name}": values for name, values in result.generations.arrays().items()}
    return attributes, arrays


def objective(entry: Any) -> Metric:
    """An objective as described in a file; results of version 2 have only its name, and unknown names were minimised."""
    if isinstance(entry, str):
        return known_metric(entry) or Metric(entry, direction="min")
    if not isinstance(entry["name"], str):
        raise ValueError("the name of an objective is not text")
    return Metric.from_attributes(entry["name"], entry)


def check_loaded(result: Any) -> None:
    """Raise ValueError unless every field of a result has the required shape and dtype."""
    runs, members, genes, m = result.runs, len(result.archive_run), result.space.genes, len(result.objective_metrics)
    rows = len(result.rows["run"])
    if not m or not isinstance(result.settings, dict) or not isinstance(result.source, dict):
        raise ValueError("its objectives, settings or source")
    if not isinstance(result.options, dict):
        raise ValueError("its options")
    sizes = {"runs": runs, "members": members, "genes": genes, "m": m}
    for declared in stored_fields(result):
        shape = tuple(sizes[axis] if axis in sizes else int(axis) for axis in declared.metadata["shape"])
        _expect(declared.name, getattr(result, declared.name), shape, declared.metadata["kinds"])
    for name, values in result.rows.items():
        _expect(f"trace/{name}", values, (rows, genes) if name == "incumbent" else (rows,), "iufb")
    for name, values in result.metrics.items():
        _expect(f"metrics/{name}", values, (runs if m == 1 else members,), "iuf")
    for name in (
        "run",
        "evaluations",
        "unique_networks",
        "simulated_seconds",
        *(["incumbent", "incumbent_F"] * (m == 1)),
    ):
        if name not in result.rows:
            raise ValueError(f"trace/{name} is missing")
    for name, run in (("archive_run", result.archive_run), ("trace/run", result.rows["run"])):
        if len(run) and not (run.min() >= 0 and run.max() < runs and (np.diff(run.astype(np.int64)) >= 0).all()):
            raise ValueError(f"{name} does not have the numbers of runs in their order")
    if (result.run_numbers < 0).any() or (np.diff(result.run_numbers.astype(np.int64)) <= 0).any():
        raise ValueError("run_numbers are not ascending from 0 or above")
    if result.generations is not None and result.generations.evaluations.shape[1] != runs:
        raise ValueError(f"the generations are not those of {runs} runs")
    for name in ("archive_F", "bounds", "front_bounds", "noise_free_F"):
        values = getattr(result, name)
        if values is not None and not np.isfinite(values).all():
            raise ValueError(f"{name} has nan or infinite values")
    found = [result.archive_X, result.incumbents[np.isfinite(result.incumbent_values)]]
    if m == 1:
        found.append(result.rows["incumbent"][np.isfinite(result.rows["incumbent_F"])])
    for X in found:
        result.space.check(X)


def _expect(name: str, values: NDArray[Any] | None, shape: tuple[int, ...], kinds: str) -> None:
    if values is None:
        return
    if values.shape != shape or values.dtype.kind not in kinds or (kinds == "f" and values.dtype != np.float64):
        raise ValueError(f"{name} is {values.dtype} {values.shape}, not {shape}")


def _plain(value: Any) -> Any:
    """A JSON-compatible form of a value."""
    if isinstance(value, np.generic):
        return value.item()
    return value.tolist() if isinstance(value, np.ndarray) else str(value)
