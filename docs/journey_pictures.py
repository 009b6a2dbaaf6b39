"""The journeys of a query, a search, a conversion and a verification: which file makes what of what. ``make pictures`` draws them."""

from __future__ import annotations

from pathlib import Path

from nasbench_kit.figures.files import write_picture

# each step: a file of the package, and what leaves it for the next one
JOURNEYS: dict[str, list[tuple[str, str]]] = {
    "query": [
        ("cli/query.py", "native forms, a metric's name"),
        ("spaces/contract.py", "encode, check: genotypes (n, genes)"),
        ("benchmark/queries.py", "dataset, epoch budget, seed: which column"),
        ("benchmark/lookup.py", "the record of each genotype (n,)"),
        ("store/reader.py", "the column, memory-mapped"),
        ("benchmark/queries.py", "gather: values (n,) float64"),
        ("cli/output.py", "a table, or JSON"),
    ],
    "search": [
        ("benchmark/problem.py", "the table as a problem: F is minimised"),
        ("experiments/search.py", "a plan, checked: runs in batches"),
        ("experiments/spreading.py", "batches for this process and its workers"),
        ("experiments/batch.py", "ask and tell, from start to end"),
        ("algorithms/nsga2.py", "ask: genotypes (runs, batch, genes)"),
        ("benchmark/problem.py", "evaluate: F and seconds"),
        ("experiments/recorder.py", "what counts, what is new, incumbents, archives"),
        ("kernels/crowding.py", "tell: who survives"),
        ("experiments/result.py", "a Result: incumbents, archives, trace"),
        ("store/record.py", "a sealed file"),
    ],
    "conversion": [
        ("cli/convert.py", "a path"),
        ("loaders/__init__.py", "the format, from the content"),
        ("loaders/nats.py", "members of the archive, one at a time"),
        ("loaders/pickles.py", "plain values; nothing is imported or called"),
        ("loaders/records.py", "checked: index, seeds, ranges; arrays"),
        ("store/schema.py", "a Table"),
        ("store/writer.py", "an HDF5 file with a checksum per column"),
        ("files.py", "flushed, checked, renamed"),
        ("benchmark/benchmark.py", "the store, opened"),
    ],
    "verification": [
        ("cli/verify.py", "a store, a sample size, a margin"),
        ("training/stored_setting.py", "images, skeleton and recipe, from the store"),
        ("training/verification/verdicts.py", "the entries that are drawn"),
        ("training/jobs.py", "one job per training"),
        ("training/construction.py", "a PyTorch network, from the space's spec"),
        ("training/trainer.py", "accuracies after every epoch"),
        ("training/verification/verdicts.py", "per metric and entry: agrees, undecided, contradicted"),
        ("training/verification/verifying.py", "a Verification"),
    ],
}


def draw_journeys(folder: Path) -> list[Path]:
    """Draw each journey to an SVG file in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return [draw_journey(steps, folder / f"{name}.svg") for name, steps in JOURNEYS.items()]


def draw_journey(steps: list[tuple[str, str]], path: Path) -> Path:
    """Boxes from top to bottom: the file on the left, what it gives on the right."""
    import matplotlib as mpl

    from nasbench_kit.figures.inline import InlineFigure

    with mpl.rc_context({"font.size": 10, "svg.hashsalt": "nasbench-kit", "svg.fonttype": "none"}):
        figure = InlineFigure(figsize=(7.4, 0.56 * len(steps) + 0.2))
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(0, 10), ylim=(-len(steps) + 0.45, 0.55))
        axes.axis("off")
        for i, (file, gives) in enumerate(steps):
            axes.text(
                0.15, -i, file, va="center", family="monospace",
                bbox={"boxstyle": "round,pad=0.35", "facecolor": "#E8F1F8", "edgecolor": "#0072B2"},
            )  # fmt: skip
            axes.text(4.5, -i, gives, va="center", color="#222222")
            if i:
                axes.annotate(
                    "", xy=(0.55, -i + 0.3), xytext=(0.55, -i + 0.72),
                    arrowprops={"arrowstyle": "-|>", "color": "#0072B2", "linewidth": 1.4},
                )  # fmt: skip
        return write_picture(figure, path)
