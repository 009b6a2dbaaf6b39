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

from sphinx.domains.python import PyObject

FOLDER = Path(__file__).resolve().parent
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
nb_execution_mode = "off"  # make examples runs notebooks, and so do tests
exclude_patterns = ["extensions", "pictures", "search.md"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext", ".page": "myst-nb"}

# docstrings: numpydoc, with a type for every parameter, so that signatures need not repeat them
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
autodoc_typehints = "none"
autodoc_member_order = "groupwise"
autodoc_mock_imports = [
    name for name in ("torch", "optuna", "pymoo", "syne_tune", "networkx") if find_spec(name) is None
]
autosummary_generate = False
default_role = "py:obj"  # `Space` in a docstring is a link
add_module_names = False
python_use_unqualified_type_names = True
maximum_signature_line_length = 90

pygments_style = "friendly"
pygments_dark_style = "github-dark"
html_theme = "furo"
html_title = "nasbench-kit"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True

# pages of a folder whose first page is a list that GitHub shows
CONTENTS = ("algorithms/README", "benchmarks/README", "how-to/README", "reference/README", "examples")
ALSO = {"benchmarks/README": (FOLDER / "nb201-digits.md",)}  # pages of other folders
EXAMPLES, COPIES = ROOT / "examples", FOLDER / "notebooks"  # the copies are ignored by git
EXECUTED = ROOT / "results" / "examples"  # the same with output, if they have been run: make examples


def copy_notebooks() -> None:
    """Bring the notebooks of ``examples`` into the site: Sphinx reads nothing outside of its folder."""
    shutil.rmtree(COPIES, ignore_errors=True)
    for notebook in sorted(EXAMPLES.glob("*.ipynb")):
        COPIES.mkdir(exist_ok=True)
        executed = EXECUTED / notebook.name
        fresh = executed.exists() and executed.stat().st_mtime >= notebook.stat().st_mtime
        text = (executed if fresh else notebook).read_text(encoding="utf-8")
        here = renamed(text.replace("](../docs/", "](../"))
        (COPIES / notebook.name).write_text(here, encoding="utf-8")


def copy_search() -> None:
    """Give docs/search.md another name in the site, whose own search is search.html."""
    shutil.copy2(FOLDER / "search.md", FOLDER / "searching.page")


def renamed(text: str) -> str:
    """The text of a page with links to docs/search.md that lead to its copy."""
    return re.sub(r"\]\(((?:\.\./)*)search\.md", r"](\1searching.page", text)


def pages_below(first: str) -> list[str]:
    """The pages of the menu below a page, in the order in which it links them; the others follow."""
    page, folder = FOLDER / f"{first}.md", (FOLDER / first).parent
    if first == "examples":
        page, folder = EXAMPLES / "README.md", COPIES
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    linked = [folder.joinpath(link).resolve() for link in re.findall(r"\]\(([^)#:]+)\)", text)]
    here = sorted(path.resolve() for path in folder.glob("*.*") if path.suffix in (".md", ".rst", ".ipynb"))
    named = [path for path in dict.fromkeys(linked) if path in here or path in ALSO.get(first, ())]
    pages = [*named, *(path for path in here if path not in named)]
    return [path.relative_to(FOLDER).with_suffix("").as_posix() for path in pages]


def add_contents(_app: Any, page: str, source: list[str]) -> None:
    """Add the menu of a folder to its first page."""
    if page == "index":
        named = set(source[0].split())
        found = sorted(path.stem for path in FOLDER.glob("*.md") if path.name not in exclude_patterns)
        rest = [name for name in found if name not in named and name not in ("index", "nb201-digits")]
        source[0] += (
            "\n\n```{toctree}\n:hidden:\n:titlesonly:\n:caption: More\n\n" + "\n".join(rest) + "\n```\n" if rest else ""
        )
    if page in CONTENTS:
        names = "\n".join(f"/{name}" for name in pages_below(page) if name != page)
        hidden = ":hidden:\n" if page != "examples" else ""  # the notebooks are listed nowhere else
        source[0] += f"\n\n```{{toctree}}\n{hidden}:titlesonly:\n\n{names}\n```\n" if names else ""


def adapt(_app: Any, _page: str, source: list[str]) -> None:
    """Follow the renamed page, and drop the empty line that ends an example for doctest's sake."""
    source[0] = renamed(source[0])
    source[0] = re.sub(r"\n\n```(?=\n|$)", "\n```", source[0])


def setup(app: Any) -> None:
    """Called by Sphinx."""
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"
    app.connect("source-read", adapt)
    copy_notebooks()
    copy_search()
    app.connect("source-read", add_contents)
