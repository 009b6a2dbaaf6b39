"""A stack of networks: their weights in a few large tensors, and the logits of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from nasbench_kit.training.stacks.layers import convolve, normalise, pool
from nasbench_kit.training.stacks.recording import Step, record
from nasbench_kit.training.stacks.schedule import Batch, Piece, schedule
from nasbench_kit.training.stacks.transfers import Rows, join, spread

__all__ = ["Stack"]


class Stack:
    """Networks with several seeds each; network n with seed s has index n * seeds + s.

    Parameters
    ----------
    networks : sequence of sequence of nn.Module
        The networks; those of one row have the same structure and different weights. They are not modified.
    image : tuple of int
        Channels, height and width.
    device : torch.device
    norm_momentum, norm_epsilon : float, optional
        Constants of the batch norms (default: those of each network).

    Attributes
    ----------
    seeds : int
    dtype : torch.dtype
        Of the weights.

    Raises
    ------
    NotStackable
        If a network does something that a stack does not support.
    """

    def __init__(
        self,
        networks: Sequence[Sequence[nn.Module]],
        image: tuple[int, int, int],
        device: torch.device,
        norm_momentum: float | None = None,
        norm_epsilon: float | None = None,
    ) -> None:
        self.seeds, self.device = len(networks[0]), device
        self.dtype = next(networks[0][0].parameters()).dtype
        batches = schedule([record(row[0], image) for row in networks])
        tensors = [[{**dict(m.named_parameters()), **dict(m.named_buffers())} for m in row] for row in networks]
        self.steps = [_with_constants(batch.step, norm_momentum, norm_epsilon) for batch in batches]
        self.rows = [len(batch.members) * self.seeds for batch in batches]
        self._plan(batches)
        self.weights = [self._weights(batch, tensors) for batch in batches]

    def _plan(self, batches: Sequence[Batch]) -> None:
        """Plan which rows of each batch's output are read, and how the operands of each batch are joined from them."""
        self.read: list[list[Rows]] = [[] for _ in batches]  # of each batch, for each reader
        self.operands: list[
            list[list[tuple[int, int, Rows]]]
        ] = []  # of each batch: the batch, its reader, and the target
        for batch in batches:
            # the terms of a sum are all added to the first
            joined = [list(chain(*batch.operands))] if batch.step.kind == "add" else batch.operands
            self.operands.append([[self._reader(piece) for piece in pieces] for pieces in joined])

    def _reader(self, piece: Piece) -> tuple[int, int, Rows]:
        self.read[piece.batch].append(self._expanded(piece.source))
        return piece.batch, len(self.read[piece.batch]) - 1, self._expanded(piece.target)

    def _expanded(self, rows: NDArray[np.int64]) -> Rows:
        """Rows of networks as rows of networks and seeds: a slice if they are consecutive."""
        if (np.diff(rows) == 1).all():
            return slice(int(rows[0]) * self.seeds, (int(rows[-1]) + 1) * self.seeds)
        return torch.from_numpy((rows[:, np.newaxis] * self.seeds + np.arange(self.seeds)).ravel()).to(self.device)

    def _weights(self, batch: Batch, tensors: list[list[dict[str, Tensor]]]) -> list[Tensor | None]:
        """Join the weights of all members; vectors of batch norms are (rows x channels,)."""
        found: list[Tensor | None] = []
        norms = batch.step.tensors[-4:] if "norm" in batch.step.kind else ()  # weight, bias, running mean and variance
        for position, name in enumerate(batch.step.tensors):
            if name is None:
                found.append(None)
                continue
            of_norm = position - len(batch.step.tensors) + len(norms)
            values = [
                tensors[n][s][str(step.tensors[position])].detach()
                for n, step in batch.members
                for s in range(self.seeds)
            ]
            joined = (torch.cat if of_norm >= 0 else torch.stack)(values).to(self.device, copy=True)
            found.append(joined.requires_grad_(of_norm < 2))
        return found

    @property
    def parameters(self) -> list[Tensor]:
        """All trainable tensors."""
        return [tensor for weights in self.weights for tensor in weights if tensor is not None and tensor.requires_grad]

    def logits(self, images: Tensor, *, training: bool, kept: dict[int, Tensor] | None = None) -> Tensor:
        """Return logits (networks x seeds, classes, images) for images (seeds, channels, height, width, images).

        Outside of training, `kept` keeps what depends on the weights alone.
        """
        values: list[tuple[Tensor, ...]] = []
        for i, (step, rows) in enumerate(zip(self.steps, self.rows, strict=True)):
            inputs = [
                join([values[batch][reader] for batch, reader, _ in pieces], [target for *_, target in pieces], rows)
                for pieces in self.operands[i]
            ]
            if step.kind == "images":
                value = images.repeat(rows // self.seeds, 1, 1, 1, 1)
            elif step.kind == "zeros":
                value = images.new_zeros(rows, *step.shape, images.shape[-1])
            else:
                value = _execute(step.kind, step.settings, step.shape, inputs, self.weights[i], training, kept)
            values.append(spread(value, self.read[i]) if self.read[i] else (value,))
        return values[-1][0]


def _with_constants(step: Step, momentum: float | None, epsilon: float | None) -> Step:
    """Replace the constants of a batch norm by those that are given."""
    if "norm" not in step.kind:
        return step
    *others, (own_momentum, own_epsilon) = step.settings
    constants = (own_momentum if momentum is None else momentum, own_epsilon if epsilon is None else epsilon)
    return replace(step, settings=(*others, constants))


def _execute(
    kind: str,
    settings: tuple[Any, ...],
    shape: tuple[int, ...],
    inputs: list[Tensor],
    weights: list[Any],
    training: bool,
    kept: dict[int, Tensor] | None,
) -> Tensor:
    x = inputs[0]
    match kind:
        case "conv" | "conv+norm" | "conv+norm+relu":
            y = convolve(x, weights[0], settings[0], kept)
            y = y if weights[1] is None else y + weights[1][:, :, None, None, None]
            return y if kind == "conv" else _normalised(y, weights, settings, training, kind)
        case "norm" | "norm+relu":
            return _normalised(x, weights, settings, training, kind)
        case "linear":
            return (
                torch.bmm(weights[0], x) if weights[1] is None else torch.baddbmm(weights[1][:, :, None], weights[0], x)
            )
        case "relu":
            return torch.relu(x)
        case "relu6":
            return F.relu6(x)
        case "silu":
            return F.silu(x)
        case "sigmoid":
            return torch.sigmoid(x)
        case "max_pool" | "avg_pool":
            return pool(x, kind, settings)
        case "mean":
            return x.mean(dim=(2, 3)).view(len(x), *shape, x.shape[-1])
        case "flatten":
            return x.reshape(len(x), *shape, x.shape[-1])
        case "cat":
            return torch.cat(inputs, dim=1)
        case "add" | "output":
            return x
        case "mul":
            return x * inputs[1]
        case "slice":
            return x[(slice(None), *(slice(*ends) for ends in settings))].contiguous()
        case "pad":
            return F.pad(x, (0, 0, *settings))
    raise AssertionError(kind)


def _normalised(x: Tensor, weights: list[Any], settings: tuple[Any, ...], training: bool, kind: str) -> Tensor:
    weight, bias, mean, variance = weights[-4:]
    return normalise(
        x,
        weight,
        bias,
        mean,
        variance,
        settings[-1],
        training,
        rectified=kind.endswith("relu"),
        owned=kind.startswith("conv"),
    )
