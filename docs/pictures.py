"""Draw the pictures of the README and the docs: ``make docs``."""

from __future__ import annotations

from pathlib import Path

from algorithm_pictures import draw_algorithms
from estimation_picture import draw_estimation
from journey_pictures import draw_journeys

import nasbench_kit as nk
from nasbench_kit.algorithms import ALGORITHMS
from nasbench_kit.experiments.comparison import compare
from nasbench_kit.experiments.comparison_figure import plot_comparison
from nasbench_kit.figures.networks import draw

FOLDER = Path(__file__).parent / "pictures"

ARCHITECTURES = {
    "macronas": "22I212I1112222",
    "nb101": {
        "matrix": [
            [0, 1, 1, 0, 0, 0, 1],
            [0, 0, 0, 1, 0, 0, 0],
            [0, 0, 0, 0, 1, 0, 0],
            [0, 0, 0, 0, 0, 0, 1],
            [0, 0, 0, 0, 0, 0, 1],
            [0, 0, 0, 0, 0, 0, 1],
            [0, 0, 0, 0, 0, 0, 0],
        ],
        "ops": [
            "input",
            "conv3x3-bn-relu",
            "conv1x1-bn-relu",
            "conv3x3-bn-relu",
            "maxpool3x3",
            "conv1x1-bn-relu",
            "output",
        ],
    },
    "nb201": "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_3x3~1|nor_conv_1x1~2|",
    "genetic-cnn": [[1, 0, 1], [0, 0, 1, 1, 0, 0], [0, 1, 1, 1, 0, 1, 0, 0, 0, 1]],
    "nsga-net-macro": [
        [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1],
        [1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0],
        [0] * 16,
    ],
    "nsga-net-micro": [
        [[[0, 2], [0, 0]], [[0, 7], [0, 2]], [[0, 3], [1, 3]], [[1, 7], [3, 3]], [[1, 2], [3, 4]]],
        [[[0, 2], [1, 6]], [[0, 1], [1, 3]], [[1, 7], [1, 6]], [[3, 0], [1, 1]], [[3, 0], [1, 7]]],
    ],
    "nats-size": "8:16:24:32:64",
    "accel-nasbench": {  # EfficientNet-B0
        f"block{block}_{gene}": value
        for block, genes in enumerate(
            zip((1, 6, 6, 6, 6, 6, 6), (3, 3, 5, 3, 5, 5, 3), (1, 2, 2, 3, 3, 4, 1), (True,) * 7, strict=True)
        )
        for gene, value in zip(("e", "k", "l", "se"), genes, strict=True)
    },
    "nas-bench-graph": {"link": [0, 1, 2, 1], "ops": ["gcn", "gin", "fc", "cheb"]},
}


def main() -> None:
    """Draw comparisons and estimates of the bundled table, each algorithm beside random search, an architecture of each space."""
    FOLDER.mkdir(exist_ok=True)
    for path in draw_algorithms(FOLDER / "algorithms"):
        print(path)
    for path in draw_journeys(FOLDER / "journeys"):
        print(path)
    for name, native in ARCHITECTURES.items():
        print(draw(nk.space(name), native, FOLDER / f"{name}.svg"))
    print(draw_estimation(FOLDER / "estimation.svg"))
    (published,) = nk.reproduce("nb201-cifar10").comparisons
    print(plot_comparison(published, FOLDER / "nb201.png"))
    bench = nk.open("nb201-digits")
    single = [cls() for cls in ALGORITHMS.values() if cls.single_objective]
    many = [cls() for cls in ALGORITHMS.values() if cls.many_objectives]
    one = compare(bench.problem("valid_accuracy"), single, runs=100, evaluations=500)
    print(plot_comparison(one, FOLDER / "nb201-digits.png"))
    two = compare(bench.problem(["valid_accuracy", "params"]), many, runs=100, evaluations=2000)
    print(plot_comparison(two, FOLDER / "nb201-digits-front.png"))


if __name__ == "__main__":
    main()
