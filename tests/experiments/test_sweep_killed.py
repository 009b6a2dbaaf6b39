"""Sweeps whose processes are killed: workers, the parent, Dask's workers and scheduler. Nothing is lost or counted twice."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import main
from nasbench_kit.experiments.sweep_folder import SweepFolder

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")]

SETTINGS = {"runs": 24, "piece_runs": 4, "evaluations": 400}
FILE = """
    runs = 24
    piece_runs = 4
    evaluations = 400
    [[problem]]
    name = "one"
    benchmark = "nb201-digits"
    [[problem]]
    name = "two"
    benchmark = "nb201-digits"
    objectives = ["valid_accuracy", "params"]
    [[algorithm]]
    algorithm = "RegularizedEvolution"
    [[algorithm]]
    algorithm = "NSGA2"
    settings = { population_size = 20 }
    [[algorithm]]
    algorithm = "RandomSearch"
"""
ALGORITHMS = [nk.RegularizedEvolution(), nk.NSGA2(population_size=20), nk.RandomSearch()]


def problems():
    bench = nk.open("nb201-digits")
    return {"one": bench.problem("valid_accuracy"), "two": bench.problem(["valid_accuracy", "params"])}


def swept(folder, **options):
    return nk.sweep(problems(), ALGORITHMS, folder, **SETTINGS, **options)


def digests(sweep):
    return {key: result.digest for key, result in sweep.results.items()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    found = digests(swept(tmp_path_factory.mktemp("sweep"), workers=1))
    assert len(found) == 4
    return found


def children(pid):
    """The processes that a process has started, without its resource tracker."""
    found = []
    with contextlib.suppress(OSError):
        for path in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{path}/children") as file:
                found += [int(word) for word in file.read().split()]
    return [child for child in found if "spawn_main" in command(child)]


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return file.read()
    except OSError:
        return ""


needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="finds children in /proc")


@pytest.mark.posix
@needs_proc
def test_a_killed_worker(tmp_path, undisturbed):
    killed = []

    def progress(state):
        if state.done == 5 and not killed:
            victim = children(os.getpid())[0]
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    found = swept(tmp_path, workers=2, progress=progress)
    assert len(killed) == 1
    assert found.failures == {}
    assert digests(found) == undisturbed
    assert children(os.getpid()) == []


def deadly(X):
    if X[0, 0] == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return X.sum(axis=1)


@pytest.mark.posix
def test_a_piece_that_kills_its_workers(tmp_path):
    problem = nk.FunctionProblem(deadly, nk.space("nb201"), bounds=[[0], [24]])
    found = nk.sweep([problem], [nk.RandomSearch()], tmp_path, runs=4, piece_runs=1, evaluations=1, workers=2)
    expected = nk.search(
        nk.FunctionProblem(lambda X: X.sum(axis=1), problem.space), nk.RandomSearch(), runs=4, evaluations=1
    )
    fatal = [run for run in range(4) if expected.incumbents[run, 0] == 2]
    assert 0 < len(fatal) < 4
    assert [name[-6:] for name in found.failures] == [f"{run:06d}" for run in fatal]
    assert set(found.failures.values()) == {
        "3 worker processes were lost with this piece, the last one killed by SIGKILL"
    }
    assert SweepFolder(tmp_path).state().done == 4 - len(fatal)
    with pytest.raises(ValueError, match="no search on .* is complete"):
        found.comparison()


def started(file, folder, done=0):
    """The command, as soon as it has finished a piece more."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nasbench_kit", "sweep", str(file), "-o", str(folder), "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        start_new_session=True,
    )
    place = SweepFolder(folder)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(nk.StoreError):
            if place.state().done > done:
                return process, place
        time.sleep(0.01)
    raise AssertionError("no piece was finished in a minute")


@pytest.mark.posix
@needs_proc
def test_a_killed_parent_and_ctrl_c(tmp_path, undisturbed):
    file, folder = tmp_path / "grid.toml", tmp_path / "sweep"
    file.write_text(textwrap.dedent(FILE))
    process, place = started(file, folder)
    workers = children(process.pid)
    assert place.state().worker["pid"] == process.pid
    process.kill()
    process.communicate()
    assert len(workers) == 2
    end = time.monotonic() + 20
    while any("spawn_main" in command(worker) for worker in workers):  # they end without being told
        assert time.monotonic() < end
        time.sleep(0.01)
    assert place.state().worker is None
    # the terminal's Ctrl-C goes to all processes at once
    before = place.state().done
    process, place = started(file, folder, before)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    if process.returncode:  # otherwise, all was done before
        assert process.returncode == 130
        assert f"what is finished is saved in {folder}: repeat the command to resume" in errors
        assert "Traceback" not in errors
    assert place.state().done > before
    found = swept(folder, workers=1)
    assert digests(found) == undisturbed


@pytest.mark.posix
def test_a_killed_worker_of_dask(tmp_path, undisturbed):
    distributed = pytest.importorskip("distributed")
    killed = []
    with (
        distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        distributed.Client(cluster) as client,
    ):

        def progress(state):
            if state.done == 6 and not killed:
                victim = next(iter(cluster.workers.values())).pid
                os.kill(victim, signal.SIGKILL)
                killed.append(victim)

        found = swept(tmp_path / "worker", scheduler=client, progress=progress)
    assert len(killed) == 1
    assert found.failures == {}
    assert digests(found) == undisturbed


CLUSTER = """
    import time
    from distributed import LocalCluster
    if __name__ == "__main__":
        cluster = LocalCluster(1, processes=False, protocol="tcp", dashboard_address=None, silence_logs=50)
        print(cluster.scheduler_address, flush=True)
        time.sleep(600)
"""


@pytest.mark.posix
def test_a_killed_scheduler_of_dask(tmp_path, undisturbed):
    pytest.importorskip("distributed")
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(CLUSTER),
        ],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    address = process.stdout.readline().strip()

    def progress(state):
        if state.done == 5:
            os.killpg(process.pid, signal.SIGKILL)

    with pytest.raises(ConnectionError, match="the Dask scheduler was lost .*; repeat the call to resume"):
        swept(tmp_path, scheduler=address, progress=progress)
    process.wait()
    process.stdout.close()
    assert SweepFolder(tmp_path).state().done >= 5 * 4
    assert digests(swept(tmp_path, workers=1)) == undisturbed


def test_the_command_line_without_dask(tmp_path, monkeypatch, capsys):
    (tmp_path / "grid.toml").write_text(textwrap.dedent(FILE))
    words = ["sweep", str(tmp_path / "grid.toml"), "-o", str(tmp_path / "sweep"), "--scheduler"]
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*words, "tcp://127.0.0.1:9"]) == 2
    assert "pip install 'nasbench-kit[dask]'" in capsys.readouterr().err
