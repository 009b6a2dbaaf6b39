"""Datasets: intact and damaged published files, splits, and user-supplied arrays. No torch is needed."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import sys
from dataclasses import replace

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.training.datasets import PARTS, cifar, datasets, digits, from_arrays, imagenet16, load_dataset
from nasbench_kit.training.datasets.dataset import channel_statistics, stratified_split
from tests.official.images import cifar_files, python2_pickle, write_cifar, write_cifar_tar, write_imagenet16

PACKED = "cifar-10-python.tar.gz"


@pytest.fixture(scope="module")
def files():
    return {10: cifar_files(10, 100, 40), 100: cifar_files(100, 500, 200)}


@pytest.fixture
def folder(tmp_path, files):
    write_cifar(tmp_path / "cifar-10-batches-py", files[10])
    write_cifar(tmp_path / "cifar-100-python", files[100])
    return tmp_path


def with_checksums(archive, files):
    md5 = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
    return replace(archive, files=md5)


def sizes(dataset):
    return [len(dataset.part(part)) for part in PARTS]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cifar10-valid", [50, 50, 40]),
        ("cifar10", [100, 0, 40]),
        ("cifar10-40k", [80, 20, 40]),
        ("cifar100", [500, 100, 100]),
        ("cifar100-40k", [400, 100, 200]),
    ],
)
def test_cifar_and_its_splits(folder, files, name, expected):
    data = load_dataset(name, folder, verify=False)
    assert data.name == name
    assert sizes(data) == expected
    assert data.shape == (3, 32, 32)
    # every part has every class equally often, and no image is in two parts
    for part in PARTS:
        assert len(set(np.bincount(data.labels[data.part(part)], minlength=data.classes))) == 1
    assert len(data.split) == sum(expected)
    assert load_dataset(name, folder, verify=False).digest == data.digest
    # images are in the official order: the first 3072 bytes are the first image, red first
    first = "data_batch_1" if data.classes == 10 else "train"
    batch = pickle.loads(files[data.classes][first], encoding="latin1")
    np.testing.assert_array_equal(data.images[0, 0].ravel(), batch["data"][0, :1024])
    np.testing.assert_array_equal(data.labels[:10], batch["labels" if data.classes == 10 else "fine_labels"][:10])
    # test images are the official ones
    official_test = np.arange(len(data.labels)) >= (100 if data.classes == 10 else 500)
    assert official_test[data.part("test")].all()
    assert not official_test[data.part("train")].any()
    train = data.images[data.part("train")].astype(np.float64)
    np.testing.assert_allclose(data.mean, train.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(data.std, train.std(axis=(0, 2, 3)), rtol=1e-6)


def test_the_archive_the_folder_and_the_file_in_it_are_the_same(folder, files, tmp_path, monkeypatch):
    unpacked = load_dataset("cifar10", folder, verify=False).digest
    assert load_dataset("cifar10", folder / "cifar-10-batches-py", verify=False).digest == unpacked
    packed = write_cifar_tar(tmp_path / "packed.tar.gz", 10, files[10])
    assert load_dataset("cifar10", packed, verify=False).digest == unpacked
    home = tmp_path / "home"
    (home / "datasets").mkdir(parents=True)
    packed.rename(home / "datasets" / PACKED)
    monkeypatch.setenv("NASBENCH_KIT_HOME", str(home))
    assert load_dataset("cifar10", verify=False).digest == unpacked


def test_checksums(folder, files, tmp_path, monkeypatch):
    with pytest.raises(
        nk.SourceError, match=r"data_batch_1 is damaged or not the published file: its MD5 is .*cs.toronto.edu"
    ):
        load_dataset("cifar10", folder)
    monkeypatch.setitem(cifar.CIFAR, 10, with_checksums(cifar.CIFAR[10], files[10]))
    right = load_dataset("cifar10", folder).digest
    batch = folder / "cifar-10-batches-py" / "data_batch_3"
    damaged = bytearray(batch.read_bytes())
    damaged[-500] ^= 1
    batch.write_bytes(damaged)
    with pytest.raises(nk.SourceError, match="data_batch_3 is damaged or not the published file"):
        load_dataset("cifar10", folder)
    packed = write_cifar_tar(tmp_path / PACKED, 10, files[10])
    with pytest.raises(nk.SourceError, match=r"tar.gz is damaged or not the published file"):
        load_dataset("cifar10", packed)
    md5 = hashlib.md5(packed.read_bytes()).hexdigest()
    monkeypatch.setitem(cifar.CIFAR, 10, replace(cifar.CIFAR[10], packed_md5=md5))
    assert load_dataset("cifar10", packed).digest == right


def test_the_published_checksums_have_their_form():
    for archive in (*cifar.CIFAR.values(), imagenet16.IMAGENET16):
        for md5 in (*archive.files.values(), *([archive.packed_md5] if archive.packed else [])):
            assert re.fullmatch("[0-9a-f]{32}", md5)
    assert len(cifar.CIFAR[10].files) == 6
    assert len(imagenet16.IMAGENET16.files) == 11


def test_files_that_are_not_there(tmp_path, folder, monkeypatch):
    monkeypatch.setenv("NASBENCH_KIT_HOME", str(tmp_path / "home"))
    with pytest.raises(nk.SourceError, match=rf"is not in .*home.*datasets: get {PACKED} .*kriz/cifar.html"):
        load_dataset("cifar10")
    (folder / "cifar-10-batches-py" / "test_batch").unlink()
    with pytest.raises(
        nk.SourceError, match=r"test_batch is missing, although other files of CIFAR-10.*download it again"
    ):
        load_dataset("cifar10", folder, verify=False)
    with pytest.raises(nk.SourceError, match=r"ImageNet16 is not in .*: get the folder ImageNet16"):
        load_dataset("ImageNet16-120", tmp_path)
    with pytest.raises(nk.UnknownName, match="unknown dataset 'cifar-10'; did you mean 'cifar10'"):
        load_dataset("cifar-10")


def test_archives_that_are_none(tmp_path, files):
    path = tmp_path / PACKED
    whole = write_cifar_tar(path, 10, files[10]).read_bytes()
    for content in (b"", b"<html>quota exceeded</html>", whole[:1000], whole[: len(whole) // 2], whole[:-200]):
        path.write_bytes(content)
        with pytest.raises(nk.SourceError, match=r"not a complete .tar.gz|cannot be read|has no cifar") as caught:
            load_dataset("cifar10", tmp_path, verify=False)
        assert "\n" not in str(caught.value)
        assert "download it again" in str(caught.value)
    write_cifar_tar(path, 100, files[100])
    with pytest.raises(nk.SourceError, match=r"has no cifar-10-batches-py/data_batch_1: it is a different archive"):
        load_dataset("cifar10", tmp_path, verify=False)
    write_cifar_tar(path, 10, {**files[10], "test_batch": files[10]["test_batch"][:-30]})
    with pytest.raises(nk.SourceError, match=r"tar.gz: cifar-10-batches-py/test_batch ends at byte"):
        load_dataset("cifar10", tmp_path, verify=False)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"labels": [1]}, "'data' must be a uint8 array"),
        ({"labels": [1], "data": np.zeros((1, 3000), np.uint8)}, r"shape \(n, 3072\), not uint8 \(1, 3000\)"),
        ({"labels": [1], "data": np.zeros((1, 3072), np.int8)}, "not int8"),
        ({"labels": [1, 2], "data": np.zeros((1, 3072), np.uint8)}, "'labels' must be a list of 1 integers"),
        ({"labels": "1", "data": np.zeros((1, 3072), np.uint8)}, "'labels' must be a list of 1"),
        ({"labels": [10], "data": np.zeros((1, 3072), np.uint8)}, "'labels' has values outside 0 to 9"),
        ({"labels": [-1], "data": np.zeros((1, 3072), np.uint8)}, "'labels' has values outside 0 to 9"),
        ({"labels": [], "data": np.zeros((0, 3072), np.uint8)}, "'labels' has values outside 0 to 9"),
    ],
)
def test_batches_with_other_content(folder, batch, message):
    (folder / "cifar-10-batches-py" / "data_batch_2").write_bytes(python2_pickle(batch))
    with pytest.raises(nk.SourceError, match=f"data_batch_2: .*{message}"):
        load_dataset("cifar10", folder, verify=False)


def test_imagenet16_keeps_the_first_120_classes(tmp_path):
    data = load_dataset("ImageNet16-120", write_imagenet16(tmp_path / "ImageNet16", 2800, 280), verify=False)
    assert data.name == "ImageNet16-120"
    assert (data.classes, data.shape) == (120, (3, 16, 16))
    assert sizes(data) == [2400, 120, 120]
    for part, each in zip(PARTS, (20, 1, 1), strict=True):
        assert set(np.bincount(data.labels[data.part(part)], minlength=120)) == {each}
    with pytest.raises(nk.SourceError, match="train_data_batch_1 is damaged or not the published file"):
        load_dataset("ImageNet16-120", tmp_path)


def test_all_names_are_known():
    assert datasets() == ("digits", *cifar.SPLITS, "ImageNet16-120")


def test_arrays_of_ones_own(tmp_path):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (60, 12, 10)), np.arange(60) % 3
    before = images.copy(), labels.copy()
    data = from_arrays(images, labels)
    assert data.images.dtype == np.uint8
    assert (data.classes, data.shape) == (3, (1, 12, 10))
    assert sizes(data) == [36, 12, 12]
    assert from_arrays(images, labels).split == data.split != from_arrays(images, labels, seed=1).split
    np.testing.assert_array_equal(images, before[0])
    np.testing.assert_array_equal(labels, before[1])
    floats = from_arrays(images / 255, labels, valid=0)
    assert floats.images.dtype == np.float32
    assert sizes(floats) == [48, 0, 12]
    np.testing.assert_allclose(floats.mean, (images / 255)[floats.part("train")].mean(), rtol=1e-6)
    np.savez(tmp_path / "mine.npz", images=images, labels=labels)
    file = load_dataset(tmp_path / "mine.npz")
    assert (file.name, sizes(file)) == ("mine", [36, 12, 12])


@pytest.mark.parametrize(
    ("images", "labels", "options", "message"),
    [
        (np.zeros((4, 2)), [0] * 4, {}, "images must be a numeric array of shape"),
        (np.zeros((0, 2, 2)), [], {}, "images must be a numeric array of shape"),
        (np.full((4, 2, 2), "x"), [0] * 4, {}, "images must be a numeric array of shape"),
        (np.full((4, 2, 2), np.nan), [0] * 4, {}, "not finite in float32"),
        (np.full((4, 2, 2), 1e39), [0] * 4, {}, "not finite in float32"),
        (np.zeros((4, 2, 2)), [0] * 3, {}, "labels must be 4 integers"),
        (np.zeros((4, 2, 2)), [0.5] * 4, {}, "labels must be 4 integers"),
        (np.zeros((4, 2, 2)), [0, 0, 0, -1], {}, "labels must be at least 0, not -1"),
        (np.zeros((4, 2, 2)), [0] * 4, {"valid": 0.6, "test": 0.4}, "fractions that add up to less than 1"),
        (np.zeros((4, 2, 2)), [0] * 4, {"valid": float("nan")}, "fractions that add up to less than 1"),
        (np.zeros((1, 2, 2)), [0], {"valid": 0.6, "test": 0.3}, "leave none to train on"),
    ],
)
def test_arrays_that_are_no_dataset(images, labels, options, message):
    with pytest.raises(ValueError, match=message):
        from_arrays(images, labels, **options)


def test_npz_files_that_are_none(tmp_path):
    path = tmp_path / "mine.npz"
    with pytest.raises(nk.SourceError, match="no such file"):
        load_dataset(path)
    np.savez(path, images=np.zeros((3, 2, 2)))
    with pytest.raises(nk.SourceError, match="'labels' is missing"):
        load_dataset(path)
    np.savez(path, images=np.zeros((3, 2, 2)), labels=np.array([{}, {}, {}], dtype=object))
    with pytest.raises(nk.SourceError, match=r"cannot be read .*: Object arrays cannot be loaded"):
        load_dataset(path)
    np.savez(path, images=np.zeros((3, 2, 2)), labels=np.zeros(2, dtype=int))
    with pytest.raises(nk.SourceError, match=r"mine.npz: labels must be 3 integers"):
        load_dataset(path)
    whole = path.read_bytes()
    for content in (b"", b"text", whole[:100], whole[:40] + b"\xff" * 40 + whole[80:]):
        path.write_bytes(content)
        with pytest.raises(nk.SourceError, match=r"mine.npz"):
            load_dataset(path)


def test_a_sample_of_a_dataset():
    data = from_arrays(np.arange(600 * 4).reshape(600, 2, 2) % 251, np.arange(600) % 3, name="mine")
    small = data.sample(30, 9)
    assert (small.name, sizes(small)) == ("mine-sample30", [30, 9, 120])
    for part in PARTS:
        assert set(small.part(part)) <= set(data.part(part))
        assert len(set(np.bincount(small.labels[small.part(part)]))) == 1
    assert small.digest != data.digest
    with pytest.raises(ValueError, match="mine has 120 valid images; cannot take 121"):
        data.sample(30, 121)


def test_a_split_follows_from_the_labels():
    labels = np.random.default_rng(0).integers(0, 7, 999)
    split = np.array(list(stratified_split(labels, {"r": 600, "v": 199, "t": 200}, "salt")))
    whole = np.bincount(labels)
    for letter, size in (("r", 600), ("v", 199), ("t", 200)):
        assert (split == letter).sum() == size
        assert abs(np.bincount(labels[split == letter]) - whole * size / 999).max() <= 2
    with pytest.raises(ValueError, match="999 images cannot be split into 600, 300"):
        stratified_split(labels, {"r": 600, "v": 300}, "salt")


def test_statistics_of_bytes_are_those_of_floats():
    images = np.random.default_rng(0).integers(0, 256, (20, 2, 5, 5), dtype=np.uint8)
    images[:, 1] = 7
    mean, std = channel_statistics(images)
    np.testing.assert_allclose(mean, images.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(std, [images[:, 0].std(), 1], rtol=1e-6)
    for found, expected in zip(channel_statistics(images.astype(np.float32)), (mean, std), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_an_archive_that_unpacks_to_gigabytes(tmp_path, monkeypatch):
    from nasbench_kit.training.datasets import arrays

    monkeypatch.setattr(arrays, "MOST_UNPACKED", 2**16)
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, images=np.zeros((100, 1, 300, 300)), labels=np.zeros(100, int))
    with pytest.raises(nk.SourceError, match="unpacks to"):
        arrays.from_npz(path)


def test_a_pipe_of_images_is_not_waited_for(tmp_path):
    from nasbench_kit.training.datasets.arrays import from_npz

    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(nk.SourceError, match="not a regular file"):
        from_npz(tmp_path / "pipe.npz")


def test_the_digits_are_those_of_scikit_learn(monkeypatch):
    datasets = pytest.importorskip("sklearn.datasets")
    bunch = datasets.load_digits()
    read = digits._rows()
    np.testing.assert_array_equal(read[:, :-1], bunch.data)
    np.testing.assert_array_equal(read[:, -1], bunch.target)
    monkeypatch.setattr(digits.importlib.util, "find_spec", lambda _: None)  # where its file is not found
    np.testing.assert_array_equal(digits._rows(), read)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(nk.MissingExtra, match="the digits dataset"):
        digits._rows()
