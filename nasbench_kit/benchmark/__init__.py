"""A store opened for questions: queries, frames, fronts, and what a search sees of it."""

from nasbench_kit.benchmark.benchmark import Benchmark, Seed, open_benchmark
from nasbench_kit.benchmark.problem import TabularProblem

__all__ = ["Benchmark", "Seed", "TabularProblem", "open_benchmark"]
