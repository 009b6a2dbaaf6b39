"""64-bit hashes of integers (elementwise) and of rows of bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["hash_rows", "mix"]


def mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finaliser of SplitMix64 (Steele, Lea and Flood 2014), a bijection; arithmetic wraps at 2**64."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def hash_rows(X: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A 64-bit hash of each row of bytes: (n, k) to (n,)."""
    words = -(-X.shape[1] // 8)
    padded = np.zeros((len(X), 8 * words), dtype=np.uint8)
    padded[:, : X.shape[1]] = X
    state = np.zeros(len(X), dtype=np.uint64)
    for word in padded.view("<u8").T:
        state = mix(state ^ word)
    return state
