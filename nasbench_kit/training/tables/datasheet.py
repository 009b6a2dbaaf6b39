"""The datasheet of a trained table: its metrics, and everything needed to train its networks again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasbench_kit.spaces import space as space_of
from nasbench_kit.spaces import spec
from nasbench_kit.spaces.genotypes import Genotypes
from nasbench_kit.store import MetricColumn, Table
from nasbench_kit.training.batches import steps_an_epoch
from nasbench_kit.training.datasets import PARTS
from nasbench_kit.training.datasets.cifar import SPLITS
from nasbench_kit.training.setting import Setting

__all__ = ["MeasuredTrainings", "datasheet"]

# of the datasets that have a name: where their images are from, and what may be done with them
_CIFAR = {"url": "https://www.cs.toronto.edu/~kriz/cifar.html", "images": "Krizhevsky 2009"}
IMAGES = {
    "digits": {
        "url": "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
        "licence": "Apache-2.0 (the table); CC BY 4.0 (the digits: Alpaydin and Kaynak 1998, as in scikit-learn)",
        "images": "Alpaydin and Kaynak 1998",
    },
    **dict.fromkeys(SPLITS, _CIFAR),
    "ImageNet16-120": {
        "url": "https://patrykchrabaszcz.github.io/Imagenet32/",
        "images": "Chrabaszcz et al. 2017, arXiv 1707.08819",
    },
}


@dataclass(frozen=True)
class MeasuredTrainings:
    """The results of the trainings of a table.

    Attributes
    ----------
    values : dict of str to ndarray, each (n, epochs, seeds)
        As returned by `train_genotypes`.
    step_seconds : ndarray, shape (n,), optional
        Seconds per step of each network trained alone, if the trainings were stacked.
    took : float
        Total seconds of all parts.
    processors : list of str
        The processors used for training.
    """

    values: Mapping[str, NDArray[np.float64]]
    step_seconds: NDArray[np.float64] | None
    took: float
    processors: list[str]


def datasheet(
    setting: Setting, rows: Genotypes, seeds: tuple[int, ...], measured: MeasuredTrainings, claim: Mapping[str, Any]
) -> Table:
    """Make a table with provenance from finished trainings.

    Parameters
    ----------
    setting : Setting
    rows : ndarray of uint8, shape (n, genes)
    seeds : tuple of int
    measured : MeasuredTrainings
    claim : mapping
        Versions and hardware, as recorded when the trainings started.

    Returns
    -------
    Table
        In its provenance, ``setting`` is `Setting.identity`, and ``recipe`` has all fields of the `Recipe` along with
        versions, hardware and seeds.
    """
    space, data, recipe = space_of(setting.space), setting.data, setting.recipe
    epochs = tuple(range(1, recipe.epochs + 1))
    metrics: dict[str, MetricColumn] = {}
    for part in PARTS:
        if not np.isnan(measured.values[f"{part}_accuracy"]).all():  # some datasets lack a part
            metrics[f"{part}_accuracy"] = MetricColumn(measured.values[f"{part}_accuracy"], epochs, seeds)
            metrics[f"{part}_loss"] = MetricColumn(measured.values[f"{part}_loss"].astype(np.float32), epochs, seeds)
    if measured.step_seconds is not None:
        steps = steps_an_epoch(len(data.part("train")), recipe.batch_size) * np.array(epochs)
        metrics["training_time"] = MetricColumn(measured.step_seconds[:, np.newaxis] * steps, epochs)
        times = "for one network alone on one core, excluding evaluation: the measured time per step times the number of steps"
    else:
        metrics["training_time"] = MetricColumn(measured.values["seconds"].cumsum(axis=1), epochs, seeds)
        times = "measured, excluding evaluation, while other trainings ran on the same machine"
    for name in space.cost_names:
        metrics[name] = MetricColumn(space.cost(rows, name, skeleton=setting.skeleton))
    facts = dict(IMAGES.get(setting.dataset, {}))
    images = facts.pop("images", None)
    provenance: dict[str, Any] = {
        "source": f"trained by nasbench-kit train {space.name} --dataset {data.name}",
        **facts,
        "citation": "; ".join(
            ["nasbench-kit (see CITATION.cff)"]
            + ([f"search space: {citation}"] if (citation := spec(space.name).citation) else [])
            + ([f"images: {images}"] if images else [])
        ),
        "notes": "A budget of fewer epochs is the same training stopped early, before its learning rate has come down. "
        f"training_time is {times}.",
        "setting": setting.identity,
        "recipe": {
            **setting.identity["recipe"],
            "seeds": list(seeds),
            "networks": len(rows),
            **{name: claim[name] for name in ("device", "torch", "numpy", "machine", "cores")},
            "processor": ", ".join(measured.processors),
        },
        "images_sha256": data.digest,
        "split": data.split,
        "split_letters": "one per image, in the dataset's order: r train, v validation, t test, - unused",
        "core_hours": measured.took / 3600,
    }
    if space.networks is not None:
        provenance["missing_networks"] = space.networks - len(np.unique(space.key(rows)))
    return Table(space, rows, {data.name: metrics}, provenance)
