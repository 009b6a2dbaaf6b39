"""One kind of file, damaged as coverage suggests: needs the package atheris, which is there for few Pythons."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import nasbench_kit as nk
from tests.fuzz.kinds import Kind


def guide(name: str, kind: Kind, right: Path, folder: Path) -> int:
    """Run until a failure or Ctrl-C; failing inputs are left in the working folder, as by atheris."""
    try:
        import atheris
    except ImportError:
        print("atheris is not installed: pip install atheris", file=sys.stderr)
        return 2
    if right.is_dir():
        print(f"{name} is a folder; only kinds of single files are guided", file=sys.stderr)
        return 2
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "right").write_bytes(right.read_bytes())
    path = folder / f"guided{kind.suffix}"

    def one(data: bytes) -> None:
        path.write_bytes(data)
        try:
            kind.read(path, np.random.default_rng(0))
        except nk.NasbenchKitError:
            return

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], str(corpus)], one)
    atheris.Fuzz()
    return 0
