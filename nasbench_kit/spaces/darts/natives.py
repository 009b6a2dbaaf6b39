"""Native forms of DARTS genotypes: the text, tuple or dict of the DARTS code, and NASLib's compact form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from nasbench_kit.errors import InvalidArchitecture, UnknownName
from nasbench_kit.spaces.blocks.natives import whole_number, whole_numbers

__all__ = ["NODES", "OPERATIONS", "genes_of", "genotype_text"]

OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
NODES, INPUTS = 4, 2
PAIRS = 2 * NODES
CELLS = ("normal", "reduce")  # as the DARTS code names them
FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
CONCAT = list(range(INPUTS, INPUTS + NODES))
LONGEST = 10_000  # characters of a text that is read at all; a genotype has about 600

_INDEX = {name: i for i, name in enumerate(OPERATIONS)}
_GENES = {
    f"'{name}', {source}": (source, i) for i, name in enumerate(OPERATIONS) for source in range(INPUTS + NODES - 1)
}
_PAIR_TEXT = [[f"('{name}', {source})" for name in OPERATIONS] for source in range(INPUTS + NODES - 1)]

# what is usually printed
_PAIRS = r"\[\(('\w+', \d(?:\), \('\w+', \d){7})\)\]"
_ALL = r"(?:\[2, 3, 4, 5\]|range\(2, 6\))"
_USUAL = re.compile(rf"Genotype\(normal={_PAIRS}, normal_concat={_ALL}, reduce={_PAIRS}, reduce_concat={_ALL}\)")

# patterns without nested repetition: they take linear time
_FIELD = re.compile(r"\s*(\w+)\s*=\s*(\[[^\[\]]*\]|range\s*\([^()]*\))\s*(,|$)")
_NAMED_PAIR = re.compile(r"""\s*[(\[]\s*(?:'(\w+)'|"(\w+)")\s*,\s*(\d+)\s*[)\]]\s*(,|$)""")
_NUMBERED_PAIR = re.compile(r"\s*[(\[]\s*(\d+)\s*,\s*(\d+)\s*[)\]]\s*(,|$)")
_RANGE = re.compile(r"range\s*\(\s*(\d{1,9})\s*,\s*(\d{1,9})\s*\)")
_COMPACT = re.compile(
    r"\s*[\[(]\s*[\[(](.*?[)\]])\s*,?\s*[\])]\s*,\s*[\[(](.*?[)\]])\s*,?\s*[\])]\s*,?\s*[\])]\s*", re.DOTALL
)


def genotype_text(row: Sequence[int]) -> str:
    """The text ``Genotype(normal=[...], ...)`` of one valid genotype."""
    pairs = [_PAIR_TEXT[source][operation] for source, operation in zip(row[::2], row[1::2], strict=True)]
    normal, reduction = ", ".join(pairs[:PAIRS]), ", ".join(pairs[PAIRS:])
    return f"Genotype(normal=[{normal}], normal_concat=[2, 3, 4, 5], reduce=[{reduction}], reduce_concat=[2, 3, 4, 5])"


def genes_of(native: Any) -> list[int]:
    """The genes of one native form; raises InvalidArchitecture with the reason."""
    if isinstance(native, str):
        return _from_text(native)
    if hasattr(native, "_asdict"):  # a named tuple
        native = native._asdict()
    if isinstance(native, Mapping):
        return _from_fields(native)
    values = whole_numbers(native, "the compact form")
    if values.shape != (len(CELLS), PAIRS, 2):
        raise InvalidArchitecture(
            f"expected a Genotype, or 2 lists of {PAIRS} (input, operation) pairs, shape (2, 8, 2), not {values.shape}"
        )
    return _from_pairs(values.tolist())


def _from_text(text: str) -> list[int]:
    if len(text) > LONGEST:
        raise InvalidArchitecture(f"the text has {len(text)} characters; a genotype has about 600")
    text = text.strip()
    usual = _USUAL.fullmatch(text)
    if usual is not None:
        known = [[_GENES[pair] for pair in cell.split("), (") if pair in _GENES] for cell in usual.groups()]
        if [len(cell) for cell in known] == [PAIRS, PAIRS]:
            return _from_pairs(known)
    if text.startswith("Genotype"):
        inner = text.removeprefix("Genotype").strip()
        if inner[:1] == "(" and inner[-1:] == ")":
            return _from_fields({name: _value(name, value) for name, value in _fields(inner[1:-1])})
    found = _COMPACT.fullmatch(text)
    if found is None:
        raise InvalidArchitecture(
            "expected 'Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=[2, 3, 4, 5], reduce=[...], "
            "reduce_concat=[2, 3, 4, 5])', or a compact form '[[(0, 3), (1, 3), ...], [...]]'"
        )
    cells = []
    for cell, part in zip(CELLS, found.groups(), strict=True):
        pairs = [(int(match[1]), int(match[2])) for match in _each(_NUMBERED_PAIR, part, cell, "(0, 3)")]
        if len(pairs) != PAIRS:
            _wrong_count(cell, len(pairs))
        cells.append(pairs)
    return _from_pairs(cells)


def _fields(text: str) -> list[tuple[str, str]]:
    found = [(match[1], match[2]) for match in _each(_FIELD, text, "Genotype", "normal=[...]")]
    names = [name for name, _ in found]
    for name in names:
        if names.count(name) > 1:
            raise InvalidArchitecture(f"the genotype has {name} twice")
    return found


def _each(pattern: re.Pattern[str], text: str, where: str, expected: str) -> list[re.Match[str]]:
    """Match a pattern again and again, up to the end of the text."""
    found, at = [], 0
    while text[at:].strip():
        match = pattern.match(text, at)
        if match is None:
            raise InvalidArchitecture(f"expected {expected} in {where}, not {text[at : at + 40].strip()!r}")
        found.append(match)
        at = match.end()
    return found


def _value(name: str, text: str) -> Any:
    """The value of a field of the text: a list of pairs, or the numbers of nodes."""
    if text.startswith("range"):
        match = _RANGE.fullmatch(text)
        if match is None:
            raise InvalidArchitecture(f"expected range(2, 6) for {name}, not {text!r}")
        return range(int(match[1]), int(match[2]))
    inner = text[1:-1]
    if "(" not in inner and name.endswith("_concat"):
        parts = [part.strip() for part in inner.split(",") if part.strip()]
        if not all(re.fullmatch(r"\d{1,9}", part) for part in parts):
            raise InvalidArchitecture(f"{name} must be a list of node numbers, not {text[:40]!r}")
        return [int(part) for part in parts]
    return [(match[1] or match[2], int(match[3])) for match in _each(_NAMED_PAIR, inner, name, "('sep_conv_3x3', 0)")]


def _from_fields(fields: Mapping[Any, Any]) -> list[int]:
    for name in fields:
        if name not in FIELDS:
            raise InvalidArchitecture(str(UnknownName("field of a genotype", str(name), FIELDS)))
    cells = []
    for cell in CELLS:
        if cell not in fields:
            raise InvalidArchitecture(f"the genotype has no {cell!r} cell")
        cells.append(_named_pairs(fields[cell], cell))
        concat = fields.get(f"{cell}_concat", CONCAT)
        try:
            output = sorted(whole_numbers(list(concat) if len(concat) <= len(CONCAT) else [], "it").tolist())
        except (TypeError, InvalidArchitecture):
            output = []
        if output != CONCAT:
            raise InvalidArchitecture(f"{cell}_concat must be the nodes {CONCAT}, which the output concatenates")
    return _from_pairs(cells)


def _named_pairs(pairs: Any, cell: str) -> list[tuple[int, int]]:
    """(input, operation) numbers of the (operation, input) pairs of one cell."""
    if isinstance(pairs, (str, bytes, Mapping)) or not hasattr(pairs, "__len__"):
        raise InvalidArchitecture(f"the {cell} cell must be a list of (operation, input) pairs")
    if len(pairs) != PAIRS:
        _wrong_count(cell, len(pairs))
    found = []
    for pair in pairs:
        if isinstance(pair, str) or not hasattr(pair, "__len__") or len(pair) != 2 or not isinstance(pair[0], str):
            raise InvalidArchitecture(f"expected ('sep_conv_3x3', 0) in {cell}, not {str(pair)[:40]!r}")
        name, source = pair
        if name not in _INDEX:
            raise InvalidArchitecture(str(UnknownName("operation", str(name)[:40], OPERATIONS)))
        found.append((whole_number(source, f"the inputs of the {cell} cell"), _INDEX[name]))
    return found


def _wrong_count(cell: str, count: int) -> NoReturn:
    raise InvalidArchitecture(f"the {cell} cell must have {PAIRS} pairs, two for each of {NODES} nodes, not {count}")


def _from_pairs(cells: Sequence[Sequence[Sequence[int]]]) -> list[int]:
    """The genes of two lists of eight (input, operation) pairs, checked."""
    genes = []
    for cell, pairs in zip(CELLS, cells, strict=True):
        for i, (source, operation) in enumerate(pairs):
            node = INPUTS + i // 2
            if not 0 <= source < node:
                raise InvalidArchitecture(
                    f"the input {source} of node {node} of the {cell} cell is not one of 0 ... {node - 1}"
                )
            if not 0 <= operation < len(OPERATIONS):
                raise InvalidArchitecture(
                    f"the operation {operation} of node {node} of the {cell} cell is not one of 0 ... "
                    f"{len(OPERATIONS) - 1}"
                )
            if i % 2 and source == pairs[i - 1][0]:
                raise InvalidArchitecture(
                    f"both inputs of node {node} of the {cell} cell are {source}; they must differ"
                )
            genes += [source, operation]
    return genes
