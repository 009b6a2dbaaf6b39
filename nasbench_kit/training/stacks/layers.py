"""The layers of a stack: M networks at once, on tensors (networks, channels, height, width, images).

With the images innermost, every layer works on long contiguous vectors, and a convolution is a batch of matrix products:

- ``pointwise`` (1x1): the weights, times all pixels of all images;
- ``dense``: one matrix from all pixels to all pixels, zeros included, for each group of channels. Few pixels or depthwise;
- ``columns``: a matrix from the columns that a kernel covers to one column of the output, the same for every column. In between.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["convolve", "normalise", "pool", "products"]

CACHED = 2**19  # values: as many as the second-level cache of a core can hold
COPIED = 1.25  # `columns` copies the image for each column of the kernel: it must save more products than that


def convolve(x: Tensor, kernel: Tensor, settings: tuple[Any, ...], kept: dict[int, Tensor] | None) -> Tensor:
    """Apply the convolutions of M networks.

    Parameters
    ----------
    x : Tensor, shape (M, channels, height, width, images)
    kernel : Tensor, shape (M, outputs, channels / groups, kernel height, kernel width)
    settings : tuple
        The shape of one kernel, stride, padding, dilation (each (height, width)) and groups.
    kept : dict, optional
        Keeps matrices that are made of the weights, while the weights do not change.
    """
    (outputs, inputs, _, wide), stride, padding, dilation, _ = settings
    way = _way(settings, tuple(x.shape[1:4]))
    if way == "pointwise":
        if stride != (1, 1):
            x = x[:, :, :: stride[0], :: stride[1]]
        y = torch.bmm(kernel.view(len(x), outputs, inputs), x.reshape(len(x), inputs, -1))
        return y.view(len(x), outputs, *x.shape[2:])
    size = tuple(
        (x.shape[2 + i] + 2 * padding[i] - dilation[i] * (settings[0][2 + i] - 1) - 1) // stride[i] + 1 for i in (0, 1)
    )
    if way == "columns":
        matrix = _kept(kept, kernel, lambda: _column_matrix(kernel, x.shape[2], size[0], settings))
        covered = _covered(x.shape[3], size[1], wide, stride[1], padding[1], dilation[1])
        y = _Columns.apply(x, matrix, wide, covered, size[1])
        return y.view(len(x), outputs, *size, x.shape[-1])
    matrix = _kept(kept, kernel, lambda: _dense_matrix(kernel, tuple(x.shape[2:4]), size, settings))
    y = torch.bmm(matrix, x.reshape(len(matrix), -1, x.shape[-1]))
    return y.view(len(x), outputs, *size, x.shape[-1])


def products(settings: tuple[Any, ...], shape: tuple[int, ...]) -> int:
    """Return the products per value of the output, zeros included, for images (channels, height, width)."""
    (_, inputs, _, wide), *_ = settings
    return {"pointwise": inputs, "columns": inputs * wide * shape[1], "dense": inputs * shape[1] * shape[2]}[
        _way(settings, shape)
    ]


def _way(settings: tuple[Any, ...], shape: tuple[int, ...]) -> str:
    (_, _, high, wide), _, padding, _, groups = settings
    if (high, wide) == (1, 1) and groups == 1 and padding == (0, 0):
        return "pointwise"
    return "columns" if groups == 1 and shape[2] > COPIED * wide else "dense"


def _kept(kept: dict[int, Tensor] | None, kernel: Tensor, make: Callable[[], Tensor]) -> Tensor:
    if kept is None:
        return make()
    if id(kernel) not in kept:
        kept[id(kernel)] = make()
    return kept[id(kernel)]


def _dense_matrix(kernel: Tensor, before: tuple[int, int], size: tuple[int, int], settings: tuple[Any, ...]) -> Tensor:
    """Return (M x groups, outputs x pixels, inputs x pixels) for each group of channels."""
    (outputs, inputs, high, wide), stride, padding, dilation, groups = settings
    taps = _taps(before, size, (high, wide), stride, padding, dilation, kernel.dtype, kernel.device)
    pixels, pixels_before = size[0] * size[1], before[0] * before[1]
    matrix = (kernel.reshape(-1, high * wide) @ taps).view(-1, outputs // groups, inputs, pixels, pixels_before)
    return matrix.transpose(2, 3).reshape(len(matrix), outputs // groups * pixels, inputs * pixels_before)


def _column_matrix(kernel: Tensor, before: int, size: int, settings: tuple[Any, ...]) -> Tensor:
    """Return (M, outputs x height, inputs x kernel width x height)."""
    (outputs, inputs, high, wide), stride, padding, dilation, _ = settings
    taps = _taps(
        (before, 1),
        (size, 1),
        (high, 1),
        (stride[0], 1),
        (padding[0], 0),
        (dilation[0], 1),
        kernel.dtype,
        kernel.device,
    )
    matrix = (kernel.transpose(3, 4).reshape(-1, high) @ taps).view(len(kernel), outputs, inputs * wide, size, before)
    return matrix.transpose(2, 3).reshape(len(kernel), outputs * size, inputs * wide * before)


@functools.lru_cache(maxsize=256)
def _taps(
    before: tuple[int, int],
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    dtype: torch.dtype,
    device: torch.device,
) -> Tensor:
    """Return which kernel element connects which pixels: (kernel elements, pixels out x pixels in) of 0 and 1."""
    lines = []
    for i in (0, 1):
        line = torch.zeros(kernel[i], size[i], before[i], dtype=dtype)
        for tap in range(kernel[i]):
            for out in range(size[i]):
                there = out * stride[i] - padding[i] + tap * dilation[i]
                if 0 <= there < before[i]:
                    line[tap, out, there] = 1
        lines.append(line)
    found = torch.einsum("ayr,bxc->abyxrc", *lines)
    return found.reshape(kernel[0] * kernel[1], -1).to(device)


Covered = tuple[tuple[int, slice, slice], ...]


def _covered(before: int, size: int, wide: int, stride: int, padding: int, dilation: int) -> Covered:
    """For each column of the kernel: the columns of the output that read the image with it, and the columns they read."""
    found = []
    for tap in range(wide):
        offset = padding - tap * dilation  # the output's column j reads column j * stride - offset
        first, last = max(0, -(-offset // stride)), min(size, (before - 1 + offset) // stride + 1)
        if last > first:
            start = first * stride - offset
            source = slice(start, start + (last - first - 1) * stride + 1, stride)
            found.append((tap, slice(first, last), source))
    return tuple(found)


class _Columns(torch.autograd.Function):
    """Convolution by columns: one matrix, times the columns that the kernel covers for each column of the output.

    The columns, (channels x kernel width x height, output width x images) for each network, are laid out for a few networks
    at a time, so that they stay in the cache.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: Tensor, wide: int, covered: Covered, size: int) -> Tensor:
        stack, images = len(x), x.shape[-1]
        y = x.new_empty(stack, matrix.shape[1], size * images)
        windows = _windows(x, wide, covered, size)
        for some in _portions(stack, len(windows)):
            there = windows[: some.stop - some.start]
            _lay_out(x[some], there, covered)
            torch.bmm(matrix[some], there.view(len(there), -1, size * images), out=y[some])
        ctx.save_for_backward(x, matrix)
        ctx.wide, ctx.covered, ctx.size = wide, covered, size
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, matrix = ctx.saved_tensors
        dy = gradients[0].reshape(len(x), matrix.shape[1], -1)
        of_matrix = torch.empty_like(matrix)
        of_x = torch.zeros_like(x) if ctx.needs_input_grad[0] else None
        windows = _windows(x, ctx.wide, ctx.covered, ctx.size)
        of_windows = torch.empty_like(windows)
        for some in _portions(len(x), len(windows)):
            there, gradient = windows[: some.stop - some.start], of_windows[: some.stop - some.start]
            _lay_out(x[some], there, ctx.covered)
            torch.bmm(dy[some], there.view(len(there), -1, dy.shape[2]).transpose(1, 2), out=of_matrix[some])
            if of_x is not None:
                torch.bmm(matrix[some].transpose(1, 2), dy[some], out=gradient.view(len(there), -1, dy.shape[2]))
                for tap, target, source in ctx.covered:
                    of_x[some, :, :, source].add_(gradient[:, :, tap, :, target])
        return of_x, of_matrix, None, None, None


def _windows(x: Tensor, wide: int, covered: Covered, size: int) -> Tensor:
    """Return space for the columns of some networks: (networks, channels, kernel width, height, output width, images).

    What lies outside of the image is zero.
    """
    stack, channels, height, _, images = x.shape
    each = channels * wide * height * size * images
    windows = x.new_empty(min(stack, max(1, CACHED // each)), channels, wide, height, size, images)
    read = {tap: target for tap, target, _ in covered}
    for tap in range(wide):
        target = read.get(tap, slice(0, 0))
        windows[:, :, tap, :, : target.start].zero_()
        windows[:, :, tap, :, target.stop :].zero_()
    return windows


def _portions(stack: int, size: int) -> list[slice]:
    return [slice(first, min(stack, first + size)) for first in range(0, stack, size)]


def _lay_out(x: Tensor, windows: Tensor, covered: Covered) -> None:
    for tap, target, source in covered:
        windows[:, :, tap, :, target].copy_(x[:, :, :, source])


def normalise(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
    settings: tuple[float, float],
    training: bool,
    *,
    rectified: bool,
    owned: bool,
) -> Tensor:
    """Apply batch norms with the settings (momentum, epsilon), and then ReLU if `rectified`.

    If `x` is `owned`, which means that nothing else reads it, its memory is used again.

    Parameters
    ----------
    x : Tensor, shape (M, channels, ..., images)
    weight, bias, mean, variance : Tensor, shape (M x channels,)
        The running mean and variance are updated in training.
    """
    momentum, epsilon = settings
    if training:
        y, batch_mean, batch_variance = _Norm.apply(x, weight, bias, epsilon, rectified, owned)
        count = x.numel() // len(weight)
        with torch.no_grad():
            mean.lerp_(batch_mean, momentum)
            variance.lerp_(batch_variance * (count / (count - 1)), momentum)
        return y
    scale = weight * (variance + epsilon).rsqrt()
    flat = x.reshape(len(weight), -1)
    y = (flat.mul_(scale[:, None]) if owned else flat * scale[:, None]).add_((bias - mean * scale)[:, None])
    return (y.relu_() if rectified else y).view(x.shape)


class _Norm(torch.autograd.Function):
    """Batch norm and ReLU. PyTorch's own takes three times as long to compute the statistics on a CPU."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, epsilon: float, rectified: bool, owned: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        flat = x.detach().reshape(len(weight), -1)
        mean = flat.mean(dim=1)
        centred = flat.sub_(mean[:, None]) if owned else flat - mean[:, None]
        variance = torch.linalg.vector_norm(centred, dim=1).square_().div_(flat.shape[1])
        scale = (variance + epsilon).rsqrt_()
        y = (centred * (scale * weight)[:, None]).add_(bias[:, None])
        if rectified:
            y.relu_()
        ctx.save_for_backward(centred, scale, weight, y if rectified else None)
        ctx.epsilon = epsilon
        ctx.mark_non_differentiable(mean, variance)
        return y.view(x.shape), mean, variance

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        centred, scale, weight, y = ctx.saved_tensors
        dy = gradients[0].reshape(centred.shape)
        if y is not None:
            dy = torch.ops.aten.threshold_backward(dy, y, 0)
        zero = torch.zeros_like(scale)
        dx, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            dy[None], centred[None], weight, zero, zero, zero, scale, True, ctx.epsilon, [True, True, True]
        )
        return dx.view(gradients[0].shape), of_weight, of_bias, None, None, None


def pool(x: Tensor, kind: str, settings: tuple[Any, ...]) -> Tensor:
    """Pool by the largest or the mean (``max_pool``, ``avg_pool``)."""
    kernel, stride, padding, ceil, *counted = settings
    # with images innermost, this is PyTorch's channels-last layout with images as channels
    flat = x.flatten(0, 1).permute(0, 3, 1, 2)
    if kind == "max_pool":
        y = F.max_pool2d(flat, kernel, stride, padding, ceil_mode=ceil)
    else:
        y = F.avg_pool2d(flat, kernel, stride, padding, ceil_mode=ceil, count_include_pad=counted[0])
    return y.permute(0, 2, 3, 1).reshape(*x.shape[:2], *y.shape[2:], x.shape[-1])
