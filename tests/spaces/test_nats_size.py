"""NATS-Bench's size search space: its order, its native forms, and costs of the genuine records."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import nasbench_kit as nk

SPACE = nk.space("nats-size")


def test_the_official_order_is_the_product_of_the_channels():
    names = [":".join(map(str, channels)) for channels in itertools.product(range(8, 65, 8), repeat=5)]
    assert SPACE.decode(SPACE.from_official_index(np.arange(32768))) == names
    assert (SPACE.official_index(SPACE.encode(names)) == np.arange(32768)).all()
    assert (names[0], names[11], names[-1]) == ("8:8:8:8:8", "8:8:8:16:32", "64:64:64:64:64")
    assert (SPACE.forms["official_index"].read(np.arange(9)) == SPACE.from_official_index(np.arange(9))).all()
    for index in (-1, 32768):
        with pytest.raises(nk.InvalidArchitecture, match=r"0 \.\.\. 32767"):
            SPACE.from_official_index(index)


def test_no_two_are_the_same_network():
    assert SPACE.networks == SPACE.size == 32768
    assert len(np.unique(SPACE.key(SPACE.all()))) == 32768


@pytest.mark.parametrize(
    ("name", "costs"),
    [
        ("8:8:8:8:8", {"cifar10": (11_714, 4_481_114), "cifar100": (12_524, 4_481_924), "ImageNet16-120": (12_704, 1_121_336)}),
        ("8:8:8:16:32", {"cifar10": (49_202, 6_840_650), "cifar100": (52_172, 6_843_620), "ImageNet16-120": (52_832, 1_714_040)}),
    ],
)  # fmt: skip
def test_costs_of_the_genuine_records(name, costs):
    x = SPACE.encode([name])
    for dataset, expected in costs.items():
        assert tuple(SPACE.cost(x, cost, dataset=dataset)[0] for cost in ("params", "flops")) == expected


@pytest.mark.parametrize("native", ["8:8:8:8", "8:8:8:8:72", "8:8:8:8:12", "8 8 8 8 8", 8, "08:8:8:8:8", "8:8:8:8:8:8"])
def test_native_forms_that_cannot_be_read(native):
    with pytest.raises(nk.InvalidArchitecture):
        SPACE.encode([native])
