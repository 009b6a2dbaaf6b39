"""Checks of objective vectors, which every indicator makes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["check_values", "set_and_front"]


def check_values(F: NDArray[np.float64], ref: NDArray[np.float64] | None = None) -> None:
    """Raise ValueError if there is a nan or the reference point has the wrong shape.

    Parameters
    ----------
    F : ndarray of float, shape (n, m)
    ref : ndarray of float, shape (m,), optional
    """
    if np.isnan(F.min(initial=np.inf)):  # faster than checking each value
        row = int(np.flatnonzero(np.isnan(F).any(axis=-1))[0])
        raise ValueError(f"row {row} of the objective values has nan: {F[row].tolist()}; remove such rows")
    if ref is None:
        return
    if ref.shape != F.shape[1:]:
        raise ValueError(f"the reference point has the shape {ref.shape}, expected {F.shape[1:]}")
    if np.isnan(ref).any():
        raise ValueError(f"the reference point has nan: {ref.tolist()}")


def set_and_front(F: ArrayLike, front: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A set (n, m) and a reference front (k, m) as arrays; ValueError unless they fit each other and have no nan."""
    points, reference = (np.atleast_2d(np.asarray(values, dtype=np.float64)) for values in (F, front))
    if not points.size or not reference.size or points.shape[1:] != reference.shape[1:] or points.ndim != 2:
        raise ValueError(
            f"a set (n, m) and a reference front (k, m) of at least one point each are expected, not {points.shape} and "
            f"{reference.shape}"
        )
    check_values(points)
    check_values(reference)
    return points, reference
