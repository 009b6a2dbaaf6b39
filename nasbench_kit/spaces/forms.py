"""Notations of architectures, by which tables and commands may refer to them."""

from __future__ import annotations

import ast
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Form", "parsed"]

Values = Literal["numbers", "text", "nested"]


@dataclass(frozen=True)
class Form:
    """A notation of the architectures of a space; see ``Space.forms``.

    Attributes
    ----------
    read : callable
        Takes the architectures and returns genotypes (n, genes), not necessarily valid ones. Raises InvalidArchitecture
        for what it cannot read.
    values : {"numbers", "text", "nested"}
        What ``read`` takes: an array of uint64 (n,), a list of str, or a list of Python values, which are text or nested
        lists, tuples and dicts of text and numbers.
    """

    read: Callable[[Any], Genotypes]
    values: Values = "nested"


def parsed(text: str) -> Any:
    """The value that text stands for: nested forms are JSON or Python literals, such as tuples; runs no code.

    Text that is neither is returned as it is: it is the space that says what is wrong with it.
    """
    if text.lstrip()[:1] not in ("[", "{", "("):
        return text
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(text)
    with contextlib.suppress(ValueError, SyntaxError, RecursionError, MemoryError):
        return ast.literal_eval(text.strip())
    return text
