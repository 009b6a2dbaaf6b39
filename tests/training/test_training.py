"""Real training: the stacked trainer against a plain PyTorch loop, the split, resuming, and the bundled table again."""

from __future__ import annotations

import json

import numpy as np
import pytest

import nasbench_kit as nk

torch = pytest.importorskip("torch", reason="training needs torch")
pytest.importorskip("sklearn", reason="training needs scikit-learn")

from nasbench_kit.cli.main import main  # noqa: E402
from nasbench_kit.spaces.nb201.cost import SKELETONS  # noqa: E402
from nasbench_kit.training.batches import image_order  # noqa: E402
from nasbench_kit.training.datasets import PARTS, load_digits  # noqa: E402
from nasbench_kit.training.recipes import Recipe, learning_rate  # noqa: E402
from nasbench_kit.training.stacked import initial_network, train_stacked  # noqa: E402
from nasbench_kit.training.tables import making  # noqa: E402

SPACE, SKELETON = nk.space("nb201"), SKELETONS["digits"]
ALL_OPERATIONS = [[2, 1, 2, 2, 3, 1], [3, 2, 4, 1, 0, 2], [0, 3, 0, 4, 4, 4], [0, 0, 3, 0, 0, 2], [0, 0, 0, 0, 0, 0]]


def test_the_split_is_stratified_and_the_recorded_one():
    digits = load_digits()
    assert [len(digits.part(name)) for name in PARTS] == [1000, 397, 400]
    whole = np.bincount(digits.labels)
    for name in PARTS:
        counts = np.bincount(digits.labels[digits.part(name)])
        assert abs(counts - whole * len(digits.part(name)) / 1797).max() <= 1.5
    assert digits.split == nk.open("nb201-digits").info["split"]
    train = digits.images[digits.part("train")]
    assert train.mean() == pytest.approx(0, abs=1e-5)
    assert train.std() == pytest.approx(1, abs=1e-5)


def plain_training(number, genes, seed, recipe, dtype):
    """One network in an ordinary loop."""
    digits = load_digits()
    images, labels = torch.from_numpy(digits.images).to(dtype), torch.from_numpy(digits.labels)
    where = {name: torch.from_numpy(digits.part(name)) for name in PARTS}
    network = initial_network(number, genes, SKELETON, seed).to(dtype)
    optimiser = torch.optim.SGD(
        network.parameters(), lr=0.1, momentum=recipe.momentum, nesterov=True, weight_decay=recipe.weight_decay
    )
    found = {f"{part}_{metric}": [] for part in PARTS for metric in ("accuracy", "loss")}
    for epoch in range(recipe.epochs):
        network.train()
        order = where["train"][image_order(seed, epoch, 1000)]
        for step in range(10):
            optimiser.param_groups[0]["lr"] = learning_rate(recipe, epoch * 10 + step, recipe.epochs, 10)
            batch = order[step * 100 : (step + 1) * 100]
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(network(images[batch]), labels[batch]).backward()
            optimiser.step()
        network.eval()
        with torch.no_grad():
            logits = network(images)
        for part in PARTS:
            chosen = logits[where[part]]
            found[f"{part}_accuracy"].append(100 * (chosen.argmax(1) == labels[where[part]]).double().mean().item())
            found[f"{part}_loss"].append(torch.nn.functional.cross_entropy(chosen, labels[where[part]]).item())
    return found


def test_stacked_training_equals_a_plain_loop():
    torch.set_default_dtype(torch.float64)
    rows = np.array(ALL_OPERATIONS, dtype=np.uint8)
    recipe, seeds = Recipe(epochs=2), (0, 5)
    stacked = train_stacked(SPACE.number(rows), rows, SKELETON, load_digits(), recipe, seeds)
    for i, row in enumerate(rows.tolist()):
        for s, seed in enumerate(seeds):
            plain = plain_training(int(SPACE.number(rows)[i]), row, seed, recipe, torch.float64)
            for name, values in plain.items():
                np.testing.assert_allclose(
                    stacked[name][i, :, s], values, rtol=1e-7, atol=1e-9, err_msg=f"{name} of {row}"
                )


def test_a_network_is_trained_the_same_whatever_is_beside_it():
    rows = np.array(ALL_OPERATIONS, dtype=np.uint8)
    recipe, seeds = Recipe(epochs=1), (0, 1)
    together = train_stacked(SPACE.number(rows), rows, SKELETON, load_digits(), recipe, seeds)
    again = train_stacked(SPACE.number(rows), rows, SKELETON, load_digits(), recipe, seeds)
    alone = train_stacked(SPACE.number(rows[1:3]), rows[1:3], SKELETON, load_digits(), recipe, seeds)
    for name in together:
        np.testing.assert_array_equal(together[name], again[name])
        np.testing.assert_allclose(together[name][1:3], alone[name], rtol=1e-5)


def test_costs_are_those_of_the_network():
    for genes in SPACE.sample(20, 0):
        network = initial_network(0, genes.tolist(), SKELETON, 0)
        params = sum(p.numel() for p in network.parameters())
        assert SPACE.cost(genes, "params", dataset="digits")[0] == params
        flops = []

        def count(module, _inputs, output, flops=flops):
            if isinstance(module, torch.nn.Conv2d):
                flops.append(output[0].numel() * module.weight[0].numel())
            elif isinstance(module, torch.nn.Linear):
                flops.append(module.weight.numel() + module.bias.numel())

        for module in network.modules():
            module.register_forward_hook(count)
        network.eval()(torch.zeros(1, 1, 8, 8))
        assert SPACE.cost(genes, "flops", dataset="digits")[0] == sum(flops)


def test_training_goes_on_where_it_was_and_refuses_another_recipe(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(making, "networks_a_stack", lambda setting, seeds: 5)
    output = tmp_path / "mine.h5"
    words = [
        "train",
        "nb201",
        "--sample",
        "7",
        "--epochs",
        "1",
        "--seeds",
        "1",
        "--output",
        str(output),
        "--processes",
        "1",
    ]
    assert main([*words, "--json"]) == 0
    info = json.loads(capsys.readouterr().out)
    assert info["architectures"] == 7
    assert info["recipe"]["epochs"] == 1
    first = nk.open(output)
    parts = sorted((tmp_path / "mine.h5.parts").glob("part-*.npz"))
    assert len(parts) == 2
    kept = parts[0].stat().st_mtime_ns
    parts[1].unlink()
    expected = first.query(first.architectures, ["valid_accuracy", "test_loss"])
    assert main(words) == 0
    assert parts[0].stat().st_mtime_ns == kept
    again = nk.open(output)
    np.testing.assert_array_equal(again.query(again.architectures, ["valid_accuracy", "test_loss"]), expected)
    words[words.index("--epochs") + 1] = "2"
    assert main(words) == 2
    assert "epochs is 1 there and 2 now" in capsys.readouterr().err


def retrained(tmp_path, *words):
    """Entries of the bundled table again, by the command that it was made with."""
    assert main(["train", "nb201", "--dataset", "digits", *words, "--output", str(tmp_path / "again.h5")]) == 0
    again, bundled = nk.open(tmp_path / "again.h5"), nk.open("nb201-digits")
    X = again.architectures
    assert (bundled.architectures[:, None] == X).all(axis=2).any(axis=0).all()
    for name in ("seeds", "epochs", "learning_rate", "momentum", "weight_decay", "batch_size"):
        assert again.info["recipe"][name] == bundled.info["recipe"][name]
    assert again.info["split"] == bundled.info["split"]
    assert again.metrics("digits") == bundled.metrics("digits")
    for name in ("params", "flops"):
        np.testing.assert_array_equal(again.query(X, name), bundled.query(X, name))
    found = {}
    for name in [f"{part}_{metric}" for part in PARTS for metric in ("accuracy", "loss")]:
        found[name] = np.array(
            [
                [[bench.query(X, name, epochs=e, seed=s) for s in bench.seeds()] for e in bench.epochs("digits", name)]
                for bench in (again, bundled)
            ]
        )  # (again and bundled, epochs, seeds, networks)
    return found


def assert_the_same_but_for_rounding(found):
    """Rounding is amplified from step to step: after an epoch it is small, at the end a mean over seeds moves a little."""
    np.testing.assert_allclose(*found["train_loss"][:, 0], rtol=0.02)
    for part in PARTS:
        np.testing.assert_allclose(*found[f"{part}_accuracy"][:, -1].mean(axis=1), atol=3)


def test_a_stack_of_the_bundled_table_comes_out_again(tmp_path):
    """The last stack that the table was trained in: to the last bit where the processor rounds as the one that made it."""
    bundled = nk.open("nb201-digits")
    last = bundled.architectures[len(bundled) // 40 * 40 :]
    (tmp_path / "last.txt").write_text("\n".join(bundled.space.decode(last)))
    found = retrained(tmp_path, "--file", str(tmp_path / "last.txt"), "--processes", "1")
    assert found["train_loss"].shape == (2, 8, 3, 4)
    assert_the_same_but_for_rounding(found)
    if (found["train_loss"][0, 0] == found["train_loss"][1, 0]).all():
        for name, (again, there) in found.items():
            np.testing.assert_array_equal(again, there, err_msg=name)


def test_a_sample_of_the_bundled_table_comes_out_again(tmp_path):
    """In a stack with other networks, which may round otherwise."""
    assert_the_same_but_for_rounding(retrained(tmp_path, "--sample", "4"))
