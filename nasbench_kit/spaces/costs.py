"""What a network costs, from its definition alone."""

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
    """The part of a `Space` that knows what its networks cost. A space with costs sets `skeletons` and implements `cost_rows`."""

    name: str

    #: What a network in a skeleton costs: parameters, and multiply-adds.
    cost_names: tuple[str, ...] = ("params", "flops")

    #: The network around an architecture, for each dataset that it is defined for.
    skeletons: Mapping[str, Any] = {}

    @abstractmethod
    def check(self, X: ArrayLike) -> Genotypes:
        """``X`` as valid rows of genes."""

    def cost_rows(self, rows: Genotypes, name: str, skeleton: Any) -> NDArray[Any]:
        """One of `cost_names` of valid rows, in one of `skeletons` or in one with other values: (n,).

        A space whose costs need no skeleton overrides `costs` as well, and ignores ``skeleton``, which is then None.
        """
        raise NotImplementedError(f"{self.name} names the cost {name!r}, but does not implement cost_rows")

    def costs(self, dataset: str) -> tuple[str, ...]:
        """The names of the costs that follow from the architecture alone, for this dataset; none without `skeletons`.

        Raises
        ------
        UnknownName
            Where the space's published network is not defined for ``dataset``.
        """
        if not self.skeletons:
            return ()
        if dataset not in self.skeletons:
            raise UnknownName(f"dataset of {self.name}", dataset, self.skeletons)
        return self.cost_names

    def known_costs(self, dataset: str) -> tuple[str, ...]:
        """``costs(dataset)``, or none at all for a dataset that the space's published network is not defined for."""
        try:
            return self.costs(dataset)
        except UnknownName:
            return ()

    def cost(
        self, X: ArrayLike, name: str, *, dataset: str | None = None, skeleton: Skeleton | None = None
    ) -> NDArray[Any]:
        """A cost that follows from the architecture alone, from its definition.

        Parameters
        ----------
        X : array_like of int, shape (n, genes) or (genes,)
        name : str
            One of ``costs(dataset)``: ``"params"`` (count), ``"flops"`` (multiply-adds), ...
        dataset : str
            The dataset whose network is meant, e.g. ``"cifar10"``.
        skeleton : Skeleton
            In place of a dataset: the network around the architecture, one of `skeletons` with other figures.

        Returns
        -------
        ndarray, shape (n,)
            The cost of each genotype as it is written: dead parameters count, as the benchmarks count them.
        """
        if (dataset is None) == (skeleton is None):
            raise TypeError("a cost is asked for on a dataset or in a skeleton: give one of dataset= and skeleton=")
        if skeleton is not None:
            if name not in self.cost_names:
                raise UnknownName(f"cost of {self.name}", name, self.cost_names)
            return self.cost_rows(self.check(X), name, skeleton)
        assert dataset is not None
        names = self.costs(dataset)
        if name not in names:
            raise UnknownName(f"cost of {self.name} on {dataset}", name, names)
        return self.cost_rows(self.check(X), name, self.skeletons.get(dataset))
