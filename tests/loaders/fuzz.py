"""Damaged and hostile files for every loader: whatever comes, it is a table or one clear error, in bounded time and memory.

    python -m tests.loaders.fuzz --seconds 60 --seed 0 [--format nb101] [--keep FOLDER]

The same seed tries the same files in the same order. A file that is answered otherwise is kept, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import itertools
import json
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

import nasbench_kit as nk
from benchmarks.official.images import cifar_files, write_cifar, write_cifar_tar
from benchmarks.official.macronas import write_macronas
from benchmarks.official.nb101 import framed, write_nb101
from benchmarks.official.nb201 import write_nats_file, write_nats_simple, write_nats_tar, write_nb201_pth
from nasbench_kit.loaders import load
from nasbench_kit.loaders.mapping import ColumnMap, FileMap, TableMapping
from nasbench_kit.training.datasets import load_dataset
from tests.loaders.test_nas_bench_macro import records

MAPPING = TableMapping(
    "nas-bench-macro", (FileMap((ColumnMap.parse("accuracy=cifar10/valid_accuracy"),), "architecture", "native", None),)
)
LONGEST = 20.0  # seconds for one file
MOST_MEMORY = 2.0e9  # bytes, of the whole process
NUMBERS = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**60, 2**63, 2**64 - 1)
WORDS = (
    b"NaN",
    b"Infinity",
    b"-1",
    b"1e999",
    b"null",
    b"{",
    b"}",
    b"[",
    b'"',
    b"\x80\x02",
    b"cos\nsystem\n",
    b"\x00" * 9,
)


def samples(folder: Path) -> dict[str, Path]:
    """A small right file of each kind."""
    space = nk.space("nas-bench-macro")
    (folder / "nas-bench-macro").write_text(json.dumps(dict(itertools.islice(records().items(), 30))))
    (folder / "table.csv").write_text(
        "architecture,accuracy\n"
        + "".join(f"{native},{i / 10}\n" for i, native in enumerate(space.decode(space.all()[:40])))
    )
    write_nb101(folder / "nb101", 4)
    write_macronas(folder / "macronas", 120)
    write_nb201_pth(folder / "nb201", range(1))
    write_nb201_pth(folder / "nb201-zip", range(1), zipped=True)
    write_nats_simple(folder / "nats-folder", range(1))
    write_nats_tar(folder / "nats-tar", range(1))
    write_nats_file(folder / "nats-file", range(1))
    write_cifar(folder / "images-folder", cifar_files(10, 10, 2))
    write_cifar_tar(folder / "images-tar", 10, cifar_files(10, 10, 2))
    return {path.name: path for path in sorted(folder.iterdir())}


def damaged(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """The content with one to four things done to it."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        size = max(len(data), 1)
        # half of the damage goes to the first bytes, where formats say what they are
        at = int(rng.integers(size if rng.random() < 0.5 else min(size, 400)))
        length = int(rng.integers(1, 1 + min(int(rng.choice((1, 4, 64, 4096))), size)))
        match int(rng.integers(9)):
            case 0:
                data[at : at + 1] = bytes([int(rng.integers(256))])
            case 1:
                data = data[:at]
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length] * int(rng.integers(1, 4))
            case 4:
                data[at : at + length] = rng.bytes(length)
            case 5:
                width = int(rng.choice((1, 2, 4, 8)))
                number = int(NUMBERS[int(rng.integers(len(NUMBERS)))]) % 2 ** (8 * width)
                data[at : at + width] = number.to_bytes(width, "little" if rng.random() < 0.7 else "big")
            case 6:
                begin = int(rng.integers(max(len(other), 1)))
                data[at : at + length] = other[begin : begin + length]
            case 7:
                word = WORDS[int(rng.integers(len(WORDS)))]
                data[at : at + (len(word) if rng.random() < 0.5 else 0)] = word
            case _:
                data[at : at + length] = bytes([int(data[at]) ^ 1 << int(rng.integers(8))]) * length if data else b""
    return bytes(data)


def damaged_inside(kind: str, content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Damage to what a container holds, whose own checksums are right again: else nothing behind them is ever reached."""
    if kind == "nb101":
        payloads, at = [], 0
        while at < len(content):
            length = int.from_bytes(content[at : at + 8], "little")
            payloads.append(content[at + 12 : at + 12 + length])
            at += length + 16
        which = int(rng.integers(len(payloads)))
        payloads[which] = damaged(payloads[which], other, rng)
        return b"".join(map(framed, payloads))
    if kind == "images-tar":
        return gzip.compress(damaged(gzip.decompress(content), other, rng), 1)
    if kind in ("nats-file", "nats-folder"):
        return bz2.compress(damaged(bz2.decompress(content), other, rng), 1)
    return damaged(content, other, rng)


def attempt(path: Path, kind: str, *, named: bool, partial: bool) -> str:
    """What a loader makes of a file: the class of its error, or ``read``."""
    if kind.startswith("images"):
        return answer_of(path, lambda: load_dataset("cifar10", path, verify=False))
    source_format = {"table.csv": "table", "nb201-zip": "nb201"}.get(
        kind, kind.split("-")[0] if "nats" in kind else kind
    )
    return answer_of(
        path,
        lambda: load(
            path,
            source_format=source_format if named or kind == "table.csv" else None,
            partial=partial,
            mapping=MAPPING if kind == "table.csv" else None,
        ),
    )


def answer_of(path: Path, read: Callable[[], object]) -> str:
    """The class of the error that reading gives, which has to be one of the kit's on one line, or ``read``."""
    try:
        read()
    except (nk.SourceError, nk.StoreError) as error:
        text = str(error)
        assert "\n" not in text, f"more than a line: {text!r}"
        assert len(text) < 2000, f"{len(text)} characters"
        assert str(path) in text or path.name in text, f"no path in: {text!r}"
        return type(error).__name__
    return "read"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", help="one kind alone")
    parser.add_argument("--keep", type=Path, default=Path("results"), help="where bad files are kept")
    options = parser.parse_args()
    warnings.simplefilter("error")
    found: Counter[tuple[str, str]] = Counter()
    faults = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "right").mkdir()
        right = samples(folder / "right")
        for kind, path in right.items():
            assert attempt(path, kind, named=False, partial=True) == "read", kind
        kinds = [options.format] if options.format else list(right)
        unknown = set(kinds) - set(right)
        if unknown:
            parser.error(f"there is no {', '.join(unknown)}; there is {', '.join(right)}")
        contents = {kind: (max(path.iterdir(), key=lambda p: p.stat().st_size) if path.is_dir() else path).read_bytes()
                    for kind, path in right.items()}  # fmt: skip
        begin = time.perf_counter()
        for number in itertools.count():
            if time.perf_counter() - begin > options.seconds:
                break
            rng = np.random.default_rng((options.seed, number))
            kind = kinds[number % len(kinds)]
            damage = damaged_inside if rng.random() < 0.7 else lambda _, *rest: damaged(*rest)
            other = contents[str(rng.choice(list(contents)))]
            path = folder / f"case-{number}{'.csv' if kind == 'table.csv' else ''}"
            if right[kind].is_dir():
                shutil.copytree(right[kind], path)
                victim = sorted(path.iterdir())[int(rng.integers(len(list(path.iterdir()))))]
                victim.write_bytes(damage(kind, victim.read_bytes(), other, rng))
            else:
                path.write_bytes(damage(kind, contents[kind], other, rng))
            start = time.perf_counter()
            try:
                found[kind, attempt(path, kind, named=bool(rng.random() < 0.8), partial=bool(rng.random() < 0.7))] += 1
                seconds = time.perf_counter() - start
                assert seconds < LONGEST, f"it took {seconds:.0f} s"
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
                assert peak < MOST_MEMORY, f"{peak / 1e9:.1f} GB of memory"
            except Exception:
                faults += 1
                options.keep.mkdir(parents=True, exist_ok=True)
                kept = options.keep / f"fuzz-{kind}-{options.seed}-{number}"
                (shutil.copytree if path.is_dir() else shutil.copy)(path, kept)
                print(f"{kept}:", file=sys.stderr)
                traceback.print_exc()
            (shutil.rmtree if path.is_dir() else Path.unlink)(path)
    for kind in kinds:
        answers = ", ".join(f"{answer} {count:,}" for (own, answer), count in sorted(found.items()) if own == kind)
        print(f"{kind}: {answers}")
    print(f"{sum(found.values()):,} files, {faults} answered wrongly")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
