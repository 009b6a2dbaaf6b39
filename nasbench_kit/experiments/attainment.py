"""Empirical attainment surfaces: what a given share of runs attained in the space of objectives.

Fonseca, Guerreiro, Lopez-Ibanez and Paquete 2011, On the computation of the empirical attainment function (EMO).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import moocore
import numpy as np

from nasbench_kit.experiments.result import Result
from nasbench_kit.metrics import minimised

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["attainment_surfaces"]


def attainment_surfaces(result: Result, shares: Sequence[float] = (0.25, 0.5, 0.75)) -> pd.DataFrame:
    """The points that delimit what given shares of the runs attained.

    Parameters
    ----------
    result : Result
        Of a search on two or three objectives.
    shares : sequence of float
        Above 0, up to 1: what every run attained. 0.5 is the median attainment surface.

    Returns
    -------
    pandas.DataFrame
        ``share`` and a column per objective, in the metrics' own units and directions. A share is rounded up to a whole number
        of runs.

    Raises
    ------
    ValueError
        A single objective, more than three, or a share out of range.
    """
    import pandas as pd

    names = result.objectives
    if len(names) not in (2, 3):
        raise ValueError(f"attainment surfaces are of two or three objectives, not {len(names)}")
    wanted = np.asarray(shares, dtype=np.float64)
    if not wanted.size or not ((wanted > 0) & (wanted <= 1)).all():
        raise ValueError(f"shares of runs lie above 0 and up to 1, not {list(shares)}")
    F = result.archive_F if result.noise_free_F is None else result.noise_free_F
    known = np.isfinite(F).all(axis=1)
    F, run = F[known], result.archive_run[known]
    levels = np.ceil(np.round(wanted * result.runs, 9))  # runs that have to attain a point
    found = len(np.unique(run))
    frames = []
    for share, level in zip(wanted, levels, strict=True):
        if level > found:  # so many runs found nothing at all
            continue
        surface = moocore.eaf(F, run + 1, percentiles=[100 * level / found])[:, :-1]
        values = minimised(surface[np.lexsort(surface.T[::-1])], result.objective_metrics)
        frames.append(pd.DataFrame({"share": share, **dict(zip(names, values.T, strict=True))}))
    empty = pd.DataFrame({name: np.empty(0) for name in ("share", *names)})
    return pd.concat(frames, ignore_index=True) if frames else empty
