"""Catalogue of the published files that can be downloaded."""

from __future__ import annotations

from nasbench_kit.errors import UnknownName
from nasbench_kit.spaces import list_spaces, spec
from nasbench_kit.spaces.published import Source

__all__ = ["downloads", "source", "sources"]


def sources() -> dict[str, Source]:
    """The published files of all spaces, keyed by benchmark name."""
    return {name: found for space in list_spaces() for name, found in spec(space).sources.items()}


def downloads() -> dict[str, Source]:
    """The sources whose files can be downloaded, keyed by benchmark name."""
    return {name: found for name, found in sources().items() if found.files}


def source(benchmark: str) -> Source:
    """The published files of a benchmark; raises UnknownName if there are none."""
    known = sources()
    if benchmark not in known:
        raise UnknownName("published benchmark", benchmark, known)
    return known[benchmark]
