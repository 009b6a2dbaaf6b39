"""Which steps of different networks are executed together, and in which order.

Steps with the same settings and shapes are batched as soon as their inputs are there; among several kinds of steps, the one
that is needed earliest on average comes first, so that networks of different depths meet again (Neubig et al. 2017,
"On-the-fly operation batching in dynamic computation graphs", arXiv 1705.07860, section 3.2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.training.stacks.recording import Recording, Step

__all__ = ["Batch", "Piece", "schedule"]


@dataclass(frozen=True)
class Piece:
    """Part of the input of a batch.

    Attributes
    ----------
    batch : int
        The earlier batch it comes from.
    source : ndarray of int
        Rows of that batch's output.
    target : ndarray of int
        Rows of the input that it is written to, or added to.
    """

    batch: int
    source: NDArray[np.int64]
    target: NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Steps that are executed together.

    Attributes
    ----------
    step : Step
        One of them, for what they share: kind, settings and shape.
    members : list of (int, Step)
        The network of each row, and its step.
    operands : list of list of Piece
        For each operand, where its rows come from. Sums have one for each number of terms, which may lack rows.
    """

    step: Step
    members: list[tuple[int, Step]]
    operands: list[list[Piece]]


def schedule(recordings: Sequence[Recording]) -> list[Batch]:
    """Return the batches in the order of execution. The first has the images, the last the logits of all networks in order."""
    kinds = [[_kind(recording, step) for step in recording.steps] for recording in recordings]
    depths = [_depths(recording) for recording in recordings]
    left: dict[Any, list[int]] = defaultdict(list)  # of each kind, the depths of the steps that were not executed yet
    readers: list[dict[int, list[int]]] = []
    waits: list[list[int]] = []
    for n, recording in enumerate(recordings):
        readers.append(defaultdict(list))
        waits.append([len(set(step.inputs)) for step in recording.steps])
        for k, step in enumerate(recording.steps):
            left[kinds[n][k]].append(depths[n][k])
            for i in set(step.inputs):
                readers[n][i].append(k)
    ready: dict[Any, list[tuple[int, int]]] = defaultdict(list)
    for n, recording in enumerate(recordings):
        for k, step in enumerate(recording.steps):
            if not step.inputs:
                ready[kinds[n][k]].append((n, k))
    batches: list[Batch] = []
    place: dict[tuple[int, int], tuple[int, int]] = {}
    while any(ready.values()):
        kind = min((k for k, steps in ready.items() if steps), key=lambda k: (k[0] == "output", _mean(left[k]), str(k)))
        chosen = ready.pop(kind)
        chosen.sort()  # the logits are in the order of the networks
        if kind[0] != "output":
            first = [place[n, i] for n, k in chosen for i in recordings[n].steps[k].inputs[:1]]
            if len({batch for batch, _ in first}) == 1 and len(set(first)) == len(batches[first[0][0]].members):
                chosen = [
                    nk for _, nk in sorted(zip(first, chosen, strict=True))
                ]  # nothing has to be copied to read these
            else:  # rows that are read together lie together
                chosen.sort(key=lambda nk: (_reader(nk, readers, kinds, depths), nk))
        members = [(n, recordings[n].steps[k]) for n, k in chosen]
        operands = _operands(members, place)
        for row, (n, k) in enumerate(chosen):
            place[n, k] = (len(batches), row)
            left[kind].remove(depths[n][k])
            for reader in readers[n][k]:
                waits[n][reader] -= 1
                if not waits[n][reader]:
                    ready[kinds[n][reader]].append((n, reader))
        batches.append(Batch(members[0][1], members, operands))
    return batches


def _reader(step: tuple[int, int], readers: list[dict[int, list[int]]], kinds: Any, depths: Any) -> tuple[int, str]:
    """Depth and kind of the first step that reads a step."""
    n, k = step
    reader = readers[n][k][0]
    return depths[n][reader], str(kinds[n][reader])


def _kind(recording: Recording, step: Step) -> Any:
    """Return what steps must share to be executed together."""
    shapes = tuple(recording.steps[i].shape for i in step.inputs)
    given = tuple(name is not None for name in step.tensors)
    return (step.kind, step.settings, step.shape, shapes[:1] if step.kind == "add" else shapes, given)


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values)


def _depths(recording: Recording) -> list[int]:
    found: list[int] = []
    for step in recording.steps:
        found.append(1 + max((found[i] for i in step.inputs), default=0))
    return found


def _operands(members: Sequence[tuple[int, Step]], place: dict[tuple[int, int], tuple[int, int]]) -> list[list[Piece]]:
    found = []
    for operand in range(max(len(step.inputs) for _, step in members)):
        rows: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for target, (n, step) in enumerate(members):
            if operand < len(step.inputs):
                batch, source = place[n, step.inputs[operand]]
                rows[batch].append((source, target))
        found.append([Piece(batch, *np.array(pairs, dtype=np.int64).T) for batch, pairs in sorted(rows.items())])
    return found
