"""Killed conversions leave the old store intact, and the next conversion succeeds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.store import StoreFile
from tests.fuzz.kinds import kinds

CONVERTER = """
    import sys, nasbench_kit as nk
    from pathlib import Path
    print("ready", flush=True)
    while True:
        nk.convert(sys.argv[1], sys.argv[2], partial=True, progress=False)
"""
KINDS = (
    "nas-bench-macro",
    "nats-folder",
    "nb101",
)  # all are written by the same code; these are read in different ways


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    folder = tmp_path_factory.mktemp("right")
    found = {name: folder / name for name in KINDS}
    for name, path in found.items():
        kinds()[name].write(path)
    return found


def content(path):
    store = StoreFile(path)
    store.verify()
    return {
        (dataset, name): store.array(column).tobytes()
        for dataset, columns in store.metrics.items()
        for name, column in columns.items()
    }


@pytest.mark.posix
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_moment(kind, right, tmp_path):
    """12 moments over all kinds: while reading, while writing, between the two."""
    target = tmp_path / "out.h5"
    rng = np.random.default_rng(KINDS.index(kind))
    nk.convert(right[kind], tmp_path / "expected.h5", partial=True)
    expected = content(tmp_path / "expected.h5")
    process = None
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(CONVERTER), str(right[kind]), str(target)],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(float(rng.random()) * 0.4)
        os.killpg(process.pid, signal.SIGKILL)  # with the processes that help it
        process.wait()
        process.stdout.close()
        if target.exists():
            assert content(target) == expected
    nk.convert(right[kind], target, partial=True)
    assert content(target) == expected


@pytest.mark.slow
def test_what_a_killed_writer_left_is_removed_a_day_later(right, tmp_path):
    target = tmp_path / "out.h5"
    old, new, other = (tmp_path / f".{name}.tmp" for name in ("out.h5.123", "out.h5.456", "another.h5.123"))
    for path in (old, new, other):
        path.write_bytes(b"part")
    for path in (old, other):
        os.utime(path, (0, time.time() - 2 * 86400))
    nk.convert(right["nas-bench-macro"], target, partial=True)
    assert (old.exists(), new.exists(), other.exists()) == (False, True, True)
