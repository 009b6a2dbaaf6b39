"""How networks are trained, as options of the commands that train them."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from nasbench_kit.spaces import Space

if TYPE_CHECKING:
    from nasbench_kit.training.setting import Setting

__all__ = ["add_setting_arguments", "setting_of"]


def add_setting_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that make a setting, and where it is trained."""
    group = parser.add_argument_group("training")
    group.add_argument(
        "--dataset",
        default="digits",
        help="digits (default), cifar10-valid, cifar10, cifar10-40k, cifar100, cifar100-40k, ImageNet16-120, or an .npz file "
        "with the arrays 'images' and 'labels'",
    )
    group.add_argument("--data", metavar="FOLDER", help="where a dataset's published files are")
    group.add_argument(
        "--recipe", help="how to train: a space's name, or digits (default: the dataset's or the space's)"
    )
    group.add_argument("--epochs", type=int, help="epochs of every training (default: the recipe's)")
    group.add_argument(
        "--skeleton",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="figures of the network to change, e.g. cells=1 channels=8,16,32",
    )
    group.add_argument(
        "--device", help="cpu, cuda, cuda:1, ... (default: cuda where there is one, and it gains anything)"
    )
    group.add_argument("--processes", type=int, help="worker processes, one core each (default: all cores)")


def setting_of(options: argparse.Namespace, space: Space) -> Setting:
    """The setting that the options tell of; needs the extra ``train``."""
    from nasbench_kit.training.setting import make_setting

    return make_setting(
        space,
        options.dataset,
        folder=options.data,
        recipe=options.recipe,
        epochs=options.epochs,
        skeleton=_skeleton(options.skeleton),
    )


def _skeleton(words: list[str]) -> dict[str, Any]:
    """Figures as they are written in a shell: numbers, several of them with commas, words."""
    changes: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name or not text:
            raise ValueError(f"--skeleton takes NAME=VALUE, such as cells=1 or channels=8,16,32, not {word!r}")
        values = [_value(text)] if text.startswith("[") else [_value(part) for part in text.split(",")]
        changes[name] = values if len(values) > 1 else values[0]
    return changes


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
