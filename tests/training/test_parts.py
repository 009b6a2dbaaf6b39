"""Parts of work on disk are read as they were written."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk

pytest.importorskip("torch")

from nasbench_kit.training.parts import PartsFolder


def test_no_flipped_bit_of_a_part_is_read(tmp_path):
    folder = PartsFolder(tmp_path / "parts", {"work": 1}, {})
    arrays = {"values": np.arange(6.0).reshape(2, 3), "flags": np.array([True, False]), "one": np.array(3)}
    folder.write("part", 0, arrays)
    found = folder.read("part", 0)
    assert set(found) == set(arrays)
    for name, values in arrays.items():
        np.testing.assert_array_equal(found[name], values)
    (path,) = folder.path.glob("part-*.npz")
    whole = path.read_bytes()
    missed = []
    for position in range(0, 8 * len(whole), 7):
        damaged = bytearray(whole)
        damaged[position // 8] ^= 1 << position % 8
        path.write_bytes(damaged)
        try:
            again = folder.read("part", 0)
        except nk.StoreError:
            continue
        # bits of the archive that mean nothing, such as its dates, may be anything
        same = set(again) == set(arrays) and all(np.array_equal(again[name], arrays[name]) for name in arrays)
        missed += [] if same else [position]
    assert not missed


@pytest.mark.parametrize("text", ["", "[1]", "{", "[" * 100_000, "\x00", '{"work": NaN'])
def test_claims_that_are_none(tmp_path, text):
    folder = PartsFolder(tmp_path / "parts", {"work": 1}, {})
    folder.write("part", 0, {"values": np.zeros(2)})
    (folder.path / "claim.json").write_text(text)
    with pytest.raises(nk.StoreError, match="is damaged"):
        PartsFolder(tmp_path / "parts", {"work": 1}, {})
