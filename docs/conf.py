"""Settings of the documentation site: ``make docs`` builds it from this folder with Sphinx.

Pages are Markdown that reads well on GitHub too, so what only a site needs (its menus, the notebooks of ``examples``) is
added here when a page is read.
"""

from __future__ import annotations

import re
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
CONTENTS = ("algorithms/README", "benchmarks/README", "how-to/README", "reference/README", "examples")
ALSO = {"benchmarks/README": (FOLDER / "nb201-digits.md",)}  # pages of other folders
NOTEBOOKS = "notebooks"  # copies, ignored by git


def copy_notebooks() -> None:
    """Bring the notebooks of ``examples`` into the site: Sphinx reads nothing outside of its folder."""
    copies = FOLDER / NOTEBOOKS
    shutil.rmtree(copies, ignore_errors=True)
    for notebook in sorted((ROOT / "examples").glob("*.ipynb")):
        copies.mkdir(exist_ok=True)
        shutil.copy2(notebook, copies)


def pages_below(first: str) -> list[str]:
    """The pages of the menu below a page, in the order in which it links them; the others follow."""
    text = (FOLDER / f"{first}.md").read_text(encoding="utf-8")
    folder = FOLDER / (NOTEBOOKS if first == "examples" else Path(first).parent)
    linked = [(FOLDER / first).parent.joinpath(link).resolve() for link in re.findall(r"\]\(([^)#:]+)\)", text)]
    here = sorted(path.resolve() for path in folder.glob("*.*") if path.suffix in (".md", ".rst", ".ipynb"))
    named = [path for path in dict.fromkeys(linked) if path in here or path in ALSO.get(first, ())]
    pages = [*named, *(path for path in here if path not in named)]
    return [path.relative_to(FOLDER).with_suffix("").as_posix() for path in pages]


def add_contents(_app: Any, page: str, source: list[str]) -> None:
    """Add the menu of a folder to its first page."""
    if page in CONTENTS:
        names = "\n".join(f"/{name}" for name in pages_below(page) if name != page)
        source[0] += f"\n\n```{{toctree}}\n:hidden:\n\n{names}\n```\n" if names else ""


def setup(app: Any) -> None:
    """Called by Sphinx."""
    copy_notebooks()
    app.connect("source-read", add_contents)
