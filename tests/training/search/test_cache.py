"""The cache of trainings: whole after a kill, shared by processes, and refused where it is damaged or another file."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

import nasbench_kit as nk

torch = pytest.importorskip("torch")

from nasbench_kit.training.search.cache import TrainingCache  # noqa: E402
from tests.training.search.writing import start_writer, values_of  # noqa: E402


def filled(path: Path, trainings: int = 20) -> str:
    cache = TrainingCache(path)
    digest = cache.claim({"space": "made up"})
    for number in range(trainings):
        cache.put(digest, bytes([number, 1, 2]), number % 2, values_of(number))
    cache.close()
    return digest


def test_what_is_put_comes_out_again(tmp_path):
    path = tmp_path / "c.trainings"
    digest = filled(path)
    cache = TrainingCache(path)
    for number in range(20):
        for epochs in (1, 3):
            found = cache.get(digest, bytes([number, 1, 2]), number % 2, epochs)
            np.testing.assert_array_equal(found, values_of(number)[:epochs])
    assert cache.get(digest, bytes([0, 1, 2]), 0, 4) is None
    assert cache.get(digest, bytes([0, 1, 2]), 1, 3) is None
    assert cache.get(cache.claim({"space": "other"}), bytes([0, 1, 2]), 0, 3) is None
    cache.put(digest, bytes([0, 1, 2]), 0, values_of(99, epochs=5))  # the old content stays, and more is added
    found = cache.get(digest, bytes([0, 1, 2]), 0, 5)
    np.testing.assert_array_equal(found[:3], values_of(0))
    np.testing.assert_array_equal(found[3:], values_of(99, epochs=5)[3:])
    assert [(g[0], seed, len(v)) for g, seed, v in cache.trainings(digest)][:3] == [(0, 0, 5), (1, 1, 3), (2, 0, 3)]
    cache.close()


def test_two_processes_write_at_once(tmp_path):
    path = tmp_path / "c.trainings"
    writers = [start_writer(path, 0, 150), start_writer(path, 100, 250)]
    for process in writers:
        process.join(100)
        assert process.exitcode == 0
    cache = TrainingCache(path)
    found = cache.trainings(cache.claim({"space": "made up"}))
    cache.close()
    assert [int.from_bytes(genotype, "big") for genotype, _, _ in found] == list(range(250))
    for genotype, _, values in found:
        np.testing.assert_array_equal(values, values_of(int.from_bytes(genotype, "big")))


def test_killed_at_any_moment(tmp_path):
    path, rng = tmp_path / "c.trainings", np.random.default_rng(0)
    whole = 0
    for _ in range(4):
        process = start_writer(path, whole, 10**6)
        time.sleep(0.02 + 0.2 * float(rng.random()))
        process.kill()
        process.join()
        cache = TrainingCache(path)
        found = cache.trainings(cache.claim({"space": "made up"}))
        cache.close()
        assert len(found) >= whole  # what was there before is never lost
        whole = len(found)
        assert [int.from_bytes(genotype, "big") for genotype, _, _ in found] == list(range(whole))
        for genotype, _, values in found:
            np.testing.assert_array_equal(values, values_of(int.from_bytes(genotype, "big")))
    assert whole


def test_damaged_files_are_refused_or_harmless(tmp_path):
    """No flipped byte changes a value without an error."""
    path, damaged = tmp_path / "c.trainings", tmp_path / "damaged"
    digest = filled(path)
    right, rng, errors = path.read_bytes(), np.random.default_rng(0), []
    for position in rng.integers(0, len(right), 400):
        content = bytearray(right)
        content[position] ^= int(rng.integers(1, 256))
        damaged.write_bytes(content)
        try:
            cache = TrainingCache(damaged)
        except nk.StoreError as error:
            errors.append(str(error))
            continue
        try:
            found = cache.trainings(digest)
        except nk.StoreError as error:
            errors.append(str(error))
            continue
        finally:
            cache.close()
        for genotype, _, values in found:
            np.testing.assert_array_equal(values, values_of(genotype[0])[: len(values)])
    assert 20 < len(errors) < 400  # the rest lies in free space
    assert all(str(damaged) in error and "\n" not in error for error in errors)


@pytest.mark.parametrize("length", [10, 5000, 9000])
def test_files_that_were_cut_short(tmp_path, length):
    path = tmp_path / "c.trainings"
    digest = filled(path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(nk.StoreError, match=r"c\.trainings cannot be used as a training cache: it is"):  # noqa: PT012
        cache = TrainingCache(path)
        try:
            cache.trainings(digest)
        finally:
            cache.close()


def test_other_files_are_refused_untouched(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("no database " * 100)
    other, hostile = tmp_path / "other.db", tmp_path / "hostile.trainings"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE settings (name TEXT)")
    connection.close()
    filled(hostile)
    connection = sqlite3.connect(hostile)
    connection.execute("CREATE TRIGGER evil AFTER INSERT ON epochs BEGIN DELETE FROM settings; END")
    connection.close()
    for path, message in (
        (text, "it is damaged or a different kind of file"),
        (other, "is not a training cache of this version"),
        (hostile, "is not a training cache of this version"),
        (tmp_path, "is a folder"),
        (tmp_path / "missing" / "c", "there is no folder"),
    ):
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(nk.StoreError, match=message):
            TrainingCache(path)
        assert before is None or path.read_bytes() == before


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to")
def test_a_folder_that_cannot_be_written():
    with pytest.raises(nk.StoreError, match=r"cannot be opened for writing|no permission"):
        TrainingCache("/proc/c.trainings")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_not_be_written(tmp_path):
    path = tmp_path / "c.trainings"
    digest = filled(path)
    path.chmod(0o444)
    cache = TrainingCache(path)
    with pytest.raises(nk.StoreError, match="is not writable"):
        cache.put(digest, bytes([77, 1, 2]), 0, values_of(77))
    cache.close()


def test_a_disk_that_is_full(tmp_path):
    """Simulated by a limit on the file size: one clear error, and the old content is kept."""
    path = tmp_path / "c.trainings"
    digest = filled(path)
    cache = TrainingCache(path)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, limit[1]))
        with pytest.raises(nk.StoreError, match=r"c\.trainings cannot be used as a training cache: the disk .*full"):
            cache.put(digest, bytes([100, 1, 2]), 0, values_of(100, epochs=500))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    np.testing.assert_array_equal(cache.get(digest, bytes([7, 1, 2]), 1, 3), values_of(7))
    cache.put(digest, bytes([201, 1, 2]), 0, values_of(201))
    cache.close()
