"""Sets of keys for each run, against Python's own."""

from __future__ import annotations

import numpy as np
import pytest

from nasbench_kit.kernels.hash_sets import HashSets


@pytest.mark.parametrize("spread", [1, 128, 2**40 + 1, 2**58])  # neighbours, multiples of a power of 2, large keys
def test_against_sets(spread):
    rng = np.random.default_rng(0)
    sets, expected = HashSets(5), [set() for _ in range(5)]
    for _ in range(40):
        n = rng.integers(0, 120)
        run, keys = rng.integers(0, 5, n), rng.integers(0, 3000, n).astype(np.uint64) * np.uint64(spread)
        new = []
        for r, key in zip(run, keys.tolist(), strict=True):
            new.append(key not in expected[r])
            expected[r].add(key)
        assert sets.add(run, keys).tolist() == new
        assert sets.counts.tolist() == [len(keys) for keys in expected]
        runs, sought = rng.permutation(5)[:3], rng.integers(0, 3000, (3, 7)).astype(np.uint64) * np.uint64(spread)
        held = [[key in expected[r] for key in row] for r, row in zip(runs, sought.tolist(), strict=True)]
        assert sets.holds(runs, sought).tolist() == held


def test_more_keys_than_slots_at_once():
    sets = HashSets(2)
    keys = np.arange(5000, dtype=np.uint64)
    assert sets.add(np.ones(5000, dtype=np.intp), keys).all()
    assert not sets.add(np.ones(5000, dtype=np.intp), keys[::-1]).any()
    assert sets.counts.tolist() == [0, 5000]
