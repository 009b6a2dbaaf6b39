"""The package itself: its exported names, and importing it without side effects."""

from __future__ import annotations

import subprocess
import sys

import pytest

import nasbench_kit as nk

# the public contract, as far as it is built
DOCUMENTED = {
    *(
        "GOMEA",
        "MOEAD",
        "MOGOMEA",
        "MOLocalSearch",
        "NSGA2",
        "NSGA3",
        "SMSEMOA",
        "SPEA2",
        "GeneticAlgorithm",
        "LocalSearch",
        "RandomSearch",
        "RegularizedEvolution",
        "Reinforce",
        "BANANAS",
        "BestFirstSearch",
        "BOHB",
        "DEHB",
        "Hyperband",
        "SuccessiveHalving",
        "Algorithm",
    ),
    *(
        "InvalidArchitecture",
        "MissingExtra",
        "NasbenchKitError",
        "SourceError",
        "StoreError",
        "UnknownName",
        "WriteError",
    ),
    *(
        "Analysis",
        "Benchmark",
        "Budget",
        "Comparison",
        "Comparisons",
        "FunctionProblem",
        "Problem",
        "Reproduction",
        "Result",
        "Space",
        "SpaceSpec",
        "SurrogateBenchmark",
        "Sweep",
        "PartialTableWarning",
        "TestSelectionWarning",
    ),
    *(
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
    ),
}


def test_exported_names_are_the_documented_ones():
    assert set(nk.__all__) == DOCUMENTED
    assert all(hasattr(nk, name) for name in nk.__all__)


@pytest.mark.parametrize("name", [n for n in sorted(DOCUMENTED) if not n.endswith("Warning")])
def test_every_public_name_has_a_docstring(name):
    assert (getattr(nk, name).__doc__ or "").strip()


def test_importing_is_silent_and_light():
    script = """
import sys, io
import builtins
real = builtins.open
def watched(file, *a, **k):
    if str(file).endswith((".h5", ".json", ".toml")):
        raise AssertionError(f"opened {file}")
    return real(file, *a, **k)
builtins.open = watched
import numpy as np, random
before = np.random.get_state()[1].copy(), random.getstate()
import nasbench_kit
from nasbench_kit import *
assert (np.random.get_state()[1] == before[0]).all() and random.getstate() == before[1]
heavy = {"torch", "numba", "tensorflow", "matplotlib", "plotly", "dask", "pymoo", "optuna", "sklearn", "requests", "google_crc32c"}
heavy |= {"scipy", "pandas", "rich"}
heavy &= set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_each_step_imports_what_it_needs():
    """The package and the help of the command read no tables; opening a table and searching on it makes no frame."""
    script = """
import contextlib, io, sys
def absent(*names):
    found = set(names) & set(sys.modules)
    assert not found, found
import nasbench_kit as nk
absent("numpy", "h5py", "importlib.metadata")
from nasbench_kit.cli.main import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main(["--help"])
absent("numpy", "h5py", "rich")
problem = nk.open("nb201-digits").problem("valid_accuracy")
nk.search(problem, nk.RandomSearch(), runs=2, evaluations=5)
absent("scipy", "pandas", "rich", "multiprocessing")
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_types_and_homes_name_the_same():
    """What a type checker reads of the package is what is imported when a name is first used."""
    import ast
    from pathlib import Path

    (typed,) = (
        node
        for node in ast.parse(Path(nk.__file__).read_text(encoding="utf-8")).body
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    )
    imported = {
        alias.asname or alias.name: node.module
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == {name: f"nasbench_kit.{home}" for name, home in nk._HOME_OF.items()}


def test_a_name_that_does_not_exist():
    with pytest.raises(AttributeError, match="module 'nasbench_kit' has no attribute 'serach'"):
        nk.serach  # noqa: B018 - what is tested
    assert nk.report is not sys.modules["nasbench_kit.report"]


def test_errors_derive_from_what_a_caller_would_expect():
    assert issubclass(nk.InvalidArchitecture, ValueError)
    assert issubclass(nk.UnknownName, KeyError)
    assert issubclass(nk.SourceError, ValueError)
    assert issubclass(nk.StoreError, OSError)
    assert issubclass(nk.WriteError, OSError)
    assert issubclass(nk.MissingExtra, ImportError)
    assert all(
        issubclass(error, nk.NasbenchKitError)
        for error in (
            nk.InvalidArchitecture,
            nk.UnknownName,
            nk.SourceError,
            nk.StoreError,
            nk.WriteError,
            nk.MissingExtra,
        )
    )


# a room may know those before it
ROOMS = (
    *(
        "errors",
        "files",
        "notebook",
        "kernels",
        "graphs",
        "spaces",
        "metrics",
        "problems",
        "store",
        "data",
        "benchmark",
    ),
    *("analysis", "surrogates", "loaders"),
    *("algorithms", "figures", "experiments", "report", "training", "compat", "interfaces", "cli"),
)
# and some of them fewer
NARROWER = {
    "kernels": set(),
    "graphs": {"kernels"},
    "spaces": {"errors", "graphs", "kernels", "notebook"},
    "metrics": {"kernels"},
    "loaders": set(ROOMS[: ROOMS.index("algorithms")]),
    "analysis": {"errors", "notebook", "kernels", "spaces", "metrics", "benchmark"},
    "algorithms": {"errors", "graphs", "kernels", "metrics", "spaces"},
    "figures": {"errors", "files", "notebook", "kernels", "graphs", "spaces", "metrics"},
    "compat": {"errors", "spaces", "data", "benchmark", "loaders"},
}
# of other rooms, algorithms see indicators of arrays alone
OF_METRICS = {"nasbench_kit.metrics.indicators"}


def imports_of(path, root):
    """What a file imports of the package, also within functions and for types: full module names."""
    import ast

    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.relative_to(root)} has a relative import"
            if node.module == "nasbench_kit":
                yield from (f"nasbench_kit.{alias.name}" for alias in node.names)
            elif (node.module or "").startswith("nasbench_kit."):
                found = root.parent / f"{node.module.replace('.', '/')}"
                for alias in node.names:  # a module of a package, or a name of a module
                    inner = found / f"{alias.name}.py"
                    yield f"{node.module}.{alias.name}" if inner.exists() else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("nasbench_kit."))


def test_who_may_know_whom():
    """Data flows one way, from the first room to the last: every import of every file is looked at."""
    from pathlib import Path

    root = Path(nk.__file__).parent
    assert {p.name.removesuffix(".py") for p in root.iterdir() if p.suffix in ("", ".py")} <= {
        *ROOMS,
        *("__init__", "__main__", "__pycache__"),
    }
    for path in sorted(root.rglob("*.py")):
        room = path.relative_to(root).parts[0].removesuffix(".py")
        if room in ("__init__", "__main__"):
            continue
        allowed = NARROWER.get(room, set(ROOMS[: ROOMS.index(room)])) | {room}
        for module in imports_of(path, root):
            known = module.split(".")[1]
            assert known in allowed, f"{path.relative_to(root)} knows {module}"
            assert room != "algorithms" or known != "metrics" or module in OF_METRICS, f"{path} knows {module}"


def test_no_circle_within_a_room():
    from graphlib import TopologicalSorter
    from pathlib import Path

    root = Path(nk.__file__).parent
    names = {path: ".".join(path.relative_to(root.parent).with_suffix("").parts) for path in root.rglob("*.py")}
    files = set(names.values())
    graph = {}
    for path, name in names.items():
        known = set(imports_of(path, root)) if name != "nasbench_kit.__init__" else set()
        graph[name] = {m if m in files else f"{m}.__init__" for m in known} & files - {name}
    tuple(TopologicalSorter(graph).static_order())  # raises CycleError


def test_without_torch_one_line_says_what_to_install():
    code = "import sys; sys.modules['torch'] = None; from nasbench_kit.training import build"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.stderr.strip().endswith(
        "MissingExtra: building and training networks needs the extra 'train': pip install 'nasbench-kit[train]'"
    )
