"""NSGA-Net's micro space: canonical forms against every numbering, written apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import nasbench_kit as nk

SPACE = nk.space("nsga-net-micro")


def first_numbering(cell):
    found = []
    for order in itertools.permutations(range(5)):
        place = {0: 0, 1: 1, **{2 + node: 2 + i for i, node in enumerate(order)}}
        numbered = [sorted([place[source], operation] for source, operation in cell[node]) for node in order]
        if all(half[0] < 2 + i for i, halves in enumerate(numbered) for half in halves):
            found.append(numbered)
    return min(found)


def test_canonical_forms_by_brute_force():
    X = SPACE.sample(300, 0)
    X[100:, 1::2] %= 2  # few operations: many nodes read the same
    X[200:, ::2] = np.minimum(X[200:, ::2], 2)
    forms = SPACE.decode(SPACE.canonical(X))
    for native, form in zip(SPACE.decode(X), forms, strict=True):
        assert [first_numbering(cell) for cell in native] == form


def test_size():
    cell = (2 * 3 * 4 * 5 * 6) ** 2 * 9**10
    assert SPACE.size == cell**2 > 2**64


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda native: native[:1], r"shape \(2, 5, 2, 2\), not \(1, 5, 2, 2\)"),
        (lambda native: [native[0], native[1][:4]], "rows of different lengths"),
        (
            lambda native: set_at(native, 0, 0, 1, 0, 2),
            r"the input 2 of node 0 of the normal cell is not one of 0 \.\.\. 1",
        ),
        (
            lambda native: set_at(native, 1, 4, 0, 1, 9),
            r"the operation 9 of node 4 of the reduction cell .* 0 \.\.\. 8",
        ),
        (lambda native: set_at(native, 1, 4, 0, 1, -1), "the operation -1"),
        (lambda native: set_at(native, 1, 4, 0, 1, 0.5), "not a whole number"),
        (lambda native: str(native), "must contain whole numbers, not"),
    ],
)
def test_native_forms_that_cannot_be_read(change, reason):
    with pytest.raises(nk.InvalidArchitecture, match=reason):
        SPACE.encode([change(SPACE.decode(SPACE.sample(1, 0))[0])])


def set_at(native, cell, node, half, part, value):
    native[cell][node][half][part] = value
    return native
