"""BibTeX entries of the kit, its benchmarks, spaces and algorithms, from ``references.bib``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

__all__ = ["algorithm_references", "bibtex", "cited_references"]

KIT = "nasbenchkit"

# by class name; algorithms of users have none
ALGORITHMS = {
    "RandomSearch": ("bergstra2012random",),
    "LocalSearch": ("white2021local",),
    "RegularizedEvolution": ("real2019regularized",),
    "GeneticAlgorithm": ("back1997handbook",),
    "GOMEA": ("thierens2012linkage",),
    "NSGA2": ("deb2002nsga2",),
    "NSGA3": ("deb2014nsga3",),
    "SMSEMOA": ("beume2007sms",),
    "SPEA2": ("zitzler2001spea2",),
    "MOEAD": ("zhang2007moead", "li2009moead"),
    "MOGOMEA": ("luong2014mogomea",),
    "MOLocalSearch": ("denottelander2021local",),
    "Reinforce": ("williams1992simple", "dong2020nasbench201"),
    "SuccessiveHalving": ("jamieson2016non",),
    "Hyperband": ("li2018hyperband",),
    "BOHB": ("falkner2018bohb",),
    "DEHB": ("awad2021dehb",),
    "BANANAS": ("white2021bananas",),
    "BestFirstSearch": ("white2021local",),
}


@cache
def entries() -> dict[str, str]:
    """All entries by key, as text."""
    text = files("nasbench_kit.data").joinpath("references.bib").read_text(encoding="utf-8")
    found = [entry.strip() for entry in re.split(r"\n\n(?=@)", text)]
    return {entry[entry.index("{") + 1 : entry.index(",")]: entry for entry in found}


def algorithm_references(name: str) -> tuple[str, ...]:
    """The keys of an algorithm's publications, by the name of its class; empty for a user's own."""
    return ALGORITHMS.get(name, ())


def cited_references(citation: str) -> tuple[str, ...]:
    """The keys of the publications whose arXiv numbers a citation contains, in its order.

    Examples
    --------
    >>> cited_references("Dong and Yang 2020, NAS-Bench-201, arXiv 2001.00326")
    ('dong2020nasbench201',)
    """
    numbers = {}
    for key, entry in entries().items():
        number = re.search(r"eprint = \{([\d.]+)\}", entry)
        if number:
            numbers[number[1]] = key
    found = (numbers.get(number) for number in re.findall(r"\d{4}\.\d{5}", citation))
    return tuple(dict.fromkeys(key for key in found if key is not None))


def bibtex(keys: Iterable[str]) -> str:
    """The entries of the given keys, each once, separated by empty lines."""
    return "\n\n".join(entries()[key] for key in dict.fromkeys(keys))
