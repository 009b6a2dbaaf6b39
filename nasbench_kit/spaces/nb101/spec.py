"""Specification of NAS-Bench-101."""

from __future__ import annotations

from nasbench_kit.spaces.nb101.space import NB101
from nasbench_kit.spaces.published import Published, Source
from nasbench_kit.spaces.spec import PublishedRecipe, SpaceSpec

__all__ = ["SPEC"]

_CITATION = "Ying et al. 2019, NAS-Bench-101: towards reproducible neural architecture search, arXiv 1902.09635"
_FOLDER = "https://storage.googleapis.com/nasbench"

SPEC = SpaceSpec(
    "nb101",
    NB101,
    network="nasbench_kit.training.networks.nb101:NB101Network",
    recipe=PublishedRecipe(
        {
            "epochs": 108,
            "batch_size": 256,
            "optimiser": "rmsprop",
            "learning_rate": 0.2,
            "nesterov": False,
            "weight_decay": 1e-4,
            "augmentation": "crop-flip",
            "epsilon": 1.0,
            "norm_momentum": 1 - 0.997,
            "norm_epsilon": 1e-5,
        },
        "Ying et al. 2019, arXiv 1902.09635, appendix (108 epochs; the results for 4, 12 and 36 are separate trainings): "
        "RMSProp, learning rate 0.2 with cosine decay to 0, momentum 0.9, L2 weight 1e-4, batch 256; from the authors' "
        "code (google-research/nasbench): epsilon 1.0 and TensorFlow's decay of 0.9 (model_builder.py), batch norm with "
        "momentum 0.997 (TensorFlow's convention) and epsilon 1e-5 (base_ops.py)",
    ),
    sources={
        "nb101": Source(
            page="https://github.com/google-research/nasbench",
            licence="Apache-2.0",
            citation=_CITATION,
            files=(
                Published(
                    "nasbench_full.tfrecord",
                    f"{_FOLDER}/nasbench_full.tfrecord",
                    "3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c",
                    size=2_085_986_016,
                ),
                Published(
                    "nasbench_only108.tfrecord",
                    f"{_FOLDER}/nasbench_only108.tfrecord",
                    "4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1",
                ),
            ),
        ),
        "nb101-test": Source(
            page="https://github.com/NiccoloCavagnero/FreeREA",
            licence="MIT (FreeREA, which publishes the values); Apache-2.0 (NAS-Bench-101)",
            citation=f"{_CITATION}; Cavagnero et al. 2023, FreeREA: training-free evolution-based architecture search, "
            "arXiv 2207.05135",
        ),
    },
    citation=_CITATION,
)
