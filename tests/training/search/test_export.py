"""Networks written out: the same training, the same network in every file, and nothing that is run on reading."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle

import numpy as np
import pytest

import nasbench_kit as nk

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from nasbench_kit.training.recipes import Recipe  # noqa: E402
from nasbench_kit.training.search.export import export_front, export_network, load_network  # noqa: E402
from nasbench_kit.training.search.jobs import TrainingJob, trained  # noqa: E402
from nasbench_kit.training.setting import make_setting  # noqa: E402
from nasbench_kit.training.trainer import METRICS  # noqa: E402
from tests.training.spaces import TRAINABLE  # noqa: E402

pytestmark = pytest.mark.usefixtures("few_digits")


def small_setting(name="genetic-cnn", epochs=1):
    return make_setting(name, "digits", recipe=Recipe(epochs=epochs, batch_size=25))


def test_images(setting):
    data, part = setting.data, setting.data.part("test")
    images = (data.images[part] - data.mean[:, None, None]) / data.std[:, None, None]
    return torch.from_numpy(images.astype(np.float32)), torch.from_numpy(data.labels[part])


test_images.__test__ = False


# these have all kinds of layers; reading a program takes longer than training the network
PROGRAMS = (
    "nas-bench-macro",
    "nb101",
    "nb201",
    "genetic-cnn",
    "nsga-net-macro",
    "transnas-micro",
    "accel-nasbench",
    "darts",
)


@pytest.mark.parametrize("name", TRAINABLE)
def test_the_files_are_the_network_that_was_measured(name, tmp_path):
    setting, space = small_setting(name), nk.space(name)
    x = space.sample(1, 5)
    exported = export_network(setting, x, tmp_path / "n", device="cpu")
    assert set(exported.files) == {path.name for path in (tmp_path / "n").iterdir()}
    description = json.loads((tmp_path / "n" / "network.json").read_text())
    assert description["metrics"] == exported.metrics
    np.testing.assert_array_equal(space.encode([description["native"]]), space.canonical(x))
    images, labels = test_images(setting)
    network = load_network(tmp_path / "n")
    with torch.no_grad():
        logits = network(images)
        if name in PROGRAMS:
            alone = torch.export.load(tmp_path / "n" / "network.pt2").module()
            np.testing.assert_allclose(alone(images), logits, rtol=1e-4, atol=1e-5)
            assert alone(images[:1]).shape == (1, 10)
    assert 100 * (logits.argmax(dim=1) == labels).sum().item() / len(labels) == exported.metrics["test_accuracy"]
    loss = torch.nn.functional.cross_entropy(logits, labels).item()
    assert loss == pytest.approx(exported.metrics["test_loss"], rel=1e-5)
    assert sum(p.numel() for p in network.parameters()) == exported.metrics["params"]
    if importlib.util.find_spec("matplotlib"):
        assert (tmp_path / "n" / "network.svg").read_text().startswith("<?xml")


def test_the_training_is_that_of_the_search(any_program, tmp_path):
    setting = small_setting("nb201")
    exported = export_network(setting, nk.space("nb201").sample(1, 5), tmp_path / "n", device="cpu")
    job = TrainingJob(tuple(exported.genotype[0].tolist()), 0, 1, str(tmp_path / "c.pt"))
    assert exported.metrics["test_loss"] == trained(setting, "cpu", job)[0, METRICS.index("test_loss")]


def test_onnx(tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    setting = small_setting("nsga-net-macro")
    exported = export_network(setting, nk.space("nsga-net-macro").sample(1, 0), tmp_path / "n", device="cpu", onnx=True)
    images, labels = test_images(setting)
    session = runtime.InferenceSession(str(tmp_path / "n" / "network.onnx"), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"images": images.numpy()})
    assert 100 * (logits.argmax(axis=1) == labels.numpy()).sum() / len(labels) == exported.metrics["test_accuracy"]
    with torch.no_grad():
        np.testing.assert_allclose(logits, load_network(tmp_path / "n")(images), rtol=1e-3, atol=1e-4)
    assert session.run(None, {"images": images[:3].numpy()})[0].shape == (3, 10)


def test_without_onnx_one_line_says_what_to_install(tmp_path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnx" else real(name))
    with pytest.raises(nk.MissingExtra, match=r"needs the extra 'onnx'"):
        export_network(small_setting(), nk.space("genetic-cnn").sample(1, 0), tmp_path / "n", onnx=True)
    assert not (tmp_path / "n").exists()


def test_a_longer_training_and_no_picture_without_matplotlib(any_program, tmp_path, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else real(name))
    x = nk.space("genetic-cnn").sample(1, 0)
    exported = export_network(small_setting(), x, tmp_path / "n", epochs=3, device="cpu")
    assert not exported.same_training
    assert "network.svg" not in exported.files
    same = export_network(small_setting(epochs=3), x, tmp_path / "m", device="cpu")
    assert same.same_training
    timeless = [{k: v for k, v in e.metrics.items() if k != "training_time"} for e in (exported, same)]
    assert timeless[0] == timeless[1]


def test_a_front_is_numbered(any_program, tmp_path):
    space = nk.space("genetic-cnn")
    X = np.unique(space.canonical(space.sample(20, 0)), axis=0)[:4]
    metrics = {"valid_accuracy": np.array([80.0, 90.0, 70.0, np.nan]), "flops": np.array([5.0, 9.0, 8.0, 1.0])}
    found = export_front(small_setting(), X, metrics, ["valid_accuracy", "flops"], tmp_path / "f", device="cpu")
    assert [e.folder.name for e in found] == ["01", "02"]
    np.testing.assert_array_equal(found[0].genotype[0], X[1])
    lines = (tmp_path / "f" / "front.csv").read_text().splitlines()
    assert lines[0] == "number,valid_accuracy,flops,native"
    assert [line.split(",")[:3] for line in lines[1:]] == [["01", "90.0", "9.0"], ["02", "80.0", "5.0"]]
    (best,) = export_front(small_setting(), X, metrics, ["valid_accuracy"], tmp_path / "b", device="cpu")
    assert best.folder == tmp_path / "b"
    np.testing.assert_array_equal(best.genotype[0], X[1])
    with pytest.raises(ValueError, match="none was fully trained"):
        export_front(small_setting(), X[3:], {k: v[3:] for k, v in metrics.items()}, ["valid_accuracy"], tmp_path / "z")


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_reading_runs_nothing_and_refuses_what_is_no_network(any_program, tmp_path):
    folder = tmp_path / "n"
    export_network(small_setting(), nk.space("genetic-cnn").sample(1, 0), folder, device="cpu")
    right = (folder / "network.pt").read_bytes()
    (folder / "network.pt").write_bytes(pickle.dumps(Bomb(str(tmp_path / "boom")), protocol=2))
    with pytest.raises(nk.StoreError, match="has no readable network"):
        load_network(folder)
    assert not (tmp_path / "boom").exists()
    (folder / "network.pt").write_bytes(right[:1000])
    with pytest.raises(nk.StoreError, match="has no readable network"):
        load_network(folder)
    (folder / "network.pt").write_bytes(right)
    (folder / "network.json").write_text("{}")
    with pytest.raises(nk.StoreError, match="has no readable network"):
        load_network(folder)
    (tmp_path / "file").write_text("x")
    with pytest.raises(nk.StoreError, match="cannot be created"):
        export_network(small_setting(), nk.space("genetic-cnn").sample(1, 0), tmp_path / "file" / "n")


@pytest.mark.parametrize("name", ["network.pt", "network.json"])
def test_no_flipped_bit_of_an_exported_network_is_read(any_program, tmp_path, name):
    export_network(small_setting(), nk.space("genetic-cnn").sample(1, 0), tmp_path, device="cpu")
    load_network(tmp_path)
    whole = (tmp_path / name).read_bytes()
    for position in np.random.default_rng(0).choice(8 * len(whole), 60, replace=False).tolist():
        damaged = bytearray(whole)
        damaged[position // 8] ^= 1 << position % 8
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(nk.StoreError, match="no readable network"):
            load_network(tmp_path)
