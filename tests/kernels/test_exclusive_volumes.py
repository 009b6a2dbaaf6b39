"""Exclusive volumes of fronts of three and more objectives, against moocore and the definition."""

from __future__ import annotations

import moocore
import numpy as np
import pytest

from nasbench_kit.kernels.exclusive_volumes import exclusive_volume, least_of_fronts, scale, tight_boxes


def front_of(kind, n, m, rng):
    """Points of a front without duplicates: (n or fewer, m)."""
    points = np.abs(rng.normal(size=(n, m)))
    if kind == "sphere":
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    elif kind == "inverted":
        points = 1 - points / np.linalg.norm(points, axis=1, keepdims=True)
    elif kind == "grid":
        points = points.round(1)
    elif kind == "units":  # of very different sizes, one far from zero
        points = points / np.linalg.norm(points, axis=1, keepdims=True) * 10.0 ** (np.arange(m) * 7 - 9)
        points[:, 0] += 1e6
    points = np.unique(points, axis=0)
    return points[moocore.is_nondominated(points)]


def volumes_of(points, limit=np.inf):
    """All exclusive volumes, and the scaled front with its reference point."""
    n, m = points.shape
    front, top, upper = np.ascontiguousarray(points.T), np.empty(m), np.empty((m, n))
    inside, others, boxes = np.empty(n, dtype=np.intp), np.empty((m, n)), np.empty((2 + n * (m - 1), 2, m))
    scale(front, n, top)
    tight_boxes(front, n, top, upper, inside)
    found = []
    for p in range(n):
        found.append(exclusive_volume(front, n, p, upper, limit, inside, others, boxes))
    return np.array(found), front.T, top


KINDS = ["random", "sphere", "inverted", "grid", "units"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "m"), [(8, 3), (25, 3), (14, 4), (10, 5)])
def test_volumes_are_those_of_moocore(kind, n, m):
    points = front_of(kind, n, m, np.random.default_rng(n))
    volumes, front, top = volumes_of(points)
    low = front.min(axis=0)
    np.testing.assert_allclose(volumes, moocore.hv_contributions(front - low, ref=top - low), rtol=1e-9, atol=1e-12)
    # the range of each objective is 1 to 2, and the reference point is as far again from the front
    span = np.ptp(front, axis=0)
    assert (span >= 1).all()
    assert (span < 2).all()
    np.testing.assert_allclose(top - front.max(axis=0), span, rtol=1e-3)
    limit = np.median(volumes)
    bounded = volumes_of(points, limit)[0]
    assert ((bounded == volumes) | ((bounded > limit) & (bounded < volumes))).all()


@pytest.mark.parametrize("m", [3, 4, 6])
def test_the_least_of_many_fronts(m):
    rng = np.random.default_rng(m)
    fronts = [front_of(kind, n, m, rng) for kind in KINDS for n in (1, 2, 9)]
    fronts.append(np.repeat(np.eye(m), 2, axis=0)[:-1])  # the last point alone has no twin
    twin = np.zeros(sum(map(len, fronts)), dtype=bool)
    twin[1 - 2 * m : -1] = True
    bounds = np.append(0, np.cumsum([len(front) for front in fronts]))
    least = least_of_fronts(np.concatenate(fronts).T, twin, bounds)
    for begin, front in zip(bounds[:-2], fronts[:-1], strict=True):
        own = least[(begin <= least) & (least < begin + len(front))] - begin
        volumes = volumes_of(front)[0] if len(front) > 1 else np.zeros(1)
        assert own.tolist() == np.flatnonzero(volumes == volumes.min()).tolist()
    assert least[least >= bounds[-2]].tolist() == np.flatnonzero(twin).tolist()


def test_equal_volumes_are_ties():
    """Permutations of the same coordinates, and an objective that is the same for all points."""
    points = np.array([[a, b, 3 - a - b, 7.0] for a in range(4) for b in range(4 - a)])
    least = least_of_fronts(points.T, np.zeros(len(points), dtype=bool), np.array([0, len(points)]))
    corner = points[:, :3].max(axis=1) == 3  # a corner adds 1 x 1 x 3, the others a unit cube each
    assert least.tolist() == np.flatnonzero(~corner).tolist()
    corners = points[corner]
    assert least_of_fronts(corners.T, np.zeros(3, dtype=bool), np.array([0, 3])).tolist() == [0, 1, 2]


def test_values_of_any_size():
    points = np.array([[1e308, -1e308, 5e-324], [-1e308, 1e308, 5e-324], [0.0, 0.0, 1e-323], [1e300, -1e300, 0.0]])
    volumes, front, top = volumes_of(points)
    assert np.isfinite(front).all()
    assert np.isfinite(top).all()
    assert np.isfinite(volumes).all()
    assert len(least_of_fronts(points.T, np.zeros(4, dtype=bool), np.array([0, 4])))
