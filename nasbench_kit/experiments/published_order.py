"""A published order of two algorithms, and whether ours is the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.experiments.statistics import compare_samples, vargha_delaney

__all__ = ["TEST", "beside_order"]

TEST = "Brunner-Munzel and Mann-Whitney"
LEVEL = 0.05


def beside_order(better: NDArray[np.float64], other: NDArray[np.float64], *, gain: bool) -> dict[str, Any]:
    """Compare two samples of runs of which the first is better, according to a publication.

    Ours agrees if a run of the first is better than one of the second more often than not, and both rank tests reject equality
    at 5 % (see `compare_samples`). It differs if they reject it and the order is the other one. Otherwise the runs do not decide.

    Parameters
    ----------
    better, other : ndarray of float64, shape (runs,)
        ``nan`` for a run without a value, which is worse than all others.
    gain : bool
        Whether more is better.

    Returns
    -------
    dict
        ``ours``, ``ours_sd``, ``n``, ``runs`` of the first; ``difference`` of the means, ``test``, ``p``, ``verdict``.
    """
    known = better[np.isfinite(better)]
    losses = [np.where(np.isnan(sample), np.inf, -sample if gain else sample) for sample in (better, other)]
    wins, p = vargha_delaney(*losses), compare_samples(*losses)
    verdict = "undecided"
    if p <= LEVEL:
        verdict = "agrees" if wins > 0.5 else "differs"
    mean = float(known.mean()) if len(known) else math.nan
    return {
        "ours": mean,
        "ours_sd": float(known.std(ddof=1)) if len(known) > 1 else math.nan,
        "n": len(known),
        "runs": len(better),
        "published_runs": math.nan,
        "decimals": 2 if abs(mean) >= 2 else 4,
        "difference": mean - float(np.nanmean(other)) if np.isfinite(other).any() else math.nan,
        "test": TEST,
        "p": p,
        "verdict": verdict,
    }
