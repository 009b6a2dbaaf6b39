"""Specification of the space of DARTS."""

from __future__ import annotations

from nasbench_kit.spaces.darts.space import DARTS
from nasbench_kit.spaces.spec import PublishedRecipe, SpaceSpec

__all__ = ["SPEC"]

_CITATION = "Liu, Simonyan and Yang 2019, DARTS: differentiable architecture search, ICLR 2019, arXiv 1806.09055"

SPEC = SpaceSpec(
    "darts",
    DARTS,
    network="nasbench_kit.training.networks.darts:DARTSNetwork",
    recipe=PublishedRecipe(
        {
            "epochs": 100,
            "batch_size": 96,
            "learning_rate": 0.025,
            "nesterov": False,
            "weight_decay": 3e-4,
            "by": "epoch",
            "final_learning_rate": 1e-8,
            "augmentation": "crop-flip",
            "cutout": 16,
            "clip": 5.0,
        },
        "Zela et al. 2022, arXiv 2008.09777, the training pipeline of NAS-Bench-301, which is that of Liu et al. 2019, arXiv "
        "1806.09055, for fewer epochs; the pipeline's mixup (0.2), path dropping (0.2) and auxiliary head (0.4) are left out",
    ),
    citation=_CITATION,
)
