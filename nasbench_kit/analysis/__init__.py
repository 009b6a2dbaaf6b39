"""Analysis of a whole table: distributions, agreement of rankings, noise, the fitness landscape, equal networks."""

from nasbench_kit.analysis.analysis import Analysis, analyse

__all__ = ["Analysis", "analyse"]
