"""The interface of the package ``nas-bench-201`` (``nas_201_api``), answered from a store.

>>> from nasbench_kit.compat.nas_201_api import NASBench201API as API
>>> api = API("nb201", verbose=False)
>>> len(api), api[11]
(15625, '|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|')
>>> info = api.get_more_info(11, "cifar100", hp="200", is_random=False)
>>> round(info["valid-accuracy"], 2), round(info["test-accuracy"], 2)
(67.45, 67.61)
"""

from __future__ import annotations

from typing import Any

from nasbench_kit.compat import arch_results
from nasbench_kit.compat.errors import NotStored, WrongQuery
from nasbench_kit.compat.record_text import text_lines
from nasbench_kit.compat.results_count import ResultsCount
from nasbench_kit.compat.topology import CellStrings
from nasbench_kit.compat.trials_api import TrialsAPI

__all__ = ["ArchResults", "NASBench201API", "NotStored", "ResultsCount", "WrongQuery"]


_BETWEEN = ", "


class ArchResults(arch_results.ArchResults):
    """All trainings of an architecture with one epoch budget."""

    def show(self, is_print: bool = False) -> list[str]:
        """The lines of text about the architecture, printed if wanted."""
        lines = text_lines(self, None, between=_BETWEEN, with_test=False)
        if is_print:
            print("\n".join(lines))
        return lines


class NASBench201API(TrialsAPI, CellStrings):
    """NAS-Bench-201 (arXiv 2001.00326) as ``nas_201_api.NASBench201API`` of version 2.1 answers.

    Parameters
    ----------
    file_path_or_dict : str, path-like or Benchmark, optional
        The name or path of a store, or an official file that was converted; by default the store ``nb201``.
    verbose : bool
        Whether to print a line on opening and on what `find_best` found. Other calls print nothing.
    seed : int, random.Random or module
        Seeds the draws of trials and architectures: as ``random.seed(seed)`` does for the original. By default 0. With
        the module ``random`` they come from Python's global stream, as in the original.

    Raises
    ------
    WrongQuery, SourceError
        Both also a ValueError.
    """

    def __init__(self, file_path_or_dict: Any = None, verbose: bool = True, *, seed: Any = None) -> None:
        super().__init__(file_path_or_dict, "nb201", "nb201", verbose, seed)

    def simulate_train_eval(
        self, arch: Any, dataset: str, hp: str = "12", account_time: bool = True
    ) -> tuple[float, float | None, float, float]:
        """Train and validate an architecture in simulated time.

        Returns
        -------
        validation accuracy, latency, seconds of the training and one validation, and `used_time`
        """
        index = self.query_index_by_arch(arch)
        info = self.get_more_info(index, self._searched(dataset), hp=hp, is_random=True)
        return self._simulated(info, self.get_latency(index, dataset), account_time)

    def find_best(
        self,
        dataset: str,
        metric_on_set: str,
        FLOP_max: float | None = None,
        Param_max: float | None = None,
        hp: str = "12",
    ) -> tuple[int, float | None]:
        """The index of the most accurate architecture within limits in millions, and its mean accuracy."""
        return self._best(dataset, metric_on_set, FLOP_max, Param_max, hp)

    _results, _between = ArchResults, _BETWEEN

    def _not_evaluated(self, index: int) -> None:
        print(f"the architecture {index} is not in {self.filename}")
