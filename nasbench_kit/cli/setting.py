"""Command-line options for training settings, shared by the commands that train."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from nasbench_kit.spaces import Space

if TYPE_CHECKING:
    from nasbench_kit.training.setting import Setting

__all__ = ["add_recipe_arguments", "add_setting_arguments", "setting_of"]


def add_setting_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a setting and of the device it is trained on."""
    parser.add_argument(
        "--dataset",
        default="digits",
        help="digits (default), cifar10-valid, cifar10, cifar10-40k, cifar100, cifar100-40k, ImageNet16-120, or an .npz file "
        "with the arrays 'images' and 'labels'",
    )
    parser.add_argument("--epochs", type=int, help="epochs per training (default: the recipe's)")
    add_recipe_arguments(parser)


def add_recipe_arguments(parser: argparse.ArgumentParser) -> tuple[str, ...]:
    """Declare the options of a setting other than its dataset and epochs, and return their names."""
    group = parser.add_argument_group("training")
    group.add_argument("--data", metavar="FOLDER", help="folder of the dataset's published files")
    group.add_argument(
        "--recipe", help="training recipe: a space's name, or digits (default: digits on the digits, else the space's)"
    )
    group.add_argument(
        "--skeleton",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="skeleton values to change, e.g. cells=1 channels=8,16,32",
    )
    group.add_argument("--device", help="cpu, cuda, cuda:1, ... (default: cuda if available and faster)")
    group.add_argument("--processes", type=int, help="worker processes, one core each (default: all cores)")
    return "data", "recipe", "skeleton", "device", "processes"


def setting_of(options: argparse.Namespace, space: Space) -> Setting:
    """Make the setting that the options describe; needs the extra ``train``."""
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
    """Parse NAME=VALUE arguments, where a value is a number, several separated by commas, or a word."""
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
