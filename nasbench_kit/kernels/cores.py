"""Number of CPU cores available to this process."""

from __future__ import annotations

import math
import os
from pathlib import Path

__all__ = ["usable_cores"]

CGROUPS = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """Number of cores this process may use, which may be fewer than the machine has (clusters, containers).

    The smaller of the cores that it may be scheduled on and, on Linux, the processor time that its control groups allow.
    """
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    try:
        groups = Path("/proc/self/cgroup").read_text()
    except OSError:
        groups = ""
    return max(1, math.ceil(min(len(os.sched_getaffinity(0)), _quota(groups))))


def _quota(groups: str) -> float:
    """Cores' worth of processor time that control groups (the lines of ``/proc/PID/cgroup``) allow; infinite without a limit."""
    quotas = [math.inf]
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = CGROUPS / controllers if controllers else CGROUPS
        own = root / path.lstrip("/")
        # in a container, its own group is mounted as the root
        for folder in dict.fromkeys([own, *(parent for parent in own.parents if root in parent.parents), root]):
            quotas.append(_quota_of(folder, unified=not controllers))
    return min(quotas)


def _quota_of(folder: Path, *, unified: bool) -> float:
    try:
        if unified:
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
        return math.inf if quota in ("max", "-1") else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return math.inf
