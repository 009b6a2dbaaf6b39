"""Specification of Accel-NASBench."""

from __future__ import annotations

from nasbench_kit.spaces.accel_nasbench.space import AccelNASBench
from nasbench_kit.spaces.published import Published, Source
from nasbench_kit.spaces.spec import PublishedRecipe, SpaceSpec

__all__ = ["SPEC"]

_CITATION = "Ahmad et al. 2024, Accel-NASBench: sustainable benchmarking for accelerator-aware NAS, arXiv 2404.08005"

SPEC = SpaceSpec(
    "accel-nasbench",
    AccelNASBench,
    network="nasbench_kit.training.networks.accel_nasbench:AccelNASBenchNetwork",
    recipe=PublishedRecipe(
        {
            "epochs": 16,
            "batch_size": 512,
            "weight_decay": 1e-4,
            "warmup_epochs": 2.0,
            "label_smoothing": 0.1,
            "augmentation": "crop-flip",
        },
        "Ahmad et al. 2024, arXiv 2404.08005, and the authors' code (afzalxo/ANB-DatasetCollection, configs/conf_local.cfg): "
        "16 epochs, batch 512 per GPU, label smoothing 0.1, weight decay 1e-4, learning rate rising for 2 epochs. Not "
        "reproduced: images that grow from 160 to 192 pixels during training, dropout, stochastic depth, and the authors' "
        "learning rate for four GPUs",
        ours=("learning_rate", "momentum", "nesterov", "schedule", "by", "augmentation"),
    ),
    sources={
        "accel-nasbench": Source(
            page="https://github.com/afzalxo/Accel-NASBench",
            licence="Apache-2.0",
            citation=_CITATION,
            files=(
                Published(
                    "anb_dataset_jsons.tar.gz",
                    "https://raw.githubusercontent.com/afzalxo/Accel-NASBench/HEAD/anb_dataset/anb_dataset_jsons.tar.gz",
                    "3520992d42e368b7c08c99fc3f6612855b5b366bf98668a7f19d49f3131aa4ae",
                    size=1_173_570,
                    stated=False,
                ),
            ),
            commit="4260357",
        ),
    },
    citation=_CITATION,
)
