"""The package as such: what it exports, what importing it does not do."""

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
        "GeneticAlgorithm",
        "LocalSearch",
        "RandomSearch",
        "RegularizedEvolution",
        "Reinforce",
        "BOHB",
        "Hyperband",
        "SuccessiveHalving",
        "Algorithm",
    ),
    *("InvalidArchitecture", "MissingExtra", "NasbenchKitError", "SourceError", "StoreError", "UnknownName"),
    *("Benchmark", "Comparison", "FunctionProblem", "Problem", "Result", "Space", "TestSelectionWarning"),
    *("benchmarks", "compare", "convert", "load_result", "open", "search", "space", "spaces"),
}


def test_exported_names_are_the_documented_ones():
    assert set(nk.__all__) == DOCUMENTED
    assert all(hasattr(nk, name) for name in nk.__all__)


@pytest.mark.parametrize("name", [n for n in sorted(DOCUMENTED) if n != "TestSelectionWarning"])
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
assert (np.random.get_state()[1] == before[0]).all() and random.getstate() == before[1]
heavy = {"torch", "numba", "tensorflow", "matplotlib", "plotly", "dask", "pymoo", "optuna", "sklearn", "requests", "google_crc32c"}
heavy &= set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_errors_derive_from_what_a_caller_would_expect():
    assert issubclass(nk.InvalidArchitecture, ValueError)
    assert issubclass(nk.UnknownName, KeyError)
    assert issubclass(nk.SourceError, ValueError)
    assert issubclass(nk.StoreError, OSError)
    assert issubclass(nk.MissingExtra, ImportError)
    assert all(
        issubclass(error, nk.NasbenchKitError)
        for error in (nk.InvalidArchitecture, nk.UnknownName, nk.SourceError, nk.StoreError, nk.MissingExtra)
    )


def test_who_may_know_whom():
    """The dependencies between the rooms, as the design has them."""
    import ast
    from pathlib import Path

    root = Path(nk.__file__).parent
    allowed = {
        "errors": {"text"},
        "cores": set(),
        "text": set(),
        "files": {"errors"},
        "compiled": set(),
        "graphs": set(),
        "spaces": {"compiled", "errors", "graphs"},
        "metrics": set(),
        "store": {"errors", "files", "metrics", "spaces"},
        "data": {"errors"},
        "sorting": {"compiled"},
        "indicators": {"compiled", "sorting"},
        "algorithms": {"compiled", "errors", "graphs", "indicators", "sorting", "spaces"},
        "problem": {"metrics", "spaces"},
        "agreement": set(),
        "learning_curves": {"agreement", "spaces", "benchmark"},
        "benchmark": {"errors", "spaces", "metrics", "store", "data", "indicators", "problem"},
        "loaders": {"cores", "errors", "files", "text", "spaces", "metrics", "store", "benchmark", "data"},
        "experiments": {
            "compiled",
            "errors",
            "files",
            "graphs",
            "spaces",
            "metrics",
            "store",
            "indicators",
            "algorithms",
            "problem",
            "benchmark",
            "pictures",
        },
        "interfaces": {"errors", "spaces", "problem", "benchmark", "experiments"},
        "pictures": {"errors", "files"},
        "drawing": {"spaces", "pictures"},
        "validation": {"errors", "spaces", "store", "benchmark", "loaders"},
        # loaders for their pickle reader alone
        "training": {
            "cores",
            "errors",
            "files",
            "graphs",
            "spaces",
            "metrics",
            "store",
            "indicators",
            "problem",
            "benchmark",
            "data",
            "loaders",
            "experiments",
            "pictures",
            "drawing",
        },
    }
    for path in root.rglob("*.py"):
        room = path.relative_to(root).parts[0].removesuffix(".py")
        if room in ("__init__", "__main__", "cli"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nasbench_kit"):
                parts = (node.module or "").split(".")
                known = parts[1:2] or [alias.name for alias in node.names]
                assert set(known) <= allowed[room] | {room}, f"{path.relative_to(root)} knows {known}"


def test_without_torch_one_line_says_what_to_install():
    code = "import sys; sys.modules['torch'] = None; from nasbench_kit.training import build"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.stderr.strip().endswith(
        "MissingExtra: building and training networks needs the extra 'train': pip install 'nasbench-kit[train]'"
    )
