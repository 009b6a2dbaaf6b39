"""The standard metric names and their meaning.

Loaders of published files use only these names. Metrics of a user's own table are described in its mapping; nothing is
inferred from names outside this vocabulary.
"""

from __future__ import annotations

import math
import re

from nasbench_kit.metrics.metric import Metric, Split

__all__ = ["PROXY", "known_metric", "looks_like_gain", "split_of"]

# Prefix of training-free proxies. It determines the direction without a list of names: params is a cost to be
# minimised, proxy_params a score to be maximised. User-defined proxies are recognised by the same prefix.
PROXY = "proxy_"

_HALFWAY = "halfway_"  # NAS-Bench-101: values measured halfway through the training
_SPLITS: dict[str, Split] = {"train_": "train", "valid_": "valid", "test_": "test", "original_test_": "test"}
_COUNTS = {
    "params": "count",
    "recorded_params": "count",
    "flops": "multiply-adds",
    "recorded_flops": "multiply-adds",
    "mmacs": "1e6 multiply-adds",
}
_POSITIVE = (0.0, math.inf)

# Words that indicate a metric to be maximised, anywhere in its name.
# fmt: off
_GAINS = frozenset({
    "acc", "accs", "accuracy", "accuracies", "accuracy1", "accuracy5", "top1", "top5", "auc", "auroc", "auprc", "roc",
    "ap", "map", "miou", "iou", "dice", "jaccard", "f1", "fscore", "precision", "recall", "sensitivity",
    "specificity", "ssim", "psnr", "bleu", "rouge", "meteor", "cider", "score", "scores", "gain", "reward", "return",
    "returns", "utility", "fitness", "throughput", "fps", "ips", "qps", "bandwidth", "speed", "speedup", "r2",
    "pearson", "spearman", "kendall", "tau", "correlation", "agreement", "kappa", "mcc", "likelihood", "quality",
})
# fmt: on
_RATES = re.compile(
    r"(frames|images|imgs|samples|queries|items|tokens)_?(per|/)_?(s|sec|second|seconds|ms|min|minute)\b"
)


def known_metric(name: str) -> Metric | None:
    """Return the metric with a standard name; None for any other name.

    Standard names are ``*_accuracy`` (percent, 0 to 100), ``*_loss``, ``*_time`` (seconds), ``params``, ``flops``,
    ``mmacs``, ``recorded_params``, ``recorded_flops``, ``latency_*`` (ms), ``energy_*`` (mJ), ``throughput_*`` (images per
    second, higher is better), and ``proxy_*`` (the score of a training-free proxy, higher is better).

    Examples
    --------
    >>> known_metric("valid_accuracy").direction
    'max'
    >>> known_metric("val_acc") is None
    True
    """
    if name.startswith(PROXY):
        return Metric(name, _COUNTS.get(name.removeprefix(PROXY), ""), "max")
    if name.endswith("_accuracy"):
        return Metric(name, "percent", "max", (0.0, 100.0), split_of(name), depends_on_seed=True)
    if name.endswith("_loss"):
        return Metric(name, "", "min", _POSITIVE, split_of(name), depends_on_seed=True)
    if name.endswith("_time"):
        return Metric(name, "s", "min", _POSITIVE)
    for prefix, units in (("latency_", "ms"), ("energy_", "mJ")):
        if name.startswith(prefix):
            return Metric(name, units, "min", _POSITIVE)
    if name.startswith("throughput_"):
        return Metric(name, "images/s", "max", _POSITIVE)
    return Metric(name, _COUNTS[name], "min", _POSITIVE) if name in _COUNTS else None


def split_of(name: str) -> Split | None:
    """Split given by the prefix of a standard name: ``train_``, ``valid_``, ``test_`` or ``original_test_``."""
    name = name.removeprefix(_HALFWAY)
    return next((split for prefix, split in _SPLITS.items() if name.startswith(prefix)), None)


def looks_like_gain(name: str) -> bool:
    """Whether a name contains a word for which higher is usually better, so that "min" must not be assumed.

    Examples
    --------
    >>> [looks_like_gain(name) for name in ("val_acc", "ROC-AUC", "framesPerSecond", "perplexity")]
    [True, True, True, False]
    """
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    words = re.split(r"[^a-z0-9]+", f"{split} {name}".lower())
    return bool(_RATES.search(split.lower())) or not _GAINS.isdisjoint(words)
