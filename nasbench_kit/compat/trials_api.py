"""What the official packages of NAS-Bench-201 and NATS-Bench have in common, answered from a store."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.compat.arch_results import ArchResults
from nasbench_kit.compat.errors import NotStored, Unsupported, WrongQuery
from nasbench_kit.compat.opening import opened, random_stream
from nasbench_kit.compat.record_text import text_lines
from nasbench_kit.compat.stored_trials import StoredTrials
from nasbench_kit.loaders.record_values import SETS

__all__ = ["TrialsAPI"]

_SEARCHED = ("cifar10", "cifar100", "ImageNet16-120")
# evaluation sets of get_more_info, by the names that it gives them
_PARTS = {
    "cifar10-valid": {"valid": "x-valid", "test": "ori-test"},
    "cifar10": {"valid": "x-valid", "test": "ori-test"},
    None: {"valid": "x-valid", "test": "x-test", "valtest": "ori-test"},
}


class TrialsAPI:
    """Base of `NASBench201API` and of NATS-Bench's two interfaces.

    Attributes
    ----------
    meta_archs : list of str
        All architectures, by official index.
    archstr2index : dict of str to int
    evaluated_indexes : collection of int
        The architectures that the store has.
    arch2infos_dict : mapping of int to dict of str to ArchResults
        All trainings, by index and budget. What one changes in them stays changed, until `reload`.
    used_time : float
        Simulated seconds since `reset_time`.
    """

    _results: ClassVar[type[ArchResults]] = ArchResults

    def __init__(self, source: Any, space: str, default: str, verbose: bool, seed: Any) -> None:
        bench = opened(source, space, default)
        self.verbose, self.filename = verbose, bench.path.name
        self._stored = StoredTrials(bench)
        self._random = random_stream(seed)
        self.meta_archs = list(self._stored.names)
        self.archstr2index = {name: index for index, name in enumerate(self.meta_archs)}
        self.arch2infos_dict = _Infos(self._stored, self._results, self._random)
        self.evaluated_indexes: Collection[int] = self._stored.evaluated.tolist()
        self.reset_time()
        if verbose:
            print(f"{self!r} from {bench.path}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.evaluated_indexes)}/{len(self)} architectures, file={self.filename})"

    def __len__(self) -> int:
        return len(self.meta_archs)

    def __getitem__(self, index: int) -> str:
        return self.meta_archs[index]

    def arch(self, index: int) -> str:
        """The architecture with an official index."""
        return self.meta_archs[self._index(index)]

    @property
    def avaliable_hps(self) -> list[str]:  # the packages' spelling
        return list(self._stored.budgets)

    @property
    def used_time(self) -> float:
        return self._used_time

    def reset_time(self) -> None:
        self._used_time = 0.0

    def random(self) -> int:
        """A random official index, from the stream that trials are drawn from too."""
        return int(self._random.randint(0, len(self) - 1))

    def query_index_by_arch(self, arch: Any) -> int:
        """The official index of a string, or of an object with ``tostr()``; -1 if there is none."""
        if isinstance(arch, (int, np.integer)):
            return self._index(int(arch))
        name = arch.tostr() if hasattr(arch, "tostr") else arch
        return self.archstr2index.get(name, -1) if isinstance(name, str) else -1

    def _index(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise WrongQuery(f"an architecture's index must be from 0 to {len(self) - 1}, not {index}")
        return index

    # ---------------------------------------------------------------- records

    def _info(self, index: int, hp: Any) -> ArchResults:
        return self.arch2infos_dict.results(index, hp)

    def query_meta_info_by_index(self, arch_index: int, hp: str = "12") -> ArchResults:
        """All trainings of an architecture with a budget, as a copy of one's own."""
        return copy.deepcopy(self._info(arch_index, hp))

    def query_by_index(self, arch_index: int, dataname: str | None = None, hp: str = "12") -> Any:
        """All trainings of an architecture, or with a dataset, those on it by their seeds."""
        info = self.query_meta_info_by_index(arch_index, hp)
        return info if dataname is None else info.query(dataname)

    def query_info_str_by_arch(self, arch: Any, hp: str = "12") -> str | None:
        """What is known about an architecture, as text; None if it is not stored."""
        index = self.query_index_by_arch(arch)
        if index not in self.arch2infos_dict:
            self._not_evaluated(index)
            return None
        return "\n".join(self._lines(self._info(index, hp), f"arch-index={index}"))

    def query_by_arch(self, arch: Any, hp: str) -> str | None:
        """The old name of `query_info_str_by_arch`."""
        return self.query_info_str_by_arch(arch, hp)

    def _not_evaluated(self, index: int) -> None:
        raise NotImplementedError

    def get_more_info(
        self, index: Any, dataset: str, iepoch: int | None = None, hp: str = "12", is_random: bool | int = True
    ) -> dict[str, Any]:
        """Losses, accuracies and seconds after an epoch.

        Parameters
        ----------
        index : int or str
        dataset : {"cifar10-valid", "cifar10", "cifar100", "ImageNet16-120"}
        iepoch : int, optional
            From 0; by default the last.
        hp : str
            The budget, by default 12 epochs.
        is_random : bool or int
            True is one training drawn at random, False the mean over all, an int the training with this seed.

        Returns
        -------
        dict
            ``train-loss``, ``train-accuracy``, ``train-per-time``, ``train-all-time``, and the same of ``valid``, ``test``
            and ``valtest`` as far as the dataset has them. Times are None if unknown.

        Raises
        ------
        WrongQuery
            Also a ValueError and a KeyError.
        """
        info = self._info(self.query_index_by_arch(index), str(hp))
        drawn = None
        if isinstance(is_random, bool) and is_random and (seeds := info.get_dataset_seeds(dataset)):
            drawn = self._random.choice(seeds)

        def metrics(name: str) -> dict[str, Any]:
            if drawn is not None:
                return info._drawn(dataset, name, iepoch, drawn)
            return info.get_metrics(dataset, name, iepoch, False if is_random is True else is_random)

        train = metrics("train")
        epochs = train["iepoch"] + 1
        found = _entries("train", train, epochs)
        for part, name in _PARTS.get(dataset, _PARTS[None]).items():
            try:
                found |= _entries(part, metrics(name), epochs)
            except (KeyError, ValueError):
                if (dataset, part) == ("cifar10-valid", "valid"):
                    raise
        return found

    def get_cost_info(self, index: int, dataset: str, hp: str = "12") -> dict[str, Any]:
        """``flops`` and ``params`` in millions, ``latency`` in seconds, and seconds per epoch and in total."""
        return self._info(index, hp).get_compute_costs(dataset)

    def get_latency(self, index: int, dataset: str, hp: str = "12") -> float | None:
        """Seconds per batch of 256 images; None if not measured."""
        latency: float | None = self.get_cost_info(index, dataset, hp)["latency"]
        return latency

    def get_net_param(self, index: int, dataset: str, seed: int | None, hp: str = "12") -> Any:
        """The weights, which neither stores nor the official files hold: None, for each seed if none is given."""
        return self._info(index, hp).get_net_param(dataset, seed)

    def get_net_config(self, index: int, dataset: str) -> dict[str, Any]:
        """What the authors' code builds the network from."""
        info = self._info(index, next(iter(self._stored.budgets)))
        return info._trials(dataset)[0].get_config(None)

    def _simulated(
        self, info: Mapping[str, Any], latency: float | None, account_time: bool
    ) -> tuple[float, float | None, float, float]:
        """Validation accuracy, latency, seconds of the training up to here and of one validation, and `used_time`."""
        for key in ("train-all-time", "valid-per-time"):
            if info[key] is None:
                raise NotStored(
                    f"{self._stored.bench.name} does not have '{key}', which simulate_train_eval charges: convert the "
                    "official file"
                )
        seconds = info["train-all-time"] + info["valid-per-time"]
        if account_time:
            self._used_time += seconds
        return info["valid-accuracy"], latency, seconds, self._used_time

    @staticmethod
    def _searched(dataset: str) -> str:
        """The dataset whose training has the validation accuracy of a search on ``dataset``."""
        if dataset not in _SEARCHED:
            raise WrongQuery(f"the dataset must be one of {', '.join(_SEARCHED)}, not {dataset!r}")
        return "cifar10-valid" if dataset == "cifar10" else dataset

    # ---------------------------------------------------------------- all architectures

    def _best(
        self, dataset: str, metric_on_set: str, flop_max: float | None, param_max: float | None, hp: Any
    ) -> tuple[int, float | None]:
        """The stored architecture with the highest mean accuracy within limits, the first of equals; -1 if none is."""
        if metric_on_set in ("valid", "test") and dataset in _SEARCHED:
            test = "ori-test" if dataset == "cifar10" else "x-test"
            dataset = self._searched(dataset) if metric_on_set == "valid" else dataset
            metric_on_set = "x-valid" if metric_on_set == "valid" else test
        if hp not in self._stored.budgets:
            raise WrongQuery(f"hp must be one of {', '.join(map(repr, self._stored.budgets))}, not {hp!r}")
        name = "x-valid" if metric_on_set == "valid" else metric_on_set
        part = "train" if name == "train" else SETS.get(dataset, {}).get(name)
        if part is None or dataset not in self._stored.datasets:
            raise WrongQuery(f"{self._stored.bench.name} has no set {metric_on_set!r} of a dataset {dataset!r}")
        best, highest = -1, None
        indices = self._stored.evaluated
        for name, limit in (("flops", flop_max), ("params", param_max)):
            if limit is not None:
                indices = indices[~(self._counts(dataset, hp, name)[indices] > limit)]
        accuracy = self._stored.final(dataset, self._stored.budgets[hp], f"{part}_accuracy", "mean")[indices]
        if len(indices) and not np.isnan(accuracy).all():
            best = int(indices[np.nanargmax(accuracy)])
            highest = float(np.nanmax(accuracy))
        elif len(indices):
            raise NotStored(
                f"{self._stored.bench.name} has no accuracy on {metric_on_set} of {dataset} after {hp} epochs"
            )
        if self.verbose and best >= 0:
            print(f"best architecture: {best}, {self.meta_archs[best]}, accuracy {highest}")
        return best, highest

    def _counts(self, dataset: str, hp: str, name: str) -> NDArray[np.float64]:
        """Counts in millions as `ArchResults.get_compute_costs` gives them, by index."""
        stored, budget = self._stored, self._stored.budgets[hp]
        seeds, known = stored.seeds(dataset, budget)
        if not seeds:
            return stored.count(dataset, budget, name, "mean")
        counts = np.stack([stored.count(dataset, budget, name, seed) for seed in seeds])
        total = np.where(known.T, counts, 0).sum(axis=0)
        found = np.full(len(total), np.nan)
        np.divide(total, known.sum(axis=1), out=found, where=known.any(axis=1))
        differ = np.flatnonzero(np.where(known.T, np.abs(counts - found), 0).max(axis=0) > 1e-9)
        for index in np.intersect1d(differ, stored.evaluated).tolist():
            found[index] = self._info(index, hp).get_compute_costs(dataset)[name]
        return found

    def statistics(self, dataset: str, hp: str | int) -> dict[int, int]:
        """How many architectures have how many trainings."""
        if dataset not in SETS:
            raise WrongQuery(f"the dataset must be one of {', '.join(SETS)}, not {dataset!r}")
        if str(hp) not in self._stored.budgets:
            raise WrongQuery(f"hp must be one of {', '.join(self._stored.budgets)}, not {hp!r}")
        counts = np.zeros(len(self), dtype=np.intp)
        if dataset in self._stored.datasets:
            counts = self._stored.seeds(dataset, self._stored.budgets[str(hp)])[1].sum(axis=1)
        number, architectures = np.unique(counts[self._stored.evaluated], return_counts=True)
        return dict(zip(number.tolist(), architectures.tolist(), strict=True))

    # ---------------------------------------------------------------- text

    def show(self, index: int = -1) -> None:
        """Print what is known about an architecture, or about all."""
        if index >= len(self):
            print(f"the index {index} is out of range: 0 to {len(self) - 1}")
        elif index >= 0:
            self._show(index)
        else:
            print(self)
            for number, stored in enumerate(self._stored.evaluated.tolist()):
                heading = f" The ({number:5d}/{len(self.evaluated_indexes):5d}) {stored:06d}-th architecture! "
                print(f"\n{'-' * 10}{heading}{'-' * 10}\narch : {self.meta_archs[stored]}")
                self._show(stored)

    def _show(self, index: int) -> None:
        if index not in self.arch2infos_dict:
            print(f"the architecture {index} is not in {self.filename}")
            return
        for hp, budget in self._stored.budgets.items():
            print(f"{'>' * 40} {budget:03d} epochs {'>' * 40}")
            print("\n".join(self._lines(self._info(index, hp), None)))
        print(f"{'<' * 40}------------{'<' * 40}")

    _between, _with_test = " & ", False

    def _lines(self, info: ArchResults, extra: str | None) -> list[str]:
        return text_lines(info, extra, between=self._between, with_test=self._with_test)

    # ---------------------------------------------------------------- weights and files

    def reload(self, archive_root: Any = None, index: int | None = None) -> None:
        """Undo all changes to the records in `arch2infos_dict`, or to those of an architecture."""
        if archive_root is not None:
            raise Unsupported(
                f"records are read from {self.filename}, not from {archive_root}: convert that with 'nasbench-kit convert' "
                "and open the store"
            )
        self.arch2infos_dict.forget(None if index is None else self._index(index))

    def clear_params(self, index: int, hp: str | None = None) -> None:
        """Mark the weights of an architecture, of which there are none, as cleared."""
        for name in self._stored.budgets if hp is None else [str(hp)]:
            self.arch2infos_dict.results(index, name)  # refuses what does not exist
            self.arch2infos_dict[index][name].clear_params()


class _Infos(Mapping[int, dict[str, ArchResults]]):
    """Records by index and budget. Those that were asked for here are kept, since their owner may change them."""

    def __init__(self, stored: StoredTrials, kind: type[ArchResults], stream: Any) -> None:
        self._stored, self._kind, self._stream = stored, kind, stream
        self._evaluated = frozenset(stored.evaluated.tolist())
        self._kept: dict[int, dict[str, ArchResults]] = {}

    def forget(self, index: int | None) -> None:
        for kept in [*self._kept] if index is None else [index]:
            self._kept.pop(kept, None)

    def results(self, index: int, hp: Any) -> ArchResults:
        """The trainings of an architecture with a budget, without keeping them."""
        self._check(index)
        if hp not in self._stored.budgets:
            raise WrongQuery(f"hp must be one of {', '.join(map(repr, self._stored.budgets))}, not {hp!r}")
        if index in self._kept:
            return self._kept[index][hp]
        return self._stored.results(self._kind, index, hp, self._stream)

    def _check(self, index: int) -> None:
        if index not in self._evaluated:
            some = "" if index == -1 else f" {index}"
            raise WrongQuery(
                f"{self._stored.bench.name} has no architecture{some}; an index is from 0 to {len(self._stored.names) - 1}"
                + ("" if len(self._evaluated) == len(self._stored.names) else f", and {len(self)} of them are stored")
            )

    def __getitem__(self, index: int) -> dict[str, ArchResults]:
        self._check(index)
        if index not in self._kept:
            self._kept[index] = {
                hp: self._stored.results(self._kind, index, hp, self._stream) for hp in self._stored.budgets
            }
        return self._kept[index]

    def __contains__(self, index: object) -> bool:
        return index in self._evaluated

    def __iter__(self) -> Iterator[int]:
        return iter(self._stored.evaluated.tolist())

    def __len__(self) -> int:
        return len(self._evaluated)


def _entries(part: str, info: Mapping[str, Any], epochs: float) -> dict[str, Any]:
    seconds = info["all_time"]
    return {
        f"{part}-loss": info["loss"],
        f"{part}-accuracy": info["accuracy"],
        f"{part}-per-time": None if seconds is None else seconds / epochs,
        f"{part}-all-time": seconds,
    }
