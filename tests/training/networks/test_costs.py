"""Costs from the definition against those counted on the modules, in the published skeletons and in others."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk

torch = pytest.importorskip("torch", reason="networks need torch")

from nasbench_kit.training import build, skeleton_of  # noqa: E402
from tests.training.networks import counting  # noqa: E402
from tests.training.spaces import TRAINABLE  # noqa: E402


def on_meta(space, x, **options):
    """A network without memory for its weights: large ones are built in no time."""
    with torch.device("meta"):
        return build(space, x, **options)


def counted(space, x, name, **options):
    return counted_on(on_meta(space, x, **options), space, name, skeleton_of(space, **options))


def counted_on(network, space, name, skeleton):
    if name == "params":
        return counting.params(network)
    if max(skeleton.image[1:]) <= 32:  # small images are faster on real tensors, whatever their values
        network.to_empty(device="cpu")
    if name == "mmacs":
        return round(counting.thop(network, skeleton.image) / 1e6, 2)
    return counting.multiply_adds(
        network, skeleton.image, biases=space.name in ("nb201", "nats-size")
    )  # their authors count them


@pytest.mark.parametrize("name", TRAINABLE)
@pytest.mark.parametrize(("dataset", "many", "run"), [("cifar10", 20, 8), ("digits", 16, 16)])
def test_costs_are_those_of_the_module(name, dataset, many, run):
    space, skeleton = nk.space(name), skeleton_of(name, dataset)
    X = space.sample(many, 5)
    there = name in ("nb101", "transnas-macro") or "half" in space.units
    X[0] = X[0] if there else 0  # stages and cells without anything, where that is valid
    networks = [on_meta(space, x, dataset=dataset) for x in X]
    for cost in space.costs(dataset):
        some = many if cost == "params" else run
        expected = [counted_on(network, space, cost, skeleton) for network in networks[:some]]
        assert space.cost(X[:some], cost, dataset=dataset).tolist() == expected


@pytest.mark.parametrize("name", TRAINABLE)
def test_costs_on_every_dataset(name):
    space = nk.space(name)
    X = space.sample(4, 6)
    for dataset in space.skeletons:
        for cost in space.costs(dataset):
            expected = [counted(space, x, cost, dataset=dataset) for x in X]
            assert space.cost(X, cost, dataset=dataset).tolist() == expected


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
    X = space.sample(12, 7)
    changed = {**SKELETONS[name], "image": image, "classes": 7}
    for cost in ("params", "flops"):
        expected = [counted(space, x, cost, **changed) for x in X]
        found = space.cost_rows(X, cost, skeleton_of(space, **changed))
        assert found.tolist() == expected


def test_published_figures():
    """The least and the most of MacroNAS, and the best of NAS-Bench-Macro's table, as published; NAS-Bench-101's range."""
    for letters, count, mmacs in (("I" * 14, 547_146, 21.31), ("2" * 14, 3_400_010, 239.28)):
        assert counted(nk.space("macronas"), letters, "params") == count
        assert counted(nk.space("macronas"), letters, "mmacs") == mmacs
    for letters, count, flops in (("00000000", 387_882, 7_713_280), ("22222222", 2_932_586, 105_660_928)):
        assert counted(nk.space("nas-bench-macro"), letters, "params") == count
        assert counted(nk.space("nas-bench-macro"), letters, "flops") == flops
    nb101 = nk.space("nb101")
    cells = nb101.representatives(np.arange(nb101.networks))
    costs = nb101.cost(cells, "params", dataset="cifar10")
    for cell, count in ((cells[costs.argmin()], 227_274), (cells[costs.argmax()], 49_979_274)):
        assert counted(nb101, cell, "params") == count
    full = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    assert counted(nk.space("nb201"), full, "params") == 1_531_546
    assert counted(nk.space("nb201"), full, "flops") == 220_119_690
    # the cell that DARTS found, with 20 cells and 36 channels: 3.3 M in table 1 of Liu et al. 2019
    normal = "('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), "
    normal += "('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)"
    reduction = (
        "('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
    )
    reduction += "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)"
    text = f"Genotype(normal=[{normal}], normal_concat=range(2, 6), reduce=[{reduction}], reduce_concat=range(2, 6))"
    assert counted(nk.space("darts"), text, "params", channels=36, layers=20) == 3_349_342
