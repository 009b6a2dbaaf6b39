"""Read whole runs of ``key, number`` pairs at once: most of a record, at NumPy speed."""

from __future__ import annotations

import bisect
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.loaders.pickle_runs import INT_PAIR, INT_RUN, SHARED_PAIR, SHARED_RUN
from nasbench_kit.loaders.pickle_stack import Stack

__all__ = ["FastRuns"]


class FastRuns(Stack):
    """Regular runs; anything irregular is left to the instructions."""

    def _fast_run(self, position: int) -> int:
        """Read a regular run of pairs into the dict on the stack; return the position after it, or 0 if irregular."""
        buffer, stack = self._buffer, self._stack
        if not stack or type(stack[-1]) is not dict:
            return 0
        opcode = buffer[position] if position < len(buffer) else 0
        if opcode == 0x4B:
            return self._int_run(position)
        if opcode == 0x6A:
            return self._shared_run(position)
        if opcode == 0x58 or opcode == 0x8C:
            return self._string_run(position)
        return 0

    def _int_run(self, position: int) -> int:
        """Pairs of a small integer and a number."""
        match = INT_RUN.match(self._buffer, position)
        if not match:
            return 0
        pairs = np.frombuffer(match[1], dtype=INT_PAIR)
        self._set_run(self._stack[-1], pairs["key"].tolist(), pairs["value"].tolist(), position)
        return match.end()

    def _shared_run(self, position: int) -> int:
        """Pairs of a memo entry and a number."""
        match = SHARED_RUN.match(self._buffer, position)
        if not match:
            return 0
        pairs = np.frombuffer(match[1], dtype=SHARED_PAIR)
        self._set_run(self._stack[-1], self._shared(pairs["number"], position), pairs["value"].tolist(), position)
        return match.end()

    def _string_run(self, position: int) -> int:
        """Pairs of a new string and a number."""
        matched = self._templates.match(self._buffer, position)
        if matched is None:
            return 0
        template, values = matched
        first = self._memoized
        if template.numbered is not None:
            first = template.first_number(self._buffer, position)
        else:
            self._memoized += len(template.keys)
        if self._runs and first <= self._runs[-1][0]:
            raise self._fail(position, f"memo entry {first} comes after a later one; the file is damaged")
        self._runs.append((first, template.keys))
        self._set_run(self._stack[-1], template.keys, values.tolist(), position)
        return position + template.size + 1

    def _shared(self, numbers: NDArray[np.uint32], position: int) -> list[Any] | tuple[str, ...]:
        """The values of memo entries; strings shared by two dicts usually occur in the same order in both."""
        first = int(numbers[0])
        at = bisect.bisect_right(self._runs, first, key=itemgetter(0)) - 1
        if at >= 0:
            start, keys = self._runs[at]
            part = keys[first - start : first - start + len(numbers)]
            if len(part) == len(numbers) and (np.diff(numbers.astype(np.int64)) == 1).all():
                return part
        memo = self._memo
        values = [memo[number] if number in memo else self._recall(number, position) for number in numbers.tolist()]
        return self._hashable(values, position)

    def _set_run(self, target: dict[Any, Any], keys: Any, values: list[float], position: int) -> None:
        size = len(target) + len(values)
        target.update(zip(keys, values, strict=True))
        if len(target) < size:
            raise self._fail(position, "a dict has a key twice; the file is damaged")
