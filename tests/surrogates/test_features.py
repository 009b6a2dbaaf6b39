"""The feature vector of NAS-Bench-301."""

from __future__ import annotations

import numpy as np

import nasbench_kit as nk
from nasbench_kit.surrogates.features import FEATURES, darts_features

# What ConfigSpace 0.6.1 gives (its NormalFloat and UniformInteger as in 0.4) for the authors' fixed settings.
SETTINGS = {
    "CreateImageDataLoader:batch_size": 0.5863451791322553,
    "ImageAugmentation:autoaugment": 0.0,
    "ImageAugmentation:cutout_holes": 0.16666444442962952,
    "ImageAugmentation:cutout_length": 0.3099999239999697,
    "NetworkSelectorDatasetInfo:darts:init_channels": 0.003149999006299998,
    "NetworkSelectorDatasetInfo:darts:layers": 0.000749999001499998,
    "OptimizerSelector:sgd:learning_rate": -3.6888794541139363,
    "OptimizerSelector:sgd:momentum": 0.8988764044943821,
    "OptimizerSelector:sgd:weight_decay": -8.111728083308073,
    "SimpleLearningrateSchedulerSelector:cosine_annealing:T_max": 0.009949999019899998,
    "SimpleLearningrateSchedulerSelector:cosine_annealing:eta_min": 1e-12,
    "SimpleTrainNode:mixup:alpha": 0.7051278400653053,
}
OPERATIONS = (
    "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
)  # fmt: skip
# node by node: (operation, input), operation, input
CELL = [(3, 0), (4, 1), (5, 0), (6, 2), (0, 0), (1, 2), (2, 0), (3, 4)]


def genotype(pairs):
    return [(OPERATIONS[operation], source) for operation, source in pairs]


def native(pairs):
    cell = genotype(pairs)
    return f"Genotype(normal={cell}, normal_concat=[2, 3, 4, 5], reduce={cell}, reduce_concat=[2, 3, 4, 5])"


def test_the_fixed_settings_and_an_architecture():
    found = dict(zip(FEATURES, darts_features(nk.space("darts").encode([native(CELL)]))[0].tolist(), strict=True))
    assert len(FEATURES) == 56
    for name, value in SETTINGS.items():
        assert found[name] == np.float64(value) or abs(found[name] - value) < 1e-12
    darts = "NetworkSelectorDatasetInfo:darts:"
    edges = {0: 3, 1: 4, 2: 5, 4: 6, 5: 0, 7: 1, 9: 2, 13: 3}  # 2 + 3 + 4 + 5 edges, node by node
    for cell in ("normal", "reduce"):
        for number in range(14):
            assert found[f"{darts}edge_{cell}_{number}"] == edges.get(number, -1)
        # the choices are the pairs of inputs in order: 0_1, 0_2, ...
        assert [found[f"{darts}inputs_node_{cell}_{node}"] for node in (3, 4, 5)] == [1, 1, 3]


def test_the_order_of_the_pairs_of_a_node_does_not_matter():
    swapped = [pair for k in range(0, 8, 2) for pair in (CELL[k + 1], CELL[k])]
    first, second = darts_features(nk.space("darts").encode([native(CELL), native(swapped)]))
    assert np.array_equal(first, second)
