"""The released ensembles of NAS-Bench-301: one folder per member, each with a pickled booster and two JSON files."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import SourceError, UnknownName
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.surrogates.boosters import read_booster
from nasbench_kit.surrogates.features import darts_features

__all__ = ["Ensemble", "read_ensemble"]

MODEL = "surrogate_model.model"
CONFIG = "model_config.json"
MODELS = ("xgb", "xgb_time", "lgb", "lgb_time")
MOST_MEMBERS = 1000
MOST_CONFIG = 2**20  # bytes


@dataclass(frozen=True)
class Ensemble:
    """Models of one quantity.

    Attributes
    ----------
    predict : callable
        Maps genotypes (n, genes) to the prediction of each member (n, members).
    members : int
    times : bool
        Whether the quantity is a training time in seconds, rather than a validation accuracy in percent.
    info : dict
        ``source``, ``sha256``, ``size`` (bytes) and ``model``.
    """

    predict: Callable[[Genotypes], NDArray[np.float64]]
    members: int
    times: bool
    info: dict[str, Any]


def read_ensemble(folder: Path) -> Ensemble:
    """Read an ensemble, such as the folder ``xgb_v1.0``.

    Raises
    ------
    SourceError
        If the folder has no members, or one of them is damaged or of another model than the others.
    UnknownName
        If the models are not gradient-boosted trees; the graph networks of NAS-Bench-301 cannot be read.
    """
    paths = sorted(folder.rglob(MODEL))
    if not paths:
        raise SourceError(
            f"{folder} has no file named {MODEL} in it or in its folders: give the folder of one ensemble, such as xgb_v1.0"
        )
    if len(paths) > MOST_MEMBERS:
        raise SourceError(f"{folder} has {len(paths)} files named {MODEL}; an ensemble has at most {MOST_MEMBERS}")
    names = {_model_name(path.parent / CONFIG) for path in paths}
    if len(names) > 1:
        raise SourceError(
            f"{folder} has models of several kinds, {', '.join(sorted(names))}: give the folder of one ensemble"
        )
    (name,) = names
    predictors = [read_booster(path, name) for path in paths]

    def predict(rows: Genotypes) -> NDArray[np.float64]:
        features = darts_features(rows)
        return np.stack([member(features) for member in predictors], axis=1)

    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    return Ensemble(
        predict,
        len(paths),
        name.endswith("_time"),
        {
            "source": os.fspath(folder.resolve().name),
            "sha256": hashlib.sha256(" ".join(digests).encode()).hexdigest(),
            "size": sum(path.stat().st_size for path in paths),
            "model": name,
        },
    )


def _model_name(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_CONFIG:
            raise SourceError(f"{path} has more than {MOST_CONFIG} bytes: it is not a model's configuration")
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file; each member of an ensemble needs one") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} is not valid JSON: {error}") from error
    name = config.get("model") if isinstance(config, dict) else None
    if not isinstance(name, str):
        raise SourceError(f"{path}: expected an object with the text 'model', not {name!r:.100}")
    if name not in MODELS:
        raise UnknownName(f"model in {path}", name, MODELS)
    if config.get("param:bananas_enc"):
        raise SourceError(f"{path}: the model reads path encodings, which this version of the kit does not compute")
    return name
