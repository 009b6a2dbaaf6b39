"""Interpret one training in the files of NAS-Bench-201 and NATS-Bench, and check its values.

The meaning of an evaluation set depends on the training data; `SETS` defines it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import SourceError
from nasbench_kit.loaders.pickle_values import shown

__all__ = ["CONSTANTS", "CURVES", "FIELDS", "POSITION", "SETS", "Curves", "trial_values"]

_BUDGETS = (1, 12, 90, 200)  # of any of the files

# The meaning of the files' evaluation sets, by training data: x-valid and x-test are the halves of the original test
# images of CIFAR-100 and ImageNet16-120, and ori-test is both halves; for CIFAR-10, ori-test is its test set.
SETS: dict[str, dict[str, str]] = {
    "cifar10-valid": {"x-valid": "valid", "ori-test": "test"},
    "cifar10": {"ori-test": "test"},
    "cifar100": {"x-valid": "valid", "x-test": "test", "ori-test": "original_test"},
    "ImageNet16-120": {"x-valid": "valid", "x-test": "test", "ori-test": "original_test"},
}
_PARTS = ("train", "valid", "test", "original_test")
CURVES = tuple(f"{part}_{what}" for part in _PARTS for what in ("accuracy", "loss"))
CONSTANTS = (
    *("training_time", "valid_time", "test_time", "original_test_time"),
    *("latency_gpu", "recorded_params", "recorded_flops"),
)
FIELDS = (*CURVES, *CONSTANTS)
POSITION = {name: i for i, name in enumerate(FIELDS)}

Curves = dict[str, NDArray[np.float64]]  # by metric: one value per epoch

_EPOCHS = {budget: tuple(range(budget)) for budget in _BUDGETS}
_EVALUATIONS = {
    (name, budget): tuple(f"{name}@{epoch}" for epoch in range(budget))
    for name in ("x-valid", "x-test", "ori-test")
    for budget in _BUDGETS
}


def trial_values(
    trial: dict[str, Any], dataset: str, budget: int, where: str, *, curves: bool
) -> tuple[NDArray[np.float64], Curves]:
    """Read one training.

    Parameters
    ----------
    trial : dict
    dataset : str
        Its training data, one of `SETS`.
    budget : int
        Its epochs.
    where : str
        The place in the source, for error messages.
    curves : bool
        Whether to return the values after every epoch as well.

    Returns
    -------
    values : ndarray of float64, shape (len(FIELDS),)
        After the last epoch.
    curves : dict
        Empty unless requested.

    Raises
    ------
    SourceError
        If anything deviates from the format.
    """
    values = np.full(len(FIELDS), np.nan)
    found: Curves = {}
    last = budget - 1
    key = "epochs"

    def put(name: str, series: dict[Any, Any], keys: tuple[Any, ...]) -> None:
        if keys[last] not in series:
            raise _Wrong(f"the last epoch, {shown(keys[last])}, is missing")
        values[POSITION[name]] = _checked(name, series[keys[last]])
        if curves:
            found[name] = _series(name, series, keys)

    try:
        if trial.get("epochs") != budget:
            raise _Wrong(f"expected {budget}, not {shown(trial.get('epochs'))}")
        for what, key in (("accuracy", "train_acc1es"), ("loss", "train_losses")):
            put(f"train_{what}", _typed(trial.get(key), dict), _EPOCHS[budget])
        key = "train_times"
        if trial.get(key):
            seconds = _series("training_time", _typed(trial[key], dict), _EPOCHS[budget])
            values[POSITION["training_time"]] = math.fsum(seconds.tolist())
            if curves:
                found["training_time"] = np.append(seconds.cumsum()[:-1], values[POSITION["training_time"]])
        key = "eval_names"
        for name in _typed(trial.get(key), list):
            part = SETS[dataset].get(name) if type(name) is str else None
            if part is None:
                raise _Wrong(f"{dataset} must be evaluated on {' and '.join(SETS[dataset])}, not on {shown(name)}")
            for what, key in (("accuracy", "eval_acc1es"), ("loss", "eval_losses")):
                put(f"{part}_{what}", _typed(trial.get(key), dict), _EVALUATIONS[name, budget])
            key = "eval_times"
            seconds_of = trial.get(key)
            if seconds_of and (at := _EVALUATIONS[name, budget][last]) in _typed(seconds_of, dict):
                values[POSITION[f"{part}_time"]] = _checked(f"{part}_time", seconds_of[at])
        key = "latency"
        measured = [value for value in _typed(trial.get(key) or [], list) if value != -1]  # -1: not measured
        if measured:
            latencies = [_checked("latency_gpu", value) for value in measured]
            values[POSITION["latency_gpu"]] = 1e3 * sum(latencies) / len(latencies)
        for name, key in (("recorded_params", "params"), ("recorded_flops", "flop")):
            values[POSITION[name]] = _count(_checked(name, trial.get(key)))
    except _Wrong as error:
        raise SourceError(f"{where}: key {key!r}: {error}") from None
    return values, found


class _Wrong(Exception):
    """An invalid value; the caller adds the place."""


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise _Wrong(f"expected a {kind.__name__}, not {shown(value)}")
    return value


def _checked(name: str, value: Any) -> float:
    """Return a number if it is possible for the metric."""
    if type(value) is not float and (type(value) is not int or abs(value) > 2**53):
        raise _Wrong(f"expected a number, not {shown(value)}")
    if name.endswith("_accuracy"):
        if not 0 <= value <= 100:
            raise _Wrong(f"an accuracy must be a percentage from 0 to 100, not {shown(value)}")
    elif name.endswith("_loss"):
        if value < 0:  # NaN passes: the published loss of a training that diverged
            raise _Wrong(f"a loss must not be negative, got {shown(value)}")
    elif not 0 <= value < 1e12:
        raise _Wrong(f"expected a non-negative number, not {shown(value)}")
    return float(value)


def _series(name: str, series: dict[Any, Any], keys: tuple[Any, ...]) -> NDArray[np.float64]:
    """The numbers at ``keys``; ``nan`` for missing ones."""
    found: list[Any] = list(map(series.get, keys))
    if set(map(type, found)) == {float}:
        values = np.array(found)
        if ((values >= 0) & (values <= 100)).all():  # possible for all metrics
            return values
    return np.array([np.nan if value is None else _checked(name, value) for value in found])


def _count(millions: float) -> float:
    """A recorded count, given in millions in the files; rounded if it was an integer before the division."""
    count = millions * 1e6
    return float(round(count)) if abs(count - round(count)) < 1e-3 else count
