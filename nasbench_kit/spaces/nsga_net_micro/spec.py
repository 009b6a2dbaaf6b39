"""Specification of NSGA-Net's micro space."""

from __future__ import annotations

from nasbench_kit.spaces.nsga_net_micro.space import NSGANetMicro
from nasbench_kit.spaces.spec import PublishedRecipe, SpaceSpec

__all__ = ["SPEC"]

_CITATION = (
    "Lu et al. 2019, NSGA-Net: neural architecture search using multi-objective genetic algorithm, arXiv 1810.03522"
)

SPEC = SpaceSpec(
    "nsga-net-micro",
    NSGANetMicro,
    network="nasbench_kit.training.networks.nsga_net_micro:NSGANetMicroNetwork",
    recipe=PublishedRecipe(
        {
            "epochs": 20,
            "batch_size": 128,
            "learning_rate": 0.025,
            "nesterov": False,
            "weight_decay": 3e-4,
            "by": "epoch",
            "augmentation": "crop-flip",
            "clip": 5.0,
        },
        "Lu et al. 2019, arXiv 1810.03522: SGD, batch 128, cosine; the authors' code (ianwhale/nsga-net, "
        "search/train_search.py): learning rate, momentum, weight decay, clipping, augmentation. 20 epochs",
    ),
    citation=_CITATION,
)
