"""Gradient-boosted trees from pickled XGBoost and LightGBM boosters, without unpickling (extra ``nb301``).

A pickled booster holds its model as one value, bytes (XGBoost) or text (LightGBM). The pickle's instructions are listed,
never executed, and that value is handed to the library that wrote it.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.errors import MissingExtra, SourceError
from nasbench_kit.surrogates.features import FEATURES

__all__ = ["Predict", "read_booster"]

Predict = Callable[[NDArray[np.float64]], NDArray[np.float64]]

MOST_BYTES = 2**31
_NAMES = ("handle", "_handle")  # what the libraries call the model in a booster's state
_TEXT = "tree\n"  # how a LightGBM model begins
_BYTES = frozenset({"BYTEARRAY8", "BINBYTES", "BINBYTES8", "SHORT_BINBYTES"})
_STRINGS = frozenset({"BINUNICODE", "BINUNICODE8", "SHORT_BINUNICODE"})


def read_booster(path: Path, model: str) -> Predict:
    """Read a pickled booster.

    Parameters
    ----------
    path : Path
        ``surrogate_model.model`` of an ensemble member.
    model : str
        The model's name in ``model_config.json``: ``"xgb"``, ``"lgb"``, or the same with ``_time``.

    Returns
    -------
    callable
        Maps features (n, 56) to predictions (n,), float64.

    Raises
    ------
    SourceError
        If the file is not a pickled booster of this library.
    MissingExtra
        If the library is not installed.
    """
    content = _model_in(path)
    if model.startswith("xgb"):
        if isinstance(content, str):
            raise SourceError(f"{path}: its model is text, as of LightGBM, but model_config.json says {model!r}")
        return _xgboost(path, content)
    if not isinstance(content, str):
        raise SourceError(f"{path}: its model is not text, as of LightGBM, but model_config.json says {model!r}")
    return _lightgbm(path, content)


def _model_in(path: Path) -> bytes | str:
    """The value that follows the name ``handle`` in a pickle."""
    if path.stat().st_size > MOST_BYTES:
        raise SourceError(f"{path} has {path.stat().st_size} bytes, too many for a booster")
    named = False
    try:
        for opcode, argument, _ in pickletools.genops(path.read_bytes()):
            value: Any = argument
            if opcode.name in _STRINGS and value in _NAMES:
                named = True
            elif named and opcode.name in _BYTES:
                return bytes(value)
            elif named and opcode.name in _STRINGS:
                if value.startswith(_TEXT):
                    return str(value)
                if len(value) > 100:  # bytes as Latin-1 text, as pickle protocol 2 writes them
                    return str(value).encode("latin-1")
    except (ValueError, IndexError, UnicodeError) as error:
        raise SourceError(f"{path} is not a complete pickle: {error}; download it again") from error
    raise SourceError(f"{path} is a pickle without a booster: expected a model under the name 'handle'")


def _xgboost(path: Path, content: bytes) -> Predict:
    try:
        import xgboost
    except ImportError as error:
        raise MissingExtra("reading the XGBoost models of NAS-Bench-301", "nb301") from error
    booster = xgboost.Booster()
    try:
        booster.__setstate__({"handle": bytearray(content)})
        features = booster.num_features()
    except (xgboost.core.XGBoostError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise SourceError(
            f"{path}: XGBoost {xgboost.__version__} cannot read this booster ({reason}); models of before XGBoost 1.0 need "
            "a version below 3.1"
        ) from error

    def predict(X: NDArray[np.float64]) -> NDArray[np.float64]:
        booster.set_param({"nthread": _threads(X)})
        found: Any = booster.inplace_predict(X)
        return np.asarray(found, dtype=np.float64)

    return _checked(path, predict, features)


def _lightgbm(path: Path, content: str) -> Predict:
    try:
        import lightgbm
    except ImportError as error:
        raise MissingExtra("reading the LightGBM models of NAS-Bench-301", "nb301") from error
    try:
        booster = lightgbm.Booster(model_str=content)
        features = booster.num_feature()
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise SourceError(f"{path}: LightGBM cannot read this booster: {str(error).splitlines()[0]}") from error

    def predict(X: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(booster.predict(X, num_threads=_threads(X)), dtype=np.float64)

    return _checked(path, predict, features)


def _threads(X: NDArray[np.float64]) -> int:
    """One thread for the few rows of a search step, which waking others would delay; all cores (0) for many."""
    return 1 if len(X) < 1000 else 0


def _checked(path: Path, predict: Predict, features: int) -> Predict:
    if features != len(FEATURES):
        raise SourceError(
            f"{path}: the booster reads {features} features, but the encoding of NAS-Bench-301 has {len(FEATURES)}"
        )
    return predict
