"""Batches of labelled DAGs: encodings, pruning, canonical forms and isomorphism classes."""

from nasbench_kit.graphs.canonical import canonical_form, canonical_order, class_index
from nasbench_kit.graphs.encoding import (
    edge_list,
    edge_names,
    edges_to_matrix,
    join_nodes,
    matrix_to_edges,
    split_nodes,
)
from nasbench_kit.graphs.paths import edge_paths, node_paths
from nasbench_kit.graphs.pruning import on_a_path
from nasbench_kit.graphs.whole import whole_numbers

__all__ = [
    "canonical_form",
    "canonical_order",
    "class_index",
    "edge_list",
    "edge_names",
    "edge_paths",
    "edges_to_matrix",
    "join_nodes",
    "matrix_to_edges",
    "node_paths",
    "on_a_path",
    "split_nodes",
    "whole_numbers",
]
