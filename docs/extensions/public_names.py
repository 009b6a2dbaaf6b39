"""The directive ``public-names``: a table of names of a module, and what their docstrings say, from the code alone."""

from __future__ import annotations

import importlib
import inspect
import warnings
from typing import Any, ClassVar

from docutils import nodes
from sphinx.addnodes import pending_xref, pending_xref_condition
from sphinx.ext.autodoc.mock import mock
from sphinx.util.docutils import SphinxDirective

from nasbench_kit.algorithms import Algorithm

__all__ = ["PublicNames", "entry_of", "setup"]

MODULES = ("", ".spaces", ".metrics", ".metrics.indicators", ".training", ".interfaces")


def entry_of(module: str, name: str) -> list[str]:
    """The directive of autodoc that documents a name, as lines of reStructuredText."""
    thing = getattr(importlib.import_module(module), name)
    path = f"{module}.{name}"
    if not inspect.isclass(thing):
        return [f".. autofunction:: {path}", ""]
    lines = [f".. autoclass:: {path}"]
    if not issubclass(thing, (BaseException, dict)):
        lines.append("   :members:")
        # what all algorithms do is described once, by their base class
        if not issubclass(thing, Algorithm):
            lines.append("   :inherited-members:")
    return [*lines, ""]


class PublicNames(SphinxDirective):
    """``.. public-names:: MODULE``, followed by the names, one per line."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        (module,) = self.arguments
        names = [line.strip() for line in self.content if line.strip()]
        lines = [".. autosummary::", "   :nosignatures:", "", *(f"   ~{module}.{name}" for name in names), ""]
        with warnings.catch_warnings(), mock(self.config.autodoc_mock_imports):  # of what is not installed
            warnings.simplefilter("ignore")  # of packages that are looked into
            for name in names:
                lines += entry_of(module, name)
            return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=False)


def unlink_words(app: Any, tree: nodes.document) -> None:
    """Make text of what only looks like a link: the words of a type, such as the genes in "shape (n, genes)"."""
    for link in list(tree.findall(pending_xref)):
        word = link.get("reftarget", "")
        if link.get("refdomain") == "py" and "." not in word and word not in app.public_names:
            kept = link.children[:1] if isinstance(link.children[0], pending_xref_condition) else [link]
            link.replace_self([child for part in kept for child in part.children])


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    modules = [importlib.import_module(f"nasbench_kit{name}") for name in MODULES]
    app.public_names = {name for module in modules for name in module.__all__}
    app.add_directive("public-names", PublicNames)
    app.connect("doctree-read", unlink_words)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
