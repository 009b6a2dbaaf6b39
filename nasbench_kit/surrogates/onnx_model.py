"""ONNX models as surrogates: a TOML mapping says how genotypes are encoded and what the outputs are (extra ``onnx``).

A mapping:

    space = "nb201"
    encoding = "one-hot"          # or "genes": the gene values themselves

    [[output]]
    name = "accuracy"             # the model's output; may be left out if it has only one
    dataset = "cifar10"
    metric = "valid_accuracy"
    epochs = 200                  # optional, as are scale, units, direction
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import MissingExtra, SourceError, UnknownName
from nasbench_kit.files import decoded
from nasbench_kit.metrics import Metric, known_metric, split_of
from nasbench_kit.metrics.metric import DIRECTIONS
from nasbench_kit.spaces import Space, space
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.surrogates.predictions import Predicted

__all__ = ["ENCODINGS", "read_onnx"]

ENCODINGS: dict[str, Callable[[Space, Genotypes], NDArray[np.float32]]] = {
    "genes": lambda space, rows: rows.astype(np.float32),
    "one-hot": lambda space, rows: _one_hot(space, rows),
}
MOST_BYTES = 2**31
_FIELDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "name": (str, "text"),
    "dataset": (str, "text"),
    "metric": (str, "text"),
    "epochs": (int, "a whole number"),
    "scale": ((int, float), "a number"),
    "units": (str, "text"),
    "direction": (str, "'max' or 'min'"),
}


def read_onnx(path: Path, mapping: Path) -> tuple[str, Space, dict[str, dict[str, Predicted]], dict[str, Any]]:
    """Read a model and its mapping.

    Returns
    -------
    name : str
    space : Space
    columns : dict of dataset to dict of metric name to Predicted
        An output of shape (n,) or (n, 1) is a single model; one of shape (n, members) is an ensemble.
    info : dict

    Raises
    ------
    SourceError, UnknownName, MissingExtra
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtra("surrogates of ONNX models", "onnx") from error
    given = _mapping(mapping)
    target = space(given["space"])
    if path.stat().st_size > MOST_BYTES:
        raise SourceError(f"{path} has {path.stat().st_size} bytes, too many for a surrogate")
    content = path.read_bytes()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:  # from memory, so that a model cannot refer to other files
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise SourceError(f"{path} is not an ONNX model that can be run: {str(error).splitlines()[0]:.200}") from error
    if len(session.get_inputs()) != 1:
        raise SourceError(f"{path}: the model has {len(session.get_inputs())} inputs; expected one, the architectures")
    encode = ENCODINGS[given["encoding"]]
    feed = session.get_inputs()[0].name
    outputs = [output.name for output in session.get_outputs()]
    columns: dict[str, dict[str, Predicted]] = {}
    probe = target.sample(2, 0)
    for output in given["output"]:
        name = output.get("name", outputs[0] if len(outputs) == 1 else None)
        if name not in outputs:
            raise SourceError(f"{mapping}: {UnknownName(f'output of {path.name}', name, outputs)}")
        predict = _predictor(path, session, feed, name, target, encode, float(output.get("scale", 1.0)))
        metric = _metric(mapping, output)
        if metric.name in columns.setdefault(output["dataset"], {}):
            raise SourceError(f"{mapping}: {output['dataset']}/{metric.name} is given twice")
        columns[output["dataset"]][metric.name] = Predicted(
            metric, predict, predict(probe).shape[1], output.get("epochs")
        )
    info = {
        "source": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "encoding": given["encoding"],
        "notes": "Predictions of a model, not trainings.",
    }
    return path.stem, target, columns, info


def _predictor(
    path: Path, session: Any, feed: str, output: str, target: Space, encode: Callable[..., Any], scale: float
) -> Callable[[Genotypes], NDArray[np.float64]]:
    def predict(rows: Genotypes) -> NDArray[np.float64]:
        try:
            (found,) = session.run([output], {feed: encode(target, rows)})
        except Exception as error:
            reason = str(error).splitlines()[0]
            raise SourceError(f"{path}: the model does not take the encoding of the mapping: {reason:.200}") from error
        values = np.asarray(found, dtype=np.float64) * scale
        values = values.reshape(len(rows), -1) if values.ndim <= 2 and len(values) == len(rows) else values
        if values.ndim != 2 or not len(values) == len(rows):
            raise SourceError(
                f"{path}: the output {output!r} has the shape {np.shape(found)} for {len(rows)} architectures; expected "
                f"({len(rows)},) or ({len(rows)}, members)"
            )
        return values

    return predict


def _one_hot(target: Space, rows: Genotypes) -> NDArray[np.float32]:
    """One column per value of each gene, gene by gene: (n, sum of the cardinalities)."""
    offsets = np.cumsum([0, *target.cardinalities[:-1]])
    features = np.zeros((len(rows), sum(target.cardinalities)), dtype=np.float32)
    features[np.arange(len(rows))[:, np.newaxis], rows + offsets] = 1.0
    return features


def _mapping(path: Path) -> dict[str, Any]:
    try:
        given = tomllib.loads(decoded(path.read_bytes()))
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SourceError(f"{path} is not valid TOML: {error}") from error
    _known(path, "the mapping", given, {"space", "encoding", "output"}, {"space", "encoding", "output"})
    if given["encoding"] not in ENCODINGS:
        raise SourceError(f"{path}: {UnknownName('encoding', given['encoding'], ENCODINGS)}")
    if not isinstance(given["output"], list) or not given["output"]:
        raise SourceError(f"{path}: expected one table [[output]] per output of the model")
    for number, output in enumerate(given["output"], start=1):
        where = f"output {number}"
        _known(path, where, output, set(_FIELDS), {"dataset", "metric"})
        for name, value in output.items():
            types, words = _FIELDS[name]
            if not isinstance(value, types) or isinstance(value, bool):
                raise SourceError(f"{path}: {where}: {name} must be {words}, not {value!r}")
        if output.get("direction", "max") not in DIRECTIONS:
            raise SourceError(f"{path}: {where}: direction must be 'max' or 'min', not {output['direction']!r}")
    return given


def _known(path: Path, where: str, table: Any, known: set[str], needed: set[str]) -> None:
    if not isinstance(table, dict):
        raise SourceError(f"{path}: {where}: expected a table of fields, not {table!r:.100}")
    for name in table:
        if name not in known:
            raise SourceError(f"{path}: {where}: {UnknownName('field', name, sorted(known))}")
    for name in sorted(needed - set(table)):
        raise SourceError(f"{path}: {where}: the field {name!r} is missing")


def _metric(mapping: Path, output: dict[str, Any]) -> Metric:
    name = output["metric"]
    metric = known_metric(name) or Metric(name, split=split_of(name), depends_on_seed=True)
    given = {field: output[field] for field in ("units", "direction") if field in output}
    try:
        return replace(metric, **given)
    except ValueError as error:
        raise SourceError(f"{mapping}: {error}") from error
