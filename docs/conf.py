"""Settings of the documentation site: ``make docs`` builds it from this folder with Sphinx.

Pages are Markdown that reads well on GitHub too, so what only a site needs (its menus, the notebooks of ``examples``) is
added here when a page is read.
"""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import version as version_of
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
sys.path[:0] = [str(FOLDER / "extensions"), str(ROOT)]

project = "nasbench-kit"
author = "the nasbench-kit authors"
version = release = version_of("nasbench-kit")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "benchmark_facts",
    "command_line",
    "public_names",
]

# Markdown: the headings that links such as search.md#compiled-loops refer to, as GitHub names them
myst_heading_anchors = 4
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
nb_execution_mode = "off"  # notebooks are stored with their output, and tested elsewhere
exclude_patterns = ["extensions", "pictures"]

# docstrings: numpydoc, with a type for every parameter, so that signatures need not repeat them
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
autodoc_typehints = "none"
autodoc_member_order = "groupwise"
autodoc_mock_imports = [name for name in ("torch", "optuna", "pymoo") if find_spec(name) is None]
autosummary_generate = False
default_role = "py:obj"  # `Space` in a docstring is a link
add_module_names = False
python_use_unqualified_type_names = True
maximum_signature_line_length = 90

html_theme = "furo"
html_title = "nasbench-kit"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True

# pages of a folder whose first page is a list that GitHub shows
CONTENTS = {
    "algorithms/README": "algorithms/*",
    "benchmarks/README": "benchmarks/*",
    "reference/README": "reference/*",
    "how-to/README": "how-to/*",
    "examples": "notebooks/*",
}


def copy_notebooks() -> None:
    """Bring the notebooks of ``examples`` into the site: Sphinx reads nothing outside of its folder."""
    copies = FOLDER / "notebooks"
    shutil.rmtree(copies, ignore_errors=True)
    notebooks = sorted((ROOT / "examples").glob("*.ipynb"))
    if notebooks:
        copies.mkdir()
        for notebook in notebooks:
            shutil.copy2(notebook, copies)


def add_contents(_app: Any, page: str, source: list[str]) -> None:
    """Add the menu of a folder to its first page."""
    pattern = CONTENTS.get(page)
    if pattern and any((FOLDER / pattern).parent.glob("*.*")):
        names = "\n".join(sorted(_pages_of(pattern, page)))
        source[0] += f"\n\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"


def _pages_of(pattern: str, page: str) -> list[str]:
    folder = (FOLDER / pattern).parent
    found = [path.relative_to(FOLDER).with_suffix("") for path in folder.iterdir() if path.suffix in (".md", ".rst", ".ipynb")]
    return [f"/{path.as_posix()}" for path in found if path.as_posix() != page]


def setup(app: Any) -> None:
    """Called by Sphinx."""
    copy_notebooks()
    app.connect("source-read", add_contents)
