"""nasbench-kit: compare neural architecture search algorithms on published tables."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nasbench_kit.errors import (
    InvalidArchitecture,
    MissingExtra,
    NasbenchKitError,
    SourceError,
    StoreError,
    UnknownName,
    WriteError,
)
from nasbench_kit.report.writing import report  # at once: later, its package would take the name of the function

if TYPE_CHECKING:
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
    from nasbench_kit.loaders import convert
    from nasbench_kit.loaders.export import export
    from nasbench_kit.loaders.join import join
    from nasbench_kit.problems import FunctionProblem, PartialTableWarning, Problem, TestSelectionWarning
    from nasbench_kit.spaces import Space, SpaceSpec, list_spaces, register_space, space
    from nasbench_kit.surrogates import SurrogateBenchmark

    __version__: str

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

# Importing the package imports no NumPy and reads no tables: a name's module is imported when the name is first used.
_HOMES = {
    "algorithms": (
        *("BANANAS", "BOHB", "DEHB", "GOMEA", "MOEAD", "MOGOMEA", "NSGA2", "NSGA3", "SMSEMOA", "SPEA2"),
        *("Algorithm", "BestFirstSearch", "GeneticAlgorithm", "Hyperband", "LocalSearch", "MOLocalSearch"),
        *("RandomSearch", "RegularizedEvolution", "Reinforce", "SuccessiveHalving"),
    ),
    "analysis": ("Analysis", "analyse"),
    "benchmark": ("Benchmark", "open"),
    "data": ("list_benchmarks",),
    "experiments.budget": ("Budget",),
    "experiments.comparing": ("compare",),
    "experiments.comparison": ("Comparison", "load_comparison"),
    "experiments.comparisons": ("Comparisons",),
    "experiments.merging": ("merge",),
    "experiments.reproduction": ("Reproduction", "reproduce"),
    "experiments.result": ("Result",),
    "experiments.result_loading": ("load_result",),
    "experiments.search": ("search",),
    "experiments.sweep": ("Sweep", "sweep"),
    "loaders": ("convert",),
    "loaders.export": ("export",),
    "loaders.join": ("join",),
    "problems": ("FunctionProblem", "PartialTableWarning", "Problem", "TestSelectionWarning"),
    "spaces": ("Space", "SpaceSpec", "list_spaces", "register_space", "space"),
    "surrogates": ("SurrogateBenchmark",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_SUBPACKAGES = (
    *("algorithms", "analysis", "benchmark", "data", "experiments", "figures", "graphs", "kernels", "loaders"),
    *("metrics", "notebook", "problems", "spaces", "store", "surrogates"),
)

if not TYPE_CHECKING:  # else any name at all would be one of the package

    def __getattr__(name: str) -> Any:
        if name in _HOME_OF:
            home = import_module(f"{__name__}.{_HOME_OF[name]}")
            found = home.open_benchmark if name == "open" else getattr(home, name)
        elif name in _SUBPACKAGES:
            return import_module(f"{__name__}.{name}")
        elif name == "__version__":
            from importlib.metadata import version

            found = version("nasbench-kit")
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return __all__
