"""Joining the results of a search whose runs were divided: into batches, by hand or over the jobs of a cluster."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from nasbench_kit.experiments.generations import Generations
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.result_file import contents, joined
from nasbench_kit.experiments.result_loading import load_result

__all__ = ["join_results", "merge"]

# what has to be the same, in the words of messages
_PARTS = {
    "space": "space",
    "objectives": "objectives",
    "source": "problem",
    "algorithm": "algorithm",
    "settings": "settings",
    "budget": "budget",
    "seed": "seed",
    "clock": "clock",
    "options": "options (archive_size or initial)",
}


def merge(results: Sequence[Result | str | os.PathLike[str]]) -> Result:
    """Merge results of the same search that have different runs.

    Parameters
    ----------
    results : sequence of Result or path-like
        In any order. They come from searches that differ in ``runs`` and ``first_run`` alone. There may be gaps between the
        run numbers.

    Returns
    -------
    Result
        Its runs are sorted by their numbers. It is bit-identical to the result of the undivided search, except that
        ``wall_seconds`` is the sum over the parts. Populations recorded with ``record=True`` are kept up to the generation
        that all parts have.

    Raises
    ------
    ValueError
        No results, results of different searches (another problem, store, algorithm, setting, budget or seed), or a run that
        two of them have.
    StoreError
        A file that is not a result.

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> problem = nk.open("nb201-digits").problem("valid_accuracy")
    >>> parts = [nk.search(problem, nk.RandomSearch(), runs=5, first_run=first, evaluations=20) for first in (0, 5)]
    >>> nk.merge(parts) == nk.search(problem, nk.RandomSearch(), runs=10, evaluations=20)
    True
    """
    if isinstance(results, (str, os.PathLike, Result)):
        raise TypeError("results must be a list, as in merge([a, b])")
    names = [
        str(result) if isinstance(result, (str, os.PathLike)) else f"result {i}" for i, result in enumerate(results)
    ]
    parts = [load_result(result) if isinstance(result, (str, os.PathLike)) else result for result in results]
    for name, part in zip(names, parts, strict=True):
        if not isinstance(part, Result):
            raise TypeError(f"{name} must be a Result or the path of one, not {part!r}")
    if not parts:
        raise ValueError("no results to merge")
    for name, part in zip(names[1:], parts[1:], strict=True):
        _check_same(names[0], parts[0], name, part)
    order = sorted(range(len(parts)), key=lambda i: int(parts[i].run_numbers[0]))
    for a, b in itertools.pairwise(order):
        shared = np.intersect1d(parts[a].run_numbers, parts[b].run_numbers)
        if len(shared):
            raise ValueError(
                f"{names[a]} and {names[b]} both have run {shared[0]}, which must not count twice: leave one of them out, or "
                "search with other numbers (first_run)"
            )
        if parts[a].run_numbers[-1] > parts[b].run_numbers[0]:
            raise ValueError(
                f"the runs of {names[a]} and {names[b]} interleave: merge the parts of each without gaps first"
            )
    whole = join_results([parts[i] for i in order])
    if len(parts) > 1:
        whole.wall_seconds = float(sum(part.wall_seconds for part in parts))
    return whole


def _check_same(first_name: str, first: Result, name: str, part: Result) -> None:
    """Raise ValueError unless two results differ in their runs alone."""
    one, other = _identity(first), _identity(part)
    for key, words in _PARTS.items():
        if one[key] != other[key]:
            raise ValueError(
                f"{first_name} and {name} are of different searches; the {words} differ{'' if key in _PLURAL else 's'}: "
                f"{_difference(one[key], other[key])}"
            )
    if (first.generations is None) != (part.generations is None):
        raise ValueError(f"{first_name} and {name}: only one of them has its generations (record=True)")


_PLURAL = ("objectives", "settings", "options")


def _identity(result: Result) -> dict[str, Any]:
    """What determines the search of a result, as plain data; of a store its checksum, wherever the file is."""
    attributes, _ = contents(result)
    found: dict[str, Any] = {key: attributes.get(key) for key in _PARTS}
    for key in ("objectives", "source", "settings", "budget", "options"):
        found[key] = json.loads(found[key] or "{}")
    if "digest" in found["source"]:
        found["source"].pop("benchmark", None)
    return found


def _difference(one: Any, other: Any) -> str:
    """The first difference of two values, as text."""
    if isinstance(one, dict) and isinstance(other, dict):
        key = next(key for key in {**one, **other} if one.get(key) != other.get(key))
        return f"{key} is {one.get(key)!r} and {other.get(key)!r}"
    return f"{one!r} and {other!r}"


def join_results(parts: Sequence[Result]) -> Result:
    """Join the results of consecutive batches of runs."""
    first = parts[0]
    if len(parts) == 1:
        return first
    generations = Generations.joined([part.generations for part in parts if part.generations is not None])
    # the parts count their runs from 0
    before = np.cumsum([0, *(part.runs for part in parts[:-1])])
    rows = {name: np.concatenate([part.rows[name] for part in parts]) for name in first.rows}
    rows["run"] = np.concatenate([part.rows["run"] + runs for part, runs in zip(parts, before, strict=True)])
    fields = joined(parts)
    fields["archive_run"] = np.concatenate([part.archive_run + runs for part, runs in zip(parts, before, strict=True)])
    whole = Result(
        algorithm=first.algorithm,
        settings=first.settings,
        space=first.space,
        objective_metrics=first.objective_metrics,
        seed=first.seed,
        rows=rows,
        source=first.source,
        budget=first.budget,
        options=first.options,
        clock=first.clock,
        metrics={name: np.concatenate([part.metrics[name] for part in parts]) for name in first.metrics},
        generations=generations,
        **fields,  # type: ignore[arg-type] # what has to be there is
    )
    if "benchmark" in first.__dict__:
        whole.__dict__["benchmark"] = first.__dict__["benchmark"]
    return whole
