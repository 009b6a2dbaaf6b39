"""Specification of TransNAS-Bench-101's cells, and the source of both of its tables."""

from __future__ import annotations

from nasbench_kit.spaces.published import Source
from nasbench_kit.spaces.spec import PublishedRecipe, SpaceSpec
from nasbench_kit.spaces.transnas_micro.space import TransNASMicro

__all__ = ["CITATION", "RECIPE", "SPEC"]

CITATION = (
    "Duan et al. 2021, TransNAS-Bench-101: improving transferability and generalizability of cross-task neural "
    "architecture search, arXiv 2105.11871"
)

RECIPE = PublishedRecipe(
    {"epochs": 25, "batch_size": 128, "nesterov": True, "weight_decay": 5e-4},
    "Duan et al. 2021, arXiv 2105.11871, table of settings for object classification: 25 epochs, SGD, learning rate 0.1 with "
    "cosine decay, weight decay 5e-4, batch 128",
    ours=("nesterov",),
)

SPEC = SpaceSpec(
    "transnas-micro",
    TransNASMicro,
    network="nasbench_kit.training.networks.transnas:TransNASMicroNetwork",
    recipe=RECIPE,
    sources={
        "transnas": Source(
            page="https://github.com/yawen-d/TransNASBench",
            licence="MIT (TransNAS-Bench-101); Apache-2.0 (NASLib, whose result files have the values)",
            citation=CITATION,
            commit="automl/NASLib eba9f98, 3a28c7f, 7a5496e",
        ),
    },
    citation=CITATION,
)
