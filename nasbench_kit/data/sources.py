"""Which published files there are: where they are, how they are told from damaged ones, and whose they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from nasbench_kit.errors import UnknownName

__all__ = ["SOURCES", "Published", "Source", "source"]


@dataclass(frozen=True)
class Published:
    """A published file.

    Attributes
    ----------
    name : str
        As its authors call it.
    url : str
        The file itself.
    sha256, md5 : str, optional
        Its checksum, as its authors state it, or as people who downloaded it report it.
    md5_end : str
        The last digits of its MD5, where its authors state no more: they write them at the end of its name.
    size : int, optional
        Bytes, where that is known.
    stated : bool
        Whether its authors state the checksum; otherwise it is reported by others.
    """

    name: str
    url: str
    sha256: str | None = None
    md5: str | None = None
    md5_end: str = ""
    size: int | None = None
    stated: bool = True

    @property
    def evidence(self) -> str:
        """What tells the file from others, in words: how far one that matches is verified."""
        parts = [] if self.size is None else [f"its size, {self.size:,} bytes"]
        if self.sha256 is not None or self.md5 is not None:
            whose = "that its authors state" if self.stated else "that others who downloaded it report"
            parts.append(f"the {'SHA-256' if self.sha256 is not None else 'MD5'} {whose}")
        if self.md5_end:
            weak = "" if self.md5 else ", which anybody can match"
            parts.append(f"the last {len(self.md5_end)} digits of its MD5, in its name{weak}")
        return " and ".join(parts)

    def matches(self, path: Path) -> bool:
        """Whether a file here is this one, as far as `evidence` goes."""
        size = path.stat().st_size
        if not size or self.size not in (None, size):
            return False
        with path.open("rb") as content:
            if self.sha256 is not None:
                return hashlib.file_digest(content, "sha256").hexdigest() == self.sha256
            digest = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        return digest == self.md5 if self.md5 is not None else digest.endswith(self.md5_end)


@dataclass(frozen=True)
class Source:
    """A benchmark's published files.

    Attributes
    ----------
    page : str
        Where its authors tell people to get them.
    licence, citation : str
    files : tuple of Published
        The first ``default`` are those that one wants; the others are older or smaller ones.
    default : int
    """

    page: str
    licence: str
    citation: str
    files: tuple[Published, ...]
    default: int = 1

    def file(self, name: str) -> Published:
        """One of the files by its name; raises UnknownName."""
        for file in self.files:
            if file.name == name:
                return file
        raise UnknownName("published file", name, [file.name for file in self.files])

    def identify(self, path: Path) -> Published | None:
        """The published file that a file here is, if it is one."""
        return next((file for file in self.files if file.matches(path)), None)


def _drive(file_id: str) -> str:
    return f"https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t"


_NASBENCH = "https://storage.googleapis.com/nasbench"
_MACRONAS = "https://media.githubusercontent.com/media/ArkadiyD/MacroNASBenchmark/HEAD"
_NAS_BENCH_MACRO = "https://raw.githubusercontent.com/xiusu/NAS-Bench-Macro/HEAD/data"

SOURCES = {
    "nb101": Source(
        page="https://github.com/google-research/nasbench",
        licence="Apache-2.0",
        citation="Ying et al. 2019, NAS-Bench-101: towards reproducible neural architecture search, arXiv 1902.09635",
        files=(
            Published(
                "nasbench_full.tfrecord",
                f"{_NASBENCH}/nasbench_full.tfrecord",
                "3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c",
                size=2_085_986_016,
            ),
            Published(
                "nasbench_only108.tfrecord",
                f"{_NASBENCH}/nasbench_only108.tfrecord",
                "4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1",
            ),
        ),
    ),
    "nb201": Source(
        page="https://github.com/D-X-Y/NAS-Bench-201",
        licence="MIT",
        citation="Dong and Yang 2020, NAS-Bench-201: extending the scope of reproducible NAS, arXiv 2001.00326",
        files=(
            Published(
                "NAS-Bench-201-v1_1-096897.pth",
                _drive("16Y0UwGisiouVRxW-W5hEtbxmcHw_0hF_"),
                md5="55e847143ce1f7c2d89b676f6b096897",
                md5_end="096897",
                size=5_003_180_601,
                stated=False,
            ),
            Published("NAS-Bench-201-v1_0-e61699.pth", _drive("1SKW0Cu0u8-gb18zDpaAGi0f74UdXeGKs"), md5_end="e61699"),
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
                _drive("17_saCsj_krKjlCBLOJEpNtzPXArMCqxU"),
                "580fd8f3425fed9f495640b0f12ccb7744f89dec7aff263bd75aed37ab0b8bb6",
                size=1_145_989_120,
                stated=False,
            ),
            Published("NATS-tss-v1_0-3ffb9.pickle.pbz2", _drive("1vzyK0UVH2D3fTpa1_dSWnp1gvGpAxRul"), md5_end="3ffb9"),
        ),
    ),
    "macronas": Source(
        page="https://github.com/ArkadiyD/MacroNASBenchmark",
        licence="BSD-3-Clause",
        citation="den Ottelander et al. 2021, Local search is a remarkably strong baseline for neural architecture "
        "search, arXiv 2004.08996",
        files=(
            Published(
                "benchmark_cifar10_dataset.json",
                f"{_MACRONAS}/benchmark_cifar10_dataset.json",
                "d14ece080c6c1f98f17d6056ab6f0e0a5a097a44c15bdb50c4b2c774ecd42eb0",
                size=442_574_190,
            ),
            Published(
                "benchmark_cifar100_dataset.json",
                f"{_MACRONAS}/benchmark_cifar100_dataset.json",
                "b3b8e1dd883e6120f7d3c11b50416ed4e8778536779b107008be0574a0fb1552",
                size=442_685_246,
            ),
        ),
        default=2,
    ),
    "nas-bench-macro": Source(
        page="https://github.com/xiusu/NAS-Bench-Macro",
        licence="Apache-2.0",
        citation="Su et al. 2021, Prioritized architecture sampling with Monto-Carlo tree search, arXiv 2103.11922",
        files=(
            Published(
                "nas-bench-macro_cifar10.json",
                f"{_NAS_BENCH_MACRO}/nas-bench-macro_cifar10.json",
                "686dee8363cc21cca8c1f321ad5749454f2d9b9ca5972682e137e539bc522297",
                size=1_178_821,
            ),
        ),
    ),
}


def source(benchmark: str) -> Source:
    """A benchmark's published files; raises UnknownName."""
    if benchmark not in SOURCES:
        raise UnknownName("published benchmark", benchmark, SOURCES)
    return SOURCES[benchmark]
