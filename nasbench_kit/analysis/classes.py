"""How many encodings each network has, in a table and in its space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nasbench_kit.analysis.columns import Columns
from nasbench_kit.spaces.genotypes import LISTED_SIZE

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["class_sizes"]


def class_sizes(columns: Columns) -> pd.DataFrame:
    """Count networks by the number of genotypes that encode them.

    Parameters
    ----------
    columns : Columns

    Returns
    -------
    pandas.DataFrame
        Columns ``size`` (genotypes per network), ``networks_in_table``, ``genotypes_in_table``, and, if the space is
        small enough to be listed, ``networks_in_space`` and ``genotypes_in_space``. Two genotypes are the same network if
        `Space.canonical` is equal.
    """
    import pandas as pd

    space = columns.bench.space
    _, members = np.unique(space.key(columns.bench.architectures), return_counts=True)
    table = np.bincount(members)
    counts = {"table": table}
    if space.size <= LISTED_SIZE:
        of_number = space.network_of_number
        counts["space"] = np.bincount(np.bincount(of_number[of_number >= 0]))
    sizes = np.unique(np.concatenate([np.flatnonzero(networks) for networks in counts.values()]))
    frame = pd.DataFrame({"size": sizes})
    for name, networks in counts.items():
        of_size = np.pad(networks, (0, int(sizes[-1]) + 1 - len(networks)))[sizes]
        frame[f"networks_in_{name}"] = of_size
        frame[f"genotypes_in_{name}"] = of_size * sizes
    return frame
