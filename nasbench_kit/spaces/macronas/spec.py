"""Specification of MacroNAS."""

from __future__ import annotations

from nasbench_kit.spaces.macronas.space import MacroNAS
from nasbench_kit.spaces.published import Published, Source
from nasbench_kit.spaces.spec import PublishedRecipe, SpaceSpec

__all__ = ["SPEC"]

_CITATION = (
    "den Ottelander et al. 2021, Local search is a remarkably strong baseline for neural architecture "
    "search, arXiv 2004.08996"
)
_FOLDER = "https://media.githubusercontent.com/media/ArkadiyD/MacroNASBenchmark/HEAD"

SPEC = SpaceSpec(
    "macronas",
    MacroNAS,
    network="nasbench_kit.training.networks.macro:MacroNASNetwork",
    recipe=PublishedRecipe(
        {"epochs": 50, "batch_size": 256, "nesterov": False, "by": "epoch", "augmentation": "crop-flip"},
        "none: the values of den Ottelander et al. 2021, arXiv 2004.08996, come from one supernet per dataset; this is the "
        "recipe of NAS-Bench-Macro, which uses the same blocks",
        ours=(
            *("epochs", "batch_size", "optimiser", "learning_rate", "momentum", "nesterov", "weight_decay"),
            *("schedule", "by", "augmentation"),
        ),
    ),
    sources={
        "macronas": Source(
            page="https://github.com/ArkadiyD/MacroNASBenchmark",
            licence="BSD-3-Clause",
            citation=_CITATION,
            files=(
                Published(
                    "benchmark_cifar10_dataset.json",
                    f"{_FOLDER}/benchmark_cifar10_dataset.json",
                    "d14ece080c6c1f98f17d6056ab6f0e0a5a097a44c15bdb50c4b2c774ecd42eb0",
                    size=442_574_190,
                ),
                Published(
                    "benchmark_cifar100_dataset.json",
                    f"{_FOLDER}/benchmark_cifar100_dataset.json",
                    "b3b8e1dd883e6120f7d3c11b50416ed4e8778536779b107008be0574a0fb1552",
                    size=442_685_246,
                ),
            ),
            default=2,
        ),
    },
    citation=_CITATION,
)
