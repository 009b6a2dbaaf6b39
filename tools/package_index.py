"""What the package index shows: the README and the project's addresses, from the address of the repository.

A build hook of hatchling. The address stands once, in pyproject.toml under ``[tool.hatch.metadata.hooks.custom]``. Links and
pictures of the README are relative, as a clone needs them; an index has no such files, so there they lead to the repository at
the version's tag. As long as no address is given, a link is its text and a picture its description: nothing leads nowhere.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?![a-z]+:|#)([^)\s]+)\)")  # a link, or with ! a picture, to a file


def readme(text: str, repository: str, tag: str) -> str:
    """The README for an index.

    Parameters
    ----------
    text : str
        In Markdown.
    repository : str
        The repository's address, or ``""`` if there is none.
    tag : str
        The version's tag in the repository.
    """

    def link(found: re.Match[str]) -> str:
        picture, label, target = found.groups()
        if not repository:
            return f"*{label}*" if picture else label
        return f"{picture}[{label}]({repository.rstrip('/')}/{'raw' if picture else 'blob'}/{tag}/{target})"

    blocks = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)  # what is within a block stays as it is
    return "".join(block if block.startswith("```") else _LINK.sub(link, block) for block in blocks)


def addresses(repository: str) -> dict[str, str]:
    """The addresses that an index shows beside the project."""
    if not repository:
        return {}
    root = repository.rstrip("/")
    return {
        "Homepage": root,
        "Documentation": f"{root}/tree/main/docs",
        "Changelog": f"{root}/blob/main/CHANGELOG.md",
        "Issues": f"{root}/issues",
    }


class PackageIndexHook(MetadataHookInterface):
    """Sets ``readme`` and ``urls``."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in what pyproject.toml calls dynamic."""
        repository = self.config["repository"]
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": readme(text, repository, f"v{metadata['version']}"),
        }
        metadata["urls"] = addresses(repository)
