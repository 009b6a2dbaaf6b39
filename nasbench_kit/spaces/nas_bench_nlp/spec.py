"""Specification of NAS-Bench-NLP."""

from __future__ import annotations

from nasbench_kit.spaces.nas_bench_nlp.space import NASBenchNLP
from nasbench_kit.spaces.published import Source
from nasbench_kit.spaces.spec import SpaceSpec

__all__ = ["SPEC"]

_CITATION = "Klyuchnikov et al. 2020, NAS-Bench-NLP: neural architecture search benchmark for NLP, arXiv 2006.07116"

SPEC = SpaceSpec(
    "nas-bench-nlp",
    NASBenchNLP,
    sources={
        "nas-bench-nlp": Source(
            page="https://github.com/fmsnew/nas-bench-nlp-release",
            licence="Apache-2.0",
            citation=_CITATION,
            commit="a6d90a3",
        ),
    },
    citation=_CITATION,
)
