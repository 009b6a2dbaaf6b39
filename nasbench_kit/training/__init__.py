"""The same architectures as PyTorch networks (extra ``train``): build, train, make a table.

Imported by the command line alone; nothing else in the package needs torch. Datasets and recipes do without it too.
"""

import importlib
from typing import TYPE_CHECKING, Any

from nasbench_kit.errors import MissingExtra

if TYPE_CHECKING:
    from nasbench_kit.training.construction import build, skeleton_of

__all__ = ["build", "skeleton_of"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module("nasbench_kit.training.construction"), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtra("building and training networks", "train") from error
