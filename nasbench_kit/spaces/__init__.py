"""What an architecture is: one file a search space, all behind the contract of `Space`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from nasbench_kit.errors import UnknownName
from nasbench_kit.spaces.chain import Chain
from nasbench_kit.spaces.edge_dag import EdgeDAG
from nasbench_kit.spaces.genetic_cnn import GeneticCNN
from nasbench_kit.spaces.macronas import MacroNAS
from nasbench_kit.spaces.nas_bench_macro import NASBenchMacro
from nasbench_kit.spaces.nb101 import NB101
from nasbench_kit.spaces.nb201 import NB201
from nasbench_kit.spaces.node_dag import NodeDAG
from nasbench_kit.spaces.nsga_net_macro import NSGANetMacro
from nasbench_kit.spaces.nsga_net_micro import NSGANetMicro
from nasbench_kit.spaces.space import Space
from nasbench_kit.spaces.staged_dag import StagedDAG

__all__ = ["Chain", "EdgeDAG", "NodeDAG", "Space", "StagedDAG", "register", "space", "spaces"]

_SPACES: dict[str, Callable[[], Space]] = {
    "macronas": MacroNAS,
    "nas-bench-macro": NASBenchMacro,
    "nb101": NB101,
    "nb201": NB201,
    "genetic-cnn": GeneticCNN,
    "nsga-net-macro": NSGANetMacro,
    "nsga-net-micro": NSGANetMicro,
}


def spaces() -> tuple[str, ...]:
    """The names of the search spaces."""
    return tuple(_SPACES)


@cache
def _make(name: str) -> Space:
    return _SPACES[name]()


def space(name: str) -> Space:
    """The search space of this name.

    Raises
    ------
    UnknownName
        With the names that exist, the closest first.

    Examples
    --------
    >>> space("nb201")
    <space nb201: 6 genes, 15625 genotypes>
    """
    if name not in _SPACES:
        raise UnknownName("space", name, _SPACES)
    return _make(name)


def register(own: Space) -> Space:
    """Make a space of your own known by its name, so that stores and saved results of it open; returns the space.

    Call it before opening them, in every program that does. Raises ValueError where the name is taken.

    Examples
    --------
    >>> mine = register(Chain(3, ["conv", "pool"], name="register-example"))
    >>> space("register-example") is mine
    True
    """
    if own.name in _SPACES:
        raise ValueError(f"there is a space {own.name!r} already: give yours another name")
    _SPACES[own.name] = lambda: own
    return own
