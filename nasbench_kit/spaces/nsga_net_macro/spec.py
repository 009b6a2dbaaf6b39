"""Specification of NSGA-Net's macro space."""

from __future__ import annotations

from nasbench_kit.spaces.nsga_net_macro.space import NSGANetMacro
from nasbench_kit.spaces.spec import PublishedRecipe, SpaceSpec

__all__ = ["SPEC"]

_CITATION = (
    "Lu et al. 2019, NSGA-Net: neural architecture search using multi-objective genetic algorithm, arXiv 1810.03522"
)

SPEC = SpaceSpec(
    "nsga-net-macro",
    NSGANetMacro,
    network="nasbench_kit.training.networks.nsga_net_macro:NSGANetMacroNetwork",
    recipe=PublishedRecipe(
        {
            "epochs": 25,
            "batch_size": 128,
            "learning_rate": 0.025,
            "nesterov": False,
            "weight_decay": 3e-4,
            "by": "epoch",
            "augmentation": "crop-flip",
            "clip": 5.0,
        },
        "Lu et al. 2019, arXiv 1810.03522: SGD, batch 128, cosine; the authors' code (ianwhale/nsga-net, "
        "search/train_search.py): learning rate, momentum, weight decay, clipping, augmentation. 25 epochs",
    ),
    citation=_CITATION,
)
