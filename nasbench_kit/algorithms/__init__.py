"""Search algorithms with an ask-and-tell interface, vectorised over runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.registry import ALGORITHMS, CONFIGURATIONS, parse_algorithm, with_settings

if TYPE_CHECKING:
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

if not TYPE_CHECKING:  # else any name at all would be one of the package

    def __getattr__(name: str) -> Any:
        """A class by its name, imported when it is first used."""
        if name not in ALGORITHMS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals().setdefault(name, ALGORITHMS[name])


def __dir__() -> list[str]:
    return __all__
