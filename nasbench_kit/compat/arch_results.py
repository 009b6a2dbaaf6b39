"""All trainings of an architecture with one epoch budget, as the official packages hand them out."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping, Sequence
from typing import Any

from nasbench_kit.compat.errors import NotStored, Unsupported, WrongQuery
from nasbench_kit.compat.results_count import ResultsCount, mean

__all__ = ["ArchResults"]


class ArchResults:
    """All trainings of an architecture with one epoch budget.

    Attributes
    ----------
    arch_index : int
    arch_str : str
    dataset_seed : dict of str to list of int
        The seeds of each dataset; empty if the store has only a mean over them.
    all_results : dict of (str, int) to ResultsCount
        By dataset and seed.
    """

    # NATS-Bench 1.6 and later answer with seed 888's counts where those of the trainings differ; NAS-Bench-201 averages
    _corrects_counts = False

    def __init__(self, arch_index: int, arch_str: str) -> None:
        self.arch_index, self.arch_str = int(arch_index), arch_str
        self.all_results: dict[tuple[str, int], ResultsCount] = {}
        self.dataset_seed: dict[str, list[int]] = {}
        self.clear_net_done = False
        self._means: dict[str, ResultsCount] = {}
        self._random: random.Random | Any = random.Random(0)

    def __deepcopy__(self, memo: dict[int, Any]) -> ArchResults:
        other = type(self)(self.arch_index, self.arch_str)
        other.__dict__.update(copy.deepcopy({k: v for k, v in self.__dict__.items() if k != "_random"}, memo))
        other._random = self._random  # one stream for all copies: a copy of it would repeat its draws
        return other

    def __repr__(self) -> str:
        about = f"arch-index={self.arch_index}, arch={self.arch_str}, {len(self.all_results)} runs"
        return f"{type(self).__name__}({about}, clear={self.clear_net_done})"

    def arch_idx_str(self) -> str:
        return f"{self.arch_index:06d}"

    def get_dataset_names(self) -> list[str]:
        return list(self.dataset_seed)

    def get_dataset_seeds(self, dataset: str) -> list[int]:
        return list(self._seeds(dataset))

    def _seeds(self, dataset: str) -> list[int]:
        if dataset not in self.dataset_seed:
            raise WrongQuery(
                f"architecture {self.arch_index} has no training on {dataset!r}, only on {', '.join(self.dataset_seed)}"
            )
        return self.dataset_seed[dataset]

    def _trials(self, dataset: str) -> list[ResultsCount]:
        """The trainings, or the only mean."""
        found = [self.all_results[dataset, seed] for seed in self._seeds(dataset)]
        return found or [self._means[dataset]]

    def query(self, dataset: str, seed: int | None = None) -> Any:
        """The training with a seed, or all by their seeds."""
        if seed is not None:
            return self._trial(dataset, seed)
        if not self._seeds(dataset):
            raise NotStored(
                f"only the mean over the trainings of architecture {self.arch_index} on {dataset} is stored; ask for it "
                "with get_metrics(..., is_random=False), or convert the official file"
            )
        return {seed: self.all_results[dataset, seed] for seed in self.dataset_seed[dataset]}

    def _trial(self, dataset: str, seed: int) -> ResultsCount:
        if seed not in self._seeds(dataset):
            raise WrongQuery(
                f"architecture {self.arch_index} was not trained with the seed {seed} on {dataset}, but with "
                f"{self.dataset_seed[dataset]}"
            )
        return self.all_results[dataset, seed]

    def get_metrics(
        self, dataset: str, setname: str, iepoch: int | None = None, is_random: bool | int = False
    ) -> dict[str, Any]:
        """Loss, accuracy and seconds on a set of a dataset.

        Parameters
        ----------
        dataset : str
        setname : {"train", "x-valid", "x-test", "ori-test"}
        iepoch : int, optional
            From 0; by default the last.
        is_random : bool or int
            False is the mean over the trainings, True one drawn at random, an int the one with this seed. Where only
            means are stored, both False and True give the mean.

        Returns
        -------
        dict
            ``iepoch``, ``loss``, ``accuracy``, ``cur_time``, ``all_time``.
        """
        if isinstance(is_random, bool):
            if is_random and self._seeds(dataset):
                return self._drawn(dataset, setname, iepoch, self._random.choice(self._seeds(dataset)))
            return self._average(dataset, setname, iepoch)
        if not isinstance(is_random, int):
            raise WrongQuery(f"is_random must be a bool or a seed, not {is_random!r}")
        return self._of([self._trial(dataset, is_random)], setname, iepoch)[0]

    def _drawn(self, dataset: str, setname: str, iepoch: int | None, seed: int) -> dict[str, Any]:
        """The values of a seed that was drawn; the mean where only the mean is stored."""
        try:
            return self._of([self._trial(dataset, seed)], setname, iepoch)[0]
        except NotStored:
            return self._of([self._means[dataset]], setname, iepoch)[0]

    def _average(self, dataset: str, setname: str, iepoch: int | None) -> dict[str, Any]:
        try:
            infos = self._of(self._trials(dataset), setname, iepoch)
        except NotStored:
            infos = self._of([self._means[dataset]], setname, iepoch)
        return _average(infos)

    @staticmethod
    def _of(trials: Sequence[ResultsCount], setname: str, iepoch: int | None) -> list[dict[str, Any]]:
        if setname == "train":
            return [trial.get_train(iepoch) for trial in trials]
        return [trial.get_eval(setname, iepoch) for trial in trials]

    def get_compute_costs(self, dataset: str) -> dict[str, Any]:
        """``flops`` and ``params`` (millions, as recorded), ``latency`` (s), and the seconds of `ResultsCount.get_times`."""
        trials = self._trials(dataset)
        latencies = [seconds for trial in trials if (seconds := trial.get_latency()) > 0]
        return {
            "flops": mean(self._counts(dataset, [trial.flop for trial in trials])),
            "params": mean(self._counts(dataset, [trial.params for trial in trials])),
            "latency": mean(latencies) if latencies else None,
            **_average([trial.get_times() for trial in trials]),
        }

    def _counts(self, dataset: str, counts: list[float]) -> list[float]:
        if self._corrects_counts and len({f"{count:.5f}" for count in counts}) > 1:
            return [counts[self.dataset_seed[dataset].index(888)]]
        return counts

    def get_latency(self, dataset: str) -> float:
        """The mean of the measured latencies in seconds; an error if one is missing."""
        latencies = [trial.get_latency() for trial in self._trials(dataset)]
        if not all(seconds > 0 for seconds in latencies):
            raise NotStored(f"no latency of architecture {self.arch_index} on {dataset} is stored")
        return mean(latencies)

    def get_total_epoch(self, dataset: str | None = None) -> int:
        names = self.get_dataset_names() if dataset is None else [dataset]
        budgets = {trial.get_total_epoch() for name in names for trial in self._trials(name)}
        if len(budgets) != 1:
            raise WrongQuery(f"the trainings have different numbers of epochs: {sorted(budgets)}")
        return budgets.pop()

    def get_net_param(self, dataset: str, seed: int | None = None) -> Any:
        """None for every training, since no table holds weights."""
        if seed is None:
            return {seed: self.all_results[dataset, seed].get_net_param() for seed in self._seeds(dataset)}
        return self._trial(dataset, seed).get_net_param()

    # ---------------------------------------------------------------- changes of one's own

    def _changed(self, dataset: str, seed: int | None) -> list[ResultsCount]:
        return self._trials(dataset) if seed is None else [self._trial(dataset, seed)]

    def reset_latency(self, dataset: str, seed: int | None, latency: float) -> None:
        for trial in self._changed(dataset, seed):
            trial.update_latency([latency])

    def reset_pseudo_train_times(self, dataset: str, seed: int | None, estimated_per_epoch_time: float) -> None:
        for trial in self._changed(dataset, seed):
            trial.reset_pseudo_train_times(estimated_per_epoch_time)

    def reset_pseudo_eval_times(
        self, dataset: str, seed: int | None, eval_name: str, estimated_per_epoch_time: float
    ) -> None:
        for trial in self._changed(dataset, seed):
            trial.reset_pseudo_eval_times(eval_name, estimated_per_epoch_time)

    def update(self, dataset_name: str, seed: int, result: ResultsCount) -> None:
        seeds = self.dataset_seed.setdefault(dataset_name, [])
        if seed in seeds:
            raise WrongQuery(f"architecture {self.arch_index} has a training with the seed {seed} on {dataset_name}")
        self.dataset_seed[dataset_name] = sorted([*seeds, seed])
        self.all_results[dataset_name, seed] = result
        self.clear_net_done = False

    def clear_params(self) -> None:
        """Forget the weights, of which there are none."""
        self.clear_net_done = True

    def state_dict(self) -> dict[str, Any]:
        found = {name: value for name, value in self.__dict__.items() if not name.startswith("_")}
        found["all_results"] = {key: trial.state_dict() for key, trial in self.all_results.items()}
        return found

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.__dict__.update(state_dict)
        states = state_dict.get("all_results", {})
        self.all_results = {key: ResultsCount.create_from_state_dict(state) for key, state in states.items()}

    @classmethod
    def create_from_state_dict(cls, state_dict_or_file: Any) -> ArchResults:
        if not isinstance(state_dict_or_file, Mapping):
            raise Unsupported("a file is not unpickled: convert it with 'nasbench-kit convert', and open the store")
        results = cls(-1, "")
        results.load_state_dict(state_dict_or_file)
        return results


def _average(infos: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    """Mean of each entry, None where the first is."""
    found: dict[str, Any] = {}
    for name in infos[0]:
        values: list[Any] = [info[name] for info in infos]
        found[name] = None if values[0] is None else mean(values)
    return found
