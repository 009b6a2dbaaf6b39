"""Check what a release needs: what is in the source archive and the wheel, and how the package index shows the project.

    python tools/release_check.py [FOLDER]

With FOLDER, both files are built there, the wheel from the source archive, ready to be uploaded; without, the wheel alone, and
of the source archive only what would be in it, since packing that takes most of the time. That versions agree is tested in
tests/test_release.py. Needs the dependency group ``release`` and a clone. The exit status is 1 where something is found.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from email.parser import BytesParser
from pathlib import Path

from hatchling.builders.sdist import SdistBuilder
from package_index import readme
from readme_renderer import markdown

ROOT = Path(__file__).parents[1]
MOST = 30e6  # bytes of the wheel
EXAMPLE = "https://example.org/kit"  # an address for the README's links, where the project has none yet


def project() -> dict:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


def tracked() -> set[str]:
    """The files of the repository; where this is no repository of git, those that would be packed."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        print(
            f"what is packed is not compared with what git tracks, which cannot be asked here: {error}", file=sys.stderr
        )
        return to_be_packed()
    return {name for name in listed.split("\0") if name and (ROOT / name).exists()}


def archive_faults(have: set[str], files: set[str]) -> list[str]:
    """The source archive has all that the repository has, and nothing else: `make run` and `make test` work in it."""
    found = [f"the source archive lacks {name}" for name in sorted(files - have)]
    return found + [f"the source archive has {name}, which git does not track" for name in sorted(have - files)]


def packed(archive: Path) -> set[str]:
    with tarfile.open(archive) as opened:
        return {name.split("/", 1)[1] for name in opened.getnames()} - {"PKG-INFO"}


def to_be_packed() -> set[str]:
    return {Path(file.distribution_path).as_posix() for file in SdistBuilder(str(ROOT)).recurse_included_files()}


def wheel_faults(wheel: Path, version: str, files: set[str]) -> list[str]:
    """The wheel has the package, its licences, and nothing else."""
    about = f"nasbench_kit-{version}.dist-info"
    expected = {name for name in files if name.startswith("nasbench_kit/")} | {"nasbench_kit_command.py"}
    expected |= {f"{about}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    expected |= {f"{about}/licenses/{name}" for name in project()["project"]["license-files"]}
    with zipfile.ZipFile(wheel) as opened:
        have = set(opened.namelist())
    found = [f"{wheel.name} lacks {name}" for name in sorted(expected - have)]
    found += [f"{wheel.name} has {name}" for name in sorted(have - expected)]
    if wheel.stat().st_size > MOST:
        found.append(f"{wheel.name} has {wheel.stat().st_size / 1e6:.1f} MB, more than {MOST / 1e6:.0f}")
    return found


def readme_faults(wheel: Path) -> list[str]:
    """What the index shows of the README is HTML whose links lead somewhere."""
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith("/METADATA"))
        shown = BytesParser().parsebytes(opened.read(name)).get_payload(decode=True).decode()
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = []
    for what, source in (("the wheel's README", shown), ("the README in a repository", readme(text, EXAMPLE, "v1"))):
        html = markdown.render(source)
        if html is None:
            return [f"{what} cannot be rendered"]
        targets = re.findall(r'(?:href|src)="(?!#user-content-)([^"]*)"', html)  # headings are links to themselves
        found += [f"{what} leads to {target}, which no index has" for target in targets if "://" not in target]
        if html.count("<table>") != len(re.findall(r"^\|[-|: ]+\|$", source, re.MULTILINE)):
            found.append(f"{what} has a table that is not shown as one")
    if len(targets) != len(re.findall(r"\]\([^)]+\)", text)):
        found.append("a link or a picture of the README is lost on the index")
    return found


def python(*arguments: object) -> str:
    """Run a module; returns what it printed if it failed, else nothing."""
    command = [sys.executable, "-m", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{' '.join(command[2:4])}: {done.stdout.strip()}\n{done.stderr.strip()}"


def main(folder: Path, *, whole: bool) -> int:
    version, files = project()["project"]["version"], tracked()
    failed = python("build", "--no-isolation", *([] if whole else ["--wheel"]), "--outdir", folder)
    if failed:
        print(failed, file=sys.stderr)
        return 1
    archive, wheel = folder / f"nasbench_kit-{version}.tar.gz", folder / f"nasbench_kit-{version}-py3-none-any.whl"
    # without an archive, files that lie about are nobody's fault yet
    found = archive_faults(packed(archive) if whole else to_be_packed() & files, files)
    found += wheel_faults(wheel, version, files) + readme_faults(wheel)
    if failed := python("twine", "--no-color", "check", "--strict", *([archive] if whole else []), wheel):
        found.append(failed)
    print("\n".join(found) or f"ready to be released: {wheel.name} has {wheel.stat().st_size / 1e6:.1f} MB")
    return bool(found)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        raise SystemExit(__doc__)
    if len(sys.argv) == 2:
        raise SystemExit(main(Path(sys.argv[1]).resolve(), whole=True))
    with tempfile.TemporaryDirectory() as temporary:
        raise SystemExit(main(Path(temporary), whole=False))
