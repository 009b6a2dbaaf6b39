"""Architectures as PyTorch networks (extra ``train``): build, train, make tables, search, verify.

Torch is imported lazily, on first use of a name that needs it.
"""

import importlib
from typing import TYPE_CHECKING, Any

from nasbench_kit.errors import MissingExtra

if TYPE_CHECKING:
    from nasbench_kit.training.construction import build, skeleton_of
    from nasbench_kit.training.datasets import Dataset, from_arrays, from_npz, load_dataset, load_digits
    from nasbench_kit.training.proxies import PROXIES
    from nasbench_kit.training.proxies.measuring import measure
    from nasbench_kit.training.proxies.table import proxy_table
    from nasbench_kit.training.recipes import Recipe, published_recipe, recipe
    from nasbench_kit.training.search.evaluator import TrainingProblem
    from nasbench_kit.training.search.export import export_front, export_network, load_network
    from nasbench_kit.training.setting import Setting, make_setting, train_genotypes
    from nasbench_kit.training.tables.choice import choose_networks
    from nasbench_kit.training.tables.cluster import dask_executor
    from nasbench_kit.training.tables.making import train_table
    from nasbench_kit.training.trainer import Training, train
    from nasbench_kit.training.verification.verifying import Verification, verify

__all__ = [
    "PROXIES",
    "Dataset",
    "Recipe",
    "Setting",
    "Training",
    "TrainingProblem",
    "Verification",
    "build",
    "choose_networks",
    "dask_executor",
    "export_front",
    "export_network",
    "from_arrays",
    "from_npz",
    "load_dataset",
    "load_digits",
    "load_network",
    "make_setting",
    "measure",
    "proxy_table",
    "published_recipe",
    "recipe",
    "skeleton_of",
    "train",
    "train_genotypes",
    "train_table",
    "verify",
]

_MODULES = {
    "construction": ("build", "skeleton_of"),
    "datasets": ("Dataset", "from_arrays", "from_npz", "load_dataset", "load_digits"),
    "proxies": ("PROXIES",),
    "proxies.measuring": ("measure",),
    "proxies.table": ("proxy_table",),
    "recipes": ("Recipe", "published_recipe", "recipe"),
    "search.evaluator": ("TrainingProblem",),
    "search.export": ("export_front", "export_network", "load_network"),
    "setting": ("Setting", "make_setting", "train_genotypes"),
    "tables.choice": ("choose_networks",),
    "tables.cluster": ("dask_executor",),
    "tables.making": ("train_table",),
    "trainer": ("Training", "train"),
    "verification.verifying": ("Verification", "verify"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtra("building and training networks", "train") from error


def __dir__() -> list[str]:
    return __all__
