"""Specification of NAS-Bench-Graph. It has no network: its operations need a library of graph networks."""

from __future__ import annotations

from nasbench_kit.spaces.nas_bench_graph.space import NASBenchGraph
from nasbench_kit.spaces.published import Published, Source
from nasbench_kit.spaces.spec import SpaceSpec

__all__ = ["SPEC"]

_CITATION = "Qin et al. 2022, NAS-Bench-Graph: benchmarking graph neural architecture search, arXiv 2206.09166"
_PAGE = "https://github.com/THUMNLab/NAS-Bench-Graph"
_COMMIT = "be42534b56f6aaab2c3d6145b10eda9cbde10193"
_FOLDER = f"https://raw.githubusercontent.com/THUMNLab/NAS-Bench-Graph/{_COMMIT}/nas-bench-graph/light"
_SHA256 = {
    "cora": "5e69b2f9bb08d8927d9ffd4921f8494a3cea349c9c3a461334cb9dc9e11701a8",
    "citeseer": "99c7f79b73372636305bf73fb32a58b63c57bd1871a152dd62ec72d984c8c50f",
    "pubmed": "10b4dcf6cfd3a24f6059f7d541a4a872960b4adac0b3dba26abed1bb9a3d904d",
    "cs": "71ae8469930517160b024f52db6000a4897f1aff5d765beb27bb60952ed5bd31",
    "physics": "1e309bafee0b832c8b84fa3c039c36992bc0a910238b128f26b7e9190d7f2aea",
    "photo": "5511b4dc3f63fa988792177227db7901290fb9b27fc6c02e3036b29e134ed6df",
    "computers": "fdb3dc0cf405d62322f0ab9614b2083c2a5e6576c2f43e4f2214be64bc62b1b3",
    "arxiv": "7ee21a7653297a806c0ed1be3efe6ecc06acc84e48e942da0bfde0e5d287debe",
    "proteins": "b9e7fb0902bda44fec32c948e5fde822fb22d38d674c52e43ace5197378f2d21",
}
_SIZE, _PROTEINS = 2_036_857, 245_616  # bytes of a file, and of that of proteins, which has fewer networks

SPEC = SpaceSpec(
    "nas-bench-graph",
    NASBenchGraph,
    sources={
        "nas-bench-graph": Source(
            page=_PAGE,
            licence="Apache-2.0",
            citation=_CITATION,
            files=tuple(
                Published(
                    f"{name}.bench",
                    f"{_FOLDER}/{name}.bench",
                    sha256,
                    size=_PROTEINS if name == "proteins" else _SIZE,
                    stated=False,
                )
                for name, sha256 in _SHA256.items()
            ),
            default=len(_SHA256),
            together=True,
            commit=_COMMIT,
        ),
    },
    citation=_CITATION,
)
