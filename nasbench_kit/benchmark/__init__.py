"""Read access to a store: queries, data frames, Pareto fronts and search problems."""

from nasbench_kit.benchmark.benchmark import Benchmark, Seed, open_benchmark
from nasbench_kit.benchmark.problem import TabularProblem

__all__ = ["Benchmark", "Seed", "TabularProblem", "open_benchmark"]
