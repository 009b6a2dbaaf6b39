"""NAS-Bench-NLP's logs on WikiText-2."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

import nasbench_kit as nk


@pytest.fixture(scope="module")
def archive(published):
    path = published / "nas-bench-nlp" / "train_logs_wikitext-2_logs.zip"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path


@pytest.fixture(scope="module")
def bench(archive, tmp_path_factory):
    return nk.convert(archive, tmp_path_factory.mktemp("nlp") / "nas-bench-nlp.h5")


def test_every_log_is_stored(archive, bench):
    assert (bench.info["trainings"], bench.info["failed_trainings"]) == (345, 4)
    assert (len(bench), bench.info["networks"]) == (277, 260)
    with zipfile.ZipFile(archive) as content:
        logs = [json.loads(content.read(name)) for name in content.namelist()]
    X = bench.space.encode([log["recepie"] for log in logs])
    assert (bench.space.encode(bench.space.decode(X)) == X).all()
    stored = bench.trials(X, "valid_loss")
    perplexity = bench.trials(X, "valid_perplexity")
    for log, losses, powers in zip(logs, stored, perplexity, strict=True):
        wanted = np.full(50, np.nan)
        wanted[: len(log["val_losses"])] = log["val_losses"]
        trials = [i for i in range(losses.shape[1]) if np.array_equal(losses[:, i], wanted, equal_nan=True)]
        assert len(trials) >= 1
        assert np.array_equal(powers[:, trials[0]], np.exp(wanted), equal_nan=True)


def test_example_recipes(published):
    path = published / "nas-bench-nlp" / "recepies_example.json"
    space = nk.space("nas-bench-nlp")
    recipes = json.loads(path.read_text())
    X = space.encode(recipes)
    assert space.is_valid(X).all()
    key = space.key(X)
    assert key[0] == key[3]  # a plain RNN, written in two ways
    assert len(np.unique(key)) == len(recipes) - 1  # an LSTM, a GRU and others
