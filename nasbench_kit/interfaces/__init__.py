"""Interfaces to other optimisers: nasbench-kit problems for pymoo and Optuna, and their runs as nasbench-kit results.

pymoo (extra ``pymoo``) and Optuna (extra ``optuna``) are only imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

__all__ = [
    "AnotherAllele",
    "OptunaObjective",
    "PymooProblem",
    "Recording",
    "ToValid",
    "ValidSampling",
    "from_optuna",
    "from_pymoo",
    "to_optuna",
    "to_pymoo",
]

_OF_OPTUNA = {"OptunaObjective", "from_optuna", "to_optuna"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    package = "optuna" if name in _OF_OPTUNA else "pymoo"
    return getattr(importlib.import_module(f"{__name__}.{package}"), name)
