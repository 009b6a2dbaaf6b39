"""The trainer of any network: the tables' definition, a step by hand, the same bits for a seed, and kills at any moment."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import resource
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import nasbench_kit as nk

torch = pytest.importorskip("torch", reason="training needs torch")
pytest.importorskip("sklearn", reason="training needs scikit-learn")

from torch import nn  # noqa: E402

from nasbench_kit.spaces.nb201.cost import SKELETONS  # noqa: E402
from nasbench_kit.training import workers  # noqa: E402
from nasbench_kit.training.checkpoint import FORMAT  # noqa: E402
from nasbench_kit.training.datasets import from_arrays, load_digits  # noqa: E402
from nasbench_kit.training.recipes import Recipe, recipe  # noqa: E402
from nasbench_kit.training.stacked import initial_network, train_stacked  # noqa: E402
from nasbench_kit.training.trainer import find_device, train  # noqa: E402

SPACE, SKELETON = nk.space("nb201"), SKELETONS["digits"]
ALL_OPERATIONS = [[2, 1, 2, 2, 3, 1], [3, 2, 4, 1, 0, 2], [0, 0, 0, 0, 0, 0]]
# everything that draws, remembers or moves
BUSY = Recipe(
    epochs=6, batch_size=20, augmentation="crop-flip", cutout=3, warmup_epochs=1, label_smoothing=0.1, clip=1.0
)


def small_data(seed=0, size=100):
    rng = np.random.default_rng(seed)
    labels = np.arange(size) % 3
    images = rng.integers(0, 100, (size, 2, 8, 8)) + 50 * labels[:, None, None, None]
    return from_arrays(images, labels, name="small")


def small_network(seed=0, classes=3, channels=2):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(channels, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(16, classes),
        )


def assert_same(one, other):
    for name, values in one.metrics.items():
        np.testing.assert_array_equal(values, other.metrics[name], err_msg=name)
    assert list(one.state) == list(other.state)
    for name, value in one.state.items():
        assert torch.equal(value, other.state[name]), name


# ---------------------------------------------------------------- what is computed


def test_the_trainer_is_the_stacked_one():
    torch.set_default_dtype(torch.float64)
    rows = np.array(ALL_OPERATIONS, dtype=np.uint8)
    how, seeds, data = dataclasses.replace(recipe("digits"), epochs=2), (0, 5), load_digits()
    stacked = train_stacked(SPACE.number(rows), rows, SKELETON, data, how, seeds)
    for i, row in enumerate(rows.tolist()):
        for s, seed in enumerate(seeds):
            network = initial_network(int(SPACE.number(rows)[i]), row, SKELETON, seed)
            found = train(network, data, how, seed=seed, device="cpu")
            for name, values in found.metrics.items():
                np.testing.assert_allclose(
                    values, stacked[name][i, :, s], rtol=1e-7, atol=1e-9, err_msg=f"{name} of {row}"
                )


def test_an_entry_of_the_bundled_table_comes_out_again():
    """Up to rounding: the stacked trainer that made the table sums in another order, and training amplifies the difference."""
    bench = nk.open("nb201-digits")
    row = bench.architectures[2500:2501]
    network = initial_network(int(SPACE.number(row)[0]), row[0].tolist(), SKELETON, 1)
    found = train(network, load_digits(), "digits", seed=1, device="cpu")
    assert found.metrics["valid_accuracy"].shape == (8,)
    assert found.metrics["train_loss"][0] == pytest.approx(
        bench.query(row, "train_loss", epochs=1, seed=1)[0], rel=0.02
    )
    for epochs, values in ((1, 2.0), (8, 3.0)):
        stored = bench.query(row, "valid_accuracy", epochs=epochs, seed=1)[0]
        assert found.metrics["valid_accuracy"][epochs - 1] == pytest.approx(stored, abs=values)


class Two(nn.Module):
    """A linear classifier with an auxiliary head."""

    def __init__(self):
        super().__init__()
        self.main, self.second = nn.Linear(2 * 8 * 8, 3), nn.Linear(2 * 8 * 8, 3)

    def forward(self, images):
        flat = images.flatten(1)
        return (self.main(flat), self.second(flat)) if self.training else self.main(flat)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"weight_decay": 0.1},
        {"label_smoothing": 0.2},
        {"clip": 0.01},
        {"auxiliary": 0.4},
        {"auxiliary": 0.4, "clip": 0.5, "label_smoothing": 0.1, "weight_decay": 0.2},
    ],
)
def test_one_step_by_hand(settings):
    data = small_data()
    torch.manual_seed(3)
    network = Two().double()
    plain = {
        "epochs": 1,
        "batch_size": 60,
        "learning_rate": 0.3,
        "momentum": 0.0,
        "nesterov": False,
        "weight_decay": 0.0,
    }
    how = Recipe(**{**plain, "schedule": "constant", **settings})
    found = train(network, data, how, device="cpu")
    part = data.part("train")
    pixels = (data.images[part].astype(float) - data.mean.reshape(-1, 1, 1)) / data.std.reshape(-1, 1, 1)
    images, labels = torch.from_numpy(pixels).flatten(1), torch.from_numpy(data.labels[part])
    targets = nn.functional.one_hot(labels, 3).double() * (1 - how.label_smoothing) + how.label_smoothing / 3
    loss = -(network.main(images).log_softmax(1) * targets).sum(1).mean()
    loss = loss - how.auxiliary * (network.second(images).log_softmax(1) * targets).sum(1).mean()
    parameters = dict(network.named_parameters())
    gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True, materialize_grads=True)
    norm = torch.sqrt(sum((g**2).sum() for g in gradients))
    factor = min(1.0, how.clip / (norm + 1e-6)) if how.clip else 1.0
    for (name, before), gradient in zip(parameters.items(), gradients, strict=True):
        decay = (
            0.0 if name.startswith("second") and not how.auxiliary else how.weight_decay
        )  # it has no gradient at all
        expected = before - 0.3 * (factor * gradient + decay * before)
        torch.testing.assert_close(found.state[name], expected.detach(), rtol=1e-6, atol=1e-9)
    logits = nn.functional.linear(images, found.state["main.weight"], found.state["main.bias"])
    assert found.metrics["train_loss"][0] == pytest.approx(nn.functional.cross_entropy(logits, labels).item())
    assert found.metrics["train_accuracy"][0] == pytest.approx(
        100 * (logits.argmax(1) == labels).double().mean().item()
    )


def test_each_part_is_measured_on_its_own_images():
    data = small_data(size=300)
    wrong = data.labels.copy()
    wrong[data.part("valid")] = (wrong[data.part("valid")] + 1) % 3
    found = train(
        small_network(), dataclasses.replace(data, labels=wrong), Recipe(epochs=5, batch_size=20), device="cpu"
    )
    assert found.metrics["test_accuracy"][-1] > 90
    assert found.metrics["train_accuracy"][-1] > 90
    assert found.metrics["valid_accuracy"][-1] < 10
    none = dataclasses.replace(data, split=data.split.replace("v", "r"))
    found = train(small_network(), none, Recipe(epochs=1), device="cpu")
    assert np.isnan(found.metrics["valid_accuracy"]).all()
    assert np.isnan(found.metrics["valid_loss"]).all()
    assert np.isfinite(found.metrics["test_loss"]).all()


def test_a_last_batch_of_one_image_is_left_out():
    data = small_data(size=35)  # 21 to train on
    seen = []
    network = small_network()
    network.register_forward_hook(lambda module, images, _: seen.append((module.training, len(images[0]))))
    train(network, data, Recipe(epochs=1, batch_size=10), device="cpu")
    assert [count for training, count in seen if training] == [10, 10]
    seen.clear()
    train(network, data, Recipe(epochs=1, batch_size=9), device="cpu")
    assert [count for training, count in seen if training] == [9, 9, 3]


# ---------------------------------------------------------------- seeds and budgets


@pytest.mark.parametrize("optimiser", ["sgd", "rmsprop", "adam"])
def test_a_seed_decides_about_every_bit(optimiser):
    how = dataclasses.replace(BUSY, optimiser=optimiser, epochs=2, learning_rate=0.01)
    data, network = small_data(), small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    images = data.images.copy()
    torch.manual_seed(17)
    expected = torch.rand(3)
    torch.manual_seed(17)
    one = train(network, data, how, seed=4, device="cpu")
    assert torch.equal(torch.rand(3), expected)  # the global generator is where it was
    assert_same(one, train(network, data, how, seed=4, device="cpu"))
    other = train(network, data, how, seed=5, device="cpu")
    assert not torch.equal(one.state["0.weight"], other.state["0.weight"])
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    assert network.training
    np.testing.assert_array_equal(data.images, images)


def test_two_kinds_of_a_small_budget():
    data, network = small_data(), small_network()
    whole = train(network, data, BUSY, device="cpu")
    stopped = train(network, data, BUSY, stop_after=3, device="cpu")
    short = train(network, data, BUSY, epochs=3, device="cpu")
    assert (stopped.epochs, short.epochs) == (6, 3)
    for name, values in whole.metrics.items():
        np.testing.assert_array_equal(stopped.metrics[name], values[:3])
    assert not np.array_equal(short.metrics["train_loss"], stopped.metrics["train_loss"])
    assert_same(short, train(network, data, dataclasses.replace(BUSY, epochs=3), device="cpu"))
    assert whole.seconds.shape == (6,)
    assert (whole.seconds > 0).all()
    for options in ({"stop_after": 7}, {"stop_after": 0}, {"epochs": 0}, {"epochs": 2, "stop_after": 3}):
        with pytest.raises(ValueError, match=r"can stop after epoch 1 to"):
            train(network, data, BUSY, device="cpu", **options)
    rare = train(network, data, BUSY, evaluate_every=4, device="cpu")
    for name, values in whole.metrics.items():
        np.testing.assert_array_equal(rare.metrics[name], np.where(np.isin(range(6), (3, 5)), values, np.nan))
    assert torch.equal(rare.state["0.weight"], whole.state["0.weight"])
    with pytest.raises(ValueError, match="seed must be at least 0"):
        train(network, data, BUSY, seed=-1, device="cpu")


# ---------------------------------------------------------------- checkpoints


class Killed(Exception):
    pass


def kill_after(epochs):
    def progress(done, _):
        if done == epochs:
            raise Killed

    return progress


@pytest.mark.parametrize("optimiser", ["sgd", "rmsprop", "adam"])
@pytest.mark.parametrize("every", [1, 2])
def test_killed_and_resumed_is_as_if_nothing_had_been(tmp_path, optimiser, every):
    how = dataclasses.replace(BUSY, optimiser=optimiser, learning_rate=0.01)
    data, network, path = small_data(), small_network(), tmp_path / "state.pt"
    whole = train(network, data, how, seed=2, device="cpu")
    for epochs in (1, 3, 4):
        with pytest.raises(Killed):
            train(network, data, how, seed=2, device="cpu", checkpoint=path, checkpoint_every=every,
                  progress=kill_after(epochs))  # fmt: skip
    calls = []
    resumed = train(network, data, how, seed=2, device="cpu", checkpoint=path, checkpoint_every=every,
                    progress=lambda done, total: calls.append((done, total)))  # fmt: skip
    assert calls[0] == (4 // every * every, 6)
    assert_same(resumed, whole)
    calls.clear()
    assert_same(train(network, data, how, seed=2, device="cpu", checkpoint=path,
                      progress=lambda *call: calls.append(call)), whole)  # fmt: skip
    assert calls == [(6, 6)]  # done is done
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def test_a_training_that_was_stopped_early_can_go_on(tmp_path):
    data, network, path = small_data(), small_network(), tmp_path / "state.pt"
    for epochs in (1, 2, 4):
        found = train(network, data, BUSY, stop_after=epochs, checkpoint=path, checkpoint_every=3, device="cpu")
        assert len(found.seconds) == epochs
    assert_same(train(network, data, BUSY, checkpoint=path, device="cpu"), train(network, data, BUSY, device="cpu"))


class Wired(nn.Module):
    """Two layers with the same modules, wired in one of two ways."""

    def __init__(self, twice):
        super().__init__()
        self.twice = twice
        self.layer, self.head = nn.Linear(128, 128), nn.Linear(128, 3)

    def forward(self, images):
        x = self.layer(images.flatten(1))
        return self.head(self.layer(x) if self.twice else x)


def wired(twice):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Wired(twice)


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "state.pt"
    right = {"network": wired(False), "dataset": small_data(), "recipe": BUSY, "seed": 0, "epochs": 2, "device": "cpu"}
    train(**right, checkpoint=path)
    content = path.read_bytes()
    for change, message in (
        ({"recipe": dataclasses.replace(BUSY, clip=2.0)}, "clip is 1.0 there and 2.0 now"),
        ({"recipe": dataclasses.replace(BUSY, milestones=(0.5,))}, "milestones is"),
        ({"epochs": 3}, "epochs is 2 there and 3 now"),
        ({"seed": 1}, "seed is 0 there and 1 now"),
        ({"mixed": True}, "mixed is False there and True now"),
        ({"dataset": small_data(1)}, "images is '"),
        ({"network": small_network()}, "network is '"),
        ({"network": Two()}, "network is '"),
        ({"network": wired(True)}, "the network has the same weights but different wiring"),
    ):
        with pytest.raises(nk.StoreError, match=message) as caught:
            train(**{**right, **change}, checkpoint=path)
        assert "is the checkpoint of another training" in str(caught.value)
        assert "delete it" in str(caught.value)
    changed = wired(False)
    with torch.no_grad():
        changed.head.bias[0] += 1e-3
    with pytest.raises(nk.StoreError, match="initial weights is"):
        train(**{**right, "network": changed}, checkpoint=path)
    assert path.read_bytes() == content


def test_files_that_are_no_checkpoint(tmp_path):
    path = tmp_path / "state.pt"
    arguments = {"network": small_network(), "dataset": small_data(), "recipe": BUSY, "epochs": 1, "device": "cpu"}
    train(**arguments, checkpoint=path)
    whole = path.read_bytes()
    refusal = r"state.pt (cannot be read as a|is not a training) checkpoint.*delete it"
    for content in (b"", b"no checkpoint", whole[:200], whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(nk.StoreError, match=refusal):
            train(**arguments, checkpoint=path)
    for content in ({"weights": torch.zeros(2)}, {"format": Killed()}):  # the second would have to run code to be read
        torch.save(content, path)
        with pytest.raises(nk.StoreError, match="is not a training checkpoint"):
            train(**arguments, checkpoint=path)
        image = path.read_bytes()
        path.write_bytes(f"{FORMAT}\n{hashlib.sha256(image).hexdigest()}\n".encode() + image)
        with pytest.raises(nk.StoreError, match=refusal):
            train(**arguments, checkpoint=path)
    with pytest.raises(nk.StoreError, match="there is no folder"):
        train(**arguments, checkpoint=tmp_path / "none" / "state.pt")
    with pytest.raises(nk.StoreError, match="is a folder"):
        train(**arguments, checkpoint=tmp_path)


def train_for_long(path, told):
    """In another process."""
    torch.set_num_threads(1)
    train(
        small_network(),
        small_data(),
        BUSY,
        epochs=10**6,
        device="cpu",
        checkpoint=path,
        stop_after=4000,
        progress=lambda done, _: told.send(done),
    )


def test_killed_by_the_system(tmp_path):
    path = tmp_path / "state.pt"
    done, begun = 0, []
    for delay in (0.003, 0.007):  # an epoch with its checkpoint takes about that long: anywhere in it
        heard, told = workers._context().Pipe(duplex=False)
        process = workers._context().Process(target=train_for_long, args=(path, told), daemon=True)
        process.start()
        begun.append(heard.recv())
        while done < begun[-1] + 5:
            done = heard.recv()
        time.sleep(delay)
        process.kill()
        process.join()
        while heard.poll():
            done = heard.recv()
    assert begun[0] == 0
    assert begun[1] >= 5
    arguments = {"epochs": 10**6, "stop_after": done + 5, "device": "cpu"}
    assert_same(
        train(small_network(), small_data(), BUSY, checkpoint=path, **arguments),
        train(small_network(), small_data(), BUSY, **arguments),
    )


def test_a_disk_that_is_full(tmp_path):
    """Simulated by a limit on the file size: one clear error, and the old checkpoint is kept."""
    target = tmp_path / "kept.pt"
    data, network = small_data(), small_network()
    train(network, data, BUSY, device="cpu", stop_after=1, checkpoint=target)
    before = target.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limit[1]))
        with pytest.raises(nk.StoreError, match=r"kept\.pt cannot be written: File too large"):
            train(network, data, BUSY, device="cpu", checkpoint=target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["kept.pt"]


def test_a_write_that_is_cut_short_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    data, network, path = small_data(), small_network(), tmp_path / "state.pt"
    train(network, data, BUSY, stop_after=2, checkpoint=path, device="cpu")
    right, write = path.read_bytes(), Path.write_bytes

    def cut_short(target, content):
        write(target, content[:-100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", cut_short)
    with pytest.raises(nk.StoreError, match=r"state.pt cannot be written: No space left on device"):
        train(network, data, BUSY, checkpoint=path, device="cpu")
    assert path.read_bytes() == right
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]
    monkeypatch.undo()
    assert_same(train(network, data, BUSY, checkpoint=path, device="cpu"), train(network, data, BUSY, device="cpu"))


# ---------------------------------------------------------------- devices, precision, processes


def test_mixed_precision_and_what_it_changes(tmp_path):
    data, network = small_data(size=300), small_network()
    how = Recipe(epochs=5, batch_size=20)
    full = train(network, data, how, device="cpu")
    mixed = train(network, data, how, device="cpu", mixed=True)
    assert not torch.equal(full.state["0.weight"], mixed.state["0.weight"])
    assert all(value.dtype != torch.bfloat16 for value in mixed.state.values())
    assert mixed.metrics["test_accuracy"][-1] > 90
    np.testing.assert_allclose(mixed.metrics["train_loss"], full.metrics["train_loss"], atol=0.1)


def test_devices_that_are_not_there():
    for name in ("gpu", "cuda:99", "cpu:1", "meta"):
        with pytest.raises(nk.UnknownName, match=f"unknown device '{name}'.*Available: .*cpu"):
            find_device(name)
    assert find_device("cpu") == torch.device("cpu")
    assert find_device(None).type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_on_the_gpu(tmp_path):
    data, network, how = small_data(size=300), small_network(), dataclasses.replace(BUSY, label_smoothing=0.0, cutout=0)
    for mixed in (True, False):
        path = tmp_path / f"{mixed}.pt"
        with pytest.raises(Killed):
            train(network, data, how, device="cuda", mixed=mixed, checkpoint=path, progress=kill_after(3))
        found = train(network, data, how, device="cuda", mixed=mixed, checkpoint=path)
        assert found.device.startswith("cuda")
        assert all(value.device.type == "cpu" for value in found.state.values())
        assert found.metrics["test_accuracy"][-1] > 80


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (small_network(classes=4), r"the network returns \(2, 4\) for 2 images, not \(2, 3\): small has 3 classes"),
        (small_network(channels=3), r"cannot be applied to images of shape \(2, 8, 8\): .*channels"),
        (nn.Flatten(), r"the network returns \(2, 128\)"),
    ],
)
def test_networks_that_do_not_fit(network, message):
    with pytest.raises(ValueError, match=message):
        train(network, small_data(), BUSY, device="cpu")


def test_the_stacked_trainer_refuses_what_it_does_not_do():
    rows = np.array(ALL_OPERATIONS[:1], dtype=np.uint8)
    for how, data, message in (
        (Recipe(clip=1.0), load_digits(), "stacked training needs SGD"),
        (recipe("nb201"), load_digits(), "stacked training needs SGD"),
        (Recipe(batch_size=300), load_digits(), "batch_size 300 must divide the 1000"),
        (Recipe(batch_size=20), small_data(), "stacked training needs standardised images"),
    ):
        with pytest.raises(ValueError, match=message):
            train_stacked(SPACE.number(rows), rows, SKELETON, data, how)


def test_what_the_docs_show_runs(few_digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[2] / "docs" / "training.md"
    namespace = {"__name__": "page"}
    for code in re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL):
        exec(compile(code, str(page), "exec"), namespace)
    assert namespace["training"].metrics["valid_accuracy"].shape == (8,)
    assert (tmp_path / "digits.pt").exists()


def test_no_flipped_bit_resumes(tmp_path):
    path = tmp_path / "state.pt"
    arguments = {"network": small_network(), "dataset": small_data(), "recipe": BUSY, "epochs": 2, "device": "cpu"}
    train(**arguments, checkpoint=path, stop_after=1)
    whole = path.read_bytes()
    for position in np.random.default_rng(0).choice(8 * len(whole), 100, replace=False).tolist():
        damaged = bytearray(whole)
        damaged[position // 8] ^= 1 << position % 8
        path.write_bytes(damaged)
        with pytest.raises(nk.StoreError, match="checkpoint"):
            train(**arguments, checkpoint=path)
    path.write_bytes(whole)
    train(**arguments, checkpoint=path)
