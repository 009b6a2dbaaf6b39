"""The statistics of a verification, on made-up values with known truth; nothing is trained, and torch is not needed."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.training.verification import verdicts
from nasbench_kit.training.verification.agreement import compare_entries, compare_sample, holm, measure_spread
from nasbench_kit.training.verification.verdicts import (
    AGREES,
    CONTRADICTED,
    UNDECIDED,
    compare_with_table,
    draw_entries,
)

STEP = {"valid_accuracy": 0.25}


@pytest.fixture(autouse=True)
def _fewer_exchanges(monkeypatch):
    """p values down to a thousandth are enough here, and hundreds of comparisons are made."""
    monkeypatch.setattr(verdicts, "compare_sample", functools.partial(compare_sample, exchanges=2000))


def made_up(rng, n=600, seeds=3, new=3, diverging=0.0):
    """True accuracies, stored and new trainings: weak networks vary more, and some end at chance level."""
    truth = 98 - rng.gamma(1.0, 6.0, n).clip(0, 80)
    spread = 0.3 + (100 - truth) * 0.15
    spread *= np.exp(rng.normal(0, 0.3, n))
    trials = truth[:, None] + spread[:, None] * rng.normal(size=(n, seeds + new))
    trials = np.where(rng.random(trials.shape) < diverging, 10.0, trials)
    trials = (np.clip(trials, 0, 100) / 0.25).round() * 0.25
    return trials[:, :seeds], trials[:, seeds:]


def verdict(stored, new, seed, *, draw="stratified", count=20, alpha=0.05, change=None):
    """Which checks contradict, and the frame."""
    rng = np.random.default_rng(seed)
    table = {"valid_accuracy": np.array(stored)}
    drawn = draw_entries(table, draw, count, rng)
    if change is not None:
        change(drawn)
    measured = {"valid_accuracy": new[drawn.rows]}
    frame, checks = compare_with_table(table, drawn, measured, [str(row) for row in drawn.rows], STEP, rng, alpha=alpha)
    return {check.name for check in checks if check.verdict == CONTRADICTED}, frame, checks


@pytest.mark.parametrize(
    ("seeds", "new", "diverging"), [(3, 3, 0.02), (3, 3, 0.002), (2, 2, 0.01), (1, 3, 0.0), (2, 1, 0.0)]
)
def test_a_table_that_is_right_is_seldom_contradicted(seeds, new, diverging):
    stored, fresh = made_up(np.random.default_rng(0), seeds=seeds, new=new, diverging=diverging)
    hits = sum(bool(verdict(stored, fresh, seed, alpha=0.1)[0]) for seed in range(20))
    assert hits <= 6  # 20 times 0.1 are 2: 7 or more have a probability below 1 %


def test_a_training_that_diverges_contradicts_nothing():
    stored, new = made_up(np.random.default_rng(9))
    for old in (True, False):
        table, fresh = np.array(stored[:20]), np.array(new[:20])
        (table if old else fresh)[::4, 1] = 10.0
        found = compare_entries(table, fresh, measure_spread(stored, 0.25))
        assert (found.p[::4] > 0.05).all()
    table = np.array(stored[:20])
    table[::4] = 10.0  # all trainings of the table, and none of the new ones
    assert (compare_entries(table, new[:20], measure_spread(stored, 0.25)).p[::4] < 1e-3).all()


def test_p_values_of_entries_are_uniform_where_the_table_is_right():
    stored, new = made_up(np.random.default_rng(1), n=3000)
    p = compare_entries(stored[:1500], new[:1500], measure_spread(stored, 0.25)).p
    assert 0.05 < (p < 0.1).mean() < 0.13
    assert (p < 0.01).mean() < 0.02
    assert (p < 0.0005).mean() < 0.003


def test_what_is_wrong_is_found():
    stored, new = made_up(np.random.default_rng(2))

    def one(drawn):
        drawn.table["valid_accuracy"][3] -= 8

    def everywhere(drawn):
        drawn.table["valid_accuracy"] += 1.5

    def reversed_order(drawn):
        drawn.table["valid_accuracy"][:] = drawn.table["valid_accuracy"][::-1].copy()

    def copied_seeds(drawn):
        drawn.table["valid_accuracy"][:] = drawn.table["valid_accuracy"][:, :1]

    for change, name in (
        (one, "entries"),
        (everywhere, "shift"),
        (reversed_order, "order"),
        (reversed_order, "scatter"),
        (copied_seeds, "spread"),
    ):
        found = [verdict(stored, new, seed, change=change, alpha=0.01)[0] for seed in range(10)]
        assert sum(name in names for names in found) >= 9, change.__name__
    _, frame, checks = verdict(stored, new, 0, change=one)
    assert frame["verdict"][3] == CONTRADICTED
    assert (frame["verdict"] == CONTRADICTED).sum() == 1
    assert abs(frame["difference"][3]) > frame["tolerance"][3]
    assert (frame["difference"].abs() < frame["tolerance"]).sum() == 19


def test_agreement_means_that_a_difference_is_shown_to_be_small():
    stored, new = made_up(np.random.default_rng(3), n=3000)
    drawn = draw_entries({"valid_accuracy": stored}, "uniform", 400, np.random.default_rng(0))
    spread = measure_spread(stored, 0.25)
    off = compare_entries(stored[drawn.rows], new[drawn.rows] + 2.0, spread)  # two points off, with a margin of two
    assert (np.maximum(-off.low, off.high) < 2).mean() < 0.08
    right = compare_entries(stored[drawn.rows], new[drawn.rows], spread)
    assert (np.maximum(-right.low, right.high) < 2).mean() > 0.3


def test_the_distribution_of_variances_comes_out():
    rng = np.random.default_rng(4)
    variances = 4.0 * 6 / rng.chisquare(6, 4000)
    trials = 50 + np.sqrt(variances)[:, None] * rng.normal(size=(4000, 4))
    spread = measure_spread(trials, 0.25)
    found = np.array([spread.prior(level) for level in (48, 49, 50, 51, 52)])
    assert 3 < np.median(found[:, 0]) < 5.5
    assert 2 <= np.median(found[:, 1]) <= 8
    assert spread.scale(50.0) == pytest.approx(np.sqrt(6), rel=0.25)  # the mean of these variances is 6
    assert spread.shared == 0


def test_what_all_trainings_of_a_seed_share_is_no_shift_of_the_table():
    rng = np.random.default_rng(5)
    alarms = 0
    for _ in range(20):
        trials = 80 + rng.normal(0, 3, (500, 1)) + rng.normal(0, 1, (500, 6)) + rng.normal(0, 0.3, 6)
        spread = measure_spread(trials[:, :3], 0.25)
        alarms += compare_sample(trials[:300, :3], trials[:300, 3:], spread, rng, exchanges=500).p["shift"] < 0.01
    assert alarms <= 4  # of 20; nearly all where the seeds' effect is left out
    without = measure_spread(trials[:50, :3], 0.25)
    assert without.shared == 0  # too few networks to tell


def test_the_best_of_a_table_are_compared_with_trainings_that_did_not_make_them_the_best():
    stored, new = made_up(np.random.default_rng(6), n=3000)
    drawn = draw_entries({"a": stored, "b": stored.mean(axis=1, keepdims=True)}, "top", 200, np.random.default_rng(0))
    assert not drawn.chosen_by_values
    assert ((~np.isnan(drawn.table["a"])).sum(axis=1) == 1).all()
    assert np.isnan(drawn.table["b"]).all()
    lucky = stored[drawn.rows, :2].mean() - new[drawn.rows].mean()
    fair = np.nanmean(drawn.table["a"]) - new[drawn.rows].mean()
    assert lucky > 0.2
    assert abs(fair) < 0.1
    single = draw_entries({"a": stored[:, :1]}, "top", 20, np.random.default_rng(0))
    assert single.chosen_by_values
    assert (np.diff(single.table["a"][:, 0]) <= 0).all()
    assert single.table["a"][0] == stored[:, 0].max()


def test_the_best_of_single_values_are_judged_one_by_one():
    stored, new = made_up(np.random.default_rng(7), n=3000, seeds=1)
    wrong, frame, checks = verdict(stored, new, 0, draw="top")
    assert not wrong
    assert {check.name for check in checks} == {"entries"}

    def forged(drawn):
        drawn.table["valid_accuracy"][5] = 40.0

    assert verdict(stored, new, 0, draw="top", change=forged)[0] == {"entries"}


def test_strata_cover_the_table():
    values = np.arange(100.0)[:, None]
    rows = draw_entries({"a": values}, "stratified", 10, np.random.default_rng(0)).rows
    assert (rows // 10 == np.arange(9, -1, -1)).all()
    values[50:] = np.nan
    assert (draw_entries({"a": values}, "uniform", 80, np.random.default_rng(0)).rows == np.arange(49, -1, -1)).all()
    with pytest.raises(ValueError, match="no value"):
        draw_entries({"a": values * np.nan}, "uniform", 3, np.random.default_rng(0))


def test_where_nothing_is_known_nothing_is_decided():
    table = np.array([[90.0], [91.0], [np.nan]])
    wrong, frame, checks = verdict(table, np.array([[20.0], [95.0], [95.0]]), 0)
    assert not wrong
    assert set(frame["verdict"]) == {UNDECIDED}
    assert {check.verdict for check in checks} == {UNDECIDED}
    assert frame["p"].isna().all()
    identical = np.full((8, 3), 97.5)
    wrong, frame, checks = verdict(identical, identical, 0)
    assert not wrong
    assert set(frame["verdict"]) == {AGREES}


def test_the_same_draw_gives_the_same_bits():
    stored, new = made_up(np.random.default_rng(8))
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (verdict(stored, new, seed) for seed in (0, 0, 1))
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert first[1].equals(again[1])
    assert [check.p for check in first[2]] == [check.p for check in again[2]]
    assert not first[1]["architecture"].equals(other[1]["architecture"])


def test_holm_corrects_as_published():
    # by hand: 0.01 * 4, 0.02 * 3, 0.03 * 2 and at least as much as before, 0.5
    p = np.array([0.03, 0.01, np.nan, 0.5, 0.02])
    np.testing.assert_allclose(holm(p), [0.06, 0.04, np.nan, 0.5, 0.06])


def test_values_of_the_bundled_table_have_the_spread_that_is_measured():
    """A third seed against the first two, for networks of all levels: the shares below a level are at most the level."""
    bench = nk.open("nb201-digits")
    X = bench.architectures
    trials = np.stack([bench.query(X, "valid_accuracy", seed=seed) for seed in bench.seeds()], axis=1)
    p = compare_entries(trials[::4, :2], trials[::4, 2:], measure_spread(trials[:, :2], 100 / 397)).p
    assert len(p) == 1381
    assert 0.03 < (p < 0.1).mean() < 0.12
    assert (p < 0.001).sum() <= 3
