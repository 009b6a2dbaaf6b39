"""Genetic CNN (Xie and Yuille 2017, arXiv 1703.01513): three stages of 3, 4 and 5 nodes."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from nasbench_kit.spaces.blocks.staged_dag import StagedDAG
from nasbench_kit.spaces.genetic_cnn.cost import SKELETONS, STAGES, network_cost
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["GeneticCNN"]


class GeneticCNN(StagedDAG):
    """The search space of Genetic CNN: 524,288 genotypes, 56,172 networks (6 · 31 · 302 DAGs).

    The 3 + 6 + 10 genes are bits: the edges e12, e13, e23, e14, ... of each stage. A node applies a convolution, batch
    norm and ReLU to the sum of its inputs. Stages are separated by pooling. Each stage also has an input and an output
    node, which are not encoded (see `StagedDAG`).

    Examples
    --------
    >>> space = GeneticCNN()
    >>> X = space.encode([[[1, 0, 1], [0, 0, 1, 1, 0, 0], [0, 1, 1, 1, 0, 1, 0, 0, 0, 1]]])
    >>> X
    array([[1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0, 1]], dtype=uint8)
    >>> other = space.encode([[[1, 0, 1], [1, 0, 0, 0, 0, 1], [0, 1, 1, 1, 0, 1, 0, 0, 0, 1]]])
    >>> bool((space.canonical(X) == space.canonical(other)).all())  # {e23, e14} and {e12, e34} are isomorphic
    True
    >>> space.cost(X, "params", dataset="cifar10")
    array([276274])
    """

    def __init__(self) -> None:
        super().__init__(STAGES, name="genetic-cnn")

    skeletons = SKELETONS

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        return network_cost(rows, name, skeleton)
