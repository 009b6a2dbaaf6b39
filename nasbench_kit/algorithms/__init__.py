"""Search strategies over a batch of runs: genotypes out, objective values in."""

from nasbench_kit.algorithms.algorithm import Algorithm
from nasbench_kit.algorithms.genetic_algorithm import GeneticAlgorithm
from nasbench_kit.algorithms.local_search import LocalSearch
from nasbench_kit.algorithms.nsga2 import NSGA2
from nasbench_kit.algorithms.random_search import RandomSearch
from nasbench_kit.algorithms.regularized_evolution import RegularizedEvolution

__all__ = ["NSGA2", "Algorithm", "GeneticAlgorithm", "LocalSearch", "RandomSearch", "RegularizedEvolution"]
