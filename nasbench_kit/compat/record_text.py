"""What is known about an architecture, as the lines of text that the official packages print."""

from __future__ import annotations

from nasbench_kit.compat.arch_results import ArchResults

__all__ = ["text_lines"]


def text_lines(info: ArchResults, extra: str | None, *, between: str, with_test: bool) -> list[str]:
    """The architecture, its datasets, and for each dataset a line of costs and one of metrics.

    Parameters
    ----------
    info : ArchResults
    extra : str or None
        What to add to the line of datasets.
    between : str
        What separates loss and accuracy.
    with_test : bool
        Whether to give the test metrics of ``cifar10-valid``.
    """
    lines = [info.arch_str, f"datasets : {info.get_dataset_names()}, extra-info : {extra}"]
    for dataset in info.get_dataset_names():
        costs = info.get_compute_costs(dataset)
        seconds = costs["latency"]
        latency = f"{seconds * 1000:.2f}" if seconds is not None and seconds > 0 else None
        counts = f"FLOP={costs['flops']:6.2f} M, Params={costs['params']:.3f} MB"
        lines.append(f"{dataset:14s} {counts}, latency={latency} ms.")
        shown = []
        for title, name in _sets(dataset, with_test):
            found = info.get_metrics(dataset, name)
            shown.append(f"{title} : [loss = {found['loss']:.3f}{between}top1 = {found['accuracy']:.2f}%]")
        lines.append(f"{dataset:14s} {', '.join(shown)}")
    return lines


def _sets(dataset: str, with_test: bool) -> list[tuple[str, str]]:
    """The evaluation sets of a dataset, with the titles that they are printed under."""
    train, valid = ("train", "train"), ("valid", "x-valid")
    if dataset == "cifar10":
        return [train, ("test ", "ori-test")]
    if dataset == "cifar10-valid":
        return [train, valid, *([("test", "ori-test")] if with_test else [])]
    return [train, valid, ("test", "x-test")]
