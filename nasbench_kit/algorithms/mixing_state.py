"""State of gene-pool optimal mixing: populations, clusters and archives of each run, its turn, and the member mixed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.algorithms.run_state import RunState, array
from nasbench_kit.kernels.mixing_rules import FILL
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Archive", "Clusters", "Member", "Populations", "Turn"]


class Archive(RunState, together=True):
    """The elitist archives of all runs. Unused slots come last and have infinite values.

    Attributes
    ----------
    X, F
        Genotypes and objective values. The objective axis comes first, so that reductions over objectives are vectorised
        over all members of all runs.
    count
        Number of points.
    equalled
        Whether the last trial equals a point.
    """

    X: Genotypes = array("runs points genes", np.uint8)
    F: NDArray[np.float64] = array("m runs points", np.float64, np.inf)
    count: NDArray[np.intp] = array("runs", np.intp)
    equalled: NDArray[np.bool_] = array("runs", np.bool_)


class Clusters(RunState, together=True):
    """The clusters of each run's current population.

    Attributes
    ----------
    trees
        Linkage tree of each cluster, as masks.
    pools, pool_size
        Members of each cluster, and how many.
    objective
        The single objective of a cluster, or -1.
    own
        The cluster of each member.
    current
        The single objective of the current member's cluster, or -1.
    """

    trees: Genotypes = array("runs clusters sets genes", np.uint8)
    pools: NDArray[np.intp] = array("runs clusters members", np.intp)
    pool_size: NDArray[np.intp] = array("runs", np.intp, 1)
    objective: NDArray[np.intp] = array("runs clusters", np.intp, -1)
    own: NDArray[np.intp] = array("runs members", np.intp)
    current: NDArray[np.intp] = array("runs", np.intp, -1)


class Populations(RunState):
    """All populations, one after the other along ``places``.

    Attributes
    ----------
    X, F
        Genotypes and objective values of the current generation.
    next_X, next_F
        Those of the next generation, up to the current member.
    alive
        Whether a population still gets turns.
    generations
        Generations of each population.
    stretch
        Its no-improvement stretch, in generations.
    """

    X: Genotypes = array("runs places genes", np.uint8)
    F: NDArray[np.float64] = array("runs places m", np.float64, np.inf)
    next_X: Genotypes = array("runs places genes", np.uint8)
    next_F: NDArray[np.float64] = array("runs places m", np.float64, np.inf)
    alive: NDArray[np.bool_] = array("runs populations", np.bool_)
    generations: NDArray[np.int64] = array("runs populations", np.int64)
    stretch: NDArray[np.int64] = array("runs populations", np.int64)


class Turn(RunState, together=True):
    """What each run is doing.

    Attributes
    ----------
    population, member
        The population whose turn it is, and its current member.
    place, end
        Place of that member, and end of the population, along the populations' ``places``.
    filled
        Number of populations.
    phase
        `FILL`, `MIX` or `FORCE`.
    impatient
        Whether forced improvement applies to all members.
    tried, improved
        Whether this generation has tried anything, and whether it has improved the best.
    """

    population: NDArray[np.intp] = array("runs", np.intp)
    member: NDArray[np.intp] = array("runs", np.intp)
    place: NDArray[np.intp] = array("runs", np.intp)
    end: NDArray[np.intp] = array("runs", np.intp)
    filled: NDArray[np.intp] = array("runs", np.intp)
    phase: NDArray[np.intp] = array("runs", np.intp, FILL)
    impatient: NDArray[np.bool_] = array("runs", np.bool_)
    tried: NDArray[np.bool_] = array("runs", np.bool_)
    improved: NDArray[np.bool_] = array("runs", np.bool_)


class Member(RunState, together=True):
    """The member that each run is mixing, and the trials planned for it, in order.

    Attributes
    ----------
    x, f
        Its genotype and objective values so far.
    changed
        Whether a trial has been accepted.
    spare
        A random number that selects its replacement if forced improvement fails.
    masks, donors
        For each trial, the set of genes as a mask, and the genotype they are copied from.
    changes
        What the trial would change, as exclusive or.
    untried
        Whether it has yet to be tried and would change anything.
    last
        The last trial, or -1. After the last that is to be tried, their number.
    """

    x: Genotypes = array("runs genes", np.uint8)
    f: NDArray[np.float64] = array("runs m", np.float64, np.inf)
    changed: NDArray[np.bool_] = array("runs", np.bool_)
    spare: NDArray[np.float64] = array("runs", np.float64)
    masks: Genotypes = array("runs trials genes", np.uint8)
    donors: Genotypes = array("runs trials genes", np.uint8)
    changes: Genotypes = array("runs trials genes", np.uint8)
    untried: NDArray[np.bool_] = array("runs trials", np.bool_)
    last: NDArray[np.intp] = array("runs", np.intp, -1)
