"""Rows of tensors that are read by several batches, or come from several batches.

As they are functions of autograd in one piece, gradients are added up in one tensor, where indexing would make one for every
reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

__all__ = ["Rows", "join", "spread"]

Rows: TypeAlias = slice | Tensor


def spread(x: Tensor, rows: Sequence[Rows]) -> tuple[Tensor, ...]:
    """Return some rows of a tensor for each of its readers."""
    if len(rows) == 1 and _all_of(x, rows[0]):
        return (x,)
    found: tuple[Tensor, ...] = _Spread.apply(x, rows)
    return found


def join(parts: Sequence[Tensor], targets: Sequence[Rows], size: int) -> Tensor:
    """Return a tensor of `size` rows: each part is added to its target rows, those that are first there being copied.

    The targets of parts that come first must cover all rows, and overlap with later ones only.
    """
    if len(parts) == 1 and _all_of(parts[0], targets[0]) and len(parts[0]) == size:
        return parts[0]
    found: Tensor = _Join.apply(targets, size, *parts)
    return found


def _all_of(x: Tensor, rows: Rows) -> bool:
    return isinstance(rows, slice) and rows == slice(0, len(x))


class _Spread(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, rows: Sequence[Rows]) -> tuple[Tensor, ...]:
        ctx.rows, ctx.shape = rows, x.shape
        return tuple(x[some] if isinstance(some, slice) else x.index_select(0, some) for some in rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        whole = [
            g for g, rows in zip(gradients, ctx.rows, strict=True) if isinstance(rows, slice) and len(g) == ctx.shape[0]
        ]
        if len(whole) > 1:
            of_x, left = whole[0] + whole[1], whole[2:]
        else:
            of_x, left = (whole[0].clone() if whole else gradients[0].new_zeros(ctx.shape)), []
        for gradient in left:
            of_x.add_(gradient)
        for gradient, rows in zip(gradients, ctx.rows, strict=True):
            if not isinstance(rows, slice):
                of_x.index_add_(0, rows, gradient)
            elif len(gradient) < ctx.shape[0]:
                of_x[rows].add_(gradient)
        return of_x, None


class _Join(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, targets: Sequence[Rows], size: int, *parts: Tensor) -> Tensor:
        ctx.targets = targets
        y = parts[0].new_empty(size, *parts[0].shape[1:])
        written = 0
        for part, rows in zip(parts, targets, strict=True):
            first = written < size
            written += len(part)
            if isinstance(rows, slice):
                y[rows].copy_(part) if first else y[rows].add_(part)
            elif first:
                y.index_copy_(0, rows, part)
            else:
                y.index_add_(0, rows, part)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        dy = gradients[0]
        return None, None, *(dy[rows] if isinstance(rows, slice) else dy.index_select(0, rows) for rows in ctx.targets)
