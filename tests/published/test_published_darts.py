"""The DARTS cells of NAS-Bench-301's published predictions, in NASLib's compact form."""

from __future__ import annotations

import ast
import json

import pytest

import nasbench_kit as nk


@pytest.fixture(scope="module")
def cells(published):
    path = published / "nb301" / "official_xgb_predictions_400.json"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return list(json.loads(path.read_text()))


def test_all_cells_are_valid_and_round_trip(cells):
    space = nk.space("darts")
    X = space.encode(cells)
    assert len(X) == 400
    assert space.is_valid(X).all()
    assert (space.encode([ast.literal_eval(text) for text in cells]) == X).all()
    assert (space.encode(space.decode(X)) == X).all()
    for row, text in zip(X.tolist(), cells, strict=True):
        pairs = list(zip(row[::2], row[1::2], strict=True))
        assert [pairs[:8], pairs[8:]] == ast.literal_eval(text)


def test_all_cells_are_different_networks(cells):
    space = nk.space("darts")
    X = space.encode(cells)
    forms = space.canonical(X)
    assert len(set(space.key(X).tolist())) == len({form.tobytes() for form in forms}) == 400
