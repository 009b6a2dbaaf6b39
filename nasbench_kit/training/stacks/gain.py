"""Whether a stack is faster than one network after the other, on a CPU.

A stack multiplies zeros, more of them the larger the images and the more channels there are, whereas PyTorch's convolutions
of a single network are slow if there are few channels, and fast if there are many. See docs/internals/speed.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from nasbench_kit.training.stacks.layers import products
from nasbench_kit.training.stacks.recording import Recording

__all__ = ["gains"]

# With at most 80 products per value, stacks were 1.7 to 5.7 times as fast as a loop, and with 190, no faster.
MOST_PRODUCTS = 100.0
MOST_VALUES = 50_000  # per image, of the outputs of all convolutions: larger networks were not measured


def gains(recordings: Sequence[Recording]) -> bool:
    """Return whether stacks compute convolutions with few enough products per value of their outputs, on average.

    The networks must also be as small as those that were measured.
    """
    executed = values = 0
    for recording in recordings:
        for step in recording.steps:
            if step.kind.startswith("conv"):
                size = prod(step.shape)
                values += size
                executed += size * products(step.settings[0], recording.steps[step.inputs[0]].shape)
    return executed <= MOST_PRODUCTS * values <= MOST_PRODUCTS * MOST_VALUES * len(recordings)
