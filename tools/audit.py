"""Check that no dependency is allowed, or installed, below its first safe release; ask pip-audit too where it has its advisories.

    python tools/audit.py

The exit status is 1 where something is found.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]


def safe_versions() -> dict[str, Version]:
    lines = (ROOT / ".ci" / "safe_versions.txt").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {row[0]: Version(row[1]) for row in rows}


def allowed(project: dict) -> list[Requirement]:
    """What the package and its extras ask for."""
    texts = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    return [Requirement(text) for text in texts]


def faults() -> list[str]:
    safe, found = safe_versions(), []
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    for requirement in allowed(project):
        least = [Version(part.version) for part in requirement.specifier if part.operator == ">="]
        if requirement.name in safe and (not least or least[0] < safe[requirement.name]):
            found.append(f"pyproject.toml allows {requirement}: below {safe[requirement.name]} it has a known hole")
    for name, version in safe.items():
        try:
            installed = Version(importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            continue
        if installed < version:
            found.append(f"{name} {installed} is installed: below {version} it has a known hole")
    return found


def main() -> int:
    found = faults()
    print(
        "\n".join(found)
        or f"{len(safe_versions())} packages: none is allowed or installed below its first safe release"
    )
    try:
        asked = subprocess.run(
            [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--timeout", "5", "--format", "json", "--skip-editable"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        print("pip-audit: its advisories did not come in time")
        return 1 if found else 0
    try:
        packages = json.loads(asked.stdout)["dependencies"]
    except (ValueError, KeyError):  # not installed, or its advisories cannot be reached
        print(f"pip-audit: not asked, {(asked.stderr.strip().splitlines() or ['no answer'])[-1][:200]}")
        return 1 if found else 0
    audited = [package for package in packages if "skip_reason" not in package]
    holes = [
        f"{package['name']} {package['version']}: {hole['id']}" for package in audited for hole in package["vulns"]
    ]
    for hole in holes:
        print(hole)
    print(
        f"pip-audit: {len(audited)} of {len(packages)} packages have advisories that can be asked, {len(holes)} holes"
    )
    return 1 if found or holes else 0


if __name__ == "__main__":
    raise SystemExit(main())
