"""Interfaces to other packages: problems for pymoo, Optuna and Syne Tune, and their runs as results; tables for NASLib.

Each package but NASLib is an extra of its own name and only imported on first use. NetworkX gets architectures as graphs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nasbench_kit.interfaces.naslib import get_dataset_api
    from nasbench_kit.interfaces.networkx import to_networkx
    from nasbench_kit.interfaces.optuna import OptunaObjective, from_optuna, to_optuna
    from nasbench_kit.interfaces.pymoo import (
        AnotherAllele,
        PymooProblem,
        Recording,
        ToValid,
        ValidSampling,
        from_pymoo,
        to_pymoo,
    )
    from nasbench_kit.interfaces.syne_tune import SyneTuneBlackbox, from_syne_tune, to_syne_tune

__all__ = [
    "AnotherAllele",
    "OptunaObjective",
    "PymooProblem",
    "Recording",
    "SyneTuneBlackbox",
    "ToValid",
    "ValidSampling",
    "from_optuna",
    "from_pymoo",
    "from_syne_tune",
    "get_dataset_api",
    "to_networkx",
    "to_optuna",
    "to_pymoo",
    "to_syne_tune",
]

_MODULES = {
    "naslib": {"get_dataset_api"},
    "networkx": {"to_networkx"},
    "optuna": {"OptunaObjective", "from_optuna", "to_optuna"},
    "pymoo": {"AnotherAllele", "PymooProblem", "Recording", "ToValid", "ValidSampling", "from_pymoo", "to_pymoo"},
    "syne_tune": {"SyneTuneBlackbox", "from_syne_tune", "to_syne_tune"},
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    (module,) = (module for module, names in _MODULES.items() if name in names)
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)
