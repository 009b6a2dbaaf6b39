"""Sizes and operations of NAS-Bench-NLP's recurrent cells."""

from __future__ import annotations

import numpy as np

__all__ = [
    "ARITY",
    "ARRANGED",
    "BLEND",
    "FIRST_SOURCE_LABEL",
    "NODES",
    "NODE_GENES",
    "OPERATIONS",
    "SLOTS",
    "SOURCES",
    "STATES",
]

OPERATIONS = (
    "linear",
    "blend",
    "elementwise_prod",
    "elementwise_sum",
    "activation_tanh",
    "activation_sigm",
    "activation_leaky_relu",
)
BLEND = 1 + OPERATIONS.index("blend")  # the only operation whose inputs are in order: a gate and two values

NODES = 24  # Klyuchnikov et al. 2020, section 3: the most nodes of a cell
SLOTS = 3  # inputs of a linear operation
STATES = 3  # hidden states
SOURCES = 1 + STATES  # the word x and the hidden states
NODE_GENES = 1 + SLOTS

# A node's label is its operation and the set of hidden states that it computes; those of x and the hidden states come after.
FIRST_SOURCE_LABEL = (1 + len(OPERATIONS)) * 2**STATES + 1

# Least and most inputs of each operation, from 0, which is no node.
ARITY = np.array([[0, 0], [1, 3], [3, 3], [2, 2], [2, 2], [1, 1], [1, 1], [1, 1]])

# Ways to choose the operation and the inputs of each node, by operation and number of inputs: (24, 7 * 3).
ARRANGED = np.array(
    [
        [
            float((SOURCES + node) ** count) if least <= count <= most else 0.0
            for least, most in ARITY[1:]
            for count in range(1, SLOTS + 1)
        ]
        for node in range(NODES)
    ]
)
