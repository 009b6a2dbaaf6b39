"""Recipes: schedules against PyTorch's own and by hand, RMSProp against its formula, what augmentation may do to an image."""

from __future__ import annotations

import math

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.training.recipes import Recipe, learning_rate, published_recipe, recipe, recipes, settings_of

torch = pytest.importorskip("torch", reason="training needs torch")

from nasbench_kit.training.batches import augmented, cut_out, epoch_generator, image_order  # noqa: E402
from nasbench_kit.training.datasets import load_dataset  # noqa: E402
from nasbench_kit.training.optimisers import RMSProp, make_optimiser  # noqa: E402
from nasbench_kit.training.trainer import _Run, train  # noqa: E402
from tests.training.spaces import TRAINABLE  # noqa: E402


def test_every_space_has_a_recipe_with_its_source():
    assert set(recipes()) == {*TRAINABLE, "digits"}
    for name, published in ((name, published_recipe(name)) for name in recipes()):
        assert published.source
        assert all(hasattr(recipe(name), setting) for setting in published.ours)
    with pytest.raises(nk.UnknownName, match="unknown recipe 'nb2001'; did you mean 'nb201'"):
        recipe("nb2001")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimiser": "sdg"}, "unknown optimiser 'sdg'; did you mean 'sgd'"),
        ({"schedule": "linear"}, "unknown schedule 'linear'"),
        ({"augmentation": "flip"}, "unknown augmentation 'flip'"),
        ({"by": "image"}, "unknown unit 'image' of a schedule"),
        ({"learning_rate": float("nan")}, "learning_rate must be a finite number of at least 0, not nan"),
        ({"clip": -1.0}, "clip must be a finite number"),
        ({"epochs": 0}, "epochs and batch_size must be at least 1"),
        ({"norm_momentum": 1.5}, "norm_momentum must be at most 1"),
        ({"norm_epsilon": float("inf")}, "norm_epsilon must be a finite number"),
        ({"label_smoothing": 1.0}, "label_smoothing must be below 1"),
        ({"momentum": 0.0}, "nesterov=True needs a momentum above 0"),
        ({"milestones": (0.5, 0.2)}, "milestones must be ascending fractions"),
        ({"milestones": (60.0,)}, "milestones must be ascending fractions"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises((ValueError, nk.UnknownName), match=message):
        Recipe(**settings)


def rates(recipe, epochs, steps):
    return [learning_rate(recipe, step, epochs, steps) for step in range(epochs * steps)]


def test_the_cosine_is_pytorchs():
    for by, moves in (("epoch", 5), ("step", 35)):
        optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, moves, eta_min=0.01)
        expected = []
        for _ in range(moves):
            expected += [optimiser.param_groups[0]["lr"]] * (35 // moves)
            optimiser.step()
            schedule.step()
        found = rates(Recipe(learning_rate=0.3, final_learning_rate=0.01, by=by), 5, 7)
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_steps_and_warm_up():
    genetic = recipe("genetic-cnn")
    by_epoch = rates(genetic, 240, 1)
    np.testing.assert_allclose(by_epoch, [1e-2] * 120 + [1e-3] * 60 + [1e-4] * 40 + [1e-5] * 20)
    np.testing.assert_allclose(rates(genetic, 24, 1), [1e-2] * 12 + [1e-3] * 6 + [1e-4] * 4 + [1e-5] * 2)
    warm = rates(Recipe(warmup_epochs=1.5, learning_rate=0.6), 4, 4)
    np.testing.assert_allclose(warm[:7], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.6])
    np.testing.assert_allclose(warm[6:], [0.3 * (1 + math.cos(math.pi * i / 10)) for i in range(10)])
    assert rates(Recipe(schedule="constant", learning_rate=0.2), 2, 2) == [0.2] * 4
    assert rates(Recipe(warmup_epochs=3), 1, 2) == pytest.approx([0.1 / 6, 0.2 / 6])


def test_rmsprop_is_tensorflows():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=5)
    parameter = torch.tensor(weights, requires_grad=True)
    how = Recipe(optimiser="rmsprop", nesterov=False, momentum=0.9, weight_decay=0.1, epsilon=1.0, rms_decay=0.8)
    optimiser = make_optimiser([parameter], how)
    assert isinstance(optimiser, RMSProp)
    square, step = np.ones(5), np.zeros(5)
    for rate in (0.5, 0.3, 0.1):
        gradient = rng.normal(size=5)
        parameter.grad = torch.tensor(gradient)
        optimiser.param_groups[0]["lr"] = rate
        optimiser.step()
        total = gradient + 0.1 * weights
        square = 0.8 * square + 0.2 * total**2
        step = 0.9 * step + rate * total / np.sqrt(square + 1)
        weights = weights - step
        np.testing.assert_allclose(parameter.detach().numpy(), weights, rtol=1e-12)


def test_nas_bench_101_has_its_authors_batch_norms():
    """After some steps the running statistics are what TensorFlow's momentum of 0.997 makes of them."""
    how = recipe("nb101")
    assert (how.norm_momentum, how.norm_epsilon) == (pytest.approx(0.003), 1e-5)
    others = [recipe(name) for name in recipes() if name != "nb101"]
    assert all((other.norm_momentum, other.norm_epsilon) == (None, None) for other in others)

    assert settings_of(how)["norm_momentum"] == how.norm_momentum
    assert not any(name.startswith("norm") for name in settings_of(recipe("nb201")))  # files of old stay valid

    class Whole(torch.nn.Module):
        """The images' means, normed: what the batch norm sees is the same in every step."""

        def __init__(self):
            super().__init__()
            self.norm = torch.nn.BatchNorm1d(10, eps=0.5)

        def forward(self, images):
            return self.norm(images.flatten(1)[:, :10] * 0 + torch.arange(10.0))

    digits = load_dataset("digits")
    steps = 2 * -(-len(digits.part("train")) // 100)
    for changes, share, eps in (
        ({}, 0.9**steps, 0.5),
        ({"norm_momentum": how.norm_momentum, "norm_epsilon": how.norm_epsilon}, 0.997**steps, 1e-5),
    ):
        network = Whole()
        trained = train(network, digits, Recipe(epochs=2, **changes), device="cpu")
        mean = trained.state["norm.running_mean"]
        torch.testing.assert_close(mean, (1 - share) * torch.arange(10.0), rtol=1e-4, atol=1e-5)
        assert network.norm.eps == 0.5  # the caller's network stays as it is
        run = _Run(network, digits, Recipe(**changes), 0, 1, torch.device("cpu"), False)
        assert run.network.norm.eps == eps


def test_the_order_is_a_permutation_of_seed_and_epoch():
    orders = {(seed, epoch): image_order(seed, epoch, 50).tolist() for seed in range(3) for epoch in range(3)}
    assert all(sorted(order) == list(range(50)) for order in orders.values())
    assert len({tuple(order) for order in orders.values()}) == 9
    assert image_order(1, 1, 50).tolist() == orders[1, 1]


def test_augmented_images_are_crops_of_the_padded_image_or_their_mirror():
    how = Recipe(augmentation="crop-flip")
    image = torch.arange(1, 3 * 16 * 12 + 1).reshape(1, 3, 16, 12).to(torch.int32)
    found = augmented(image.expand(4000, -1, -1, -1), how, epoch_generator(0, 0))
    padded = torch.nn.functional.pad(image, (2, 2, 2, 2))[0]  # an eighth of 16
    crops = {}
    for top in range(5):
        for left in range(5):
            crop = padded[:, top : top + 16, left : left + 12]
            crops[crop.contiguous().numpy().tobytes()] = (top, left, False)
            crops[crop.flip(2).contiguous().numpy().tobytes()] = (top, left, True)
    seen = [crops[one.contiguous().numpy().tobytes()] for one in found]
    counts = np.array([seen.count(case) for case in crops.values()])
    assert len(crops) == 50
    assert 40 < counts.min() < counts.max() < 130  # 80 each, with a standard deviation of 9
    again = augmented(image.expand(4000, -1, -1, -1), how, epoch_generator(0, 0))
    assert torch.equal(found, again)
    assert not torch.equal(found, augmented(image.expand(4000, -1, -1, -1), how, epoch_generator(0, 1)))
    assert augmented(image, Recipe(), epoch_generator(0, 0)) is image
    grey = augmented(torch.full((3, 1, 32, 32), 7, dtype=torch.uint8), how, epoch_generator(0, 0))
    assert grey.dtype == torch.uint8


def test_cutout_is_a_square_that_may_leave_the_image():
    found = cut_out(torch.ones(2000, 2, 8, 8), 4, epoch_generator(0, 0))
    assert torch.equal(found[:, 0], found[:, 1])
    sizes = set()
    for one in found[:, 0] == 0:
        rows, columns = one.any(1).nonzero().ravel(), one.any(0).nonzero().ravel()
        assert one.sum() == len(rows) * len(columns)
        assert torch.equal(rows, torch.arange(rows[0], rows[-1] + 1))
        sizes.add((len(rows), len(columns)))
    assert sizes == {(height, width) for height in (2, 3, 4) for width in (2, 3, 4)}
    images = torch.ones(2, 1, 8, 8)
    assert cut_out(images, 0, epoch_generator(0, 0)) is images
