"""TransNAS-Bench-101's result files."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

import nasbench_kit as nk
from nasbench_kit.loaders import load, recognise
from tests.official.transnas import TASKS, write_transnas


@pytest.mark.parametrize(("kind", "count"), [("micro", 4096), ("macro", 3256)])
def test_every_value_arrives(tmp_path, kind, count):
    path = tmp_path / "values.csv"
    write_transnas(path, kind)
    (tmp_path / "values.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert recognise(tmp_path / "values.csv.gz") == recognise(path) == "transnas"
    bench = nk.convert(tmp_path / "values.csv.gz", tmp_path / "out.h5")
    assert (len(bench), bench.space.name, bench.datasets) == (count, f"transnas-{kind}", TASKS)
    frame = pd.read_csv(path, dtype=str)  # as numbers, older pandas misses the last bit
    X = bench.space.encode(frame["arch"])
    for task in TASKS:
        (metric,) = (name for name in bench.metrics(task) if name not in bench.costs(task))
        about = bench.metric(metric, task)
        assert (about.direction, about.split) == ("max", "valid")
        np.testing.assert_array_equal(bench.query(X, metric, dataset=task), frame[task].astype(float))
    assert bench.metric("valid_ssim", "normal").range == (0.0, 1.0)
    assert bench.metric("valid_neg_loss", "room_layout").range[1] == 0.0
    assert bench.metric("valid_accuracy", "jigsaw").units == "percent"
    assert "test and training metrics" in bench.info["notes"]
    assert bench.info["commit"]


def test_the_default_name(tmp_path):
    from nasbench_kit.loaders import store_name

    for kind in ("micro", "macro"):
        write_transnas(tmp_path / kind, kind, 3)
        assert store_name(tmp_path / kind, None, None) == f"transnas-bench-101-{kind}"


def changed(path, old, new):
    path.write_text(path.read_text().replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("64-41414-0_00_000,", "64-41414-0_00_004,", "row 0, column 'arch': .*expected 64-41414-a_bc_def"),
        ("class_scene,", "scene,", "unknown column 'class_scene'; did you mean 'scene'"),
        ("64-41414-0_00_001,", "64-41414-0_00_000,", "twice"),
        (",-", ",", "room_layout.*outside its range"),
        ("\n64-41414-0_00_000,", "\n64-41414-0_00_000,x", "not a number"),
        ("\n64-41414-0_00_002,", "\n64-41414-0_00_002,nan,", "rows have more fields than the header"),
    ],
)
def test_files_with_something_wrong(tmp_path, old, new, message):
    path = tmp_path / "values.csv"
    write_transnas(path)
    changed(path, old, new)
    with pytest.raises(nk.SourceError, match=message) as caught:
        load(path, source_format="transnas")
    assert "\n" not in str(caught.value)


def test_a_mix_of_spaces_and_a_part(tmp_path):
    path = tmp_path / "values.csv"
    write_transnas(path, count=5)
    with pytest.raises(nk.SourceError, match=r"partial=True"):
        load(path)
    assert len(load(path, partial=True).architectures) == 5
    path.write_text(path.read_text() + "64-1234-basic,1,1,-1,1,1,0.1,0.1\n")
    with pytest.raises(nk.SourceError, match="row 5, column 'arch'"):
        load(path, partial=True)


def without(path, row, task):
    frame = pd.read_csv(path)
    frame.loc[row, task] = np.nan
    frame.to_csv(path, index=False)
    return frame


@pytest.mark.parametrize("task", ["class_scene", "autoencoder"])  # the last may just be cut off
def test_a_missing_value(tmp_path, task):
    path = tmp_path / "values.csv"
    write_transnas(path)
    frame = without(path, 7, task)
    with pytest.raises(
        nk.SourceError, match=rf"{task!r} has no value for 1 of 4096 architectures, the first {frame.arch[7]}"
    ):
        load(path)
    bench = nk.convert(path, tmp_path / "out.h5", partial=True)
    assert bench.info["missing_values"] == 1
    metric = next(name for name in bench.metrics(task) if name.startswith("valid"))
    x = bench.space.encode([frame.arch[7]])
    assert np.isnan(bench.trials(x, metric, dataset=task)).all()


def test_accuracies_that_are_fractions(tmp_path):
    path = tmp_path / "values.csv"
    write_transnas(path)
    frame = pd.read_csv(path)
    frame[["class_scene", "class_object", "jigsaw", "segmentsemantic"]] /= 100
    frame.to_csv(path, index=False)
    with pytest.raises(nk.SourceError, match="must be percentages"):
        load(path)


def test_a_blank_line_after_the_header(tmp_path):
    path = tmp_path / "values.csv"
    write_transnas(path, "macro")
    changed(path, "\n", "\n\n")
    assert load(path).space.name == "transnas-macro"
