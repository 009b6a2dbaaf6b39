"""The metric names that the kit gives itself, and what they mean.

Loaders of published files use these names alone. What a user's own table calls its metrics is described in its mapping;
here a name outside the vocabulary means nothing.
"""

from __future__ import annotations

import math
import re

from nasbench_kit.metrics.metric import Metric, Split

__all__ = ["PROXY", "known_metric", "looks_like_gain", "split_of"]

# What a training-free proxy's name begins with. The prefix says which way is up without a list of names to keep: params are
# a cost, proxy_params a promise, and a proxy of a user's own joins by its name.
PROXY = "proxy_"

_HALFWAY = "halfway_"  # of NAS-Bench-101: the same training, looked at in its middle
_SPLITS: dict[str, Split] = {"train_": "train", "valid_": "valid", "test_": "test", "original_test_": "test"}
_COUNTS = {
    "params": "count",
    "recorded_params": "count",
    "flops": "multiply-adds",
    "recorded_flops": "multiply-adds",
    "mmacs": "1e6 multiply-adds",
}
_POSITIVE = (0.0, math.inf)

# Words of which more is better wherever they stand in a metric's name.
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
    """The metric that a name of the kit's vocabulary stands for; None for any other name.

    ``*_accuracy`` (percent, 0 to 100), ``*_loss``, ``*_time`` (seconds), ``params``, ``flops``, ``mmacs``, ``recorded_params``,
    ``recorded_flops``, ``latency_*`` (ms), ``energy_*`` (mJ), and ``proxy_*``, a proxy's score, of which more is better.

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
    return Metric(name, _COUNTS[name], "min", _POSITIVE) if name in _COUNTS else None


def split_of(name: str) -> Split | None:
    """The split that a name begins with, as the kit writes it: ``train_``, ``valid_``, ``test_``, ``original_test_``."""
    name = name.removeprefix(_HALFWAY)
    return next((split for prefix, split in _SPLITS.items() if name.startswith(prefix)), None)


def looks_like_gain(name: str) -> bool:
    """Whether a name has a word of which more is usually better: then nobody should guess that less is.

    Examples
    --------
    >>> [looks_like_gain(name) for name in ("val_acc", "ROC-AUC", "framesPerSecond", "perplexity")]
    [True, True, True, False]
    """
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    words = re.split(r"[^a-z0-9]+", f"{split} {name}".lower())
    return bool(_RATES.search(split.lower())) or not _GAINS.isdisjoint(words)
