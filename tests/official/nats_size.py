"""The files of NATS-Bench's size search space, with made-up values; `tests.official.nb201` writes them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

import nasbench_kit as nk
from tests.official.nb201 import CLASSES, IMAGES, Kind

__all__ = ["NAMES", "SIZE", "states"]

SPACE = nk.space("nats-size")
NAMES: list[str] = SPACE.decode(SPACE.all())
CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
TRIALS = {1: [777], 12: [777, 888, 999], 90: [777]}
# evaluation sets of each dataset, with their images; all are evaluated after every epoch
SETS = {
    "cifar10-valid": {"x-valid": 25_000, "ori-test": 10_000},
    "cifar10": {"ori-test": 10_000},
    "cifar100": {"x-valid": 5_000, "x-test": 5_000, "ori-test": 10_000},
    "ImageNet16-120": {"x-valid": 3_000, "x-test": 3_000, "ori-test": 6_000},
}


def states(index: int, seed: int = 0) -> OrderedDict[str, dict[str, Any]]:
    """The states of one architecture at 1, 12 and 90 epochs; made up from ``seed`` and ``index`` alone."""
    rng = np.random.default_rng((seed, index))
    second = float(rng.uniform(2, 10))
    found = OrderedDict()
    for budget, trials in TRIALS.items():
        found[f"{budget:02d}"] = {
            "arch_index": index,
            "arch_str": NAMES[index],
            "all_results": {
                (dataset, trial): _trial(index, dataset, trial, budget, second, rng)
                for trial in trials
                for dataset in CLASSES
            },
            "dataset_seed": {dataset: list(trials) for dataset in CLASSES},
            "clear_net_done": True,
        }
    return found


def _trial(index: int, dataset: str, seed: int, budget: int, second: float, rng: np.random.Generator) -> dict[str, Any]:
    x = SPACE.from_official_index([index])
    params, flops = (int(SPACE.cost(x, cost, dataset=dataset)[0]) for cost in ("params", "flops"))
    epochs = range(budget)

    def accuracies(images: int) -> list[float]:
        return (rng.integers(images // 10, images, budget) / images * 100).tolist()

    accuracy, loss, seconds = {}, {}, {}
    for name, images in SETS[dataset].items():
        keys = [f"{name}@{epoch}" for epoch in epochs]
        accuracy |= zip(keys, accuracies(images), strict=True)
        loss |= zip(keys, rng.uniform(0, 3, budget).tolist(), strict=True)
        seconds |= dict.fromkeys(keys, second * images / 50000)
    return {
        "name": dataset,
        "train_acc1es": dict(zip(epochs, accuracies(IMAGES[dataset]), strict=True)),
        "train_acc5es": dict(zip(epochs, accuracies(IMAGES[dataset]), strict=True)),
        "train_losses": dict(zip(epochs, rng.uniform(0, 3, budget).tolist(), strict=True)),
        "train_times": OrderedDict((epoch, second * IMAGES[dataset] / 50_000) for epoch in epochs),
        "arch_config": {
            "name": "infer.shape.tiny",
            "channels": NAMES[index],
            "arch_str": NAMES[index],
            "genotype": CELL,
            "class_num": CLASSES[dataset],
        },
        "params": np.float64(params / 1e6),
        "flop": flops / 1e6,
        "seed": f"{seed:04d}",
        "epochs": budget,
        "latency": [np.float64(second / 1000)],
        "eval_names": list(SETS[dataset]),
        "eval_acc1es": accuracy,
        "eval_times": seconds,
        "eval_losses": loss,
        "net_state_dict": None,
    }


SIZE = Kind(NAMES, states, "NATS-sss-v1_0-50262-simple")
