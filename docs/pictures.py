"""Draw the pictures of the README and the docs from the bundled table: ``make docs``."""

from __future__ import annotations

from pathlib import Path

import nasbench_kit as nk
from nasbench_kit.experiments.comparison import compare
from nasbench_kit.experiments.plot import plot_comparison

FOLDER = Path(__file__).parent / "pictures"


def main() -> None:
    """Draw both comparisons of the bundled table."""
    FOLDER.mkdir(exist_ok=True)
    bench = nk.open("nb201-digits")
    single = [nk.RandomSearch(), nk.LocalSearch(), nk.RegularizedEvolution(), nk.GeneticAlgorithm()]
    one = compare(bench.problem("valid_accuracy"), single, runs=100, evaluations=500)
    print(plot_comparison(one, FOLDER / "nb201-digits.png"))
    two = compare(
        bench.problem(["valid_accuracy", "params"]), [nk.RandomSearch(), nk.NSGA2()], runs=100, evaluations=2000
    )
    print(plot_comparison(two, FOLDER / "nb201-digits-front.png"))


if __name__ == "__main__":
    main()
