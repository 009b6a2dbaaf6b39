"""Problems of the kit in the hands of other optimisers, and their runs as results of the kit.

What needs pymoo (extra ``pymoo``) or Optuna (extra ``optuna``) is imported when it is asked for, and not before.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nasbench_kit.interfaces.optuna import OptunaObjective, from_optuna, to_optuna
    from nasbench_kit.interfaces.pymoo import (
        AnotherLetter,
        PymooProblem,
        Recording,
        ToValid,
        ValidSampling,
        from_pymoo,
        to_pymoo,
    )

__all__ = [
    "AnotherLetter",
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
