"""Files are written whole or not at all, even with concurrent writers and existing files of any kind."""

from __future__ import annotations

import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import nasbench_kit as nk
from nasbench_kit.files import check_target, replace_file
from nasbench_kit.kernels import cores
from nasbench_kit.kernels.cores import usable_cores


def test_threads_that_write_the_same_file(tmp_path):
    target = tmp_path / "out"
    together = threading.Barrier(8)

    def write(number):
        content = bytes([number]) * 100_000

        def fill(path):
            together.wait()
            path.write_bytes(content)

        return replace_file(target, fill)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(8))) == {target}
    assert len(set(target.read_bytes())) == 1
    assert target.stat().st_size == 100_000
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.posix
def test_a_planted_link_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for name in (f".out.{os.getpid()}.tmp", ".out.tmp"):
        (tmp_path / name).symlink_to(victim)
    replace_file(tmp_path / "out", lambda path: path.write_text("new"))
    assert victim.read_text() == "mine"
    assert (tmp_path / "out").read_text() == "new"


@pytest.mark.posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path, mode):
    target = tmp_path / "out"
    target.write_text("old")
    target.chmod(mode)
    replace_file(target, lambda path: path.write_text("new"))
    assert target.stat().st_mode & 0o777 == mode
    fresh = replace_file(tmp_path / "fresh", lambda path: path.write_text("new"))
    mask = os.umask(0)
    os.umask(mask)
    assert fresh.stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.posix
def test_devices_are_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(nk.WriteError, match="not a regular file"):
        replace_file(tmp_path / "pipe", lambda path: path.write_text("new"))


@pytest.mark.parametrize("failure", [nk.StoreError, nk.WriteError])
def test_failures_are_of_the_class_asked_for(tmp_path, failure):
    def full_disk(path):
        raise OSError(28, "No space left on device")

    def refused(path):
        raise failure(f"{path}: no")

    with pytest.raises(failure, match="out cannot be written: No space left on device") as caught:
        replace_file(tmp_path / "out", full_disk, failure)
    assert type(caught.value) is failure
    with pytest.raises(failure, match=r"/out: no"):
        replace_file(tmp_path / "out", refused, failure)
    for path in (tmp_path, tmp_path / "absent" / "out", tmp_path / ("x" * 300)):
        with pytest.raises(failure) as caught:
            check_target(path, failure)
        assert type(caught.value) is failure
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinities")
def test_cores_are_those_that_the_process_may_use():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert usable_cores() <= len(before)


@pytest.mark.parametrize(
    ("groups", "files", "allowed"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/job/step\n", {"job/cpu.max": "300000 100000\n", "job/step/cpu.max": "max 100000\n"}, 3),
        ("0::/elsewhere\n", {"cpu.max": "200000 100000\n"}, 2),  # a container's own group is mounted as the root
        ("0::/\n", {}, math.inf),
        (
            "5:memory:/m\n4:cpu,cpuacct:/c\n",
            {"cpu,cpuacct/c/cpu.cfs_quota_us": "50000", "cpu,cpuacct/c/cpu.cfs_period_us": "100000"},
            0.5,
        ),
        ("4:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, math.inf),
    ],
)
def test_cores_are_those_that_control_groups_allow(tmp_path, monkeypatch, groups, files, allowed):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(cores, "CGROUPS", tmp_path)
    assert cores._quota(groups) == allowed
