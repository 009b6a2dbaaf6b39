"""Completion scripts, run by the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

import pytest

import nasbench_kit as nk
from nasbench_kit.algorithms import ALGORITHMS, CONFIGURATIONS
from nasbench_kit.cli.completion import _KINDS, _completion
from nasbench_kit.cli.completion_scripts import SHELLS
from nasbench_kit.cli.main import COMMANDS, main

CALLS = {
    "bash": """
source "$1"; shift
[ "$(complete -p nasbench-kit)" = "complete -o default -F _nasbench_kit nasbench-kit" ] || exit 9
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nasbench_kit; printf '%s\\n' "${COMPREPLY[@]}"
""",
    "zsh": """
compdef() {}; source "$1"; shift
compadd() { shift; for one in "$@"; do [[ "$one" == "$words[CURRENT]"* ]] && print -r -- "$one"; done; return 0 }
_files() {}
words=("$@"); CURRENT=$#; _nasbench_kit
""",
    "fish": 'source $argv[1]; complete -C (string join " " -- $argv[2..-1])',
}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    folder, found = tmp_path_factory.mktemp("completion"), _completion()
    for shell in CALLS:
        (folder / shell).write_text(SHELLS[shell](found))
    return folder


@pytest.fixture(params=list(CALLS))
def completed(request, scripts, tmp_path):
    """What a shell offers at the end of a line."""
    shell = request.param
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "my-own.h5").touch()
    environment = {
        **os.environ,
        "NASBENCH_KIT_HOME": str(tmp_path),
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    plain = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]

    def run(*words):
        command = [program, *plain, "-c", CALLS[shell], *([] if shell == "fish" else [shell])]
        ended = subprocess.run(
            [*command, scripts / shell, "nasbench-kit", *words],
            env=environment,
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert (ended.returncode, ended.stderr) == (0, "") or shell == "fish", ended
        return [line.split("\t")[0] for line in ended.stdout.splitlines() if line]

    return run


def test_commands_options_and_names(completed):
    assert set(completed("co")) == {name for name in COMMANDS if name.startswith("co")}
    assert "nb201-digits" in completed("compare", "nb")
    assert completed("query", "my") == ["my-own"]
    assert set(completed("compare", "--algorithms", "")) == {*ALGORITHMS, *CONFIGURATIONS}
    assert completed("compare", "--algorithms", "NSGA2", "Regu") == ["RegularizedEvolution"]
    assert set(completed("cite", "nb201", "nb10")) == {"nb101", "nb101-test"}
    assert completed("compare", "nb201", "--clock", "uni") == ["unique_networks"]
    assert completed("compare", "nb201", "--obj") == ["--objectives"]
    assert set(completed("search", "")) == set(nk.list_spaces())
    assert completed("search", "--benchmark", "transnas-bench-101-ma") == ["transnas-bench-101-macro"]
    assert "valid_accuracy" in completed("query", "nb201", "--metrics", "test_accuracy", "")
    assert completed("reproduce", "nb201-cif") == ["nb201-cifar10"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None or sys.platform == "win32", reason="bash is not installed")
def test_the_tab_key(scripts):
    """In an interactive bash on a terminal of its own."""
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    typed = f"PS1='$ '; nasbench-kit() {{ printf '<%s>' \"$@\"; echo ' done'; }}; source {scripts / 'bash'}\n"
    typed += "nasbench-kit compa\tnb201-d\t--algorithms RegularizedE\t--clock si\t\n"
    seen, end = b"", time.monotonic() + 30
    os.write(terminal, typed.encode())
    while b"> done" not in seen and time.monotonic() < end:
        seen += os.read(terminal, 4096)
    os.close(terminal)
    os.waitpid(child, 0)
    assert b"--algorithms" in seen
    assert b"<nb201-digits><--algorithms><RegularizedEvolution><--clock><simulated_seconds>" in seen


def test_every_command_is_described_by_its_own_parser():
    found = _completion()
    assert set(found.options) == set(COMMANDS)
    assert all("--help" in flags for flags in found.options.values())
    known = set(found.lists) | {"files"}
    assert {kind for _, kind, _ in found.taking} | {kind for _, kind in found.positions} <= known
    assert set(_KINDS.values()) <= known
    named = {(pattern.split()[0], kind) for pattern, kind in found.positions}
    assert {("compare", "benchmarks"), ("draw", "spaces"), ("cite", "names"), ("reproduce", "recipes")} <= named


def test_the_command_prints_the_script(scripts, capsys):
    assert main(["completion", "zsh"]) == 0
    printed, made = capsys.readouterr().out.splitlines(), (scripts / "zsh").read_text().splitlines()
    different = [line for line, other in zip(printed, made, strict=True) if line != other]
    assert all("folder=" in line for line in different)  # each test has a folder of stores of its own


def test_another_shell_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["completion", "tcsh"])
    assert ended.value.code == 2
    assert "tcsh" in capsys.readouterr().err
