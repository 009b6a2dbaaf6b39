"""Settings: defaults as published, and trainings of genotypes that are those of `train` and of a stack."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

import nasbench_kit as nk  # noqa: E402
from nasbench_kit.training.recipes import recipe  # noqa: E402
from nasbench_kit.training.setting import can_be_stacked, make_setting, train_genotypes  # noqa: E402
from nasbench_kit.training.stacked import initial_network  # noqa: E402
from nasbench_kit.training.trainer import train  # noqa: E402
from tests.training.spaces import TRAINABLE  # noqa: E402


@pytest.mark.parametrize("name", TRAINABLE)
def test_networks_fit_the_dataset_and_follow_from_genotype_and_seed(name):
    setting = pickle.loads(pickle.dumps(make_setting(name, "digits")))
    assert setting.recipe == recipe("digits")
    assert setting.identity["dataset"] == "digits"
    x, y = nk.space(name).sample(2, 0)
    states = [setting.network(genes, seed).state_dict() for genes, seed in ((x, 0), (x, 0), (x, 1))]
    first, again, other = (torch.cat([v.double().flatten() for v in state.values()]) for state in states)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert setting.network(y, 0)(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


def test_a_stack_and_single_trainings_agree():
    setting = make_setting("nb201", "digits", epochs=2)
    assert can_be_stacked(setting)
    X = nk.space("nb201").sample(3, 0)
    stacked = train_genotypes(setting, X, (0, 2), device="cpu")
    for i, x in enumerate(X):
        alone = train(setting.network(x, 2), setting.data, setting.recipe, seed=2, device="cpu")
        np.testing.assert_allclose(stacked["valid_accuracy"][i, :, 1], alone.metrics["valid_accuracy"], atol=1.1)
        np.testing.assert_allclose(stacked["train_loss"][i, :, 1], alone.metrics["train_loss"], rtol=0.05)
    assert (stacked["seconds"] > 0).all()
    own = initial_network(int(nk.space("nb201").number(X[:1])[0]), X[0].tolist(), setting.skeleton, 2)
    for name, value in setting.network(X[0], 2).state_dict().items():
        assert torch.equal(value, own.state_dict()[name])


def test_single_trainings_are_resumed(tmp_path):
    setting = make_setting("genetic-cnn", "digits", epochs=1, skeleton={"hidden": 16, "kernel": 5})
    assert not can_be_stacked(setting)
    X = nk.space("genetic-cnn").sample(2, 0)
    seen = []
    first = train_genotypes(
        setting, X, (0, 1), device="cpu", checkpoints=tmp_path / "c", progress=lambda *a: seen.append(a)
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    again = train_genotypes(setting, X[::-1], (1, 0), device="cpu", checkpoints=tmp_path / "c")
    for name, values in first.items():
        np.testing.assert_array_equal(again[name], values[::-1, :, ::-1])
    assert len(list((tmp_path / "c").iterdir())) == 4


def test_wrong_names_are_errors():
    with pytest.raises(nk.UnknownName, match="digits"):
        make_setting("nb201", "digitz")
    with pytest.raises(nk.UnknownName, match="channels"):
        make_setting("nb201", "digits", skeleton={"channel": 3})
    with pytest.raises(nk.UnknownName, match="nsga-net-macro"):
        make_setting("nb201", "digits", recipe="nsga-net")
