"""Building networks: valid and rejected arguments, and training the built networks."""

from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.spaces import Chain
from nasbench_kit.spaces.nb201.cost import EDGES
from nasbench_kit.spaces.skeleton import IMAGES

torch = pytest.importorskip("torch", reason="networks need torch")

from nasbench_kit.training import build, skeleton_of  # noqa: E402
from tests.training.spaces import TRAINABLE  # noqa: E402

WITH_ZEROS = ("nb201", "transnas-micro")  # spaces whose cells may have edges that lead nowhere


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def images(n, shape, seed=0):
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed))


def same_weights(one, other):
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(a == b and torch.equal(x, y) for (a, x), (b, y) in pairs)


@pytest.mark.parametrize("name", TRAINABLE)
def test_a_genotype_and_its_native_form_build_the_same(name):
    space = nk.space(name)
    X = space.sample(1, 4)
    one = build(space, X[0], dataset="digits")
    for x in (X, X[0].tolist(), space.decode(X)[0]):
        assert same_weights(one, build(name, x, dataset="digits"))
    assert not same_weights(one, build(space, X[0], dataset="digits", seed=1))


def test_torchs_own_generator_is_left_as_it_is():
    state = torch.get_rng_state()
    build("nb201", [3] * 6, dataset="digits", seed=7)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", TRAINABLE)
def test_logits_of_every_dataset(name):
    space = nk.space(name)
    for i, (dataset, (shape, classes)) in enumerate(IMAGES.items()):
        small = {"cells": 1} if name in ("nb101", "nb201") else {}
        x = space.sample(1, i)[0]
        with torch.no_grad():
            logits = build(space, x, dataset=dataset.lower(), **small).eval()(images(2, shape))
        assert logits.shape == (2, classes)
        assert torch.isfinite(logits).all()


def dead_cells(space, x):
    """The cells of a stack in the small skeleton whose output, and inputs, are read by nothing."""
    count = {"nsga-net-micro": 10, "nasnet": 10, "darts": 8}[space.name]
    sources = (
        np.delete(x.reshape(count, -1), 4, axis=1)[:, ::2] if space.name == "nasnet" else x.reshape(count, 4)[:, ::2]
    )
    taken = [set(cell.ravel().tolist()) for cell in sources.reshape(2, -1)]
    layers = [taken[int(skeleton_of(space, "digits").reduces(layer))] for layer in range(3)]
    alive = [False, False, True]
    for layer in (1, 0):
        alive[layer] = any(
            layer + step < 3 and alive[layer + step] and source in layers[layer + step]
            for step, source in ((1, 1), (2, 0))
        )
    return {f"cells.{i}." for i in range(3) if not alive[i]} | {
        f"cells.{i}.inputs.{source}." for i in range(3) for source in (0, 1) if source not in layers[i]
    }


def dead_edges(genes):
    """The edges of a NAS-Bench-201 cell that lead nowhere; and all before the last cell where its input leads nowhere."""
    reaching, edges = {3}, set()
    for edge, (source, target) in reversed(list(enumerate(EDGES))):
        if genes[edge] and target in reaching:
            reaching.add(source)
        else:
            edges.add(edge)
    before = set() if 0 in reaching else {"stem.", "reductions.", "stages.0.", "stages.1."}
    return before | {f"stages.{stage}.0.edges.{edge}." for stage in range(3) for edge in edges}


def dead(space, x):
    """Beginnings of the names of parameters that cannot matter."""
    if "half" in space.units:
        return dead_cells(space, x)
    return dead_edges(x) if space.name in WITH_ZEROS else set()


@pytest.mark.parametrize("name", TRAINABLE)
def test_every_live_parameter_has_a_gradient(name):
    space = nk.space(name)
    for x in space.sample(12, 9):
        network = build(space, x, dataset="digits")
        logits = network(images(16, (1, 8, 8)))
        assert logits.shape == (16, 10)
        assert torch.isfinite(logits).all()
        torch.nn.functional.cross_entropy(logits, torch.arange(16) % 10).backward()
        unread = tuple(dead(space, x))
        for key, parameter in network.named_parameters():
            if unread and key.startswith(unread):
                assert parameter.grad is None or not parameter.grad.any(), key
            else:
                assert parameter.grad is not None, key
                assert torch.isfinite(parameter.grad).all(), key
                # a convolution may have nothing but zeros to work on
                assert name in WITH_ZEROS or parameter.grad.any(), key


@pytest.mark.parametrize("name", TRAINABLE)
def test_a_few_digits_are_learnt_by_heart(name):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    from nasbench_kit.training.datasets import load_digits

    digits = load_digits()
    where = digits.part("train")[:32]
    pictures, labels = torch.from_numpy(digits.images[where]), torch.from_numpy(digits.labels[where])
    space = nk.space(name)
    x = {"nb201": [3, 1, 2, 3, 4, 1], "macronas": "12112I111I1I1I"}.get(name, space.sample(1, 3)[0])
    network = build(space, x, dataset="digits")
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    losses = []
    for _ in range(16):
        loss = torch.nn.functional.cross_entropy(network(pictures), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-4:]) < 0.6 * losses[0]


def test_the_skeleton_may_be_changed():
    network = build("nb201", [3] * 6, channels=[5, 7], cells=2, image=(2, 9, 12), classes=4)
    assert network(images(2, (2, 9, 12))).shape == (2, 4)
    assert skeleton_of("nb201", "digits", classes=3).channels == (4, 8, 16)
    assert skeleton_of("nb101", "MNIST").image == (1, 28, 28)


@pytest.mark.parametrize(
    ("name", "x", "options", "error", "message"),
    [
        ("nb20", [3] * 6, {}, nk.UnknownName, "did you mean 'nb201'"),
        ("nb201", [3] * 6, {"dataset": "cifar"}, nk.UnknownName, "Available: .*cifar100"),
        (
            "nb201",
            [3] * 6,
            {"chanels": 3},
            nk.UnknownName,
            "did you mean 'channels'.* cells, image, classes, reduction",
        ),
        ("nb201", [3] * 6, {"channels": 3}, ValueError, "channels must be positive integers"),
        ("nb201", [3] * 6, {"reduction": "max"}, nk.UnknownName, "reduction 'max'.*residual, pool"),
        ("nb201", [3] * 6, {"cells": 0}, ValueError, "cells must be a positive integer, such as 5, not 0"),
        ("nb201", [3] * 6, {"image": (8, 8)}, ValueError, "image must be 3 positive integers"),
        ("nb201", [5] * 6, {}, nk.InvalidArchitecture, "gene 0 is 5"),
        ("nb201", "|nor_conv_3x3~0|", {}, nk.InvalidArchitecture, "3 nodes"),
        ("nb201", [[3] * 6, [2] * 6], {}, nk.InvalidArchitecture, "one genotype at a time, not 2"),
        ("nb101", [0] * 26, {}, nk.InvalidArchitecture, "nb101"),
        ("genetic-cnn", [0] * 19, {"dropout": 1}, ValueError, "dropout must be a fraction"),
        ("genetic-cnn", [0] * 19, {"channels": (8, 16)}, ValueError, "channels must be 3 positive integers"),
        ("genetic-cnn", [0] * 19, {"image": (3, 4, 4)}, ValueError, "too small for 3 poolings"),
    ],
)
def test_what_is_refused(name, x, options, error, message):
    with pytest.raises(error, match=message):
        build(name, x, **options)


def test_a_space_of_ones_own_has_no_network():
    with pytest.raises(nk.UnknownName, match="unknown space 'mine' with networks"):
        build(Chain(3, "ab", name="mine"), "aba")


def test_examples_of_the_docstrings():
    found = doctest.testmod(importlib.import_module("nasbench_kit.training.networks.stage_graph"))
    assert found.attempted > found.failed == 0
