"""The distribution of every metric of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nasbench_kit.analysis.columns import Columns

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["distributions"]


def distributions(columns: Columns) -> pd.DataFrame:
    """Describe every metric at every epoch budget, over the architectures of the table.

    Parameters
    ----------
    columns : Columns

    Returns
    -------
    pandas.DataFrame
        Columns ``dataset``, ``metric``, ``epochs`` (missing for a metric without budgets), ``units``, ``better``
        (``"max"``, ``"min"`` or missing), ``split``, ``architectures`` (with a value), ``missing`` (share without),
        ``min``, ``q1``, ``median``, ``q3``, ``max``, ``mean``, ``sd``. Trials are averaged per architecture first.
        Infinite values count as values.
    """
    import pandas as pd

    bench, rows = columns.bench, []
    for dataset in columns.datasets:
        for name in bench.metrics(dataset):
            about = bench.metric(name, dataset)
            for epochs in bench.epochs(dataset, name) or (None,):
                values = columns.values(dataset, name, epochs)
                known = values[~np.isnan(values)]
                rows.append(
                    {
                        "dataset": dataset,
                        "metric": name,
                        "epochs": epochs,
                        "units": about.units,
                        "better": about.direction,
                        "split": about.split,
                        "architectures": len(known),
                        "missing": 1 - len(known) / len(values),
                        **_described(known),
                    }
                )
    return pd.DataFrame(rows).astype({"epochs": "Int64", "better": object, "split": object})


def _described(known: np.ndarray) -> dict[str, float]:
    if not len(known):
        return dict.fromkeys(("min", "q1", "median", "q3", "max", "mean", "sd"), np.nan)
    with np.errstate(invalid="ignore"):  # the mean of opposite infinities is nan
        low, q1, median, q3, high = np.quantile(known, (0, 0.25, 0.5, 0.75, 1))
        mean, sd = known.mean(), known.std()
    return {"min": low, "q1": q1, "median": median, "q3": q3, "max": high, "mean": mean, "sd": sd}
