"""Accel-NASBench's space: its size, its native form, and costs counted layer by layer."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk

SPACE = nk.space("accel-nasbench")
CHANNELS, STRIDES = (16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 2, 1, 2, 1)


def counted(native, images=224):
    """Parameters and multiply-adds, layer by layer; and what thop 0.1 counts."""
    params, flops, norms, pools = 27 * 32 + 64, 0, 0, 0
    side, inputs = images // 2, 32
    flops += 27 * 32 * side**2
    norms += 32 * side**2
    for block, (outputs, stride) in enumerate(zip(CHANNELS, STRIDES, strict=True)):
        e, k, layers, se = (native[f"block{block}_{gene}"] for gene in ("e", "k", "l", "se"))
        for layer in range(layers):
            inner = e * inputs
            if e > 1:
                params, flops = params + inputs * inner + 2 * inner, flops + inputs * inner * side**2
                norms += inner * side**2
            side = -(-side // stride) if layer == 0 else side
            params, flops = params + k * k * inner + 2 * inner, flops + k * k * inner * side**2
            if se:
                few = inputs // 4
                params, flops = params + 2 * inner * few + few + inner, flops + 2 * inner * few
                pools += inner * (side**2 + 1)
            params, flops = params + inner * outputs + 2 * outputs, flops + inner * outputs * side**2
            norms += (inner + outputs) * side**2
            inputs = outputs
    params += 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    flops += 320 * 1280 * side**2 + 1280 * 1000
    thop = flops + 4 * (norms + 1280 * side**2) + pools + 1280 * (side**2 + 1)
    return params, flops, thop


def test_the_size_of_the_space():
    assert SPACE.size == SPACE.networks == 36**6 * 48
    assert SPACE.cardinalities == (3, 2, 3, 2) * 5 + (3, 2, 4, 2) + (3, 2, 3, 2)
    assert SPACE.units["block"] == tuple(tuple(range(start, start + 4)) for start in range(0, 28, 4))
    assert SPACE.gene_names[:4] == ("block0_e", "block0_k", "block0_l", "block0_se")


def test_native_form():
    native = SPACE.decode(np.zeros(28))[0]
    assert native["block3_e"] == 1
    assert native["block3_se"] is False
    for name, value in (("block0_e", 2), ("block0_e", "6"), ("block0_e", True), ("block2_se", 0), ("block4_l", 4)):
        with pytest.raises(nk.InvalidArchitecture, match=f"{name} must be one of"):
            SPACE.encode([native | {name: value}])
    assert SPACE.encode([native | {"block5_l": 4}])[0, 22] == 3


def test_costs_layer_by_layer():
    X = SPACE.sample(200, 4)
    expected = [counted(native)[:2] for native in SPACE.decode(X)]
    assert SPACE.cost(X, "params", dataset="imagenet").tolist() == [params for params, _ in expected]
    assert SPACE.cost(X, "flops", dataset="imagenet").tolist() == [flops for _, flops in expected]


def test_efficientnet_b0_is_in_it():
    """Its parameters and multiply-adds as its authors publish them: 5.3 million and 0.39 billion."""
    genes = ((1, 6, 6, 6, 6, 6, 6), (3, 3, 5, 3, 5, 5, 3), (1, 2, 2, 3, 3, 4, 1))
    native = {
        f"block{block}_{gene}": values[block]
        for gene, values in (*zip("ekl", genes, strict=True), ("se", (True,) * 7))
        for block in range(7)
    }
    x = SPACE.encode([native])
    assert SPACE.cost(x, "params", dataset="imagenet")[0] == 5_288_548
    assert round(SPACE.cost(x, "flops", dataset="imagenet")[0] / 1e9, 2) == 0.39
