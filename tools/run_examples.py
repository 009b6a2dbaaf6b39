"""Execute the notebooks of examples/, or clean them after they were edited in Jupyter.

    python tools/run_examples.py results/examples             # all of them: a page and a notebook with outputs of each
    python tools/run_examples.py results/examples lesson      # one of them
    python tools/run_examples.py --clean                      # rewrite the files as git stores them: without outputs

Executing needs the dependency group ``notebook``; cleaning needs nothing.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[1] / "examples"
# what Jupyter adds differs between machines
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def cleaned(text: str) -> str:
    """The text of a notebook as it is stored: no outputs, no counts, nothing of the machine; ids are kept."""
    notebook = json.loads(text)
    cells = []
    for cell in notebook["cells"]:
        kept: dict[str, Any] = {"cell_type": cell["cell_type"]}
        if cell["cell_type"] == "code":
            kept["execution_count"] = None
        kept |= {"id": cell["id"], "metadata": {}}
        if cell["cell_type"] == "code":
            kept["outputs"] = []
        lines = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        cells.append({**kept, "source": lines.splitlines(keepends=True)})
    whole = {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def clean() -> int:
    for path in sorted(EXAMPLES.glob("*.ipynb")):
        path.write_text(cleaned(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def execute(target: Path, names: list[str]) -> int:
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    from nbconvert import HTMLExporter

    paths = [EXAMPLES / f"{name}.ipynb" for name in names] or sorted(EXAMPLES.glob("*.ipynb"))
    for path in paths:
        if not path.exists():
            known = ", ".join(other.stem for other in sorted(EXAMPLES.glob("*.ipynb")))
            print(f"there is no example {path.stem}; there are {known}", file=sys.stderr)
            return 2
    target.mkdir(parents=True, exist_ok=True)
    for path in paths:
        start = time.perf_counter()
        notebook = nbformat.read(path, as_version=4)
        with tempfile.TemporaryDirectory() as folder:  # an example leaves no files in the clone
            client = NotebookClient(
                notebook,
                kernel_name="python3",
                resources={"metadata": {"path": folder}},
                record_timing=False,
                extra_arguments=["--IPKernelApp.log_level=40"],  # errors only
            )
            try:
                client.execute()
            except CellExecutionError as error:
                print(f"{path.name}: a cell failed\n{error}", file=sys.stderr)
                return 1
        nbformat.write(notebook, target / path.name)
        notebook.metadata["title"] = re.sub(r"^#+ ", "", notebook.cells[0].source.splitlines()[0])
        page, _ = HTMLExporter().from_notebook_node(notebook)
        written = target / f"{path.stem}.html"
        written.write_text(linked(page, target), encoding="utf-8")
        print(f"{written}  ({time.perf_counter() - start:.0f} s)")
    return 0


def linked(page: str, target: Path) -> str:
    """The page with links to the other pages, and to the docs of this clone."""
    page = re.sub(r'href="(\w+)\.ipynb"', r'href="\1.html"', page)
    docs = Path(os.path.relpath(EXAMPLES.parent / "docs", target)).as_posix()
    return page.replace('href="../docs/', f'href="{docs}/')


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments == ["--clean"]:
        raise SystemExit(clean())
    if not arguments or arguments[0].startswith("-"):
        raise SystemExit(__doc__)
    raise SystemExit(execute(Path(arguments[0]), arguments[1:]))
