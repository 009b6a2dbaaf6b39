"""Stores of published files, made once; what needs them is skipped where the files are absent."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import nasbench_kit as nk


@pytest.fixture(scope="session")
def nb201_mapping():
    return Path(__file__).parents[2] / "docs" / "nb201-table.toml"


@pytest.fixture(scope="session")
def nb201_csv(published):
    path = published / "nb201" / "table.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return pd.read_csv(path)


@pytest.fixture(scope="session")
def nb201(published, nb201_csv, nb201_mapping, tmp_path_factory):
    return nk.convert(published / "nb201", tmp_path_factory.mktemp("nb201") / "nb201.h5", mapping=nb201_mapping)


@pytest.fixture(scope="session")
def macro_json(published):
    path = published / "macronas" / "nas-bench-macro_cifar10.json"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path


@pytest.fixture(scope="session")
def macro(macro_json, tmp_path_factory):
    return nk.convert(macro_json, tmp_path_factory.mktemp("macro") / "macro.h5")
