"""Specification of Genetic CNN."""

from __future__ import annotations

from nasbench_kit.spaces.genetic_cnn.space import GeneticCNN
from nasbench_kit.spaces.spec import PublishedRecipe, SpaceSpec

__all__ = ["SPEC"]

_CITATION = "Xie and Yuille 2017, Genetic CNN, arXiv 1703.01513"

SPEC = SpaceSpec(
    "genetic-cnn",
    GeneticCNN,
    network="nasbench_kit.training.networks.genetic_cnn:GeneticCNNNetwork",
    recipe=PublishedRecipe(
        {
            "epochs": 240,
            "batch_size": 128,
            "learning_rate": 0.01,
            "nesterov": False,
            "schedule": "step",
            "by": "epoch",
            "milestones": (120 / 240, 180 / 240, 220 / 240),
            "augmentation": "crop-flip",
        },
        "Xie and Yuille 2017, arXiv 1703.01513, section 4.2 (CIFAR-10): 120 epochs with a learning rate of 0.01, then 60, 40 "
        "and 20 epochs, each with a tenth of the previous rate",
        ours=("batch_size", "momentum", "nesterov", "weight_decay", "augmentation"),
    ),
    citation=_CITATION,
)
