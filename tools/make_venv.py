"""Make a virtual environment with a current pip, also where Python comes without ensurepip or venv (as on Debian).

    python3 tools/make_venv.py .venv

Uses the standard library alone. Where there is no ensurepip, pip's wheel is fetched from the package index
($PIP_INDEX_URL, else PyPI), checked against the index's SHA-256, and run from the file.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

PIP = "pip>=25.1"  # the first that installs dependency groups
INDEX = "https://pypi.org/simple"


def main(target: Path) -> int:
    if sys.version_info < (3, 11):
        print(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}; try make PYTHON=python3.12",
            file=sys.stderr,
        )
        return 2
    python = target / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    has_venv, has_ensurepip = map(importlib.util.find_spec, ("venv", "ensurepip"))
    if (
        has_venv
        and has_ensurepip
        and subprocess.run([sys.executable, "-m", "venv", "--clear", target], check=False).returncode == 0
    ):
        return run(python, "-m", "pip", "install", "--quiet", "--upgrade", PIP)
    with tempfile.TemporaryDirectory() as folder:
        pip = f"{fetch_pip(Path(folder))}/pip"
        if has_venv:
            return run(sys.executable, "-m", "venv", "--clear", "--without-pip", target) or run(
                python, pip, "install", "--quiet", PIP
            )
        libraries = Path(folder) / "libraries"
        os.environ["PYTHONPATH"] = str(libraries)
        return (
            run(sys.executable, pip, "install", "--quiet", "--target", libraries, "virtualenv")
            or run(sys.executable, "-m", "virtualenv", "--quiet", "--clear", target)
            or run(python, "-m", "pip", "install", "--quiet", "--upgrade", PIP)
        )


def run(*command: object) -> int:
    return subprocess.run(list(map(str, command)), check=False).returncode


def fetch_pip(folder: Path) -> Path:
    """The newest pip wheel of the package index, checked."""
    index = os.environ.get("PIP_INDEX_URL", INDEX).rstrip("/")
    context = ssl.create_default_context(cafile=os.environ.get("PIP_CERT") or None)
    headers = {"Accept": "application/vnd.pypi.simple.v1+json"}
    with urllib.request.urlopen(urllib.request.Request(f"{index}/pip/", headers=headers), context=context) as answer:
        files = json.load(answer)["files"]
    wheels = [f for f in files if re.fullmatch(r"pip-[\d.]+-py3-none-any\.whl", f["filename"]) and not f.get("yanked")]
    newest = max(wheels, key=lambda f: [int(part) for part in f["filename"].split("-")[1].split(".")])
    with urllib.request.urlopen(newest["url"], context=context) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != newest["hashes"]["sha256"]:
        raise SystemExit(f"{newest['url']} is not what the index says: its SHA-256 differs")
    path = folder / newest["filename"]
    path.write_bytes(content)
    return path


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    raise SystemExit(main(Path(sys.argv[1])))
