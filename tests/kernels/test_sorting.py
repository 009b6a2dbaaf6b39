"""The order of floats by their bits is the order of floats."""

from __future__ import annotations

import numpy as np
import pytest

from nasbench_kit.kernels.sorting import order_by_two, stable_order, whole_numbers

KINDS = {
    "uniform": lambda rng, shape: rng.random(shape),
    "few": lambda rng, shape: rng.integers(0, 5, shape) * 0.1,
    "of either sign": lambda rng, shape: rng.normal(size=shape),
    "zeros of either sign": lambda rng, shape: np.where(rng.random(shape) < 0.5, 0.0, -0.0),
    "any size": lambda rng, shape: -(10.0 ** rng.integers(-300, 300, shape)),
    "subnormal": lambda rng, shape: rng.random(shape) * 1e-310,
    "a last bit apart": lambda rng, shape: 1 + rng.integers(0, 3, shape) * 2.0**-52,
    "unknown": lambda rng, shape: np.where(rng.random(shape) < 0.3, np.inf, rng.random(shape)),
    "infinite": lambda rng, shape: np.where(rng.random(shape) < 0.3, -np.inf, np.inf),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (50, 7), (20, 200), (2, 2000), (1, 70_000), (3, 0), (0, 3)])
def test_the_order_is_the_stable_one(kind, shape):
    values = KINDS[kind](np.random.default_rng(0), shape)
    before = values.copy()
    order = stable_order(*whole_numbers(values))
    expected = values.argsort(axis=1, kind="stable") + np.arange(shape[0])[:, None] * shape[1]
    assert (order == expected).all()
    assert np.array_equal(values, before)


@pytest.mark.parametrize("shape", [(1, 1), (9, 7), (20, 200), (2, 2000), (3, 0)])
@pytest.mark.parametrize("bits", [(3, 2), (16, 40), (53, 16), (54, 3), (56, 16), (63, 63)])
def test_two_numbers_are_ordered_by_the_first_then_the_second_and_come_along(bits, shape):
    rng = np.random.default_rng(0)
    # few distinct numbers, some of which differ only in their lowest bits
    first, second = (rng.integers(0, 2**b, 5).astype(np.uint64)[rng.integers(0, 5, shape)] for b in bits)
    first ^= rng.integers(0, 4, shape).astype(np.uint64)
    order, *along = order_by_two(first, bits[0], second, bits[1])
    expected = np.lexsort((second, first), axis=1) + np.arange(shape[0])[:, None] * shape[1]
    assert (order == expected).all()
    assert all((found == code.ravel()[expected]).all() for found, code in zip(along, (first, second), strict=True))
