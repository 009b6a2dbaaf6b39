"""Everything that the kit knows of a search space, in one declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.published import Source

__all__ = ["PublishedRecipe", "SpaceSpec"]


@dataclass(frozen=True)
class PublishedRecipe:
    """How the networks of a space are trained: settings of a `Recipe`, where they are from, and which are our choice.

    Attributes
    ----------
    settings : mapping of str to value
        Of `nasbench_kit.training.Recipe`; all others have its defaults.
    source : str
    ours : tuple of str
        Settings that the source does not state.
    """

    settings: Mapping[str, Any]
    source: str
    ours: tuple[str, ...] = ()


@dataclass(frozen=True)
class SpaceSpec:
    """A search space and all that belongs to it. `nasbench_kit.register_space` makes it known by its name everywhere.

    Attributes
    ----------
    name : str
        The name of the space.
    space : callable
        Makes the space; called once, when it is first needed.
    network : str, optional
        The import path of its PyTorch network, ``"package.module:Class"``, or the class itself. It is called with the genes of one
        genotype and a skeleton. Without one, the space cannot be trained.
    recipe : PublishedRecipe, optional
        The default recipe for training. Without one, a recipe has to be given.
    sources : mapping of str to Source
        Published files with results of the space, by the name of their format.
    citation : str

    Examples
    --------
    >>> from nasbench_kit.spaces import Chain, SpaceSpec
    >>> SpaceSpec("chain-of-3", lambda: Chain(3, ["conv", "pool"], name="chain-of-3")).space().size
    8
    """

    name: str
    space: Callable[[], Space]
    network: str | Callable[..., Any] | None = None
    recipe: PublishedRecipe | None = None
    sources: Mapping[str, Source] = field(default_factory=dict)
    citation: str = ""
