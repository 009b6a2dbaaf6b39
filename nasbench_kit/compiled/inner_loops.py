"""All compiled loops, each named for what it stands in for. Importing this module needs Numba; `nasbench_kit.compiled.load` does it."""

from __future__ import annotations

from nasbench_kit.compiled.cells import cell_classes
from nasbench_kit.compiled.fronts import nondominated, survival_keys
from nasbench_kit.compiled.seen import flag_bits, note_small
from nasbench_kit.compiled.sorting import high_keys, low_keys, pair_codes, places_by_both
from nasbench_kit.compiled.variation import integers, mutate_one_gene, outcomes

__all__ = [
    "cell_classes",
    "flag_bits",
    "high_keys",
    "integers",
    "low_keys",
    "mutate_one_gene",
    "nondominated",
    "note_small",
    "outcomes",
    "pair_codes",
    "places_by_both",
    "survival_keys",
]
