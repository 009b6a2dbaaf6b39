"""Architectures as the page shows them: the native form, metrics, and a drawing as plain numbers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from nasbench_kit.benchmark import TabularProblem
from nasbench_kit.errors import InvalidArchitecture, StoreError
from nasbench_kit.figures.axes import unit_label
from nasbench_kit.figures.layout import Layout
from nasbench_kit.metrics import minimised
from nasbench_kit.problems import Problem
from nasbench_kit.spaces import Space
from nasbench_kit.spaces.genotypes import Genotypes

__all__ = ["Architectures"]

PIXELS = 72  # per inch of a layout
MOST_METRICS = 16


class Architectures:
    """The distinct architectures that a page shows, numbered in the order in which they are added.

    Parameters
    ----------
    problem : Problem
        What was searched: its objectives are shown first, then the other metrics of the benchmark.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._number: dict[bytes, int] = {}
        self._genotypes: list[Genotypes] = []

    def add(self, X: Genotypes) -> list[int]:
        """The numbers of genotypes (n, genes), which are new ones for those not seen before."""
        numbers = []
        for x in X:
            key = x.tobytes()
            if key not in self._number:
                self._number[key] = len(self._genotypes)
                self._genotypes.append(x)
            numbers.append(self._number[key])
        return numbers

    def content(self) -> dict[str, Any]:
        """All architectures as plain JSON: native forms, metrics and drawings."""
        if not self._genotypes:
            return {"native": [], "metrics": [], "values": [], "drawn": [], "operations": []}
        X, space = np.stack(self._genotypes), self._problem.space
        names, values = self._metrics(X)
        operations: dict[str, int] = {}
        return {
            "native": [_text(native) for native in space.decode(X)],
            "metrics": names,
            "values": [[None if np.isnan(value) else float(f"{value:.6g}") for value in row] for row in values],
            "drawn": [_drawings(space, x, operations) for x in X],
            "operations": list(operations),
        }

    def _metrics(self, X: Genotypes) -> tuple[list[dict[str, str]], np.ndarray[Any, Any]]:
        problem = self._problem
        if isinstance(problem, TabularProblem):
            bench, dataset = problem.bench, problem.dataset
            known = [name for name in bench.metrics(dataset) if name not in problem.objectives]
            known.sort(key=lambda name: name.startswith("proxy_"))  # estimates last
            names = [*problem.objectives, *known][:MOST_METRICS]
            metrics = [bench.metric(name, dataset) for name in names]
            values = np.stack([bench.query(X, name, dataset=dataset) for name in names], axis=1)
        else:
            metrics = list(problem.objective_metrics)
            try:
                values = minimised(problem(X), metrics)
            except (ValueError, InvalidArchitecture, StoreError):  # loaded from a file that lacks the function
                values = np.full((len(X), len(metrics)), np.nan)
        return [{"name": m.name, "unit": unit_label(m)} for m in metrics], values


def _text(native: Any) -> str:
    """A native form as the command line takes it."""
    return native if isinstance(native, str) else json.dumps(native, separators=(", ", ": "))


def _drawings(space: Space, x: Genotypes, operations: dict[str, int]) -> list[dict[str, Any]]:
    """Each diagram of an architecture in pixels from the upper left corner."""
    found = []
    for diagram in space.diagrams(x):
        layout = Layout(diagram)

        def at(point: tuple[float, float], layout: Layout = layout) -> list[float]:
            return [round(point[0] * PIXELS, 1), round((layout.height - point[1]) * PIXELS, 1)]

        def colour(label: str) -> int:
            return operations.setdefault(label, len(operations)) if label else -1

        found.append(
            {
                "title": layout.title,
                "size": [round(layout.width * PIXELS, 1), round(layout.height * PIXELS, 1)],
                "nodes": [
                    [
                        *at(layout.at[i]),
                        round(layout.width_of(i) * PIXELS, 1),
                        node.label,
                        colour(node.label if node.operation else ""),
                        int(node.used),
                    ]
                    for i, node in enumerate(layout.nodes)
                ],
                "arrows": [
                    [
                        "".join(
                            letter + " ".join(f"{u:g} {v:g}" for u, v in map(at, points))
                            for letter, points in layout.curve(path)
                        ),
                        colour(arrow.label),
                        int(arrow.used),
                    ]
                    for (_, _, arrow), path in zip(layout.arrows, layout.paths, strict=True)
                ],
                "labels": [
                    [*at(layout.at[i]), arrow.label, colour(arrow.label), int(arrow.used)]
                    for i, arrow in layout.labels.items()
                ],
            }
        )
    return found
