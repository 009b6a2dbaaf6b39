"""Specification of NATS-Bench's size search space."""

from __future__ import annotations

from nasbench_kit.spaces.nats_size.space import NATSSize
from nasbench_kit.spaces.published import Published, Source, google_drive
from nasbench_kit.spaces.spec import PublishedRecipe, SpaceSpec

__all__ = ["SPEC"]

_CITATION = "Dong et al. 2021, NATS-Bench: benchmarking NAS for architecture topology and size, arXiv 2009.00437"

SPEC = SpaceSpec(
    "nats-size",
    NATSSize,
    network="nasbench_kit.training.networks.nats_size:NATSSizeNetwork",
    recipe=PublishedRecipe(
        {"epochs": 90, "batch_size": 256, "augmentation": "crop-flip"},
        "Dong et al. 2021, arXiv 2009.00437, section 3.3 (90 epochs; the results of 1 and 12 epochs are separate "
        "trainings): as in NAS-Bench-201, SGD, Nesterov, learning rate 0.1 with cosine decay to 0, weight decay 5e-4, batch "
        "256, random crop and flip",
    ),
    sources={
        "nats-size": Source(
            page="https://github.com/D-X-Y/NATS-Bench",
            licence="MIT",
            citation=_CITATION,
            files=(
                Published(
                    "NATS-sss-v1_0-50262.pickle.pbz2",
                    google_drive("1IabIvzWeDdDAWICBzFtTCMXxYWPIOIOX"),
                    md5_end="50262",
                ),
            ),
        ),
    },
    citation=_CITATION,
)
