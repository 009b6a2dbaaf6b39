"""The NumPy file of mean test accuracies of all NAS-Bench-101 cells: rejected files."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.loaders import recognise
from nasbench_kit.loaders.nb101_test import IMAGES, load

CELLS = 423_624


def saved(path, values):
    np.save(path, values)
    return path


def test_recognised_by_its_shape(tmp_path):
    path = saved(tmp_path / "a.npy", np.zeros(CELLS, dtype=np.uint16))
    assert recognise(path) == "nb101-test"
    with pytest.raises(nk.SourceError, match="matches no known format"):
        recognise(saved(tmp_path / "b.npy", np.zeros(9, dtype=np.uint16)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(CELLS - 1, dtype=np.uint16), "expected 423624 values of type uint16"),
        (np.zeros(CELLS), "of float64"),
        (np.full(CELLS, IMAGES + 1, dtype=np.uint16), "value 0 is 29953, but there are only 29952 test images"),
        (np.full(3, None), "is not a complete NumPy array"),
    ],
)
def test_other_arrays(tmp_path, values, message):
    with pytest.raises(nk.SourceError, match=message):
        load(saved(tmp_path / "a.npy", values))


def test_cut_off(tmp_path):
    path = saved(tmp_path / "a.npy", np.zeros(CELLS, dtype=np.uint16))
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(nk.SourceError, match="is not a complete NumPy array"):
        load(path)
