"""Train any classifier on any dataset with a recipe.

On the CPU, results for a seed are bitwise reproducible, even if the training was killed and resumed.
"""

from __future__ import annotations

import contextlib
import copy
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from nasbench_kit.errors import StoreError, UnknownName
from nasbench_kit.training.batches import (
    augmented,
    cut_out,
    epoch_generator,
    epoch_seed,
    image_order,
    steps_an_epoch,
)
from nasbench_kit.training.checkpoint import check_target, load_checkpoint, network_identity, save_checkpoint
from nasbench_kit.training.datasets import PARTS, Dataset
from nasbench_kit.training.optimisers import make_optimiser
from nasbench_kit.training.recipes import Recipe, learning_rate, settings_of
from nasbench_kit.training.recipes import recipe as published_recipe

__all__ = ["Training", "find_device", "train"]

METRICS = tuple(f"{part}_{metric}" for part in PARTS for metric in ("accuracy", "loss"))
EVALUATED_AT_ONCE = 1000  # images


@dataclass(frozen=True)
class Training:
    """The result of a training.

    Attributes
    ----------
    metrics : dict of str to ndarray, each (epochs done,)
        ``train_accuracy``, ``valid_accuracy``, ``test_accuracy`` (percent) and ``train_loss``, ... (mean cross-entropy,
        nats) after every epoch, measured in evaluation mode without augmentation or label smoothing. ``nan`` if the
        dataset has no such part.
    seconds : ndarray, (epochs done,)
        Duration of each epoch, excluding evaluation.
    state : dict of str to Tensor
        The network's state, on the CPU; load it with ``network.load_state_dict(training.state)``.
    epochs : int
        The length of the schedule. If fewer epochs were done, the training was stopped early.
    seed : int
    device : str
    """

    metrics: dict[str, NDArray[np.float64]]
    seconds: NDArray[np.float64]
    state: dict[str, Tensor]
    epochs: int
    seed: int
    device: str


def train(
    network: nn.Module,
    dataset: Dataset,
    recipe: Recipe | str,
    *,
    seed: int = 0,
    device: str | None = None,
    epochs: int | None = None,
    stop_after: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 1,
    evaluate_every: int = 1,
    mixed: bool | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Training:
    """Train a network and evaluate it after every epoch.

    The seed determines the order of the images, the augmentation and the network's own random draws (dropout). It does
    not affect the initial weights, which are those of `network`. PyTorch's global generators are restored afterwards.

    Parameters
    ----------
    network : nn.Module
        Maps images (n, channels, height, width) to logits (n, classes). In training mode it may return a pair whose
        second element is the logits of an auxiliary head. It is not modified: a copy is trained.
    dataset : Dataset
    recipe : Recipe or str
        A recipe, or the name of a published one.
    seed : int
        A non-negative integer.
    device : str, optional
        ``cpu``, ``cuda``, ``cuda:1``, ... (default: ``cuda`` if available). Trainings are bitwise reproducible only on
        the CPU, with the same number of threads.
    epochs : int, optional
        The length of the training and of its schedule (default: the recipe's).
    stop_after : int, optional
        Stop after this many epochs without shortening the schedule. A later call with the same checkpoint and a higher
        number continues from there.
    checkpoint : path-like, optional
        File in which the state is kept. A training that was killed resumes from it and gives the same result as an
        uninterrupted one; a finished training is not repeated.
    checkpoint_every : int
        Number of epochs between checkpoints. The last epoch is always saved.
    evaluate_every : int
        Number of epochs between evaluations. The metrics of the epochs in between are ``nan``. The last epoch is always
        evaluated.
    mixed : bool, optional
        Whether to use mixed precision: bfloat16, or float16 with loss scaling on GPUs without bfloat16 (default: only
        on ``cuda``).
    progress : callable, optional
        Called with (epochs done, epochs in total) at the start and after every epoch.

    Returns
    -------
    Training

    Raises
    ------
    UnknownName
        If the recipe or device does not exist.
    StoreError
        If the checkpoint belongs to another training, is damaged, or cannot be written.
    ValueError
        If the network does not fit the dataset, or a number is out of range.
    """
    recipe = published_recipe(recipe) if isinstance(recipe, str) else recipe
    length = recipe.epochs if epochs is None else epochs
    last = length if stop_after is None else stop_after
    if not 1 <= last <= length:
        raise ValueError(f"a training of {length} epochs can stop after epoch 1 to {length}, not after {last}")
    if seed < 0 or min(checkpoint_every, evaluate_every) < 1:
        raise ValueError(
            "seed must be at least 0, and checkpoint_every and evaluate_every at least 1, "
            f"not {seed}, {checkpoint_every} and {evaluate_every}"
        )
    where = find_device(device)
    path = None if checkpoint is None else Path(checkpoint)
    mixed = where.type == "cuda" if mixed is None else mixed

    # networks may draw from the global generators (dropout), so seed them here and restore them afterwards
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        torch.manual_seed(seed)
        outputs = _first_outputs(network, dataset)
        run = _Run(network, dataset, recipe, seed, length, where, mixed)
        identity: dict[str, Any] = {}
        if path is not None:
            check_target(path, StoreError)
            identity = {
                **settings_of(recipe),
                "milestones": list(recipe.milestones),
                "epochs": length,
                "seed": seed,
                "mixed": mixed,
                "dataset": dataset.name,
                "images": dataset.digest[:16],
                **network_identity(network),
            }
            content = load_checkpoint(path, identity, outputs)
            if content is not None:
                run.restore(content)
        if progress:
            progress(min(run.done, last), last)
        while run.done < last:
            run.epoch(evaluate=run.done + 1 == last or (run.done + 1) % evaluate_every == 0)
            if path is not None and (run.done == last or run.done % checkpoint_every == 0):
                save_checkpoint(path, identity, outputs, run.content())
            if progress:
                progress(run.done, last)
    return run.result()


def find_device(name: str | None) -> torch.device:
    """Return the device with this name, or the best one for None; raises UnknownName."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    known = ["cpu", *(["cuda"] if count else []), *(f"cuda:{i}" for i in range(count))]
    if name is None:
        name = "cuda" if count else "cpu"
    if name not in known:
        raise UnknownName("device", name, known, "" if count else "PyTorch finds no CUDA device.")
    return torch.device("cuda", torch.cuda.current_device()) if name == "cuda" else torch.device(name)


def _first_outputs(network: nn.Module, dataset: Dataset) -> Tensor:
    """Check that the network fits the dataset; return its logits for two images before training."""
    probe = copy.deepcopy(network).cpu().eval()
    dtype = _dtype(probe)
    mean, std = _statistics(dataset, torch.device("cpu"), dtype)
    images = (torch.from_numpy(dataset.images[dataset.part("train")[:2]]).to(dtype) - mean) / std
    try:
        with torch.no_grad():
            outputs = _logits(probe(images))
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"the network cannot be applied to images of shape {dataset.shape}: {reason}") from error
    if not isinstance(outputs, Tensor) or outputs.shape != (len(images), dataset.classes):
        found = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        raise ValueError(
            f"the network returns {found} for {len(images)} images, not {(len(images), dataset.classes)}: "
            f"{dataset.name} has {dataset.classes} classes"
        )
    return outputs


def _set_norms(network: nn.Module, recipe: Recipe) -> None:
    """Apply the recipe's batch norm constants, if any, to every batch norm."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            if recipe.norm_momentum is not None:
                module.momentum = recipe.norm_momentum
            if recipe.norm_epsilon is not None:
                module.eps = recipe.norm_epsilon


class _Run:
    """A training in progress: the network, its optimiser, and the metrics of the completed epochs."""

    def __init__(
        self,
        network: nn.Module,
        dataset: Dataset,
        recipe: Recipe,
        seed: int,
        length: int,
        device: torch.device,
        mixed: bool,
    ) -> None:
        self.recipe, self.dataset, self.seed, self.length, self.device = recipe, dataset, seed, length, device
        self.network = copy.deepcopy(network).to(device)
        _set_norms(self.network, recipe)
        self.dtype = _dtype(self.network)
        if device.type == "cuda":  # the fastest layout for convolutions
            self.network = self.network.to(memory_format=torch.channels_last)
        half = (
            torch.float16
            if device.type == "cuda" and torch.cuda.get_device_capability(device)[0] < 8
            else torch.bfloat16
        )
        self.half = half if mixed else None
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.half == torch.float16)
        self.optimiser = make_optimiser(self.network.parameters(), recipe)
        self.images = torch.from_numpy(dataset.images).to(device)
        self.labels = torch.from_numpy(dataset.labels).to(device)
        self.mean, self.std = _statistics(dataset, device, self.dtype)
        self.parts = {part: torch.from_numpy(dataset.part(part)) for part in PARTS}
        self.metrics: dict[str, list[float]] = {name: [] for name in METRICS}
        self.seconds: list[float] = []

    @property
    def done(self) -> int:
        return len(self.seconds)

    def content(self) -> dict[str, Any]:
        """Return the content of a checkpoint."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "metrics": self.metrics,
            "seconds": self.seconds,
        }

    def restore(self, content: dict[str, Any]) -> None:
        """Continue from the content of a checkpoint."""
        self.network.load_state_dict(content["network"])
        self.optimiser.load_state_dict(content["optimiser"])
        if content["scaler"]:
            self.scaler.load_state_dict(content["scaler"])
        self.metrics, self.seconds = content["metrics"], content["seconds"]

    def result(self) -> Training:
        return Training(
            metrics={name: np.array(values) for name, values in self.metrics.items()},
            seconds=np.array(self.seconds),
            state={name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()},
            epochs=self.length,
            seed=self.seed,
            device=str(self.device),
        )

    def epoch(self, *, evaluate: bool) -> None:
        """Train for one epoch, then evaluate if `evaluate` is true."""
        torch.manual_seed(epoch_seed(self.seed, self.done, "network"))
        start = time.perf_counter()
        self._train_epoch()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        seconds = time.perf_counter() - start
        measured = self._evaluate() if evaluate else dict.fromkeys(METRICS, np.nan)
        for name in METRICS:
            self.metrics[name].append(measured[name])
        self.seconds.append(seconds)

    def _train_epoch(self) -> None:
        recipe, part = self.recipe, self.parts["train"]
        order = part[image_order(self.seed, self.done, len(part))].to(self.device)
        batches = order.split(recipe.batch_size)[: steps_an_epoch(len(part), recipe.batch_size)]
        generator = epoch_generator(self.seed, self.done)
        self.network.train()
        for number, batch in enumerate(batches):
            rate = learning_rate(recipe, self.done * len(batches) + number, self.length, len(batches))
            self.optimiser.param_groups[0]["lr"] = rate
            images = self._standardised(augmented(self.images[batch], recipe, generator))
            images = self._laid_out(cut_out(images, recipe.cutout, generator))
            self.optimiser.zero_grad()
            with self._precision():
                outputs = self.network(images)
            loss = self._loss(_logits(outputs), self.labels[batch])
            if recipe.auxiliary and isinstance(outputs, tuple):
                loss = loss + recipe.auxiliary * self._loss(outputs[1], self.labels[batch])
            self.scaler.scale(loss).backward()
            if recipe.clip:
                self.scaler.unscale_(self.optimiser)
                nn.utils.clip_grad_norm_(self.network.parameters(), recipe.clip)
            self.scaler.step(self.optimiser)
            self.scaler.update()

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits.to(self.dtype), labels, label_smoothing=self.recipe.label_smoothing)

    def _evaluate(self) -> dict[str, float]:
        self.network.eval()
        found: dict[str, float] = {}
        for part, where in self.parts.items():
            hits, loss = 0, 0.0
            for batch in where.to(self.device).split(EVALUATED_AT_ONCE):
                images = self._laid_out(self._standardised(self.images[batch]))
                with torch.no_grad(), self._precision():
                    logits = _logits(self.network(images)).to(self.dtype)
                labels = self.labels[batch]
                hits += int((logits.argmax(dim=1) == labels).sum())
                loss += float(F.cross_entropy(logits, labels, reduction="none").double().sum())
            found[f"{part}_accuracy"] = 100 * hits / len(where) if len(where) else np.nan
            found[f"{part}_loss"] = loss / len(where) if len(where) else np.nan
        return found

    def _standardised(self, images: Tensor) -> Tensor:
        return (images.to(self.dtype) - self.mean) / self.std

    def _laid_out(self, images: Tensor) -> Tensor:
        return (
            images.contiguous(memory_format=torch.channels_last) if self.device.type == "cuda" else images.contiguous()
        )

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        return torch.autocast(self.device.type, dtype=self.half) if self.half else contextlib.nullcontext()


def _logits(outputs: Any) -> Any:
    """Return the logits; the second element of a pair belongs to the auxiliary head."""
    return outputs[0] if isinstance(outputs, tuple) else outputs


def _dtype(network: nn.Module) -> torch.dtype:
    """Return the floating-point type of a network's parameters."""
    return next((p.dtype for p in network.parameters() if p.is_floating_point()), torch.float32)


def _statistics(dataset: Dataset, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return a dataset's mean and standard deviation, each of shape (channels, 1, 1)."""
    mean = torch.from_numpy(dataset.mean).to(device, dtype).view(-1, 1, 1)
    return mean, torch.from_numpy(dataset.std).to(device, dtype).view(-1, 1, 1)
