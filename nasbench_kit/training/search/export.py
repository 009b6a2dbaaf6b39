"""Train a network found by a search, and export its weights, a program that runs without the kit, and a drawing.

A search keeps metrics but no weights, so the network is trained again. With the search's recipe and seed this repeats
the training of the search, bitwise on the CPU. More epochs give the longer training that is usual for final networks.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import importlib.util
import io
import json
import logging
import os
import pickle
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from nasbench_kit.errors import MissingExtra, StoreError
from nasbench_kit.figures.networks import draw
from nasbench_kit.files import replace_file
from nasbench_kit.metrics import Metric, known_metric, minimised
from nasbench_kit.metrics.indicators import nondominated
from nasbench_kit.spaces import space as space_of
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.training.construction import build
from nasbench_kit.training.setting import Setting
from nasbench_kit.training.trainer import METRICS, train
from nasbench_kit.training.workers import one_thread

__all__ = ["Exported", "check_onnx", "export_front", "export_network", "load_network"]

ONNX_OPSET = 18


@dataclass(frozen=True)
class Exported:
    """An exported network.

    Attributes
    ----------
    folder : Path
    genotype : ndarray of uint8, shape (1, genes)
        The canonical genotype.
    files : tuple of str
        Names of the files in the folder.
    metrics : dict of str to float
        Metrics after the last epoch of training, and costs.
    same_training : bool
        Whether the training was as long as in the setting.
    """

    folder: Path
    genotype: Genotypes
    files: tuple[str, ...]
    metrics: dict[str, float]
    same_training: bool


def export_network(
    setting: Setting,
    x: ArrayLike,
    folder: str | os.PathLike[str],
    *,
    seed: int = 0,
    epochs: int | None = None,
    device: str | None = None,
    onnx: bool = False,
) -> Exported:
    """Train a network and write it to a folder, in its canonical form.

    - ``network.pt``: the state, for ``torch.load(..., weights_only=True)`` or `load_network`;
    - ``network.json``: space, native form, genotype, skeleton, recipe, dataset with mean and standard deviation, seed,
      metrics;
    - ``network.pt2``: a program for ``torch.export.load``, in evaluation mode, that needs only PyTorch. It maps
      standardised images (n, channels, height, width) to logits (n, classes);
    - ``network.onnx``: the same for ONNX runtimes, if requested;
    - ``network.svg``: a drawing, if matplotlib is installed.

    Parameters
    ----------
    setting : Setting
        The setting of the search.
    x : array_like of int, shape (genes,)
    folder : path-like
        Created if missing. An interrupted training resumes from its checkpoint in this folder.
    seed : int
        Training seed; use one of the search's seeds to repeat its training.
    epochs : int, optional
        The length of the training (default: the recipe's).
    device : str, optional
        As in `train`.
    onnx : bool
        Also write ``network.onnx`` (extra ``onnx``).

    Raises
    ------
    MissingExtra
        If the packages for ONNX are not installed.
    StoreError
        If the folder cannot be written.
    """
    if onnx:
        check_onnx()
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{target} cannot be created: {error.strerror}") from error
    same = epochs is None or epochs == setting.recipe.epochs
    if epochs is not None:
        setting = dataclasses.replace(setting, recipe=dataclasses.replace(setting.recipe, epochs=epochs))
    space = space_of(setting.space)
    row = space.canonical(x)
    network, checkpoint = setting.network(row, seed), target / "training.pt"
    with one_thread():  # as in a search
        training = train(network, setting.data, setting.recipe, seed=seed, device=device, checkpoint=checkpoint)
    network.load_state_dict(training.state)
    network.eval()
    metrics = {name: float(training.metrics[name][-1]) for name in METRICS}
    metrics = {name: value for name, value in metrics.items() if not np.isnan(value)}
    metrics["training_time"] = float(training.seconds.sum())
    for name in space.cost_names:
        metrics[name] = float(space.cost(row, name, skeleton=setting.skeleton)[0])
    native = space.decode(row)[0]
    files = ["network.pt", "network.json", "network.pt2"]
    weights = _saved(training.state)
    _write(target / "network.pt", weights)
    description = {
        **setting.identity,
        "native": native,
        "genotype": row[0].tolist(),
        "mean": setting.data.mean.tolist(),
        "std": setting.data.std.tolist(),
        "seed": seed,
        "device": training.device,
        "torch": torch.__version__,
        "metrics": metrics,
        "sha256": {"network.pt": hashlib.sha256(weights).hexdigest()},
    }
    description["sha256"]["network.json"] = _digest(description)
    _write(target / "network.json", json.dumps(description, indent=1).encode())
    program = _program(network, setting)
    image = io.BytesIO()
    torch.export.save(program, image)
    _write(target / "network.pt2", image.getvalue())
    if onnx:
        _write(target / "network.onnx", _onnx(program, setting))
        files.append("network.onnx")
    if importlib.util.find_spec("matplotlib") is not None:
        draw(space, native, target / "network.svg")
        files.append("network.svg")
    checkpoint.unlink(missing_ok=True)
    return Exported(target, row, tuple(files), metrics, same)


def _digest(description: dict[str, Any]) -> str:
    """Return the SHA-256 of a description, excluding its own checksum."""
    sealed = {name: value for name, value in description.get("sha256", {}).items() if name != "network.json"}
    text = json.dumps({**description, "sha256": sealed}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def load_network(folder: str | os.PathLike[str]) -> nn.Module:
    """Load a network written by `export_network`, in evaluation mode. Nothing in the folder is executed.

    Raises
    ------
    StoreError
        If the folder has no readable network.
    """
    where = Path(folder)
    try:
        description = json.loads((where / "network.json").read_text(encoding="utf-8"))
        weights = (where / "network.pt").read_bytes()
        checksums = description.get("sha256", {})  # old exports have none
        if checksums and (
            checksums.get("network.json") != _digest(description)
            or checksums.get("network.pt") != hashlib.sha256(weights).hexdigest()
        ):
            raise ValueError("wrong checksum: network.json or network.pt was changed or damaged")
        state = torch.load(io.BytesIO(weights), map_location="cpu", weights_only=True)
        network = _built(description)
        network.load_state_dict(state)
    except (
        OSError,
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        RuntimeError,  # RecursionError is one
        EOFError,
        pickle.UnpicklingError,
    ) as error:
        raise StoreError(
            f"{where} has no readable network: {(str(error) or type(error).__name__).splitlines()[0]}"
        ) from error
    return network.eval()


def export_front(
    setting: Setting,
    X: ArrayLike,
    metrics: dict[str, NDArray[np.float64]],
    objectives: Sequence[str],
    folder: str | os.PathLike[str],
    **options: Any,
) -> list[Exported]:
    """Export the best network over several runs, or for several objectives the Pareto front.

    A single network is written to the folder itself. Fronts are written to the subfolders ``01``, ``02``, ..., sorted
    by the first objective, best first. ``front.csv`` then lists each network's number, its metrics in the search, and
    its native form.

    Parameters
    ----------
    setting : Setting
    X : array_like of int, shape (n, genes)
    metrics : dict of str to ndarray, each (n,)
        Metrics from the search, including all objectives.
    objectives : sequence of str
    folder : path-like
    **options
        Passed to `export_network`.

    Raises
    ------
    ValueError
        If no network has finite objectives.
    """
    space, target = space_of(setting.space), Path(folder)
    rows, first = np.unique(space.canonical(X), axis=0, return_index=True)
    described = [known_metric(name) or Metric(name) for name in objectives]
    F = minimised(np.stack([metrics[name][first] for name in objectives], axis=1), described)
    known = np.flatnonzero(np.isfinite(F).all(axis=1))
    if not len(known):
        raise ValueError("no network to export: none was fully trained")
    if len(objectives) == 1:
        return [export_network(setting, rows[known[F[known, 0].argmin()]], target, **options)]
    kept = known[nondominated(F[known], np.zeros(len(known), dtype=np.int64))]
    kept = kept[np.lexsort(F[kept].T[::-1])]
    digits = max(2, len(str(len(kept))))
    found = [
        export_network(setting, rows[i], target / str(number).zfill(digits), **options)
        for number, i in enumerate(kept, start=1)
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["number", *metrics, "native"])
    for number, i in enumerate(kept, start=1):
        native = space.decode(rows[i])[0]
        values = [float(values[first[i]]) for values in metrics.values()]
        writer.writerow([str(number).zfill(digits), *values, native if isinstance(native, str) else json.dumps(native)])
    _write(target / "front.csv", text.getvalue().encode())
    return found


def check_onnx() -> None:
    """Raise MissingExtra if the packages for ONNX export are not installed."""
    if any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxscript")):
        raise MissingExtra("writing ONNX files", "onnx")


def _built(description: dict[str, Any]) -> nn.Module:
    skeleton: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in description["skeleton"].items()
    }
    return build(description["space"], description["genotype"], **skeleton)


def _example(setting: Setting) -> torch.Tensor:
    return torch.zeros(2, *setting.data.shape)


def _program(network: nn.Module, setting: Setting) -> torch.export.ExportedProgram:
    images = torch.export.Dim("images")
    return torch.export.export(network, (_example(setting),), dynamic_shapes=({0: images},))


def _onnx(program: torch.export.ExportedProgram, setting: Setting) -> bytes:
    """Return a program as ONNX."""
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():  # from the exporter's internals
            warnings.simplefilter("ignore")
            found = torch.onnx.export(
                program,
                (_example(setting),),
                dynamo=True,
                input_names=["images"],
                output_names=["logits"],
                opset_version=ONNX_OPSET,
                verbose=False,
            )
    finally:
        quiet.setLevel(level)
    return found.model_proto.SerializeToString()


def _saved(state: dict[str, torch.Tensor]) -> bytes:
    image = io.BytesIO()
    torch.save(state, image)
    return image.getvalue()


def _write(path: Path, content: bytes) -> None:
    replace_file(path, lambda temporary: temporary.write_bytes(content), StoreError)
