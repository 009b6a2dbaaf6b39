"""nasbench-kit: compare neural architecture search algorithms on published tables."""

from nasbench_kit.algorithms import (
    BANANAS,
    BOHB,
    DEHB,
    GOMEA,
    MOEAD,
    MOGOMEA,
    NSGA2,
    NSGA3,
    SMSEMOA,
    SPEA2,
    Algorithm,
    BestFirstSearch,
    GeneticAlgorithm,
    Hyperband,
    LocalSearch,
    MOLocalSearch,
    RandomSearch,
    RegularizedEvolution,
    Reinforce,
    SuccessiveHalving,
)
from nasbench_kit.analysis import Analysis, analyse
from nasbench_kit.benchmark import Benchmark
from nasbench_kit.benchmark import open_benchmark as open  # noqa: A004 - as in h5py: nk.open(name)
from nasbench_kit.data import list_benchmarks
from nasbench_kit.errors import (
    InvalidArchitecture,
    MissingExtra,
    NasbenchKitError,
    SourceError,
    StoreError,
    UnknownName,
    WriteError,
)
from nasbench_kit.experiments.budget import Budget
from nasbench_kit.experiments.comparing import compare
from nasbench_kit.experiments.comparison import Comparison, load_comparison
from nasbench_kit.experiments.comparisons import Comparisons
from nasbench_kit.experiments.merging import merge
from nasbench_kit.experiments.reproduction import Reproduction, reproduce
from nasbench_kit.experiments.result import Result
from nasbench_kit.experiments.result_loading import load_result
from nasbench_kit.experiments.search import search
from nasbench_kit.experiments.sweep import Sweep, sweep
from nasbench_kit.figures import svg as _svg  # noqa: F401 - registers how notebooks draw architectures
from nasbench_kit.loaders import convert
from nasbench_kit.loaders.export import export
from nasbench_kit.loaders.join import join
from nasbench_kit.problems import FunctionProblem, PartialTableWarning, Problem, TestSelectionWarning
from nasbench_kit.report.page import report
from nasbench_kit.spaces import Space, SpaceSpec, list_spaces, register_space, space
from nasbench_kit.surrogates import SurrogateBenchmark

__all__ = [
    "BANANAS",
    "BOHB",
    "DEHB",
    "GOMEA",
    "MOEAD",
    "MOGOMEA",
    "NSGA2",
    "NSGA3",
    "SMSEMOA",
    "SPEA2",
    "Algorithm",
    "Analysis",
    "Benchmark",
    "BestFirstSearch",
    "Budget",
    "Comparison",
    "Comparisons",
    "FunctionProblem",
    "GeneticAlgorithm",
    "Hyperband",
    "InvalidArchitecture",
    "LocalSearch",
    "MOLocalSearch",
    "MissingExtra",
    "NasbenchKitError",
    "PartialTableWarning",
    "Problem",
    "RandomSearch",
    "RegularizedEvolution",
    "Reinforce",
    "Reproduction",
    "Result",
    "SourceError",
    "Space",
    "SpaceSpec",
    "StoreError",
    "SuccessiveHalving",
    "SurrogateBenchmark",
    "Sweep",
    "TestSelectionWarning",
    "UnknownName",
    "WriteError",
    "analyse",
    "compare",
    "convert",
    "export",
    "join",
    "list_benchmarks",
    "list_spaces",
    "load_comparison",
    "load_result",
    "merge",
    "open",
    "register_space",
    "report",
    "reproduce",
    "search",
    "space",
    "sweep",
]


def __dir__() -> list[str]:
    return __all__
