"""The examples of docs/surrogates.md run on models in the layout of the published ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.official.nb301 import write_ensemble
from tests.surrogates.test_onnx_model import model  # noqa: F401 - a fixture

pytest.importorskip("xgboost")
pytest.importorskip("lightgbm")

PAGE = Path(__file__).parents[2] / "docs" / "surrogates.md"


@pytest.mark.slow
def test_what_the_page_shows_runs(tmp_path, monkeypatch, model):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    model.rename(tmp_path / "model.onnx")
    text = PAGE.read_text()
    (mapping,) = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "mapping.toml").write_text(mapping)
    (tmp_path / "nb_models").mkdir()
    for name, kind in (("xgb_v1.0", "xgb"), ("lgb_runtime_v1.0", "lgb_time")):
        write_ensemble(tmp_path / "nb_models" / name, kind)
    ensemble, onnx = re.findall(r"```py\n(.*?)```", text, flags=re.DOTALL)
    found: dict[str, object] = {}
    exec(compile(ensemble, str(PAGE), "exec", dont_inherit=True), found)
    assert found["result"].best("valid_accuracy").shape == (10,)
    exec(compile(onnx, str(PAGE), "exec", dont_inherit=True), found)
    assert found["bench"].metrics("cifar10")[:2] == ("valid_accuracy", "model_size")
