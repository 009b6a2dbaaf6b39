"""The feature vector of NAS-Bench-301: the ConfigSpace array of a DARTS genotype with its fixed training settings.

Zela et al. 2022, arXiv 2008.09777; the released models read 56 numbers per architecture, one per hyperparameter of
``configspace.json``, with -1 for those that are inactive. Hyperparameters come in alphabetical order, unconditional ones
first. A categorical value is its position among the choices; numbers are scaled as ConfigSpace 0.4 does.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["FEATURES", "INACTIVE", "darts_features"]

INACTIVE = -1.0
NODES = 4
EDGES = 14  # 2 + 3 + 4 + 5, numbered node by node
HALF = 0.49999  # ConfigSpace widens ranges of integers by this at either end


def _integer(value: int, low: int, high: int, *, log: bool = False) -> float:
    ends = (low - HALF, value, high + HALF)
    start, at, end = map(math.log, ends) if log else ends
    return (at - start) / (end - start)


def _real(value: float, low: float, high: float, *, log: bool = False) -> float:
    start, at, end = map(math.log, (low, value, high)) if log else (low, value, high)
    return (at - start) / (end - start)


# Training settings that are the same for all architectures, scaled; categorical ones are 0, the first choice.
_SETTINGS = {
    "CreateImageDataLoader:batch_size": _integer(96, 64, 128, log=True),
    "ImageAugmentation:augment": 0.0,
    "ImageAugmentation:autoaugment": 0.0,
    "ImageAugmentation:cutout": 0.0,
    "ImageAugmentation:cutout_holes": _integer(1, 1, 3),
    "ImageAugmentation:cutout_length": _integer(16, 1, 50),
    "ImageAugmentation:fastautoaugment": 0.0,
    "LossModuleSelectorIndices:loss_module": 0.0,
    "NetworkSelectorDatasetInfo:darts:auxiliary": 0.0,
    "NetworkSelectorDatasetInfo:darts:drop_path_prob": 0.0,
    "NetworkSelectorDatasetInfo:darts:init_channels": _integer(32, 1, 10_000),
    "NetworkSelectorDatasetInfo:darts:layers": _integer(8, 1, 10_000),
    "NetworkSelectorDatasetInfo:network": 0.0,
    "OptimizerSelector:optimizer": 0.0,
    "OptimizerSelector:sgd:learning_rate": math.log(0.025),
    "OptimizerSelector:sgd:momentum": _real(0.9, 0.1, 0.99),
    "OptimizerSelector:sgd:weight_decay": math.log(0.0003),
    "SimpleLearningrateSchedulerSelector:cosine_annealing:T_max": _integer(100, 1, 10_000),
    "SimpleLearningrateSchedulerSelector:cosine_annealing:eta_min": _real(1e-8, 0.0, 10_000.0),
    "SimpleLearningrateSchedulerSelector:lr_scheduler": 0.0,
    "SimpleTrainNode:batch_loss_computation_technique": 0.0,
    "SimpleTrainNode:mixup:alpha": _real(0.2, 0.01, 0.7, log=True),
}
_DARTS = "NetworkSelectorDatasetInfo:darts:"
_CELLS = ("normal", "reduce")


def _edge(cell: str, number: int) -> str:
    return f"{_DARTS}edge_{cell}_{number}"


def _inputs(cell: str, node: int) -> str:
    return f"{_DARTS}inputs_node_{cell}_{node}"


# the first node always reads both inputs of the cell: its edges 0 and 1 are unconditional
_ALWAYS = sorted(
    [
        *_SETTINGS,
        *(_edge(cell, number) for cell in _CELLS for number in (0, 1)),
        *(_inputs(cell, node) for cell in _CELLS for node in (3, 4, 5)),
    ]
)
FEATURES: tuple[str, ...] = (
    *_ALWAYS,
    *sorted(_edge(cell, number) for cell in _CELLS for number in range(2, EDGES)),
)
_COLUMN = {name: i for i, name in enumerate(FEATURES)}


def darts_features(rows: Genotypes) -> NDArray[np.float64]:
    """Feature vectors of genotypes of the space ``darts``.

    Parameters
    ----------
    rows : ndarray of uint8, shape (n, 32)
        Valid genotypes: cell, node, pair, then (input, operation).

    Returns
    -------
    ndarray of float64, shape (n, 56)
        In the order of `FEATURES`.
    """
    features = np.full((len(rows), len(FEATURES)), INACTIVE)
    for name, value in _SETTINGS.items():
        features[:, _COLUMN[name]] = value
    cells = rows.reshape(len(rows), len(_CELLS), NODES, 2, 2)
    every = np.arange(len(rows))
    for c, cell in enumerate(_CELLS):
        first = 0
        columns = np.array([_COLUMN[_edge(cell, number)] for number in range(EDGES)])
        for k in range(NODES):
            sources = cells[:, c, k, :, 0].astype(np.intp)
            for pair in range(2):
                features[every, columns[first + sources[:, pair]]] = cells[:, c, k, pair, 1]
            if k:
                choice = _CHOICE_OF[k + 2][sources.min(axis=1), sources.max(axis=1)]
                features[:, _COLUMN[_inputs(cell, k + 2)]] = choice
            first += k + 2
    return features


def _choices(sources: int) -> NDArray[np.float64]:
    """Position of each pair of different inputs among the choices: (sources, sources), the smaller input first."""
    position = np.full((sources, sources), np.nan)
    for i, (a, b) in enumerate(itertools.combinations(range(sources), 2)):
        position[a, b] = i
    return position


_CHOICE_OF = {node: _choices(node) for node in (3, 4, 5)}
