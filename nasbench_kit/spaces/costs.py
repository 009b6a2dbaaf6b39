"""Network costs that follow from the architecture definition, such as parameters and multiply-adds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike, NDArray

from nasbench_kit.errors import UnknownName
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.spaces.skeleton import Skeleton

__all__ = ["Costs"]


class Costs:
    """The part of a `Space` that computes costs. Spaces with costs set `skeletons` and implement `cost_rows`."""

    name: str

    #: Available costs: parameters and multiply-adds.
    cost_names: tuple[str, ...] = ("params", "flops")

    #: The network around an architecture, for each supported dataset.
    skeletons: Mapping[str, Any] = {}

    @abstractmethod
    def check(self, X: ArrayLike) -> Genotypes:
        """Convert ``X`` to valid rows of genes."""

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        """Compute one of `cost_names` for valid rows in a skeleton: (n,).

        The skeleton is one of `skeletons`, possibly with changed values. A space whose costs need no skeleton also
        overrides `costs`; ``skeleton`` is then None.
        """
        raise NotImplementedError(f"{self.name} declares the cost {name!r} but does not implement cost_rows")

    def costs(self, dataset: str) -> tuple[str, ...]:
        """Names of the available costs for a dataset; empty if the space has no `skeletons`.

        Raises
        ------
        UnknownName
            If the space's network is not defined for ``dataset``.
        """
        if not self.skeletons:
            return ()
        if dataset not in self.skeletons:
            raise UnknownName(f"dataset of {self.name}", dataset, self.skeletons)
        return self.cost_names

    def known_costs(self, dataset: str) -> tuple[str, ...]:
        """Like ``costs(dataset)``, but empty for datasets that the space's network is not defined for."""
        try:
            return self.costs(dataset)
        except UnknownName:
            return ()

    def cost(
        self, X: ArrayLike, name: str, *, dataset: str | None = None, skeleton: Skeleton | None = None
    ) -> NDArray[Any]:
        """Compute a cost from the architecture alone.

        Parameters
        ----------
        X : array_like of int, shape (n, genes) or (genes,)
        name : str
            One of ``costs(dataset)``: ``"params"`` (count), ``"flops"`` (multiply-adds), ...
        dataset : str
            Use the network for this dataset, e.g. ``"cifar10"``.
        skeleton : Skeleton
            Use this skeleton instead of a dataset's, e.g. one of `skeletons` with changed values.

        Returns
        -------
        ndarray, shape (n,)
            The cost of each genotype as given. Unused parameters count, as in the benchmarks.
        """
        if (dataset is None) == (skeleton is None):
            raise TypeError("a cost depends on a dataset or a skeleton: give one of dataset= and skeleton=")
        if skeleton is not None:
            if name not in self.cost_names:
                raise UnknownName(f"cost of {self.name}", name, self.cost_names)
            return self.cost_rows(self.check(X), name, skeleton)
        assert dataset is not None
        names = self.costs(dataset)
        if name not in names:
            raise UnknownName(f"cost of {self.name} on {dataset}", name, names)
        return self.cost_rows(self.check(X), name, self.skeletons.get(dataset))
