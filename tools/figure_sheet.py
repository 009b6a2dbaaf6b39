"""Draw every kind of figure in both styles, for a column and for a slide, to look at: ``make figures``.

The page ``index.html`` in the folder shows all of them, also as readers see them who confuse colours, and in grey.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import nasbench_kit as nk
from nasbench_kit.algorithms import ALGORITHMS
from nasbench_kit.experiments.comparing import compare
from nasbench_kit.figures.files import write_picture
from nasbench_kit.figures.networks import network_figure

WIDTHS = {"column": 80, "slide": 254}  # millimetres
SUFFIXES = ("svg", "pdf", "png")

# Machado, Oliveira and Fernandes (2009), table 1, severity 1; the luminance of linear RGB
VISIONS = {
    "protanopia": (0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998),
    "deuteranopia": (0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881),
    "tritanopia": (1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900),
    "grey": (0.2126, 0.7152, 0.0722) * 3,
}


def main(folder: Path) -> None:
    """Draw all figures into a folder, and the page that shows them."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = []
    for name, draw in figures():
        for size, width in WIDTHS.items():
            for style in ("light", "dark"):
                figure = draw(style=style, width=width)
                for suffix in SUFFIXES:
                    write_picture(figure, folder / f"{name}-{size}-{style}.{suffix}")
                shown.append(f"{name}-{size}-{style}.svg")
        print(name, flush=True)
    (folder / "index.html").write_text(page(shown), encoding="utf-8")
    print(folder / "index.html")


def figures() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The name of each figure, and what draws it in a style and at a width."""
    bench = nk.open("nb201-digits")
    single = [cls() for cls in ALGORITHMS.values() if cls.single_objective and cls is not nk.BANANAS]
    many = [cls() for cls in ALGORITHMS.values() if cls.many_objectives and cls is not nk.SMSEMOA]
    one = bench.problem("valid_accuracy")
    failing = nk.FunctionProblem(lambda X: np.where(X[:, 0] < 4, np.nan, X.sum(axis=1)), bench.space)
    lost = nk.FunctionProblem(lambda X: np.full(len(X), np.nan), bench.space)
    six = compare(one, single[:6], runs=20, evaluations=500)
    two = compare(bench.problem(["valid_accuracy", "params"]), many, runs=10, evaluations=1000, indicators="igd_plus")
    three = compare(bench.problem(["valid_accuracy", "params", "training_time"]), many[:4], runs=5, evaluations=500)
    timed = compare(one, single[:3], runs=10, simulated_seconds=1500, clock="simulated_seconds")
    yield "anytime-one-run", compare(one, [nk.RandomSearch()], runs=1, evaluations=200).plot
    yield "anytime-three-by-time", timed.plot
    yield "anytime-six", six.plot
    yield "anytime-many", compare(one, single, runs=10, evaluations=300).plot
    yield "anytime-failed-runs", compare(failing, {"some": nk.RandomSearch()}, runs=10, evaluations=30).plot
    yield "anytime-nothing", compare(lost, [nk.RandomSearch()], runs=3, evaluations=5).plot
    yield "anytime-two-objectives", two.plot
    yield "anytime-igd-plus", two.by("igd_plus").plot
    yield "front-two-objectives", partial(two.plot, "front", architectures=5)
    yield "front-three-objectives", partial(three.plot, "front", architectures=3)
    yield "attainment", partial(two.plot, "attainment")
    yield "ecdf", partial(six.plot, "ecdf")
    yield "ecdf-by-time", partial(timed.plot, "ecdf")
    several = {
        f"epochs {n}": bench.problem("valid_accuracy", epochs=n) for n in bench.epochs("digits", "valid_accuracy")
    }
    yield "ranks", nk.compare(several, single[:7], runs=5, evaluations=100).plot
    for name in nk.list_spaces():
        space = nk.space(name)
        yield f"architecture-{name}", partial(network_figure, space, space.decode(space.sample(1, 0))[0])


def page(files: list[str]) -> str:
    """A page that shows pictures, as they are or through the eyes of others."""
    filters = "".join(
        f'<filter id="{name}"><feColorMatrix values="{_rows(values)} 0 0 0 1 0"/></filter>'
        for name, values in VISIONS.items()
    )
    choices = "".join(f'<option value="{name}">{name}</option>' for name in VISIONS)
    names = [html.escape(file) for file in files]
    pictures = "".join(f'<figure><img src="{name}"><figcaption>{name}</figcaption></figure>' for name in names)
    return (
        '<!doctype html><meta charset="utf-8"><title>figures</title>'
        "<style>body{font:14px sans-serif}figure{display:inline-block;margin:8px;vertical-align:top}"
        "img{max-width:100%}</style>"
        f'<svg width="0" height="0">{filters}</svg><label>seen with <select onchange="document.querySelector'
        "('main').style.filter = this.value && 'url(#' + this.value + ')'\">"
        f'<option value="">all cones</option>{choices}</select></label><main>{pictures}</main>'
    )


def _rows(values: tuple[float, ...]) -> str:
    return " ".join(f"{a} {b} {c} 0 0" for a, b, c in zip(*[iter(values)] * 3, strict=True))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/figures"))
