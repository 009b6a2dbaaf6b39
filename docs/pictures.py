"""Draw the pictures of the README and the docs: ``make pictures``."""

from __future__ import annotations

from pathlib import Path

from algorithm_pictures import draw_algorithms
from estimation_picture import draw_estimation
from growth_picture import draw_growth
from journey_pictures import draw_journeys

import nasbench_kit as nk
from nasbench_kit.algorithms import ALGORITHMS
from nasbench_kit.experiments.comparing import compare
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
    "transnas-micro": "64-41414-1_30_321",
    "transnas-macro": "64-12343-basic",
    "nas-bench-nlp": {
        "r": {"op": "linear", "input": ["x", "h_prev_0"]},
        "r_act": {"op": "activation_sigm", "input": ["r"]},
        "z": {"op": "linear", "input": ["x", "h_prev_0"]},
        "z_act": {"op": "activation_sigm", "input": ["z"]},
        "rh": {"op": "elementwise_prod", "input": ["r_act", "h_prev_0"]},
        "h_tilde": {"op": "linear", "input": ["x", "rh"]},
        "h_tilde_act": {"op": "activation_tanh", "input": ["h_tilde"]},
        "h_new_0": {"op": "blend", "input": ["z_act", "h_prev_0", "h_tilde_act"]},
    },
    "nats-size": "8:16:24:32:64",
    "accel-nasbench": {  # EfficientNet-B0
        f"block{block}_{gene}": value
        for block, genes in enumerate(
            zip((1, 6, 6, 6, 6, 6, 6), (3, 3, 5, 3, 5, 5, 3), (1, 2, 2, 3, 3, 4, 1), (True,) * 7, strict=True)
        )
        for gene, value in zip(("e", "k", "l", "se"), genes, strict=True)
    },
    "nas-bench-graph": {"link": [0, 1, 2, 1], "ops": ["gcn", "gin", "fc", "cheb"]},
    "darts": {
        "normal": [
            ("sep_conv_3x3", 0),
            ("sep_conv_3x3", 1),
            ("sep_conv_3x3", 0),
            ("sep_conv_3x3", 1),
            ("sep_conv_3x3", 1),
            ("skip_connect", 0),
            ("skip_connect", 0),
            ("dil_conv_3x3", 2),
        ],
        "reduce": [
            ("max_pool_3x3", 0),
            ("max_pool_3x3", 1),
            ("skip_connect", 2),
            ("max_pool_3x3", 1),
            ("max_pool_3x3", 0),
            ("skip_connect", 2),
            ("skip_connect", 2),
            ("max_pool_3x3", 1),
        ],
    },
    "nasnet": {
        "normal": [
            [[1, "sep_conv_3x3"], [1, "identity"], "sum"],
            [[0, "sep_conv_3x3"], [1, "sep_conv_5x5"], "sum"],
            [[1, "avg_pool_3x3"], [2, "conv_1x1"], "concatenation"],
            [[4, "max_pool_3x3"], [0, "identity"], "sum"],
            [[0, "sep_conv_5x5"], [3, "conv_1x7_7x1"], "sum"],
        ],
        "reduction": [
            [[0, "sep_conv_7x7"], [1, "sep_conv_5x5"], "sum"],
            [[1, "max_pool_3x3"], [0, "sep_conv_7x7"], "sum"],
            [[1, "avg_pool_3x3"], [0, "sep_conv_5x5"], "concatenation"],
            [[2, "sep_conv_3x3"], [1, "max_pool_3x3"], "sum"],
            [[4, "identity"], [3, "dilated_conv_3x3"], "sum"],
        ],
    },
}


def tutorial() -> nk.Comparison:
    """The comparison of the tutorial, with its seed."""
    problem = nk.open("nb201").problem("valid_accuracy", dataset="cifar100")
    algorithms = [nk.RandomSearch(), nk.RegularizedEvolution(), nk.LocalSearch()]
    return nk.compare(problem, algorithms, runs=100, evaluations=300, seed=0)


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
    print(draw_growth(FOLDER / "growth.svg"))
    published = nk.reproduce("nb201-cifar10").comparison()
    published.plot("anytime", FOLDER / "nb201.png")
    tutorial().plot("anytime", FOLDER / "tutorial.png")
    bench = nk.open("nb201-digits")
    single = [cls() for cls in ALGORITHMS.values() if cls.single_objective]
    many = [cls() for cls in ALGORITHMS.values() if cls.many_objectives]
    one = compare(bench.problem("valid_accuracy"), single, runs=100, evaluations=500)
    one.plot("anytime", FOLDER / "nb201-digits.png")
    two = compare(bench.problem(["valid_accuracy", "params"]), many, runs=100, evaluations=2000)
    two.plot("anytime", FOLDER / "nb201-digits-front.png")
    one.plot("anytime", FOLDER / "figure-column.svg", width=80)
    two.plot(
        "front",
        FOLDER / "figure-slide.svg",
        algorithms=["NSGA2", "RandomSearch"],
        architectures=4,
        style="dark",
        width=180,
    )


if __name__ == "__main__":
    main()
