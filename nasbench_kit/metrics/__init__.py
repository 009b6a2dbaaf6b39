"""Metric descriptions: name, unit, direction, range, split, and dependence on the training seed."""

from nasbench_kit.metrics.metric import Direction, Metric, Split, minimised
from nasbench_kit.metrics.vocabulary import PROXY, known_metric, looks_like_gain, split_of

__all__ = ["PROXY", "Direction", "Metric", "Split", "known_metric", "looks_like_gain", "minimised", "split_of"]
