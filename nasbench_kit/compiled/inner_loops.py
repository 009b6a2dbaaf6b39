"""All compiled loops, each named for what it stands in for. Importing this module needs Numba; `nasbench_kit.compiled.load` does it."""

from __future__ import annotations

from nasbench_kit.compiled.cells import cell_classes
from nasbench_kit.compiled.fronts import nondominated, survival_keys
from nasbench_kit.compiled.seen import flag_bits, note_small, numbers
from nasbench_kit.compiled.sorting import (
    column_codes,
    high_keys,
    keys_with_places,
    low_keys,
    places_by_both,
    places_of_keys,
)
from nasbench_kit.compiled.variation import integers, mutate_one_gene, outcomes, winners

__all__ = [
    "cell_classes",
    "column_codes",
    "flag_bits",
    "high_keys",
    "integers",
    "keys_with_places",
    "low_keys",
    "mutate_one_gene",
    "nondominated",
    "note_small",
    "numbers",
    "outcomes",
    "places_by_both",
    "places_of_keys",
    "survival_keys",
    "winners",
]
