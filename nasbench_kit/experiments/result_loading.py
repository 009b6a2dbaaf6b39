"""Read results from the files that ``Result.save`` writes."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from nasbench_kit.errors import StoreError, UnknownName
from nasbench_kit.experiments.budget import Budget
from nasbench_kit.experiments.generations import Generations
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.result_file import FORMAT, READABLE, check_loaded, objective, stored_fields
from nasbench_kit.spaces import space
from nasbench_kit.store.record import read_record

__all__ = ["load_result", "result_from"]


def load_result(path: str | os.PathLike[str]) -> Result:
    """Read a result that ``Result.save`` wrote.

    Raises
    ------
    StoreError
        No such file, not a result of this kit, or a damaged one.
    """
    attributes, arrays = read_record(Path(path), "result", FORMAT, READABLE)
    try:
        result = result_from(attributes, arrays)
    except UnknownName as error:
        raise StoreError(f"{path}: {error}") from error
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)[:500]
        raise StoreError(f"{path} is a damaged result ({reason}); run the search again") from error
    return result


def result_from(attributes: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Result:
    """A result from the attributes and arrays of its file, checked; raises builtin errors."""
    parts: dict[str, dict[str, NDArray[Any]]] = {"trace": {}, "metrics": {}, "generations": {}}
    for name, values in arrays.items():
        group, _, rest = name.partition("/")
        if rest:
            parts[group][rest] = values
    rows = parts["trace"]
    searched = space(str(attributes["space"]))
    objectives = tuple(map(objective, json.loads(attributes["objectives"])))
    log = parts["generations"]
    if "0/population" in log:
        warnings.warn("the generations of this result, kept by an older version of the kit, are left out", stacklevel=3)
        log = {}
    if "clock" not in attributes and "hypervolume" in rows:
        rows["hypervolume_table"] = rows.pop("hypervolume")  # older files have it on another scale
    result = Result(
        algorithm=str(attributes["algorithm"]),
        settings=json.loads(attributes["settings"]),
        space=searched,
        objective_metrics=objectives,
        seed=int(attributes["seed"]),
        rows=rows,
        budget=Budget(**json.loads(attributes["budget"])) if "budget" in attributes else None,
        options=json.loads(attributes.get("options", "{}")),
        clock=str(attributes["clock"]) if "clock" in attributes else None,
        source=json.loads(attributes["source"]),
        metrics=parts["metrics"],
        generations=Generations.from_arrays(log, searched, objectives) if log else None,
        wall_seconds=float(attributes["wall_seconds"]),
        **{
            declared.name: arrays[declared.name]
            for declared in stored_fields(Result)
            if declared.name in arrays or declared.default is MISSING
        },
    )
    check_loaded(result)
    return result
