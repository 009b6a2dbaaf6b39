"""Canonical forms of NAS-Bench-NLP's cells: live nodes in the order of the labelled graph's canonical form."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.nas_bench_nlp.cells import BLEND, FIRST_SOURCE_LABEL, NODES, SLOTS, SOURCES, STATES
from nasbench_kit.spaces.nas_bench_nlp.refinement import vertex_order

__all__ = ["canonical_cells"]

Ints = NDArray[np.int64]


def canonical_cells(operations: Ints, inputs: Ints, states: Ints) -> tuple[Ints, Ints, Ints]:
    """Canonical form of each cell.

    Parameters
    ----------
    operations : ndarray of int, shape (n, 24)
    inputs : ndarray of int, shape (n, 24, 3)
    states : ndarray of int, shape (n, 3)
        As in a genotype.

    Returns
    -------
    operations, inputs, states
        Of the same shapes. Dead nodes and states are gone.
    """
    operations, inputs, states = _without_dead(operations, inputs, states)
    found = _ordered(operations, inputs, states)
    named = np.flatnonzero(states[:, 1:].any(axis=1))  # hidden states 1 and 2 may have either name
    operations, inputs, states = operations[named], inputs[named], states[named][:, [0, 2, 1]]
    exchanged = _ordered(operations, np.where(inputs == 3, 4, np.where(inputs == 4, 3, inputs)), states)
    first, second = _flat(tuple(part[named] for part in found)), _flat(exchanged)
    differs = (first != second).argmax(axis=1)[:, np.newaxis]
    less = (np.take_along_axis(second, differs, axis=1) < np.take_along_axis(first, differs, axis=1))[:, 0]
    for part, other in zip(found, exchanged, strict=True):
        part[named[less]] = other[less]
    return found


def _flat(form: tuple[Ints, ...]) -> Ints:
    """Operations, inputs and states of each cell in one row."""
    return np.concatenate([part.reshape(len(part), math.prod(part.shape[1:])) for part in form], axis=1)


def _without_dead(operations: Ints, inputs: Ints, states: Ints) -> tuple[Ints, Ints, Ints]:
    """Remove nodes and hidden states that never influence state 0, leaving gaps: a removed node has operation 0."""
    n = len(operations)
    every = np.arange(n)[:, np.newaxis]
    live = np.zeros((n, 1 + SOURCES + NODES), dtype=np.bool_)  # by the value of an input gene; 0 is none
    live[every[:, 0], SOURCES + states[:, 0]] = True
    while True:
        before = live.copy()
        for node in reversed(range(NODES)):
            live[every, np.where(live[:, 1 + SOURCES + node, np.newaxis], inputs[:, node], 0)] = True
        for state in range(STATES):  # a state that is read keeps the node that computes it
            where = np.where(live[:, 2 + state], SOURCES + states[:, state], 0)
            live[every[:, 0], where] = True
        live[:, 0] = False
        if (live == before).all():
            break
    kept = live[:, 1 + SOURCES :]
    lasting = np.concatenate([np.ones((n, 1), dtype=np.bool_), live[:, 3 : 2 + STATES]], axis=1)
    return operations * kept, inputs * kept[:, :, np.newaxis], states * lasting


def _ordered(operations: Ints, inputs: Ints, states: Ints) -> tuple[Ints, Ints, Ints]:
    """Nodes in the canonical order of the graph of sources and nodes, with the inputs sorted where order is nothing."""
    n = len(operations)
    vertices = SOURCES + NODES
    every = np.arange(n)
    labels = np.zeros((n, vertices), dtype=np.int64)
    labels[:, :SOURCES] = FIRST_SOURCE_LABEL + np.arange(SOURCES)
    labels[:, SOURCES:] = operations * 2**STATES
    for state in range(STATES):
        node = SOURCES + states[:, state] - 1
        labels[every, node] += np.where(states[:, state] > 0, 2**state, 0)
    order = vertex_order(operations, inputs, labels)
    # nodes only, those with an operation first; the order is topological, so inputs stay before their readers
    rank = np.argsort(order, axis=1)[:, SOURCES:]
    order = np.argsort(np.where(operations > 0, rank, vertices + np.arange(NODES)), axis=1)
    place = np.zeros((n, 1 + vertices), dtype=np.int64)
    place[:, : 1 + SOURCES] = np.arange(1 + SOURCES)
    place[every[:, np.newaxis], 1 + SOURCES + order] = 1 + SOURCES + np.arange(NODES)
    new_operations = np.take_along_axis(operations, order, axis=1)
    taken = np.take_along_axis(inputs, order[:, :, np.newaxis], axis=1).reshape(n, NODES * SLOTS)
    moved = np.take_along_axis(place, taken, axis=1).reshape(n, NODES, SLOTS)
    late = np.where(moved > 0, moved, 1 + vertices)  # gaps stay last
    late.sort(axis=2)
    in_order = np.where((new_operations == BLEND)[:, :, np.newaxis], moved, np.where(late > vertices, 0, late))
    new_states = np.take_along_axis(place, SOURCES + states, axis=1) - SOURCES
    return new_operations, in_order, np.where(states > 0, new_states, 0)
