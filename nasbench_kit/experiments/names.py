"""Names of algorithms in a comparison, and names of their files."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Container, Iterable, Mapping, Sequence

import numpy as np

from nasbench_kit.algorithms import Algorithm

__all__ = ["file_names", "named", "seeds_of", "short_name", "unused"]

LONGEST = 100  # characters per file name


def short_name(algorithm: Algorithm) -> str:
    """An algorithm's name with the settings that differ from the defaults.

    Examples
    --------
    >>> import nasbench_kit as nk
    >>> short_name(nk.RegularizedEvolution()), short_name(nk.RegularizedEvolution(population_size=50))
    ('RegularizedEvolution', 'RegularizedEvolution(population_size=50)')
    """
    changed = []
    for field in dataclasses.fields(algorithm):
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        value = getattr(algorithm, field.name)
        if repr(value) != repr(default):
            changed.append(f"{field.name}={value!r}")
    return f"{algorithm.name}({', '.join(changed)})" if changed else algorithm.name


def named(algorithms: Sequence[Algorithm] | Mapping[str, Algorithm]) -> dict[str, Algorithm]:
    """Algorithms by unique names: those of a mapping, else `short_name`, with " (2)" and so on for equal ones.

    Raises
    ------
    TypeError
        Something is not an algorithm, or a name is not a string.
    ValueError
        No algorithm is given.
    """
    if isinstance(algorithms, Algorithm):
        raise TypeError(f"algorithms must be a list, as in [{algorithms!r}]")
    own = isinstance(algorithms, Mapping)
    members: Iterable[Algorithm] = algorithms.values() if isinstance(algorithms, Mapping) else algorithms
    found: dict[str, Algorithm] = {}
    for key, algorithm in zip(algorithms if own else members, members, strict=True):
        if not isinstance(algorithm, Algorithm):
            hint = "; call it" if isinstance(algorithm, type) else ""
            raise TypeError(f"each algorithm must be an instance such as NSGA2(), not {algorithm!r}{hint}")
        name = key if own else short_name(algorithm)
        if not isinstance(name, str):
            raise TypeError(f"an algorithm's name must be a string, not {name!r}")
        found[unused(name, found)] = algorithm
    if not found:
        raise ValueError("no algorithms to compare")
    return found


def unused(name: str, taken: Container[str]) -> str:
    """The name itself, or with " (2)" and so on if it is taken."""
    unique, count = name, 1
    while unique in taken:
        count += 1
        unique = f"{name} ({count})"
    return unique


def seeds_of(algorithms: Mapping[str, Algorithm], seed: int) -> dict[str, int]:
    """The seed of each algorithm: the given one, but a different one for the second and later of equal algorithms.

    Equal algorithms with the same seed would produce identical runs, which a test would take for agreement.
    """
    seeds: dict[str, int] = {}
    seen: list[tuple[type[Algorithm], str]] = []
    for name, algorithm in algorithms.items():
        own = type(algorithm), repr(algorithm.settings)
        count = seen.count(own)
        seen.append(own)
        entropy = [abs(seed), int(seed < 0), count]
        seeds[name] = seed if not count else int(np.random.SeedSequence(entropy).generate_state(1)[0])
    return seeds


def file_names(names: Iterable[str], suffix: str) -> dict[str, str]:
    """A file name for each name, of its letters, digits and ``.=_-``; distinct on case-insensitive file systems too."""
    files: dict[str, str] = {}
    for name in names:
        safe = re.sub(r"[^\w.=-]+", "-", name, flags=re.ASCII).strip("-.")[:LONGEST].rstrip("-.") or "algorithm"
        unique, count = safe, 1
        taken = {file.lower() for file in files.values()}
        while f"{unique}{suffix}".lower() in taken:
            count += 1
            unique = f"{safe}-{count}"
        files[name] = f"{unique}{suffix}"
    return files
