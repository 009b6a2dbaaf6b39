"""NAS-Bench-NLP (Klyuchnikov et al. 2020, arXiv 2006.07116): recurrent cells of up to 24 operations.

A cell reads the word ``x`` and up to three hidden states of the step before, and computes the new ones. Its output is the
first hidden state.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import InvalidArchitecture, UnknownName
from nasbench_kit.kernels.compiling import enabled
from nasbench_kit.spaces.contract import Space
from nasbench_kit.spaces.diagram import Arrow, Diagram, Node
from nasbench_kit.spaces.genotypes import Genotypes, as_rng
from nasbench_kit.spaces.nas_bench_nlp.cell_loops import canonical_loop, valid_loop
from nasbench_kit.spaces.nas_bench_nlp.cells import (
    ARITY,
    ARRANGED,
    NODE_GENES,
    NODES,
    OPERATIONS,
    SLOTS,
    SOURCES,
    STATES,
)
from nasbench_kit.spaces.nas_bench_nlp.sameness import canonical_cells

__all__ = ["NASBenchNLP"]

_BLOCK = 1024  # cells whose canonical forms are computed at a time, so that intermediate arrays stay in the cache
_SOURCE_NAMES = ("x", *(f"h_prev_{state}" for state in range(STATES)))


class NASBenchNLP(Space):
    """The search space of NAS-Bench-NLP: recurrent cells as recipes, about 1.5e110 genotypes, few of them valid.

    A genotype has four genes for each of 24 nodes, in topological order, and three for the hidden states:

    - the operation of the node: 0 none (only after the last node), then `OPERATIONS` from 1;
    - its three inputs: 0 none, 1 the word x, 2 to 4 the hidden states 0 to 2 of the step before, 5 and above the nodes
      from the first. Inputs are filled from the first slot: one to three for ``linear``, three for ``blend``, two for
      the elementwise operations, one for an activation;
    - for each hidden state the node that computes it, from 1; 0 if the cell does not have this state.

    Hidden states that are read must be computed, state 0 always is, and a node computes one state at most.

    Two genotypes are the same network if their recipes are the same labelled graph: nodes in another order or under
    other names, inputs of ``linear`` and of elementwise operations exchanged, hidden states 1 and 2 exchanged, and
    without what never influences state 0. A native form is a recipe, a dict or its JSON text; decoding names the nodes
    ``node_0``, ``node_1``, ... and ``h_new_0``, ``h_new_1``, ``h_new_2``.

    Examples
    --------
    >>> space = NASBenchNLP()
    >>> rnn = {"f": {"op": "linear", "input": ["x", "h_prev_0"]}, "h_new_0": {"op": "activation_tanh", "input": ["f"]}}
    >>> X = space.encode([rnn])
    >>> space.decode(X)[0]["node_0"]
    {'op': 'linear', 'input': ['x', 'h_prev_0']}
    """

    name = "nas-bench-nlp"
    version = 1
    cardinalities = (
        *(value for node in range(NODES) for value in (1 + len(OPERATIONS), *(1 + len(_SOURCE_NAMES) + node,) * SLOTS)),
        *(1 + NODES,) * STATES,
    )
    networks = None

    @property
    def units(self) -> dict[str, tuple[tuple[int, ...], ...]]:
        """``"node"``: an operation with its inputs; each hidden state by itself."""
        nodes = tuple(tuple(range(i, i + NODE_GENES)) for i in range(0, NODES * NODE_GENES, NODE_GENES))
        return {**super().units, "node": (*nodes, *((gene,) for gene in range(NODES * NODE_GENES, self.genes)))}

    @property
    def gene_names(self) -> tuple[str, ...]:
        parts = ("operation", *(f"input {slot}" for slot in range(SLOTS)))
        return (
            *(f"node {node} {part}" for node in range(NODES) for part in parts),
            *(f"hidden state {state}" for state in range(STATES)),
        )

    @property
    def gene_values(self) -> tuple[tuple[str, ...] | range, ...]:
        values: list[tuple[str, ...] | range] = []
        for node in range(NODES):
            inputs = ("none", *_SOURCE_NAMES, *(f"node {earlier}" for earlier in range(node)))
            values += [("none", *OPERATIONS), *(inputs,) * SLOTS]
        return (*values, *(("none", *(f"node {node}" for node in range(NODES))),) * STATES)

    # ---------------------------------------------------------------- validity

    def valid_rows(self, rows: Genotypes) -> NDArray[np.bool_]:
        if enabled():
            found = np.empty(len(rows), dtype=np.bool_)
            valid_loop(np.ascontiguousarray(rows), np.array(self.cardinalities, dtype=np.uint8), ARITY, found)
            return found
        inside: NDArray[np.bool_] = np.asarray((rows < np.array(self.cardinalities)).all(axis=1))
        operations, inputs, states = _parts(np.where(inside[:, np.newaxis], rows, 0))
        there = operations > 0
        valid = inside & (there[:, 1:] <= there[:, :-1]).all(axis=1)
        given = inputs > 0
        count = given.sum(axis=2)
        valid &= (given[:, :, 1:] <= given[:, :, :-1]).all(axis=(1, 2))
        valid &= ((count >= ARITY[operations, 0]) & (count <= ARITY[operations, 1])).all(axis=1)
        valid &= (states[:, 0] > 0) & (states <= there.sum(axis=1)[:, np.newaxis]).all(axis=1)
        for first in range(STATES):
            for second in range(first):
                valid &= (states[:, first] != states[:, second]) | (states[:, first] == 0)
            read = (inputs == 2 + first).any(axis=(1, 2))
            valid &= ~read | (states[:, first] > 0)
        return np.asarray(valid)

    def why_invalid(self, row: NDArray[Any]) -> str:
        found = super().why_invalid(row)
        if not found.startswith("violates"):
            return found
        try:
            self.encode_one(_recipe(row.tolist()))
        except InvalidArchitecture as error:
            return str(error)
        return "inputs or nodes have gaps, or two hidden states are the same node"

    def sample(self, n: int, rng: int | np.random.Generator) -> Genotypes:
        """Draw valid genotypes uniformly, with replacement; nearly all of them have 24 nodes."""
        generator = as_rng(rng)
        kept: list[Genotypes] = [np.empty((0, self.genes), dtype=np.uint8)]
        missing = n
        while missing:
            drawn = self._draw(max(64, 2 * missing), generator)
            kept.append(drawn[self.valid_rows(drawn)][:missing])
            missing -= len(kept[-1])
        return np.concatenate(kept)

    def _draw(self, n: int, generator: np.random.Generator) -> Genotypes:
        """Draw uniformly among genotypes that are valid but for hidden states that are read and not computed."""
        rows = np.zeros((n, self.genes), dtype=np.uint8)
        size = 1 + _drawn(_SIZE_SHARES, n, generator)
        choice = np.empty((NODES, n), dtype=np.intp)
        inputs = np.empty((NODES, n, SLOTS), dtype=np.int64)
        for node in range(NODES):
            choice[node] = _drawn(_SHARES[node], n, generator)
            inputs[node] = generator.integers(1, 1 + SOURCES + node, size=(n, SLOTS))
        operation, count = np.divmod(choice, SLOTS)
        there = np.arange(NODES)[:, np.newaxis] < size
        nodes = rows[:, : NODES * NODE_GENES].reshape(n, NODES, NODE_GENES)
        nodes[:, :, 0] = np.where(there, 1 + operation, 0).T
        nodes[:, :, 1:] = np.where(
            (there & (np.arange(SLOTS)[:, np.newaxis, np.newaxis] <= count)).T, inputs.transpose(1, 0, 2), 0
        )
        rows[:, : NODES * NODE_GENES] = nodes.reshape(n, NODES * NODE_GENES)
        rows[:, -STATES:] = _drawn_states(size, generator)
        return rows

    # ---------------------------------------------------------------- the same network

    def canonical_rows(self, rows: Genotypes) -> Genotypes:
        if not enabled():
            return self._canonical_rows(rows)
        forms, found = np.empty(rows.shape, dtype=np.uint8), np.empty(len(rows), dtype=np.bool_)
        canonical_loop(np.ascontiguousarray(rows), forms, found)
        rest = np.flatnonzero(~found)  # so symmetric that orders of nodes have to be tried
        if len(rest):
            forms[rest] = self._canonical_rows(rows[rest])
        return forms

    def _canonical_rows(self, rows: Genotypes) -> Genotypes:
        forms = np.empty_like(rows)
        for start in range(0, len(rows), _BLOCK):
            operations, inputs, states = canonical_cells(*_parts(rows[start : start + _BLOCK]))
            block = forms[start : start + _BLOCK]
            block[:, : NODES * NODE_GENES : NODE_GENES] = operations
            for slot in range(SLOTS):
                block[:, 1 + slot : NODES * NODE_GENES : NODE_GENES] = inputs[:, :, slot]
            block[:, NODES * NODE_GENES :] = states
        return forms

    # ---------------------------------------------------------------- native forms

    def encode_one(self, native: Any) -> Sequence[int]:
        recipe = _parsed(native)
        order = _in_order(recipe)
        place = {name: 1 + SOURCES + i for i, name in enumerate(order)}
        place |= {name: 1 + i for i, name in enumerate(_SOURCE_NAMES)}
        genes = [0] * self.genes
        for i, name in enumerate(order):
            node = recipe[name]
            genes[i * NODE_GENES] = 1 + OPERATIONS.index(node["op"])
            for slot, source in enumerate(node["input"]):
                genes[i * NODE_GENES + 1 + slot] = place[source]
        for state in range(STATES):
            name = f"h_new_{state}"
            if name in recipe:
                genes[NODES * NODE_GENES + state] = place[name] - SOURCES
        return genes

    def decode_one(self, row: Sequence[int]) -> dict[str, dict[str, Any]]:
        return _recipe(row)

    def diagrams_of(self, row: Sequence[int]) -> list[Diagram]:
        recipe = _recipe(row)
        names = list(recipe)
        sources = [name for name in _SOURCE_NAMES if any(name in node["input"] for node in recipe.values())]
        place = {name: i for i, name in enumerate([*sources, *names])}
        nodes = [Node(name) for name in sources]
        for name in names:
            operation = recipe[name]["op"].removeprefix("activation_").removeprefix("elementwise_")
            nodes.append(Node(f"{name}: {operation}" if name.startswith("h_new") else operation, operation=True))
        arrows = [Arrow(place[source], place[name]) for name in names for source in recipe[name]["input"]]
        return [Diagram(f"{self.name}, cell", nodes, arrows)]


def _parts(rows: Genotypes) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Operations (n, 24), inputs (n, 24, 3) and hidden states (n, 3) of genotypes."""
    nodes = rows[:, : NODES * NODE_GENES].reshape(len(rows), NODES, NODE_GENES).astype(np.int64)
    return nodes[:, :, 0], nodes[:, :, 1:], rows[:, NODES * NODE_GENES :].astype(np.int64)


def _cumulative(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cumulative shares along the last axis."""
    shares = np.cumsum(weights / weights.sum(axis=-1, keepdims=True), axis=-1)
    return np.asarray(shares / shares[..., -1:])


def _size_weights() -> NDArray[np.float64]:
    """Weights of the recipes of 1, 2, ... nodes: how many there are, up to a factor."""
    sizes = np.arange(1, NODES + 1)
    logs = np.cumsum(np.log(ARRANGED.sum(axis=1)))
    logs += np.log(sizes * (1 + (sizes - 1) * (2 + np.maximum(sizes - 2, 0))))
    return np.asarray(np.exp(logs - logs.max()))


_SIZE_SHARES = _cumulative(_size_weights())
_SHARES = _cumulative(ARRANGED)  # of ways to choose an operation and the number of its inputs, for each node


def _drawn(shares: NDArray[np.float64], n: int, generator: np.random.Generator) -> NDArray[np.intp]:
    """Numbers drawn by cumulative shares, as from ``generator.choice`` but without its checks: (n,)."""
    return shares.searchsorted(generator.random(n), side="right")


def _drawn_states(size: NDArray[np.intp], generator: np.random.Generator) -> NDArray[np.intp]:
    """Nodes that compute the hidden states, uniform over the choices that are allowed: (n, 3) from the sizes (n,)."""
    n = len(size)
    states = np.zeros((n, STATES), dtype=np.intp)
    states[:, 0] = 1 + generator.integers(0, size)
    waiting = np.arange(n)
    while len(waiting):  # reject what repeats a node: uniform over the rest
        states[waiting, 1:] = generator.integers(0, 1 + size[waiting, np.newaxis], size=(len(waiting), STATES - 1))
        some = states[waiting]
        again = np.zeros(len(waiting), dtype=np.bool_)
        for first in range(1, STATES):
            for second in range(first):
                again |= (some[:, first] == some[:, second]) & (some[:, first] > 0)
        waiting = waiting[again]
    return states


def _recipe(row: Sequence[int]) -> dict[str, dict[str, Any]]:
    states = {int(node): state for state, node in enumerate(row[NODES * NODE_GENES :]) if node}
    count = sum(1 for i in range(NODES) if row[i * NODE_GENES])
    names = [f"h_new_{states[i + 1]}" if i + 1 in states else f"node_{i}" for i in range(count)]
    known = (*_SOURCE_NAMES, *names)
    recipe = {}
    for i, name in enumerate(names):
        genes = row[i * NODE_GENES : (i + 1) * NODE_GENES]
        recipe[name] = {"op": OPERATIONS[genes[0] - 1], "input": [known[gene - 1] for gene in genes[1:] if gene]}
    return recipe


def _parsed(native: Any) -> dict[str, dict[str, Any]]:
    """A recipe with known operations, the right number of inputs each, and inputs that exist."""
    if isinstance(native, str):
        try:
            native = json.loads(native)
        except (ValueError, RecursionError) as error:
            raise InvalidArchitecture(f"the recipe is not valid JSON: {error}") from None
    if not isinstance(native, dict) or not native:
        raise InvalidArchitecture("a native form must be a recipe: a dict of nodes, or its JSON text")
    if len(native) > NODES:
        raise InvalidArchitecture(f"the recipe has {len(native)} nodes; the space has at most {NODES}")
    for name, node in native.items():
        if not isinstance(name, str) or name in _SOURCE_NAMES:
            raise InvalidArchitecture(f"{name!r} cannot be the name of a node")
        if not isinstance(node, dict) or set(node) != {"op", "input"} or not isinstance(node["input"], list):
            raise InvalidArchitecture(f"node {name!r} must have the keys 'op' and 'input', a list")
        if node["op"] not in OPERATIONS:
            raise InvalidArchitecture(str(UnknownName("operation", node["op"], OPERATIONS)))
        least, most = ARITY[1 + OPERATIONS.index(node["op"])]
        if not least <= len(node["input"]) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise InvalidArchitecture(f"node {name!r}: {node['op']} takes {wanted} inputs, not {len(node['input'])}")
        for source in node["input"]:
            if source not in native and source not in _SOURCE_NAMES:
                raise InvalidArchitecture(f"node {name!r} reads {source!r}, which the recipe does not have")
            state = re.fullmatch(r"h_prev_(\d)", source)
            if state and f"h_new_{state[1]}" not in native:
                raise InvalidArchitecture(f"node {name!r} reads {source!r}, but no node is named 'h_new_{state[1]}'")
    if "h_new_0" not in native:
        raise InvalidArchitecture("no node is named 'h_new_0', the output")
    return native


def _in_order(recipe: dict[str, dict[str, Any]]) -> list[str]:
    """The names of the nodes in an order in which every node comes after its inputs; otherwise as given."""
    order: list[str] = []
    known = set(_SOURCE_NAMES)
    rest = list(recipe)
    while rest:
        ready = next((name for name in rest if known.issuperset(recipe[name]["input"])), None)
        if ready is None:
            raise InvalidArchitecture(f"the nodes {', '.join(rest[:5])} depend on each other in a circle")
        rest.remove(ready)
        known.add(ready)
        order.append(ready)
    return order
