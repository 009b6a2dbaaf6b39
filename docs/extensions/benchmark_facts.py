"""The directive ``benchmark-facts``: what the specifications and the bundled stores say.

Licences, citations, addresses and checksums are written once, in the ``spec.py`` of a space; what a store holds, in the
store. Pages show both from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import nasbench_kit
from nasbench_kit.benchmark import Benchmark, open_benchmark
from nasbench_kit.data.catalogue import sources
from nasbench_kit.data.references import bibtex, cited_references
from nasbench_kit.spaces import space, spec
from nasbench_kit.spaces.published import Published, Source

__all__ = ["BenchmarkFacts", "setup"]

BUNDLED = Path(nasbench_kit.__file__).parent / "data"  # never a store of whoever builds the site


def bundled(name: str) -> Benchmark:
    """A bundled store, whatever the store folder of the user holds."""
    return open_benchmark(BUNDLED / f"{name}.h5")


def space_rows(name: str) -> list[tuple[str, str]]:
    """What is known of a search space."""
    made = space(name)
    rows = [("genotypes", _count(made.size)), ("genes", str(made.genes))]
    if made.networks is not None:
        rows.append(("different networks", f"{made.networks:,}"))
    example = made.decode(made.sample(1, 0))[0]
    rows.append(("a native form", str(example)))
    known = spec(name)
    rows.append(("in PyTorch", "yes" if known.network else "no"))
    if known.recipe is not None:
        rows.append(("published training", known.recipe.source))
    return [*rows, ("cite", known.citation)]


def source_rows(found: Source) -> list[tuple[str, str]]:
    """What is known of published files."""
    rows = [("from", found.page), ("licence", found.licence), ("cite", found.citation)]
    return [*rows, ("commit", found.commit)] if found.commit else rows


def file_row(file: Published) -> tuple[str, str, str]:
    """Name, size and checksum of a published file."""
    if file.sha256:
        checksum = f"SHA-256 {file.sha256}"
    elif file.md5:
        checksum = f"MD5 {file.md5}"
    else:
        checksum = f"MD5 ends in {file.md5_end}" if file.md5_end else "none published"
    if not file.stated and (file.sha256 or file.md5):
        checksum += " (reported by others, not stated by the authors)"
    return file.name, _bytes(file.size), checksum


def store_rows(name: str) -> list[tuple[str, ...]]:
    """The metrics of a bundled store: those that differ in their names alone in one row, names on lines."""
    bench = bundled(name)
    datasets: dict[tuple[str, ...], list[str]] = {}
    for dataset in bench.datasets:
        for metric in bench.metrics(dataset):
            about = bench.metric(metric, dataset)
            better = {"max": "more", "min": "less"}.get(about.direction or "", "not stated")
            epochs, seeds = bench.epochs(dataset, metric), bench.seeds(dataset, metric)
            row = (metric, about.units, better, _some(epochs), _some(seeds))
            datasets.setdefault(row, []).append(dataset)
    metrics: dict[tuple[str, ...], list[str]] = {}
    for (metric, *rest), found in datasets.items():
        metrics.setdefault((*rest, ", ".join(found)), []).append(metric)
    return [("\n".join(names), *rest) for rest, names in metrics.items()]


def _count(number: int) -> str:
    return f"{number:,}" if number < 10**15 else f"{number:.1e}"


def _bytes(size: int | None) -> str:
    return "not known" if size is None else f"{size / 1e6:,.1f} MB"


def _some(values: Iterable[int]) -> str:
    found = [str(value) for value in values]
    return ", ".join(found) if len(found) <= 6 else f"{found[0]} to {found[-1]}"


def _text(value: str) -> nodes.Node:
    if value.startswith("https://"):
        return nodes.paragraph("", "", nodes.reference("", value.removeprefix("https://"), refuri=value))
    return nodes.paragraph("", value)


def _code(value: str) -> nodes.Node:
    found = nodes.paragraph()
    for word in value.split("\n"):
        found += [nodes.literal("", word), nodes.Text(" ")]
    return found


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], code: tuple[int, ...] = (0,)) -> nodes.Element:
    """A table of texts; the columns in ``code`` are set as code."""
    width = len(head)
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in head), cols=width)
    if any(head):
        top = nodes.row("", *(nodes.entry("", nodes.paragraph("", text)) for text in head))
        group += nodes.thead("", top)
    body = nodes.tbody()
    for cells in rows:
        row = nodes.row()
        for column, cell in enumerate(cells):
            row += nodes.entry("", _code(cell) if column in code and cell else _text(cell))
        body += row
    group += body
    return nodes.table("", group, classes=["facts"])


class BenchmarkFacts(SphinxDirective):
    """A fenced block whose lines say of what: ``spaces: NAME ...``, ``sources: NAME ...``, ``stores: NAME ...``."""

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        wanted = {key.strip(): names.split() for key, _, names in (line.partition(":") for line in self.content)}
        unknown = set(wanted) - {"spaces", "sources", "stores"}
        if unknown:
            raise self.error(f"benchmark-facts knows spaces, sources and stores, not {', '.join(sorted(unknown))}")
        found: list[nodes.Node] = []
        for name in wanted.get("stores", ()):
            bench = bundled(name)
            self.env.note_dependency(str(BUNDLED / f"{name}.h5"))
            found.append(
                self._lead(f"The table {name}", f", bundled: {len(bench):,} records. Licence: {bench.info['licence']}.")
            )
            found.append(table(("metric", "unit", "better", "epochs", "seeds", "datasets"), store_rows(name)))
        for name in wanted.get("spaces", ()):
            found.append(self._lead(f"The space {name}", ""))
            found.append(table(("", ""), space_rows(name), ()))
        for name in wanted.get("sources", ()):
            source = sources()[name]
            found.append(self._lead(f"The published files {name}", ""))
            found.append(table(("", ""), source_rows(source), ()))
            if source.files:
                found.append(table(("file", "size", "checksum"), map(file_row, source.files)))
            entries = bibtex(cited_references(source.citation))
            if entries:
                found.append(nodes.literal_block(entries, entries, language="bibtex"))
        return found

    def _lead(self, name: str, rest: str) -> nodes.Node:
        return nodes.paragraph("", "", nodes.strong("", name), nodes.Text(rest))


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("benchmark-facts", BenchmarkFacts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
