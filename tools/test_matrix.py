"""Run the tests on the oldest and the newest versions that the kit supports.

    python tools/test_matrix.py [oldest] [newest] [FOLDER_OR_FILE_OF_TESTS ...]

``oldest`` is the first Python that pyproject.toml allows with the lowest versions that it allows of every package, those of the
extras included; ``newest`` the newest Python on this machine with the newest versions of all. Both are made below .venv/matrix
by uv. Extras that need PyTorch, TensorFlow or a cluster are left out. The exit status is that of the first tests that fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
WHERE = ROOT / ".venv" / "matrix"
EXTRAS = ("plot", "fast", "nb301", "parquet", "xarray", "optuna", "pymoo", "dask")
# what the tests ask for is newer than what the kit does
LOWER = ("matplotlib",)
OLD = "ignore::DeprecationWarning"  # old packages on new ones that they did not know


def pythons() -> dict[int, str]:
    """Interpreters on this machine by minor version: those on the PATH, then pyenv's."""
    found = {}
    for minor in range(11, 20):
        versions = sorted((Path.home() / ".pyenv" / "versions").glob(f"3.{minor}.*/bin"))
        path = os.pathsep.join([*map(str, versions), os.environ.get("PATH", "")])
        executable = shutil.which(f"python3.{minor}", path=path)
        if executable and subprocess.run([executable, "-c", ""], capture_output=True, check=False).returncode == 0:
            found[minor] = executable
    return found


def lowest(project: dict) -> list[str]:
    """The lowest versions of what only the tests want newer."""
    bounds = {
        text.split(">=")[0]: text.split(">=")[1]
        for extra in project["optional-dependencies"].values()
        for text in extra
    }
    return [f"{name}=={bounds[name]}" for name in LOWER]


def uv(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "uv", "--quiet", *map(str, arguments)], cwd=ROOT, check=True)


def run(cell: str, python: str, project: dict, tests: list[str]) -> int:
    """Make the environment and run the tests in it."""
    home = WHERE / cell
    home.mkdir(parents=True, exist_ok=True)
    wanted, overrides = home / "requirements.txt", home / "overrides.txt"
    overrides.write_text("\n".join(lowest(project)) if cell == "oldest" else "")
    uv("venv", "--clear", "--python", python, home / "venv")
    executable = home / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    resolution = ["--resolution", "lowest-direct"] if cell == "oldest" else []
    uv(
        *("pip", "compile", "pyproject.toml", "--group", "test", *extras, *resolution),
        *("--override", overrides, "--python", executable, "--upgrade", "--output-file", wanted, "--no-header"),
    )
    uv("pip", "install", "--python", executable, "--requirement", wanted)
    uv("pip", "install", "--python", executable, "--no-deps", "--editable", ".")
    names = {line.split("==")[0]: line.strip() for line in wanted.read_text().splitlines() if "==" in line}
    shown = ", ".join(names[name] for name in ("numpy", "pandas", "scipy", "h5py", "moocore"))
    print(f"{cell}: {python}, {shown}", flush=True)
    quiet = ["-W", OLD] if cell == "oldest" else []
    command = [executable, "-m", "pytest", "--quiet", "--ignore=tests/training", *quiet, *tests]
    return subprocess.run(list(map(str, command)), cwd=ROOT, check=False).returncode


def main(words: list[str]) -> int:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    oldest = int(project["requires-python"].removeprefix(">=3."))
    found = pythons()
    if oldest not in found:
        print(f"there is no Python 3.{oldest} on this machine: the oldest supported is not tested", file=sys.stderr)
        return 2
    cells = {"oldest": found[oldest], "newest": found[max(found)]}
    tests = [word for word in words if word not in cells]
    chosen = [cell for cell in cells if cell in words] or list(cells)
    statuses = [run(cell, cells[cell], project, tests) for cell in chosen]
    return next(filter(None, statuses), 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
