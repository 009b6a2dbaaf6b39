"""MacroNAS: classes, canonical forms by the definition, published ranges of costs."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk

SPACE = nk.space("macronas")


@pytest.mark.slow
def test_number_of_networks():
    assert SPACE.networks == 208_537 == 31**3 * 7
    index = SPACE.network_index(SPACE.all())
    classes = np.bincount(index)
    assert len(classes) == 208_537
    assert classes.min() >= 1
    assert classes.max() == 432


def test_canonical_form_by_the_definition():
    for native in ("I1I2111122222I", "IIIIIIIIIIIIII", "2I1II2II1111I1", "1I2I1I2I1I2I1I"):
        stages = native[:4], native[4:8], native[8:12], native[12:]
        expected = "".join(stage.replace("I", "").ljust(len(stage), "I") for stage in stages)
        assert SPACE.decode(SPACE.canonical(SPACE.encode([native]))) == [expected]


@pytest.mark.parametrize(
    ("dataset", "name", "low", "high"),
    [
        ("cifar10", "mmacs", 21.31, 239.28),
        ("cifar10", "params", 547_146, 3_400_010),
        ("cifar100", "mmacs", 21.54, 239.51),
        ("cifar100", "params", 662_436, 3_515_300),
    ],
)
def test_published_ranges(dataset, name, low, high):
    ends = SPACE.encode(["I" * 14, "2" * 14])
    assert SPACE.cost(ends, name, dataset=dataset).tolist() == [low, high]
    some = SPACE.cost(SPACE.sample(10_000, 0), name, dataset=dataset)
    assert (some >= low).all()
    assert (some <= high).all()


def test_costs_add_up_over_the_layers():
    X = SPACE.sample(500, 1)
    for name in ("params", "flops"):
        cost = SPACE.cost(X, name, dataset="cifar10")
        empty = SPACE.cost(np.zeros(14), name, dataset="cifar10")[0]
        single = np.zeros((14, 3), dtype=np.int64)
        for layer in range(14):
            for value in (1, 2):
                x = np.zeros(14)
                x[layer] = value
                single[layer, value] = SPACE.cost(x, name, dataset="cifar10")[0] - empty
        assert (cost == empty + single[np.arange(14), X].sum(axis=1)).all()


@pytest.mark.parametrize("native", ["I" * 13, "I" * 15, "I1201111111111", 5, None, "i" * 14])
def test_native_forms_that_cannot_be_read(native):
    with pytest.raises(nk.InvalidArchitecture, match=r"14 characters of I, 1, 2|a native form must be a string"):
        SPACE.encode([native])
