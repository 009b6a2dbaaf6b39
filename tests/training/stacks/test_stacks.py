"""Stacks: every network of a stack is trained as it would be alone, in every space; and what cannot be stacked."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import nasbench_kit as nk
from tests.training.spaces import TRAINABLE

torch = pytest.importorskip("torch", reason="training needs torch")
pytest.importorskip("sklearn", reason="training needs scikit-learn")

from nasbench_kit.training.datasets import load_digits  # noqa: E402
from nasbench_kit.training.recipes import Recipe  # noqa: E402
from nasbench_kit.training.setting import can_be_stacked, make_setting, train_genotypes  # noqa: E402
from nasbench_kit.training.stacks.recording import NotStackable, record  # noqa: E402
from nasbench_kit.training.stacks.training import train_stack  # noqa: E402
from nasbench_kit.training.trainer import train  # noqa: E402


@pytest.fixture(scope="module")
def few():
    """A few of the digits' middles, 4x4 pixels, neither standardised nor a multiple of the batch size."""
    whole = load_digits()
    rows = np.concatenate([whole.part(part)[:count] for part, count in (("train", 15), ("valid", 6), ("test", 6))])
    return dataclasses.replace(
        whole,
        images=np.ascontiguousarray(2 * whole.images[rows, :, 2:6, 2:6] + 1),
        labels=whole.labels[rows],
        split="".join(whole.split[row] for row in rows),
        mean=np.full_like(whole.mean, 0.9),
        std=np.full_like(whole.std, 2.1),
    )


def assert_as_alone(networks, data, recipe, seeds):
    networks = [[network.double() for network in row] for row in networks]
    together = train_stack(networks, data, recipe, seeds)
    for i, row in enumerate(networks):
        for s, (seed, network) in enumerate(zip(seeds, row, strict=True)):
            alone = train(network, data, recipe, seed=seed, device="cpu")
            for name, values in alone.metrics.items():
                np.testing.assert_allclose(
                    together[name][i, :, s], values, rtol=1e-6, atol=1e-9, err_msg=f"{name} of {i}"
                )


SLOW = ("accel-nasbench", "macronas", "nasnet", "nsga-net-micro")  # more of the layers that the other spaces have


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in TRAINABLE]
)
def test_a_network_is_trained_as_it_would_be_alone(name, few):
    setting = make_setting(name, "digits", skeleton={"image": few.shape})
    X = nk.space(name).sample(2, 4)
    recipe = Recipe(epochs=1, batch_size=8, learning_rate=0.01)  # the last batch has 7 images
    assert_as_alone([[setting.network(x, 3)] for x in X], few, recipe, (3,))


def test_seeds_and_recipes_that_are_not_the_default(few):
    setting = make_setting("nb201", "digits", skeleton={"image": few.shape})
    X = [[3, 2, 4, 1, 0, 2], [0, 0, 0, 0, 0, 0]]
    recipe = Recipe(
        epochs=2,
        batch_size=7,  # one image is left, which batch norms cannot use
        optimiser="rmsprop",
        learning_rate=0.01,
        warmup_epochs=1,
        label_smoothing=0.1,
        norm_momentum=0.3,
        norm_epsilon=1e-3,
    )
    seeds = (0, 5)
    networks = [[setting.network(x, seed) for seed in seeds] for x in X]
    before = {name: value.clone() for name, value in networks[0][0].state_dict().items()}
    assert_as_alone(networks, few, recipe, seeds)
    for name, value in networks[0][0].state_dict().items():
        torch.testing.assert_close(value, before[name].to(value.dtype), rtol=0, atol=0)


def test_a_part_without_images_is_nan(few):
    setting = make_setting("nb201", "digits", skeleton={"image": few.shape})
    data = dataclasses.replace(few, split=few.split.replace("v", "-"))
    found = train_stack([[setting.network([2, 1, 2, 2, 3, 1], 0)]], data, Recipe(epochs=1, batch_size=5), (0,))
    assert np.isnan(found["valid_loss"]).all()
    assert np.isfinite(found["test_loss"]).all()


class Odd(torch.nn.Module):
    """A network with a given function before its classifier."""

    def __init__(self, odd):
        super().__init__()
        self.conv, self.linear, self.odd = torch.nn.Conv2d(1, 2, 3), torch.nn.Linear(2, 10), odd

    def forward(self, images):
        return self.linear(self.odd(self.conv(images)).mean(dim=(2, 3)))


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (torch.tanh, "calls tanh"),
        (lambda x: torch.nn.functional.dropout(x, 0.5), "dropout"),
        (lambda x: x + 1.0, "adds other than"),
        (lambda x: x * 2.0, "multiplies other than"),
        (lambda x: x[:1] * x, "indexes other than"),
        (lambda x: torch.relu_(x), "calls relu_"),
        (lambda x: torch.nn.functional.relu(x, inplace=True), "in place"),
        (lambda x: torch.nn.functional.batch_norm(x, None, None, training=True), "without weights"),
        (lambda x: torch.cat([x, x], dim=2), "along dimension 2"),
        (lambda x: torch.nn.functional.pad(x, (1, 1, 1, 1), mode="reflect"), "pads other than"),
        (lambda x: torch.nn.functional.conv2d(x, torch.ones(2, 2, 1, 1)), "not parameters"),
    ],
)
def test_what_a_stack_does_not_support_is_said(odd, why):
    with pytest.raises(NotStackable, match=why):
        record(Odd(odd), (1, 5, 5))


class Twice(Odd):
    def forward(self, images):
        x = self.odd(self.conv(images))
        return self.linear(x.mean(dim=(2, 3))) + self.linear(torch.relu(x).mean(dim=(2, 3)))


class Sometimes(Odd):
    def forward(self, images):
        x = self.conv(images)
        return self.linear((self.odd(x) if self.training else x).mean(dim=(2, 3)))


def test_networks_that_are_not_what_they_seem_are_not_stacked():
    for network, why in ((Twice(torch.relu), "more than once"), (Sometimes(torch.relu), "something else in training")):
        with pytest.raises(NotStackable, match=why):
            record(network, (1, 5, 5))
    frozen = Odd(torch.relu)
    frozen.conv.weight.requires_grad_(False)
    with pytest.raises(NotStackable, match="frozen"):
        record(frozen, (1, 5, 5))
    with pytest.raises(NotStackable, match="cannot be applied"):
        record(Odd(torch.relu), (3, 5, 5))


def test_recipes_that_a_stack_cannot_follow_are_refused(few):
    network = Odd(torch.relu)
    for changes in ({"clip": 1.0}, {"augmentation": "crop-flip"}, {"cutout": 2}, {"auxiliary": 0.4}):
        with pytest.raises(NotStackable, match=next(iter(changes))):
            train_stack([[network]], few, Recipe(**changes), (0,))


def test_stacks_are_used_where_they_are_faster(few_digits):
    assert can_be_stacked(make_setting("nas-bench-macro", "digits"))
    assert not can_be_stacked(make_setting("nas-bench-macro", "digits", recipe="nas-bench-macro"))
    assert not can_be_stacked(make_setting("nats-size", "digits"))


def test_genotypes_are_trained_in_stacks(few_digits):
    setting = make_setting("transnas-macro", "digits", epochs=1)
    X = nk.space("transnas-macro").sample(2, 0)
    found = train_genotypes(setting, X, (0, 1), device="cpu")
    alone = train(setting.network(X[1], 1), setting.data, setting.recipe, seed=1, device="cpu")
    np.testing.assert_allclose(found["train_loss"][1, :, 1], alone.metrics["train_loss"], rtol=1e-3)
    assert (found["seconds"] > 0).all()


def test_networks_that_cannot_be_stacked_are_trained_alone(few_digits, monkeypatch):
    setting = make_setting("nas-bench-macro", "digits", epochs=1)
    X = nk.space("nas-bench-macro").sample(1, 0)

    def refuse(*_args):
        raise NotStackable("it calls tanh")

    monkeypatch.setattr("nasbench_kit.training.setting.train_stack", refuse)
    found = train_genotypes(setting, X, (1,), device="cpu")
    alone = train(setting.network(X[0], 1), setting.data, setting.recipe, seed=1, device="cpu")
    np.testing.assert_array_equal(found["test_loss"][0, :, 0], alone.metrics["test_loss"])
