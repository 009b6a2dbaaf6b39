"""Specification of NAS-Bench-Macro."""

from __future__ import annotations

from nasbench_kit.spaces.nas_bench_macro.space import NASBenchMacro
from nasbench_kit.spaces.published import Published, Source
from nasbench_kit.spaces.spec import PublishedRecipe, SpaceSpec

__all__ = ["SPEC"]

_CITATION = "Su et al. 2021, Prioritized architecture sampling with Monto-Carlo tree search, arXiv 2103.11922"
_FOLDER = "https://raw.githubusercontent.com/xiusu/NAS-Bench-Macro/HEAD/data"

SPEC = SpaceSpec(
    "nas-bench-macro",
    NASBenchMacro,
    network="nasbench_kit.training.networks.macro:NASBenchMacroNetwork",
    recipe=PublishedRecipe(
        {"epochs": 50, "batch_size": 256, "nesterov": False, "by": "epoch", "augmentation": "crop-flip"},
        "Su et al. 2021, arXiv 2103.11922: 50 epochs; all other settings from the authors' code (xiusu/NAS-Bench-Macro, "
        "train/train.py)",
    ),
    sources={
        "nas-bench-macro": Source(
            page="https://github.com/xiusu/NAS-Bench-Macro",
            licence="Apache-2.0",
            citation=_CITATION,
            files=(
                Published(
                    "nas-bench-macro_cifar10.json",
                    f"{_FOLDER}/nas-bench-macro_cifar10.json",
                    "686dee8363cc21cca8c1f321ad5749454f2d9b9ca5972682e137e539bc522297",
                    size=1_178_821,
                ),
            ),
        ),
    },
    citation=_CITATION,
)
