"""NAS-Bench-Macro: classes, canonical forms by the definition, and published ranges of costs."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk

SPACE = nk.space("nas-bench-macro")


def test_number_of_networks():
    assert len(np.unique(SPACE.canonical(SPACE.all()), axis=0)) == 3969


def test_canonical_form_by_the_definition():
    for native in ("20102012", "00000000", "01001001", "22212202"):
        stages = native[:2], native[2:5], native[5:]
        packed = [stage[0] + stage[1:].replace("0", "") for stage in stages]
        expected = "".join(part.ljust(len(stage), "0") for part, stage in zip(packed, stages, strict=True))
        assert SPACE.decode(SPACE.canonical(SPACE.encode([native]))) == [expected]


@pytest.mark.parametrize(("name", "low", "high"), [("params", 387_882, 2_932_586), ("flops", 7_713_280, 105_660_928)])
def test_published_ranges(name, low, high):
    costs = SPACE.cost(SPACE.all(), name, dataset="cifar10")
    assert (costs.min(), costs.max()) == (low, high)


@pytest.mark.parametrize("native", ["0000000", "00000003", "0000000x", 12, "000000000"])
def test_native_forms_that_cannot_be_read(native):
    with pytest.raises(nk.InvalidArchitecture):
        SPACE.encode([native])
