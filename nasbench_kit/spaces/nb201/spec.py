"""Specification of NAS-Bench-201."""

from __future__ import annotations

from nasbench_kit.spaces.nb201.space import NB201
from nasbench_kit.spaces.published import Published, Source, google_drive
from nasbench_kit.spaces.spec import PublishedRecipe, SpaceSpec

__all__ = ["SPEC"]

_CITATION = "Dong and Yang 2020, NAS-Bench-201: extending the scope of reproducible NAS, arXiv 2001.00326"

SPEC = SpaceSpec(
    "nb201",
    NB201,
    network="nasbench_kit.training.networks.nb201:NB201Network",
    recipe=PublishedRecipe(
        {"epochs": 200, "batch_size": 256, "augmentation": "crop-flip"},
        "Dong and Yang 2020, arXiv 2001.00326, section 2.3 (200 epochs; the 12-epoch results are separate trainings): SGD, "
        "Nesterov, learning rate 0.1 with cosine decay to 0, weight decay 5e-4, batch 256, random crop and flip; the "
        "authors' code updates the learning rate at every step",
    ),
    sources={
        "nb201": Source(
            page="https://github.com/D-X-Y/NAS-Bench-201",
            licence="MIT",
            citation=_CITATION,
            files=(
                Published(
                    "NAS-Bench-201-v1_1-096897.pth",
                    google_drive("16Y0UwGisiouVRxW-W5hEtbxmcHw_0hF_"),
                    md5="55e847143ce1f7c2d89b676f6b096897",
                    md5_end="096897",
                    size=5_003_180_601,
                    stated=False,
                ),
                Published(
                    "NAS-Bench-201-v1_0-e61699.pth", google_drive("1SKW0Cu0u8-gb18zDpaAGi0f74UdXeGKs"), md5_end="e61699"
                ),
            ),
        ),
        "nats": Source(
            page="https://github.com/D-X-Y/NATS-Bench",
            licence="MIT",
            citation="Dong et al. 2021, NATS-Bench: benchmarking NAS for architecture topology and size, arXiv 2009.00437; "
            "Dong and Yang 2020, NAS-Bench-201, arXiv 2001.00326",
            files=(
                Published(
                    "NATS-tss-v1_0-3ffb9-simple.tar",
                    google_drive("17_saCsj_krKjlCBLOJEpNtzPXArMCqxU"),
                    "580fd8f3425fed9f495640b0f12ccb7744f89dec7aff263bd75aed37ab0b8bb6",
                    size=1_145_989_120,
                    stated=False,
                ),
                Published(
                    "NATS-tss-v1_0-3ffb9.pickle.pbz2",
                    google_drive("1vzyK0UVH2D3fTpa1_dSWnp1gvGpAxRul"),
                    md5_end="3ffb9",
                ),
            ),
        ),
    },
    citation=_CITATION,
)
