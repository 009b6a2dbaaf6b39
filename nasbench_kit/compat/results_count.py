"""One training of an architecture as the official packages hand it out."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nasbench_kit.compat.errors import NotStored, WrongQuery

__all__ = ["ResultsCount", "mean"]


def mean(values: Sequence[float]) -> float:
    """The mean, summed from left to right as the official packages do."""
    return sum(values) / len(values)


class ResultsCount:
    """One training of an architecture on one dataset.

    Attributes
    ----------
    name : str
        Dataset.
    seed : str or None
        As in the files, e.g. ``"0777"``; None for a mean over trainings whose single values the store does not have.
    epochs : int
    train_acc1es, train_losses, train_times : mapping of int to float
        By epoch, from 0. Times are the seconds of the epoch alone, None if unknown.
    eval_names : list of str
        The evaluation sets.
    eval_acc1es, eval_losses, eval_times : mapping of str to float
        By set and epoch, e.g. ``"x-valid@11"``. Times are seconds of one evaluation, empty if unknown.
    params, flop : float
        As recorded, in millions.
    latency : list of float or None
        Seconds per batch.
    arch_config : dict
    net_state_dict : None
    """

    def __init__(
        self,
        name: Any,
        state_dict: Any,
        train_accs: Any,
        train_losses: Any,
        params: Any,
        flop: Any,
        arch_config: Any,
        seed: Any,
        epochs: Any,
        latency: Any,
    ) -> None:
        self.name, self.net_state_dict, self.seed, self.epochs = name, state_dict, seed, epochs
        self.train_acc1es, self.train_losses = copy.deepcopy(train_accs), copy.deepcopy(train_losses)
        self.train_acc5es: Any = None
        self.train_times: Any = None
        self.params, self.flop, self.latency = params, flop, latency
        self.arch_config = copy.deepcopy(arch_config)
        self.reset_eval()

    @classmethod
    def of(cls, load: Callable[[], dict[str, Any]]) -> ResultsCount:
        """A training whose attributes are read when one of them is first needed."""
        trial = cls.__new__(cls)
        trial.__dict__["_load"] = load
        return trial

    def __getattr__(self, name: str) -> Any:
        load = None if name.startswith("__") else self.__dict__.pop("_load", None)
        if load is None:
            raise AttributeError(name)
        for field, value in load().items():
            self.__dict__.setdefault(field, value)  # what was changed before stays changed
        return getattr(self, name)

    def __repr__(self) -> str:
        about = f"arch={self.arch_config['arch_str']}, FLOP={self.flop:.2f}M, Param={self.params:.3f}MB"
        sets = f"{len(self.eval_names)} eval-sets: [{', '.join(self.eval_names)}]"
        return f"{type(self).__name__}({self.name}, {about}, seed={self.seed}, {sets})"

    def get_total_epoch(self) -> int:
        epochs: int = self.epochs
        return epochs

    def get_eval_set(self) -> list[str]:
        names: list[str] = self.eval_names
        return names

    def get_latency(self) -> float:
        """Seconds per batch, -1 if not measured."""
        return -1.0 if self.latency is None else mean(self.latency)

    def get_times(self) -> dict[str, float | None]:
        """Mean and total seconds of training, and of every evaluation set if it were evaluated after every epoch."""
        seconds: list[float] = list(self.train_times.values()) if isinstance(self.train_times, dict) else []
        found = _per_epoch_and_total("train", seconds)
        for name in self.eval_names:
            keys = [f"{name}@{epoch}" for epoch in range(self.epochs)]
            known = bool(self.eval_times) and all(key in self.eval_times for key in keys)
            found |= _per_epoch_and_total(name, [self.eval_times[key] for key in keys] if known else [])
        return found

    def get_train(self, iepoch: int | None = None) -> dict[str, Any]:
        """Loss, accuracy and seconds of training after an epoch, by default the last."""
        epoch = self._epoch(iepoch)
        current = total = None
        if self.train_times is not None:
            current = self.train_times[epoch]
            total = sum([self.train_times[i] for i in range(epoch + 1)])
        return _info(epoch, self.train_losses[epoch], self.train_acc1es[epoch], current, total)

    def get_eval(self, name: str, iepoch: int | None = None) -> dict[str, Any]:
        """The same of an evaluation set; ``"valid"`` is ``"x-valid"``."""
        epoch = self._epoch(iepoch)
        name = "x-valid" if name == "valid" else name
        key = f"{name}@{epoch}"
        accuracy = self._evaluated(self.eval_acc1es, key)
        current = total = None
        if self.eval_times:
            current = self._evaluated(self.eval_times, key)
            total = sum([self.eval_times[f"{name}@{i}"] for i in range(epoch + 1)])
        return _info(epoch, self._evaluated(self.eval_losses, key), accuracy, current, total)

    def _evaluated(self, values: Mapping[str, float], key: str) -> float:
        try:
            return values[key]
        except NotStored:
            raise
        except KeyError:
            raise WrongQuery(f"there is no {key} of {self.name} in a training of {self.epochs} epochs") from None

    def _epoch(self, iepoch: int | None) -> int:
        if iepoch is None:
            return self.get_total_epoch() - 1
        self.judge_valid(iepoch)
        return iepoch

    def judge_valid(self, iepoch: int) -> None:
        """Raise WrongQuery unless there is such an epoch."""
        if not 0 <= iepoch < self.epochs:
            raise WrongQuery(f"iepoch must be from 0 to {self.epochs - 1}, not {iepoch}")

    def get_net_param(self, clone: bool = False) -> Any:
        """The trained weights, which no table holds: None, as in the official files."""
        return copy.deepcopy(self.net_state_dict) if clone else self.net_state_dict

    def get_config(self, str2structure: Callable[[str], Any] | None) -> dict[str, Any]:
        """What the authors' code builds the network from."""
        config = self.arch_config
        name, what = ("channels", "genotype") if config.get("name") == "infer.shape.tiny" else ("arch_str", "arch_str")
        if name == "channels":
            head = {"name": "infer.shape.tiny", "channels": config["channels"]}
        else:
            head = {"name": "infer.tiny", "C": config["channel"], "N": config["num_cells"]}
        if str2structure is None:
            return {**head, what: config[what], "num_classes": config["class_num"]}
        return {**head, "genotype": str2structure(config[what]), "num_classes": config["class_num"]}

    # ---------------------------------------------------------------- changes of one's own

    def reset_eval(self) -> None:
        self.eval_names: Any = []
        self.eval_acc1es: Any = {}
        self.eval_times: Any = {}
        self.eval_losses: Any = {}

    def update_latency(self, latency: list[float]) -> None:
        self.latency = copy.deepcopy(latency)

    def update_train_info(self, train_acc1es: Any, train_acc5es: Any, train_losses: Any, train_times: Any) -> None:
        self.train_acc1es, self.train_acc5es = train_acc1es, train_acc5es
        self.train_losses, self.train_times = train_losses, train_times

    def update_eval(self, accs: Mapping[str, float], losses: Mapping[str, float], times: Mapping[str, float]) -> None:
        """Add evaluation sets, given by keys such as ``"x-valid@11"`` for all epochs."""
        for name in sorted({key.split("@")[0] for key in accs}):
            self._add_set(name)
            for key in (f"{name}@{epoch}" for epoch in range(self.epochs)):
                self.eval_acc1es[key], self.eval_losses[key], self.eval_times[key] = accs[key], losses[key], times[key]

    def update_OLD_eval(self, name: str, accs: Mapping[int, float], losses: Mapping[int, float]) -> None:  # noqa: N802
        """Add an evaluation set, given by the epochs that there are."""
        self._add_set(name)
        for epoch in sorted(accs):
            key = f"{name}@{epoch}"
            self.eval_acc1es[key], self.eval_losses[key] = accs[epoch], losses[epoch]

    def _add_set(self, name: str) -> None:
        if name in self.eval_names:
            raise WrongQuery(f"the evaluation set {name} is there already")
        self.eval_names.append(name)
        self.eval_acc1es, self.eval_losses = dict(self.eval_acc1es), dict(self.eval_losses)

    def reset_pseudo_train_times(self, estimated_per_epoch_time: float) -> None:
        self.train_times = OrderedDict.fromkeys(range(self.epochs), estimated_per_epoch_time)

    def reset_pseudo_eval_times(self, eval_name: str, estimated_per_epoch_time: float) -> None:
        if eval_name not in self.eval_names:
            raise WrongQuery(f"the evaluation sets are {', '.join(self.eval_names)}, not {eval_name}")
        self.eval_times |= {f"{eval_name}@{epoch}": estimated_per_epoch_time for epoch in range(self.epochs)}

    def state_dict(self) -> dict[str, Any]:
        self.get_total_epoch()  # read what has not been read
        return dict(self.__dict__)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.__dict__.update(state_dict)

    @staticmethod
    def create_from_state_dict(state_dict: Mapping[str, Any]) -> ResultsCount:
        trial = ResultsCount(None, None, None, None, None, None, None, None, None, None)
        trial.load_state_dict(state_dict)
        return trial


def _info(epoch: int, loss: float, accuracy: float, current: float | None, total: float | None) -> dict[str, Any]:
    return {"iepoch": epoch, "loss": loss, "accuracy": accuracy, "cur_time": current, "all_time": total}


def _per_epoch_and_total(name: str, seconds: Sequence[float]) -> dict[str, float | None]:
    per_epoch, total = (mean(seconds), sum(seconds)) if seconds else (None, None)
    return {f"T-{name}@epoch": per_epoch, f"T-{name}@total": total}
