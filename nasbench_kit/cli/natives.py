"""Architectures as text: one native form per line, nested forms as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from nasbench_kit.errors import InvalidArchitecture, SourceError, UnknownName
from nasbench_kit.files import decoded
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.forms import parsed
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["genotypes_of", "native_text", "read_natives"]


def read_natives(arguments: list[str], file: str | None) -> list[Any]:
    """Native forms from arguments, else from a file (``-`` is stdin), else from stdin."""
    if arguments and file:
        raise ValueError("give architectures as arguments or as a file, not both")
    if arguments:
        lines = arguments
    elif file and file != "-":
        try:
            lines = decoded(Path(file).read_bytes()).splitlines()
        except UnicodeDecodeError as error:
            raise SourceError(f"{file} is not UTF-8 text at byte {error.start}") from error
        except OSError as error:
            raise SourceError(f"{file} cannot be read: {error.strerror}") from error
    else:
        if sys.stdin is None or (not file and sys.stdin.isatty()):
            raise ValueError("no architectures: give them as arguments, as --file FILE, or on stdin")
        try:
            lines = sys.stdin.read().removeprefix("\ufeff").splitlines()
        except UnicodeDecodeError as error:
            raise SourceError(f"stdin is not {sys.stdin.encoding} text at byte {error.start}") from error
    natives = [_parse(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    if not natives:
        raise ValueError(f"no architectures: {'stdin' if not file or file == '-' else file} has none (one per line)")
    return natives


def genotypes_of(values: list[Any], form: str, space: Space) -> Genotypes:
    """Genotypes (n, genes) of architectures in one of the space's forms."""
    if form not in space.forms:
        raise UnknownName(f"architecture form of {space.name}", form, space.forms)
    chosen = space.forms[form]
    if chosen.values == "nested":
        return chosen.read([parsed(value) if isinstance(value, str) else value for value in values])
    texts = [str(value) for value in values]
    if chosen.values == "text":
        return chosen.read(texts)
    for text in texts:
        if not (text.isascii() and text.isdecimal() and len(text) <= 20 and int(text) < 2**64):
            raise InvalidArchitecture(f"{form} must be a non-negative integer below 2**64, not {text[:100]!r}")
    return chosen.read(np.array([int(text) for text in texts], dtype=np.uint64))


def _parse(number: int, line: str) -> Any:
    if line[0] not in "[{":
        return line
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidArchitecture(f"line {number} is not valid JSON: {error}") from error


def native_text(native: Any) -> str:
    """A native form on one line."""
    return native if isinstance(native, str) else json.dumps(native)
