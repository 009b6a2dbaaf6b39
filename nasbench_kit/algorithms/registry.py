"""All search algorithms by name, each imported when it is first asked for, and their published configurations."""

from __future__ import annotations

import ast
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.errors import UnknownName

__all__ = ["ALGORITHMS", "CONFIGURATIONS", "named_algorithm", "parse_algorithm", "with_settings"]

# the module of each class: those for one objective, those with several epoch budgets, those for several objectives
_MODULES = {
    "RandomSearch": "random_search",
    "LocalSearch": "local_search",
    "BestFirstSearch": "best_first_search",
    "RegularizedEvolution": "regularized_evolution",
    "GeneticAlgorithm": "genetic_algorithm",
    "GOMEA": "gomea",
    "Reinforce": "reinforce",
    "BANANAS": "bananas",
    "SuccessiveHalving": "successive_halving",
    "Hyperband": "hyperband",
    "BOHB": "bohb",
    "DEHB": "dehb",
    "NSGA2": "nsga2",
    "NSGA3": "nsga3",
    "SPEA2": "spea2",
    "SMSEMOA": "smsemoa",
    "MOEAD": "moead",
    "MOGOMEA": "mogomea",
    "MOLocalSearch": "mo_local_search",
}


class _Classes(Mapping[str, type[Algorithm]]):
    """The classes by name. Names are known without any import; a class is imported when it is looked up."""

    def __getitem__(self, name: str) -> type[Algorithm]:
        cls: type[Algorithm] = getattr(import_module(f"nasbench_kit.algorithms.{_MODULES[name]}"), name)
        return cls

    def __contains__(self, name: object) -> bool:
        return name in _MODULES

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


ALGORITHMS: Mapping[str, type[Algorithm]] = _Classes()


def _configured(name: str, configuration: str, *arguments: Any) -> Algorithm:
    made: Algorithm = getattr(ALGORITHMS[name], configuration)(*arguments)
    return made


#: Published configurations of the algorithms in `ALGORITHMS`, by name.
CONFIGURATIONS: Mapping[str, Callable[[], Algorithm]] = {
    "genetic-cnn": functools.partial(_configured, "GeneticAlgorithm", "genetic_cnn"),
    "nas-bench-101": functools.partial(_configured, "RegularizedEvolution", "nas_bench_101"),
    "nsga-net-macro": functools.partial(_configured, "NSGA2", "nsga_net", "macro"),
    "nsga-net-micro": functools.partial(_configured, "NSGA2", "nsga_net", "micro"),
    "mogomea-macronas": functools.partial(_configured, "MOGOMEA", "macronas"),
}


def named_algorithm(name: str) -> Algorithm:
    """A new algorithm of `ALGORITHMS` or `CONFIGURATIONS`, with its default or published settings."""
    return CONFIGURATIONS[name]() if name in CONFIGURATIONS else ALGORITHMS[name]()


def parse_algorithm(text: str) -> Algorithm:
    """Create an algorithm from a string ``NAME[:SETTING=VALUE,...]``.

    The name is one of `ALGORITHMS` or `CONFIGURATIONS`; case, hyphens and underscores are ignored. Settings given in
    the string override the defaults or the published settings.

    Raises
    ------
    UnknownName
        If there is no such algorithm or setting.
    ValueError
        If a value is malformed or out of range.

    Examples
    --------
    >>> parse_algorithm("regularized-evolution:population_size=50,sample_size=10")
    RegularizedEvolution(population_size=50, sample_size=10, mutation='gene', replacement=True)
    >>> parse_algorithm("regularized-evolution:mutation=node").mutation
    'node'
    >>> parse_algorithm("nsga-net-micro:population_size=20")
    NSGA2(population_size=20, crossover_probability=1.0, mutation_probability=None, offspring=20, duplicates='genotype', exploit_from=None)
    """
    name, _, settings = text.partition(":")
    names = [*ALGORITHMS, *CONFIGURATIONS]
    by_letters = {_letters(known): known for known in names}
    if _letters(name) not in by_letters:
        raise UnknownName("algorithm", name, names)
    return with_settings(named_algorithm(by_letters[_letters(name)]), settings)


def with_settings(base: Algorithm, settings: str) -> Algorithm:
    """The algorithm with other settings: ``SETTING=VALUE,...``, as in `parse_algorithm`."""
    known = base.settings
    values = {}
    for part in filter(None, settings.split(",")):
        key, _, value = part.partition("=")
        if key.strip() not in known:
            raise UnknownName(f"setting of {base.name}", key.strip(), known)
        if isinstance(known[key.strip()], str):
            values[key.strip()] = value.strip()
            continue
        try:
            values[key.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            raise ValueError(f"{base.name}: {key.strip()} must be a number, not {value.strip()!r}") from None
    return dataclasses.replace(base, **values)


def _letters(name: str) -> str:
    return name.strip().lower().replace("-", "").replace("_", "")
