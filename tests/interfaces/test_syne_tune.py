"""The interface to Syne Tune, against the installed package."""

from __future__ import annotations

import doctest
import logging

import numpy as np
import pandas as pd
import pytest

import nasbench_kit as nk

pytest.importorskip("syne_tune")
pytest.importorskip("syne_tune.blackbox_repository", exc_type=ImportError)  # needs huggingface_hub

import dill
from syne_tune import StoppingCriterion, Tuner
from syne_tune.backend.simulator_backend.simulator_backend import SimulatorConfig
from syne_tune.backend.simulator_backend.simulator_callback import SimulatorCallback
from syne_tune.blackbox_repository import UserBlackboxBackend
from syne_tune.optimizer.baselines import ASHA, RandomSearch

from nasbench_kit.interfaces import syne_tune as interface
from nasbench_kit.interfaces.syne_tune import from_syne_tune, to_syne_tune

dill.extend(use_dill=False)  # Syne Tune imports it, which changes how pickle writes classes in all other tests


@pytest.fixture
def digits():
    return nk.open("nb201-digits")


def tuned(blackbox, scheduler, trials, tmp_path, monkeypatch, **options):
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path))
    logging.getLogger("syne_tune").setLevel(logging.ERROR)
    tuner = Tuner(
        trial_backend=UserBlackboxBackend(blackbox, elapsed_time_attr="elapsed_time", **options),
        scheduler=scheduler,
        stop_criterion=StoppingCriterion(max_num_trials_finished=trials),
        n_workers=2,
        sleep_time=0,
        callbacks=[SimulatorCallback()],
        save_tuner=False,
        tuner_name="kit",
        results_update_interval=1e9,
        print_update_interval=1e9,
    )
    tuner.run()
    return tuner


def genotypes(frame, space):
    texts = zip(space.gene_names, space.gene_values, strict=True)
    return np.array([[values.index(value) for value in frame[name]] for name, values in texts], dtype=np.uint8).T


def test_example():
    assert doctest.testmod(interface).failed == 0


def test_every_fidelity_has_the_values_of_the_table(digits):
    problem = digits.problem(["valid_accuracy", "params"], seed="mean", charge="one")
    blackbox, space = to_syne_tune(problem), problem.space
    assert list(blackbox.configuration_space) == list(space.gene_names)
    assert blackbox.fidelity_name() == "epochs"
    for x in space.sample(5, 0):
        configuration = {n: v[g] for n, v, g in zip(space.gene_names, space.gene_values, x.tolist(), strict=True)}
        values = blackbox(configuration)
        assert values.shape == (8, 3)
        for row, epochs in zip(values, blackbox.fidelity_values, strict=True):
            accuracy = digits.query(x, "valid_accuracy", epochs=int(epochs))[0]
            seconds = digits.query(x, "training_time", epochs=int(epochs))[0]
            assert row.tolist() == [100 - accuracy, digits.query(x, "params")[0], seconds]
            one = blackbox(configuration, fidelity=int(epochs))
            assert one == dict(zip(blackbox.objectives_names, row.tolist(), strict=True))
    with pytest.raises(ValueError, match="epochs must be one of 1, 2"):
        blackbox(configuration, fidelity=9)
    with pytest.raises(nk.InvalidArchitecture, match="hyperparameter 'e12'"):
        blackbox({**configuration, "e12": "conv"})


def test_an_architecture_keeps_its_trial(digits):
    problem = digits.problem("valid_accuracy")
    assert problem.noisy
    cell = dict(zip(problem.space.gene_names, ["nor_conv_3x3"] * 5 + ["skip_connect"], strict=True))
    blackbox = to_syne_tune(problem, seed=1)
    np.testing.assert_array_equal(blackbox(cell), blackbox(cell))
    seen = {float(blackbox(cell, seed=seed)[-1, 0]) for seed in range(30)}
    x = problem.space.encode(
        ["|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|skip_connect~2|"]
    )
    assert seen == set((100 - digits.trials(x, "valid_accuracy")[0, -1]).tolist())


def test_what_is_invalid_or_unknown_gets_a_penalty():
    problem = nk.FunctionProblem(lambda X: X.sum(axis=1), nk.space("nb101"), bounds=[[0.0], [40.0]])
    blackbox, space = to_syne_tune(problem), problem.space
    assert blackbox.fidelity_values.tolist() == [1]
    nothing = dict(zip(space.gene_names, (values[0] for values in space.gene_values), strict=True))
    (row,) = blackbox(nothing)
    assert row.tolist() == [80.0, 0.0]
    function = nk.FunctionProblem(lambda X: np.full(len(X), np.nan), nk.space("nas-bench-macro"))
    blackbox = to_syne_tune(function)
    one = dict(zip(function.space.gene_names, (values[0] for values in function.space.gene_values), strict=True))
    assert blackbox(one)[0, 0] == 1e9


@pytest.mark.parametrize("stopping", [False, True])
def test_a_tuning_is_a_result(digits, stopping, tmp_path, monkeypatch):
    problem = digits.problem("valid_accuracy", seed="mean", charge="one")
    blackbox = to_syne_tune(problem)
    if stopping:
        space = blackbox.configuration_space
        scheduler = ASHA(space, metric="valid_accuracy", time_attr="epochs", max_t=8, do_minimize=True, random_seed=3)
    else:
        scheduler = RandomSearch(blackbox.configuration_space, metrics=["valid_accuracy"], random_seed=3)
    # the digits train in a second, and the simulator would take as long to stop a trial
    quick = SimulatorConfig(0.0, 0.0, 0.0, 0.0, 0.0)
    tuner = tuned(blackbox, scheduler, 40, tmp_path, monkeypatch, simulator_config=quick, tuner_sleep_time=0.01)
    frame = tuner.tuning_status.get_dataframe()
    result = from_syne_tune([tuner], problem)
    reported = frame[frame["epochs"].notna() & (frame["status"] != "InProgress")].sort_values("st_tuner_time")
    whole = reported[reported["epochs"] == 8]
    assert result.evaluations.tolist() == [len(reported)]
    unfinished = len(reported) - len(whole)
    assert unfinished > 2 if stopping else unfinished <= 2  # of two workers, when the tuner ends
    X = genotypes(whole, problem.space)
    np.testing.assert_array_equal(whole["valid_accuracy"], problem(X)[:, 0])
    assert 100 - result.best("valid_accuracy")[0] == whole["valid_accuracy"].min()
    assert result.simulated_seconds[0] == pytest.approx(reported["elapsed_time"].sum())
    assert result.algorithm == f"Syne Tune {type(scheduler).__name__}"
    again = from_syne_tune(frame, problem)
    assert again.trace.equals(result.trace)


def test_other_frames_are_refused(digits):
    problem = digits.problem("valid_accuracy")
    with pytest.raises(ValueError, match="run 0 has no column 'valid_accuracy'"):
        from_syne_tune(pd.DataFrame({"loss": [1.0]}), problem)
    frame = pd.DataFrame({"valid_accuracy": [1.0], "epochs": [8.0], "st_tuner_time": [1.0], "status": ["Completed"]})
    with pytest.raises(nk.InvalidArchitecture, match="run 0: .* needs the hyperparameter 'e12'"):
        from_syne_tune(frame, problem)
    with pytest.raises(TypeError, match="problem must come from"):
        to_syne_tune(digits)
