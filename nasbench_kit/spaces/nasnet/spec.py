"""Specification of the NASNet space."""

from __future__ import annotations

from nasbench_kit.spaces.nasnet.space import NASNet
from nasbench_kit.spaces.spec import PublishedRecipe, SpaceSpec

__all__ = ["SPEC"]

_CITATION = (
    "Zoph et al. 2018, Learning transferable architectures for scalable image recognition, CVPR 2018, arXiv 1707.07012"
)

SPEC = SpaceSpec(
    "nasnet",
    NASNet,
    network="nasbench_kit.training.networks.nasnet:NASNetNetwork",
    recipe=PublishedRecipe(
        {
            "epochs": 600,
            "batch_size": 32,
            "learning_rate": 0.025,
            "nesterov": False,
            "weight_decay": 5e-4,
            "augmentation": "crop-flip",
            "clip": 5.0,
        },
        "Zoph et al. 2018, arXiv 1707.07012; the authors' code (tensorflow/models, slim/nets/nasnet/nasnet.py): epochs, batch "
        "size, learning rate, cosine, weight decay, clipping; its path dropping (0.4) and auxiliary head (0.4) are left out",
        ours=("optimiser", "momentum", "nesterov", "by", "augmentation"),
    ),
    citation=_CITATION,
)
