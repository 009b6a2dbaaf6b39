"""Compare the official packages with ours, call by call: the same value, or an error that is caught the same way."""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["assert_agree", "assert_records_agree", "assert_same", "assert_same_members", "same_draws"]

# what our messages and notes may word differently
PROSE = {"comment"}


def assert_same(found: Any, expected: Any, where: str = "") -> None:
    """Equal up to rounding in the last digits: times are sums, and a store has latencies in milliseconds."""
    if isinstance(expected, Mapping):
        assert set(found) == set(expected), where
        for key in expected:
            if key not in PROSE:
                assert_same(found[key], expected[key], f"{where}[{key!r}]")
    elif isinstance(expected, (np.ndarray, list, tuple)):
        assert len(found) == len(expected), where
        for i, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
            assert_same(ours, theirs, f"{where}[{i}]")
    elif isinstance(expected, (float, np.floating)):
        assert found is not None, where
        same = math.isclose(found, expected, rel_tol=1e-13) or (math.isnan(found) and math.isnan(expected))
        assert same, (where, found, expected)
    else:
        assert found == expected, (where, found, expected)


def outcome(call: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    try:
        return call(), None
    except Exception as error:
        return None, error


def assert_agree(ours: Any, theirs: Any, question: Callable[[Any], Any]) -> None:
    """Ask both the same; an error of theirs must be one of ours that the same ``except`` catches."""
    expected, wrong = outcome(lambda: question(theirs))
    found, error = outcome(lambda: question(ours))
    if wrong is None:
        assert error is None, error
        assert_same(found, expected)
    else:
        assert isinstance(error, type(wrong)), (repr(error), repr(wrong))
        assert len(str(error)) > 20


def assert_same_members(ours: type, theirs: type) -> None:
    """All public members of a class of the package, with the same arguments and defaults; ours may add keywords."""
    for name in dir(theirs):
        if name in OURS_LACKS or (name.startswith("_") and name != "__init__"):
            continue
        assert hasattr(ours, name), name
        if inspect.isfunction(getattr(theirs, name)):
            assert _arguments(getattr(ours, name)) == _arguments(getattr(theirs, name)), name


OURS_LACKS = {"debug_test"}  # prints what its authors looked for


def _arguments(function: Any) -> list[tuple[str, Any]]:
    given = inspect.signature(function).parameters.values()
    sequences = (list, tuple)
    return [
        (argument.name, list(argument.default) if isinstance(argument.default, sequences) else argument.default)
        for argument in given
        if argument.kind != argument.KEYWORD_ONLY
    ]


def same_draws(ours: Any, theirs: Any, questions: Sequence[Callable[[Any], Any]], seed: int) -> None:
    """Ours is seeded with ``seed``; theirs draws from Python's global stream, which is put back afterwards."""
    before = random.getstate()
    try:
        found = [question(ours) for question in questions]
        assert random.getstate() == before
        random.seed(seed)
        assert_same(found, [question(theirs) for question in questions])
    finally:
        random.setstate(before)


DATASETS = ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120")
SETS = ("train", "x-valid", "x-test", "ori-test", "valid", "none such")


def assert_records_agree(ours: Any, theirs: Any, index: int, hp: str, budget: int) -> None:
    """Everything that is known of an architecture's trainings: every dataset, set, seed, and a few epochs."""
    mine, official = ours.query_meta_info_by_index(index, hp), theirs.query_meta_info_by_index(index, hp)
    for question in (repr, lambda info: info.get_dataset_names(), lambda info: info.arch_idx_str()):
        assert_agree(mine, official, question)
    for dataset in DATASETS:
        for seed in official.get_dataset_seeds(dataset):
            assert_same(
                _everything(mine.query(dataset, seed), budget), _everything(official.query(dataset, seed), budget)
            )
        for name in SETS:
            for iepoch in (None, 0, budget // 2, budget - 1, budget, -1):
                assert_agree(mine, official, lambda info, s=name, e=iepoch, d=dataset: info.get_metrics(d, s, e))
            for seed in (777, 5, None, "x"):
                assert_agree(mine, official, lambda info, s=name, r=seed, d=dataset: info.get_metrics(d, s, None, r))
        for question in (
            lambda info, d=dataset: info.get_compute_costs(d),
            lambda info, d=dataset: info.get_latency(d),
            lambda info, d=dataset: info.get_total_epoch(d),
            lambda info, d=dataset: info.get_dataset_seeds(d),
            lambda info, d=dataset: sorted(info.query(d)),
            lambda info, d=dataset: info.get_net_param(d),
        ):
            assert_agree(mine, official, question)
        for iepoch in (None, 0, budget // 2, budget - 1, budget, -1):
            for choice in (False, 111, 777, 999, 5):
                assert_agree(
                    ours,
                    theirs,
                    lambda api, d=dataset, e=iepoch, r=choice: api.get_more_info(
                        index, d, iepoch=e, hp=hp, is_random=r
                    ),
                )
        assert_agree(ours, theirs, lambda api, d=dataset: api.get_net_config(index, d))
        assert_agree(ours, theirs, lambda api, d=dataset: api.get_cost_info(index, d, hp))
        assert_agree(ours, theirs, lambda api, d=dataset: api.get_latency(index, d, hp))
        assert_agree(ours, theirs, lambda api, d=dataset: sorted(api.query_by_index(index, d, hp)))
    assert_agree(ours, theirs, lambda api: api.query_info_str_by_arch(index, hp))
    assert_agree(ours, theirs, lambda api: api.query_by_arch(api[index], hp))


def _everything(trial: Any, budget: int) -> list[Any]:
    sets = sorted(trial.get_eval_set())
    return [
        trial.get_train(),
        trial.get_train(budget // 2),
        [trial.get_eval(name) for name in sets],
        sets,
        trial.get_times(),
        trial.get_latency(),
        trial.get_total_epoch(),
        trial.get_net_param(),
        trial.get_config(None),
        trial.get_config(len),
        (trial.name, trial.seed, trial.params, trial.flop, trial.latency, trial.arch_config),
        dict(trial.train_acc1es),
        dict(trial.train_losses),
        dict(trial.train_times),
        dict(trial.eval_acc1es),
        dict(trial.eval_losses),
        dict(trial.eval_times),
    ]
