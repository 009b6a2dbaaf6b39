"""Benchmarks that answer by a model instead of a table."""

from nasbench_kit.surrogates.benchmark import SurrogateBenchmark
from nasbench_kit.surrogates.problem import SurrogateProblem

__all__ = ["SurrogateBenchmark", "SurrogateProblem"]
