"""Costs from the definition against those counted on the modules, in the published skeletons and in others."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk

torch = pytest.importorskip("torch", reason="networks need torch")

from nasbench_kit.training import skeleton_of  # noqa: E402
from tests.training.networks import counting  # noqa: E402
from tests.training.networks.unfilled import unfilled  # noqa: E402
from tests.training.spaces import TRAINABLE  # noqa: E402


def counted(space, x, **options):
    """By name, all costs of a network."""
    biases = space.name in ("nb201", "nats-size")  # their authors count them
    return counting.costs(unfilled(space, x, **options), skeleton_of(space, **options).image, biases=biases)


def agree(space, X, dataset):
    expected = [counted(space, x, dataset=dataset) for x in X]
    for cost in space.costs(dataset):
        assert space.cost(X, cost, dataset=dataset).tolist() == [counts[cost] for counts in expected]


@pytest.mark.parametrize("name", TRAINABLE)
@pytest.mark.parametrize(("dataset", "many"), [("cifar10", 4), ("digits", 16)])
def test_costs_are_those_of_the_module(name, dataset, many):
    space = nk.space(name)
    X = space.sample(many, 5)
    there = name in ("nb101", "transnas-macro") or "half" in space.units
    X[0] = X[0] if there else 0  # stages and cells without anything, where that is valid
    agree(space, X, dataset)


@pytest.mark.parametrize("name", TRAINABLE)
def test_costs_on_every_dataset(name):
    space = nk.space(name)
    for dataset in set(space.skeletons) - {"cifar10", "digits"}:  # which are above
        agree(space, space.sample(1, 6), dataset)


SKELETONS = {
    "macronas": {"channels": (6, 8, 10, 14), "head": 20},
    "nas-bench-macro": {"stem": 5, "channels": (6, 7, 9), "head": 20},
    "nb101": {"channels": 13, "stacks": 2, "cells": 2},
    "nb201": {"channels": (5, 7), "cells": 2},
    "genetic-cnn": {"channels": (3, 5, 6), "kernel": 3, "pool": 2, "hidden": 11},
    "nsga-net-macro": {"channels": (3, 5, 6), "join": "sum"},
    "nsga-net-micro": {"channels": 5, "layers": 7, "stem": 2},
    "nats-size": {"step": 3},
    "transnas-micro": {"base": 5, "stem_stride": 2, "modules": (2, 3, 1, 4), "blocks": 2},
    "transnas-macro": {"base": 3, "stem_stride": 2, "blocks": 2},
    "accel-nasbench": {"stem": 5, "channels": (4, 6, 9, 8, 8, 7, 12), "strides": (2, 1, 2, 1, 1, 1, 2), "head": 20},
    "darts": {"channels": 5, "layers": 7, "stem": 2},
    "nasnet": {"channels": 5, "layers": 7, "stem": 2},
}


@pytest.mark.parametrize("name", TRAINABLE)
@pytest.mark.parametrize("image", [(2, 28, 28), (1, 21, 13)])
def test_costs_in_another_skeleton(name, image):
    """Images that are not square, and of odd sides, too."""
    space = nk.space(name)
    X = space.sample(8, 7)
    changed = {**SKELETONS[name], "image": image, "classes": 7}
    expected = [counted(space, x, **changed) for x in X]
    for cost in ("params", "flops"):
        found = space.cost_rows(X, cost, skeleton_of(space, **changed))
        assert found.tolist() == [counts[cost] for counts in expected]


def test_published_figures():
    """The least and the most of MacroNAS, and the best of NAS-Bench-Macro's table, as published; NAS-Bench-101's range."""
    for letters, count, mmacs in (("I" * 14, 547_146, 21.31), ("2" * 14, 3_400_010, 239.28)):
        found = counted(nk.space("macronas"), letters)
        assert (found["params"], found["mmacs"]) == (count, mmacs)
    for letters, count, flops in (("00000000", 387_882, 7_713_280), ("22222222", 2_932_586, 105_660_928)):
        found = counted(nk.space("nas-bench-macro"), letters)
        assert (found["params"], found["flops"]) == (count, flops)
    nb101 = nk.space("nb101")
    cells = nb101.representatives(np.arange(nb101.networks))
    costs = nb101.cost(cells, "params", dataset="cifar10")
    for cell, count in ((cells[costs.argmin()], 227_274), (cells[costs.argmax()], 49_979_274)):
        assert counting.params(unfilled(nb101, cell)) == count
    full = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    found = counted(nk.space("nb201"), full)
    assert (found["params"], found["flops"]) == (1_531_546, 220_119_690)
    # the cell that DARTS found, with 20 cells and 36 channels: 3.3 M in table 1 of Liu et al. 2019
    normal = "('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), "
    normal += "('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)"
    reduction = (
        "('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    )
    reduction += "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)"
    text = f"Genotype(normal=[{normal}], normal_concat=range(2, 6), reduce=[{reduction}], reduce_concat=range(2, 6))"
    assert counting.params(unfilled(nk.space("darts"), text, channels=36, layers=20)) == 3_349_342
