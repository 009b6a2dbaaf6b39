"""Metrics: their descriptions, and the names that are known."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from nasbench_kit.metrics import Metric, known_metric, looks_like_gain, minimised


@pytest.mark.parametrize(
    ("name", "units", "direction", "split"),
    [
        ("valid_accuracy", "percent", "max", "valid"),
        ("original_test_accuracy", "percent", "max", "test"),
        ("halfway_valid_accuracy", "percent", "max", "valid"),
        ("train_loss", "", "min", "train"),
        ("training_time", "s", "min", None),
        ("latency_gpu", "ms", "min", None),
        ("energy_edge", "mJ", "min", None),
        ("flops", "multiply-adds", "min", None),
        ("proxy_params", "count", "max", None),
    ],
)
def test_the_kits_own_names(name, units, direction, split):
    metric = known_metric(name)
    assert (metric.name, metric.units, metric.direction, metric.split) == (name, units, direction, split)
    assert metric.depends_on_seed == name.endswith(("_accuracy", "_loss"))


@pytest.mark.parametrize(
    "name", ["val_acc", "ssim", "SSIM", "roc_auc", "ROC-AUC", "throughput", "frames_per_second", "fps", "mIoU"]
)
def test_names_that_look_like_gains(name):
    assert known_metric(name) is None
    assert looks_like_gain(name)


@pytest.mark.parametrize("name", ["error", "perplexity", "rmse", "size_mb", "accumulated_cost", "maps_read"])
def test_names_that_do_not(name):
    assert not looks_like_gain(name)


def test_minimised_follows_the_direction_and_back():
    metrics = [Metric("a", "percent", "max"), Metric("b", "dB", "max"), Metric("c", "s", "min")]
    values = np.array([[90.0, 3.0, 5.0], [np.nan, -1.0, 0.0]])
    F = minimised(values, metrics)
    np.testing.assert_array_equal(F, [[10.0, -3.0, 5.0], [np.nan, 1.0, 0.0]])
    np.testing.assert_array_equal(minimised(F, metrics), values)


def test_a_metric_without_a_direction_is_never_minimised_silently():
    with pytest.raises(ValueError, match=r"the direction of size is not stored.*--direction size=max"):
        Metric("size").minimised(np.zeros(3))


def test_metrics_are_stored_as_plain_json():
    for metric in (
        known_metric("valid_accuracy"),
        Metric("x", "dB", "max", (-math.inf, 3.0), "test", True),
        Metric("y"),
    ):
        assert Metric.from_attributes(metric.name, json.loads(json.dumps(metric.attributes()))) == metric


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"direction": "up"}, "direction must be 'max' or 'min', not 'up'"),
        ({"split": "dev"}, "split must be 'train', 'valid' or 'test', not 'dev'"),
        ({"range": (1.0, 1.0)}, "from a lower to a higher value"),
        ({"range": (math.nan, 1.0)}, "from a lower to a higher value"),
    ],
)
def test_descriptions_that_make_no_sense(field, message):
    with pytest.raises(ValueError, match=message):
        Metric("x", **field)
