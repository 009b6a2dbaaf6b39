"""An ensemble of small neural networks, trained for all runs at once."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.predictors.forest import ranks
from nasbench_kit.algorithms.streams import Streams

__all__ = ["network_predictions"]

WIDTH, LAYERS = 20, 10
EPOCHS, BATCH, RATE = 150, 32, 0.01
DECAYS = 0.9, 0.99  # of Adam's means of gradients and of their squares
LEAST = 1e-7  # added to Adam's denominator

Parameters = list[NDArray[np.float32]]


def network_predictions(
    Z: NDArray[np.bool_], F: NDArray[np.float64], at: NDArray[np.bool_], random: Streams, *, members: int
) -> NDArray[np.float64]:
    """Train networks on ranks, scaled to 0 ... 1, and predict.

    Ten hidden layers of 20 rectified linear units, 150 epochs of Adam on the mean absolute error. Source: White,
    Neiswanger and Savani 2021 (arXiv 1910.11858), section 5, and the authors' program.

    Parameters
    ----------
    Z : ndarray of bool, shape (runs, n, features)
        Features of evaluated genotypes.
    F : ndarray of float, shape (runs, n)
        Their values; ``inf`` ranks last.
    at : ndarray of bool, shape (runs, k, features)
        Features of genotypes to predict.
    random : Streams
    members : int
        Number of networks.

    Returns
    -------
    ndarray of float, shape (runs, members, k)
    """
    runs, n, features = Z.shape
    widths = [features, *(WIDTH,) * LAYERS, 1]
    weights, biases = _initial(widths, members, random)
    parameters = [*weights, *biases]
    first, second = ([np.zeros_like(p) for p in parameters] for _ in range(2))
    X = Z.astype(np.float32)
    target = (ranks(F) / max(n - 1, 1)).astype(np.float32)
    row = np.arange(runs)[:, np.newaxis, np.newaxis]
    step = 0
    for _ in range(EPOCHS):
        order = random.permutations((members, n))
        for begin in range(0, n, BATCH):
            chosen = order[:, :, begin : begin + BATCH]
            gradients = _gradients(X[row, chosen], target[row, chosen], weights, biases)
            step += 1
            _adam(parameters, gradients, first, second, step)
    asked = np.repeat(at[:, np.newaxis].astype(np.float32), members, axis=1)
    return _forward(asked, weights, biases)[-1][..., 0].astype(np.float64)


def _initial(widths: list[int], members: int, random: Streams) -> tuple[Parameters, Parameters]:
    """Weights (runs, members, inputs, outputs) by Glorot's uniform rule, and biases (runs, members, 1, outputs) of 0."""
    weights, biases = [], []
    for inputs, outputs in itertools.pairwise(widths):
        limit = np.sqrt(6 / (inputs + outputs))
        drawn = (2 * random.random((members, inputs, outputs)) - 1) * limit
        weights.append(drawn.astype(np.float32))
        biases.append(np.zeros((*drawn.shape[:2], 1, outputs), dtype=np.float32))
    return weights, biases


def _forward(X: NDArray[np.float32], weights: Parameters, biases: Parameters) -> list[NDArray[np.float32]]:
    """Input and output of every layer; all but the last are rectified."""
    found = [X]
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        out = found[-1] @ weight
        out += bias
        found.append(np.maximum(out, 0, out=out) if layer < len(weights) - 1 else out)
    return found


def _gradients(
    X: NDArray[np.float32], target: NDArray[np.float32], weights: Parameters, biases: Parameters
) -> Parameters:
    """Gradients of the mean absolute error, of weights and then of biases."""
    values = _forward(X, weights, biases)
    error = np.sign(values[-1] - target[..., np.newaxis]) / np.float32(X.shape[2])
    of_weights, of_biases = [], []
    for layer in range(len(weights) - 1, -1, -1):
        of_weights.append(values[layer].swapaxes(2, 3) @ error)
        of_biases.append(error.sum(axis=2, keepdims=True))
        if layer:
            error = error @ weights[layer].swapaxes(2, 3)
            error *= values[layer] > 0
    return [*of_weights[::-1], *of_biases[::-1]]


def _adam(parameters: Parameters, gradients: Parameters, first: Parameters, second: Parameters, step: int) -> None:
    """One step of Adam (Kingma and Ba 2015), in place."""
    slow, slower = (1 - decay**step for decay in DECAYS)
    rate, least = np.float32(RATE * np.sqrt(slower) / slow), np.float32(LEAST * np.sqrt(slower))
    for parameter, gradient, mean, square in zip(parameters, gradients, first, second, strict=True):
        mean += np.float32(1 - DECAYS[0]) * (gradient - mean)
        square += np.float32(1 - DECAYS[1]) * (gradient * gradient - square)
        parameter -= rate * mean / (np.sqrt(square) + least)
