"""Damaged and hostile files: each is read or gives one clear error, in bounded time and memory.

    python -m tests.fuzz --seconds 60 --seed 0 [--kind nb101] [--keep FOLDER] [--atheris]

The same seed tries the same files in the same order. Files are read in a process of their own, which may hang or crash. A file
that is answered otherwise is kept, and the exit status is 1. With ``--atheris`` (where that package is installed) the damage
is guided by coverage, for one kind.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

import nasbench_kit as nk
from tests.fuzz.damage import damaged
from tests.fuzz.kinds import Kind, kinds

MOST_MEMORY = 2.0e9  # bytes, of a whole process
START = 30.0  # seconds until a new process reads its first file


def answer_of(path: Path, kind: Kind, rng: np.random.Generator) -> str:
    """The class of the error that reading gives, which has to be one of the kit's on one line, or ``read``."""
    try:
        kind.read(path, rng)
    except nk.NasbenchKitError as error:
        text = str(error)
        assert "\n" not in text and "\x1b" not in text, f"more than a line, or an escape: {text!r}"  # noqa: PT018
        assert len(text) < 2000, f"{len(text)} characters"
        assert not kind.names_file or str(path) in text or path.name in text, f"no path in: {text!r}"
        return type(error).__name__
    return "read"


def case(number: int, seed: int, name: str, kind: Kind, right: Path, contents: list[bytes], folder: Path) -> Path:
    """Damage a copy of the right file, as the number says; returns its path."""
    rng = np.random.default_rng((seed, number))
    path = folder / f"case-{number}{kind.suffix}"
    (shutil.copytree if right.is_dir() else shutil.copy)(right, path)
    victim = path
    if right.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        victim = files[int(rng.integers(len(files)))]
    other = contents[int(rng.integers(len(contents)))]
    if rng.random() < 0.7:
        if kind.alter is not None:
            kind.alter(victim, rng)
        else:
            victim.write_bytes(kind.inside(victim.read_bytes(), other, rng))
    else:
        victim.write_bytes(damaged(victim.read_bytes(), other, rng))
    return path


def work(
    pipe: Connection, first: int, seed: int, chosen: dict[str, Kind], right: Path, folder: Path, keep: Path
) -> None:
    """Try one file after the other, telling the parent of each before and after."""
    warnings.simplefilter("error")
    files = {name: right / f"right-{name}" for name in chosen}
    contents = [path.read_bytes() for path in sorted(right.rglob("*")) if path.is_file()]
    names = list(chosen)
    number = first
    while True:
        name = names[number % len(names)]
        kind = chosen[name]
        pipe.send(("begin", number, name))
        answer, path = "", None
        try:
            path = case(number, seed, name, kind, files[name], contents, folder)
            start = time.perf_counter()
            answer = answer_of(path, kind, np.random.default_rng((seed, number, 1)))
            seconds = time.perf_counter() - start
            assert seconds < kind.limit, f"it took {seconds:.0f} s"
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            assert peak < MOST_MEMORY, f"{peak / 1e9:.1f} GB of memory"
        except Exception:
            keep.mkdir(parents=True, exist_ok=True)
            kept = keep / f"fuzz-{name}-{seed}-{number}"
            if path is not None:
                shutil.rmtree(kept, ignore_errors=True)
                (shutil.copytree if path.is_dir() else shutil.copy)(path, kept)
            print(f"{kept}:", file=sys.stderr)
            traceback.print_exc()
            answer = "FAULT"
        if path is not None:
            (shutil.rmtree if path.is_dir() else Path.unlink)(path)
        pipe.send(("end", number, answer))
        if answer == "FAULT":  # its memory may have been the problem
            return
        number += 1


def answers(
    seconds: float, seed: int, chosen: dict[str, Kind], right: Path, folder: Path, keep: Path
) -> Iterator[tuple[str, str]]:
    """The kind and answer of one file after the other, as long as there is time."""
    context = multiprocessing.get_context("fork")
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, number, seed, chosen, right, folder, keep), daemon=True)
        process.start()
        theirs.close()
        name, patience, alive = "", START, True
        while alive and time.monotonic() < end:
            if not ours.poll(patience):
                answer = "hung in the library" if chosen[name].hangs else "FAULT"
                print(f"{name} {number}, seed {seed}: no answer within {patience:.0f} s", file=sys.stderr)
                yield name, answer
                alive = False
                break
            try:
                what, number, text = ours.recv()
            except EOFError:
                process.join()
                answer = "crashed in the library" if chosen[name].hangs and process.exitcode else "FAULT"
                print(f"{name} {number}, seed {seed}: ended with {process.exitcode}", file=sys.stderr)
                yield name, answer
                break
            if what == "begin":
                name, patience = text, 1.5 * chosen[text].limit
            else:
                yield name, text
                patience = START
                alive = text != "FAULT"
        number += 1
        process.kill()
        process.join()
        ours.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", action="append", help="one kind alone; repeatable")
    parser.add_argument("--keep", type=Path, default=Path("results"), help="where bad files are kept")
    parser.add_argument("--atheris", action="store_true", help="guide the damage by coverage; needs atheris and --kind")
    options = parser.parse_args()
    known = kinds()
    unknown = set(options.kind or ()) - set(known)
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there is {', '.join(known)}")
    chosen = {name: kind for name, kind in known.items() if name in (options.kind or known)}
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        right = folder / "right"
        right.mkdir()
        for name, kind in chosen.items():
            path = right / f"right-{name}"
            kind.write(path)
            if kind.suffix and not path.exists():
                path.with_suffix(kind.suffix).rename(path)
            copy = folder / f"copy{kind.suffix}"
            (shutil.copytree if path.is_dir() else shutil.copy)(path, copy)
            for draw in range(20):  # with any options, the valid file is read, or lacks architectures
                answer = answer_of(copy, kind, np.random.default_rng(draw))
                if answer == "read":
                    break
            assert answer == "read", name
            (shutil.rmtree if copy.is_dir() else Path.unlink)(copy)
        if options.atheris:
            from tests.fuzz.guided import guide

            (name,) = chosen
            return guide(name, chosen[name], right / f"right-{name}", folder)
        found: Counter[tuple[str, str]] = Counter()
        for name, answer in answers(options.seconds, options.seed, chosen, right, folder, options.keep):
            found[name, answer] += 1
    for name in chosen:
        print(
            f"{name}: "
            + ", ".join(f"{answer} {count:,}" for (own, answer), count in sorted(found.items()) if own == name)
        )
    faults = sum(count for (_, answer), count in found.items() if answer == "FAULT")
    print(f"{sum(found.values()):,} files, {faults} answered wrongly")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
