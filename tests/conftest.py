"""Fixtures that need no files except those they write themselves."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

import nasbench_kit as nk
from nasbench_kit.spaces import registry
from nasbench_kit.store import MetricColumn, Table, write_store

# the same examples on every machine, however slow
settings.register_profile("kit", deadline=None, derandomize=True)
settings.load_profile("kit")

# What everybody has is tested; that compiled loops give the same, bit by bit, in tests/kernels.
os.environ.setdefault("NASBENCH_KIT_COMPILED", "0")


# parts that tests are skipped without
OPTIONAL = (
    *("deap", "distributed", "lightgbm", "nas_201_api", "nats_bench", "networkx", "numba", "onnx", "onnxruntime"),
    *("onnxscript", "optuna", "playwright", "pyarrow", "pymoo", "pynauty", "sklearn", "tensorflow", "torch", "xarray"),
    *("furo", "myst_nb", "sphinx", "sphinx_copybutton", "sphinx_design"),
    *("h5netcdf", "iohinspector", "netCDF4", "syne_tune", "xgboost"),
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")  # one of them, on the PATH
PUBLISHED = "NASBENCH_KIT_PUBLISHED"  # the environment's name of the folder of published data


def absent() -> list[str]:
    missing = [name for name in OPTIONAL if importlib.util.find_spec(name) is None]
    if not any(map(shutil.which, BROWSERS)):
        missing.append(BROWSERS[0])
    return missing if os.environ.get(PUBLISHED) else [*missing, "published data"]


def pytest_sessionstart(session):
    """CI lists in NASBENCH_KIT_REQUIRED what must not be missing, because a skipped test proves nothing."""
    missing = set(os.environ.get("NASBENCH_KIT_REQUIRED", "").split()) & set(absent())
    if missing:
        pytest.exit(f"required here and absent: {', '.join(sorted(missing))}", returncode=4)


def pytest_collection_modifyitems(items):
    """Tests of trainings and of published data can be chosen by marks as well as by folder."""
    for item in items:
        for folder in ("training", "published"):
            if Path(__file__).parent / folder in item.path.parents:
                item.add_marker(folder)
        if os.name == "nt" and item.get_closest_marker("posix"):
            item.add_marker(pytest.mark.skip(reason="Windows has no such thing"))


def pytest_terminal_summary(terminalreporter):
    if absent():
        terminalreporter.write_line(f"absent here, and tests of it skipped: {', '.join(absent())}")


@pytest.fixture(scope="session")
def _homes(tmp_path_factory):
    """Names of folders that nobody has used; counted here, since `mktemp` lists all earlier ones at each call."""
    parent = tmp_path_factory.mktemp("homes")
    return (parent / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_home(_homes, monkeypatch):
    """No test sees the user's stores, or leaves one there; nor the width of a terminal."""
    home = next(_homes)
    home.mkdir()
    monkeypatch.setenv("NASBENCH_KIT_HOME", str(home))
    monkeypatch.delenv("COLUMNS", raising=False)  # pytest-xdist sets it, and tables are as wide


@pytest.fixture(autouse=True)
def _no_space_is_left_registered():
    before = set(registry._registered)
    yield
    for name in registry._registered - before:
        registry._specs.pop(name, None)
        registry._spaces.pop(name, None)
        registry._registered.discard(name)


def made_up_table(space_name: str = "nb201", *, seed: int = 0, architectures=None) -> Table:
    """A table of made-up values, for testing only."""
    space = nk.space(space_name)
    rows = space.all() if architectures is None else architectures
    rng = np.random.default_rng(seed)
    n = len(rows)
    quality = 50 + 45 * np.exp(-((rows != 2).sum(axis=1) / 3)) + rng.normal(0, 1, n)
    valid = np.clip(quality[:, None, None] + np.array([-10, 0])[:, None] + rng.normal(0, 0.5, (n, 2, 3)), 0, 100)
    valid[::7, 1, 2] = np.nan
    metrics = {
        "valid_accuracy": MetricColumn(valid, (4, 12), (111, 777, 888)),
        "test_accuracy": MetricColumn(np.clip(valid - 1, 0, 100), (4, 12), (111, 777, 888)),
        "training_time": MetricColumn(np.linspace(1, 2, n)[:, None] * np.array([4.0, 12.0]), (4, 12)),
    }
    return Table(space, rows, {"cifar10": metrics}, {"source": "made up", "notes": "for tests"})


@pytest.fixture(scope="session")
def table() -> Table:
    return made_up_table()


@pytest.fixture(scope="session")
def store(tmp_path_factory, table) -> Path:
    return write_store(tmp_path_factory.mktemp("store") / "made-up.h5", table)


@pytest.fixture
def bench(store) -> nk.Benchmark:
    return nk.open(store)


@pytest.fixture(scope="session")
def published() -> Path:
    folder = os.environ.get(PUBLISHED)
    if not folder:
        pytest.skip(f"{PUBLISHED} names no folder of published data")
    return Path(folder)
