"""Declarative description of a search space."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.published import Source

__all__ = ["PublishedRecipe", "SpaceSpec"]


@dataclass(frozen=True)
class PublishedRecipe:
    """The published training recipe of a space.

    Attributes
    ----------
    settings : mapping of str to value
        Settings of `nasbench_kit.training.Recipe`; the others keep their defaults.
    source : str
        The publication that the settings come from.
    ours : tuple of str
        Names of settings that the source does not state and that we chose.
    """

    settings: Mapping[str, Any]
    source: str
    ours: tuple[str, ...] = ()


@dataclass(frozen=True)
class SpaceSpec:
    """A search space with its network, training recipe and published data; register with `register_space`.

    Attributes
    ----------
    name : str
        Name of the space.
    space : callable
        Factory of the space, called once at first use.
    network : str, optional
        The PyTorch network class, or its import path ``"package.module:Class"``. It is called with the genes of one
        genotype and a skeleton. Without it, architectures of the space cannot be trained.
    recipe : PublishedRecipe, optional
        Default training recipe. Without it, a recipe must be given for training.
    sources : mapping of str to Source
        Published files with results for the space, by format name.
    citation : str
        Reference of the space.

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
