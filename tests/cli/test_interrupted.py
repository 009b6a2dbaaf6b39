"""Ctrl-C at any moment: one line, status 130, and nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
import weakref

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.cli.signals import Stop, raised_signals

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

COMMAND = """
    import sys
    import nasbench_kit_command
    print("ready", flush=True)
    sys.argv[1:] = {words!r}
    raise SystemExit(nasbench_kit_command.main())
"""


def interrupted(words, seconds, cwd):
    """The exit status and stderr of a command that gets SIGINT after so many seconds."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(COMMAND).format(words=words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        text=True,
        # a suite in the background of a shell ignores SIGINT, and so would its children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    if process.returncode == -signal.SIGINT and "Traceback" not in errors:  # the interpreter was ending: all was done
        return 0, errors
    return process.returncode, errors


@pytest.mark.posix
def test_where_python_swallows_exceptions():
    class Thing:
        pass

    def lose_it():
        thing = Thing()
        reference = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGTERM))
        del thing
        time.sleep(5)
        return reference

    with raised_signals() as signals, pytest.raises(Stop):
        lose_it()
    assert signals.came == signal.SIGTERM


@pytest.mark.posix
@pytest.mark.slow
@pytest.mark.parametrize("seconds", np.linspace(0.04, 0.7, 12).round(3))
def test_while_the_command_is_imported(tmp_path, seconds):
    status, errors = interrupted(["list"], seconds, tmp_path)
    assert status in (0, 130)
    assert "Traceback" not in errors
    if status:
        assert errors.startswith("nasbench-kit: interrupted")
        assert errors.count("\n") == 1


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    space = nk.space("nb201")
    path = tmp_path_factory.mktemp("table") / "table.csv"
    rows = (f'"{native}",{i % 100}' for i, native in enumerate(space.decode(space.all())))
    path.write_text("arch,acc\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.posix
@pytest.mark.slow
@pytest.mark.parametrize("seconds", np.linspace(0.35, 0.95, 8).round(3))
def test_while_a_table_is_converted(table, tmp_path, seconds):
    words = ["convert", str(table), "out.h5", "--from", "table", "--space", "nb201", "--architecture", "arch"]
    status, errors = interrupted([*words, "--column", "acc=cifar10/valid_accuracy"], seconds, tmp_path)
    assert status in (0, 130), errors
    assert "Traceback" not in errors
    assert {path.name for path in tmp_path.iterdir()} <= {"out.h5"}
    if (tmp_path / "out.h5").exists():  # the signal came before or after its renaming, and the store is whole
        nk.open(tmp_path / "out.h5").check_file()
    else:
        assert status == 130
        assert "interrupted" in errors
