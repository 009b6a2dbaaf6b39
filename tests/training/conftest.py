"""Every training test uses one thread, single precision and the same random numbers, regardless of earlier tests."""

from __future__ import annotations

import dataclasses
import signal

import numpy as np
import pytest


@pytest.fixture(autouse=True, scope="session")
def _interruptible():
    """Started in the background of a shell, a suite ignores Ctrl-C, and so would every process that it starts."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    """Also in fixtures of modules: threads of several test processes on the same cores mostly wait for each other."""
    try:
        import torch
    except ImportError:  # datasets and recipes do without
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _regardless_of_earlier_tests(_one_thread):
    try:
        import torch
    except ImportError:
        yield
        return
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="session")
def _few_digits():
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    from nasbench_kit.training.datasets import load_digits

    whole = load_digits()
    rows = np.concatenate([whole.part(part)[:count] for part, count in (("train", 200), ("valid", 50), ("test", 50))])
    split = "".join(whole.split[row] for row in rows)
    return dataclasses.replace(whole, images=whole.images[rows], labels=whole.labels[rows], split=split)


@pytest.fixture
def few_digits(monkeypatch, _few_digits):
    """300 of the digits under their name, in this process: how a network is trained does not depend on how many there are."""
    from nasbench_kit.training import setting

    loaded = setting._loaded
    monkeypatch.setattr(
        setting, "_loaded", lambda name, folder: _few_digits if name == "digits" else loaded(name, folder)
    )


@pytest.fixture
def few_images(tmp_path):
    """The file of 60 images in 3 classes, also for other processes: an epoch on them takes hundredths of a second."""
    labels = np.arange(60) % 3
    images = np.random.default_rng(0).normal(labels[:, None, None], 1, (60, 8, 8))
    path = tmp_path / "few.npz"
    np.savez(path, images=images, labels=labels)
    return path
