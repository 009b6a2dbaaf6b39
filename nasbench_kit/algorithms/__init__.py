"""Search algorithms with an ask-and-tell interface, vectorised over runs."""

from __future__ import annotations

import ast
import dataclasses
import functools
from collections.abc import Callable

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.bananas import BANANAS
from nasbench_kit.algorithms.best_first_search import BestFirstSearch
from nasbench_kit.algorithms.bohb import BOHB
from nasbench_kit.algorithms.dehb import DEHB
from nasbench_kit.algorithms.genetic_algorithm import GeneticAlgorithm
from nasbench_kit.algorithms.gomea import GOMEA
from nasbench_kit.algorithms.hyperband import Hyperband
from nasbench_kit.algorithms.local_search import LocalSearch
from nasbench_kit.algorithms.mo_local_search import MOLocalSearch
from nasbench_kit.algorithms.moead import MOEAD
from nasbench_kit.algorithms.mogomea import MOGOMEA
from nasbench_kit.algorithms.nsga2 import NSGA2
from nasbench_kit.algorithms.nsga3 import NSGA3
from nasbench_kit.algorithms.random_search import RandomSearch
from nasbench_kit.algorithms.regularized_evolution import RegularizedEvolution
from nasbench_kit.algorithms.reinforce import Reinforce
from nasbench_kit.algorithms.smsemoa import SMSEMOA
from nasbench_kit.algorithms.spea2 import SPEA2
from nasbench_kit.algorithms.successive_halving import SuccessiveHalving
from nasbench_kit.errors import UnknownName

__all__ = [
    "ALGORITHMS",
    "BANANAS",
    "BOHB",
    "CONFIGURATIONS",
    "DEHB",
    "GOMEA",
    "MOEAD",
    "MOGOMEA",
    "NSGA2",
    "NSGA3",
    "SMSEMOA",
    "SPEA2",
    "Algorithm",
    "BestFirstSearch",
    "GeneticAlgorithm",
    "Hyperband",
    "LocalSearch",
    "MOLocalSearch",
    "RandomSearch",
    "RegularizedEvolution",
    "Reinforce",
    "SuccessiveHalving",
    "parse_algorithm",
    "with_settings",
]

ALGORITHMS: dict[str, type[Algorithm]] = {
    cls.__name__: cls
    for cls in (
        *(
            RandomSearch,
            LocalSearch,
            BestFirstSearch,
            RegularizedEvolution,
            GeneticAlgorithm,
            GOMEA,
            Reinforce,
            BANANAS,
        ),
        *(SuccessiveHalving, Hyperband, BOHB, DEHB),
        *(NSGA2, NSGA3, SPEA2, SMSEMOA, MOEAD, MOGOMEA, MOLocalSearch),
    )
}

#: Published configurations of the algorithms in `ALGORITHMS`, by name.
CONFIGURATIONS: dict[str, Callable[[], Algorithm]] = {
    "genetic-cnn": GeneticAlgorithm.genetic_cnn,
    "nas-bench-101": RegularizedEvolution.nas_bench_101,
    "nsga-net-macro": functools.partial(NSGA2.nsga_net, "macro"),
    "nsga-net-micro": functools.partial(NSGA2.nsga_net, "micro"),
    "mogomea-macronas": MOGOMEA.macronas,
}


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
    named: dict[str, Callable[[], Algorithm]] = {**ALGORITHMS, **CONFIGURATIONS}
    by_letters = {_letters(known): make for known, make in named.items()}
    if _letters(name) not in by_letters:
        raise UnknownName("algorithm", name, named)
    return with_settings(by_letters[_letters(name)](), settings)


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
