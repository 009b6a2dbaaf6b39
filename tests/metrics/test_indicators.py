"""Indicators against brute force and moocore."""

from __future__ import annotations

import moocore
import numpy as np
import pytest

from nasbench_kit.metrics.indicators import group_hypervolume, hypervolume, most_hypervolume, nondominated, pareto_front


def brute_front(F):
    unique = np.unique(F, axis=0)
    return [p.tolist() for p in unique if not any((q <= p).all() and (q < p).any() for q in unique)]


@pytest.mark.parametrize("m", [1, 2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_nondominated_by_group(m, seed):
    rng = np.random.default_rng(seed)
    F = rng.integers(0, 8, (120, m)).astype(float)
    group = rng.integers(0, 4, 120)
    before = F.copy(), group.copy()
    kept = nondominated(F, group)
    for g in range(4):
        assert F[kept[group[kept] == g]].tolist() == brute_front(F[group == g])
    assert (before[0] == F).all()
    assert (group == before[1]).all()
    assert (np.diff(group[kept]) >= 0).all()


def test_pareto_front_leaves_nan_out_and_takes_the_first_of_equals():
    F = [[np.nan, 0], [1, 2], [1, 2], [2, 1], [3, 3]]
    assert pareto_front(F).tolist() == [1, 3]
    assert pareto_front(np.empty((0, 2))).tolist() == []


@pytest.mark.parametrize("m", [2, 3])
def test_hypervolumes_of_groups(m):
    rng = np.random.default_rng(0)
    F, group = rng.random((200, m)), rng.integers(0, 6, 200)
    group[group == 4] = 3
    kept = nondominated(F, group)
    ref = np.full(m, 0.9)
    volumes = group_hypervolume(F[kept], group[kept], 6, ref)
    for g in range(6):
        expected = moocore.hypervolume(F[group == g], ref=ref) if (group == g).any() else 0.0
        assert volumes[g] == pytest.approx(expected, rel=1e-12)
        assert volumes[g] == pytest.approx(hypervolume(F[group == g], ref), rel=1e-12)
    assert group_hypervolume(F[:0], group[:0], 3, ref).tolist() == [0, 0, 0]


def test_nan_is_refused():
    F = np.array([[1.0, 2.0], [np.nan, 1.0], [2.0, 1.0]])
    group = np.zeros(3, dtype=np.int64)
    ref = np.array([3.0, 3.0])
    for call in (
        lambda: hypervolume(F, ref),
        lambda: group_hypervolume(F, group, 1, ref),
        lambda: nondominated(F, group),
        lambda: most_hypervolume(F, group, 1),
    ):
        with pytest.raises(ValueError, match=r"row 1 of the objective values has nan: \[nan, 1.0\]"):
            call()
    with pytest.raises(ValueError, match="the reference point has nan"):
        hypervolume(F[:1], [3.0, np.nan])
    with pytest.raises(ValueError, match=r"has the shape \(3,\), expected \(2,\)"):
        hypervolume(F[:1], [3.0, 3.0, 3.0])
    assert pareto_front(F).tolist() == [0, 2]  # which leaves out what is not known, as it says
    assert hypervolume([[1.0, np.inf], [1.0, 2.0]], ref) == 2.0
