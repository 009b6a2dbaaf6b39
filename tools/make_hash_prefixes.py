"""Compute the table by which NAS-Bench-101 cells are found by their hash; takes half a minute."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

import nasbench_kit
from nasbench_kit.loaders.nb101 import SHA256_OF_ALL_HASHES
from nasbench_kit.spaces.nb101.hash_index import FILE, prefixes_of
from nasbench_kit.spaces.nb101.space import NB101


def main() -> None:
    space = NB101()
    hashes = space.module_hash(space.representatives(np.arange(space.networks)))
    digest = hashlib.sha256(hashes.astype("S32").tobytes()).hexdigest()
    if digest != SHA256_OF_ALL_HASHES:
        raise SystemExit(
            f"the loader of NAS-Bench-101 expects hashes with the digest {SHA256_OF_ALL_HASHES}, not {digest}"
        )
    np.save(Path(nasbench_kit.__file__).parent / "spaces" / "nb101" / FILE, prefixes_of(hashes))


if __name__ == "__main__":
    main()
