"""Spaces, algorithms and problems by name, or a user's own as ``FILE.py:NAME``, whose code is executed."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from typing import Any

from nasbench_kit.algorithms import Algorithm, parse_algorithm, with_settings
from nasbench_kit.errors import SourceError, UnknownName
from nasbench_kit.problems import Problem
from nasbench_kit.spaces import Space, SpaceSpec, register_space, space

__all__ = ["OWN", "algorithm_of", "problem_of", "space_of"]

OWN = "or your own as FILE.py:NAME"  # for help texts


def space_of(text: str) -> Space:
    """The space of a name, or the one that a file defines: a `Space`, a `SpaceSpec`, or what makes one when called."""
    own = _own(text)
    if own is None:
        return space(text)
    found, _ = own
    if not isinstance(found, Space | SpaceSpec) and callable(found):
        found = found()
    if not isinstance(found, Space | SpaceSpec):
        raise SourceError(f"{text} is not a search space (a Space or a SpaceSpec) but {type(found).__name__}")
    return register_space(found)


def algorithm_of(text: str) -> Algorithm:
    """The algorithm of a name, or the one that a file defines: an `Algorithm`, or its class; with ``:SETTING=VALUE,...``."""
    own = _own(text)
    if own is None:
        return parse_algorithm(text)
    found, settings = own
    if isinstance(found, type) and issubclass(found, Algorithm):
        found = found()
    if not isinstance(found, Algorithm):
        raise SourceError(f"{text} is not an algorithm (a subclass of Algorithm) but {type(found).__name__}")
    return with_settings(found, settings)


def problem_of(text: str) -> Problem:
    """The problem that a file defines: a `Problem`, or what makes one when called."""
    own = _own(text)
    if own is None:
        raise SourceError(f"{text!r} is not a problem of your own: give FILE.py:NAME")
    found, _ = own
    if not isinstance(found, Problem) and callable(found):
        found = found()
    if not isinstance(found, Problem):
        raise SourceError(f"{text} is not a problem but {type(found).__name__}")
    return found


def _own(text: str) -> tuple[Any, str] | None:
    """The object that ``FILE.py:NAME`` names, and what follows it; None for any other text."""
    file, mark, rest = text.partition(".py:")
    if not mark:
        return None
    path = Path(f"{file}.py")
    if not path.is_file():
        raise SourceError(f"{path}: no such file")
    name, _, settings = rest.partition(":")
    # imported by its own name from its own folder, so that worker processes can import it as well
    sys.path.insert(0, str(path.resolve().parent))
    try:
        module = importlib.import_module(path.stem)
    except Exception as error:  # whatever the user's code raises
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).name == path.name
        ]
        where = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        at = f", line {where}" if where else ""
        raise SourceError(f"{path}{at} cannot be imported: {type(error).__name__}: {error}") from error
    if Path(module.__file__ or "").resolve() != path.resolve():
        raise SourceError(f"{path}: a module {path.stem!r} is imported already; give the file another name")
    if not hasattr(module, name):
        raise UnknownName(f"name in {path}", name, [known for known in vars(module) if not known.startswith("_")])
    return getattr(module, name), settings
