"""What every loader owes: one suite over all source formats."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.loaders import formats, load, recognise
from tests.fuzz.kinds import TABLE, TABLES, kinds

# a small valid source of each format; only the table format needs a mapping
KINDS = {
    "macronas": ("macronas",),
    "nas-bench-macro": ("nas-bench-macro",),
    "nb101": ("nb101",),
    "nb201": ("nb201", "nb201-zip"),
    "nas-bench-nlp": ("nlp-zip", "nlp-folder"),
    "nats": ("nats-folder", "nats-tar", "nats-file", "nats-size-folder", "nats-size-tar", "nats-size-file"),
    "accel-nasbench": ("accel-nasbench", "accel-nasbench-folder"),
    "nas-bench-graph": ("graph-folder",),
    "transnas": ("transnas.csv",),
    "table": tuple(name for name in TABLES if name in kinds()),
}
# whole by nature: one number per cell, by position; tests/loaders/test_nb101_test.py tests what is refused
WHOLE = {"nb101-test"}
# samples of spaces that nobody has covered: partial by nature
SAMPLES = {"nas-bench-nlp"}
SOURCES = [(source_format, kind) for source_format, names in KINDS.items() for kind in names]


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    found = {}
    for _, kind in SOURCES:
        found[kind] = folder / kind
        kinds()[kind].write(found[kind])
    return found


def mapping_of(path, source_format):
    return {"mapping": TABLES.get(path.name, TABLE)} if source_format == "table" else {}


def read(path, source_format, **options):
    mapping = mapping_of(path, source_format)
    return load(path, source_format=source_format, partial=True, **mapping, **options)


def test_every_format_has_a_source_here():
    assert set(KINDS) | WHOLE == set(formats())


@pytest.mark.parametrize(("source_format", "kind"), SOURCES)
def test_a_source_is_read_and_says_where_it_is_from(source_format, kind, sources):
    table = read(sources[kind], source_format)
    assert len(table.architectures)
    assert table.space.is_valid(table.architectures).all()
    assert len(np.unique(table.architectures, axis=0)) == len(table.architectures)
    assert {"source", "sha256", "size"} <= set(table.provenance)
    assert len(table.provenance["sha256"]) == 64
    for metrics in table.metrics.values():
        for name, column in metrics.items():
            about = column.described(name)
            assert not about.outside(column.values).any(), name
    if source_format != "table":
        assert table.provenance["licence"]
        assert "arXiv" in table.provenance["citation"]
        assert recognise(sources[kind]) == source_format


@pytest.mark.slow
@pytest.mark.parametrize(("source_format", "kind"), SOURCES)
def test_reading_twice_gives_the_same_store(source_format, kind, sources, tmp_path):
    stores = []
    for i in range(2):
        mapping = mapping_of(sources[kind], source_format)
        options = {"source_format": source_format, "partial": True, "progress": False, **mapping}
        stores.append(nk.convert(sources[kind], tmp_path / f"{i}.h5", **options))
    assert stores[0].digest == stores[1].digest
    stores[0].check_file()


@pytest.mark.parametrize(("source_format", "kind"), [s for s in SOURCES if s[0] not in {"table", *SAMPLES}])
def test_a_part_is_refused_unless_it_is_asked_for(source_format, kind, sources):
    with pytest.raises(nk.SourceError, match=r"--partial|partial=True"):
        load(sources[kind], source_format=source_format)


@pytest.mark.parametrize("source_format", formats())
def test_what_is_no_source(source_format, tmp_path):
    empty, pointer, other = tmp_path / "empty", tmp_path / "pointer", tmp_path / "other"
    empty.touch()
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    other.write_bytes(bytes(range(256)) * 4)
    for path, message in (
        (tmp_path / "missing", "no such file"),
        (empty, "is empty"),
        (pointer, "Git LFS pointer"),
        (other, "."),
    ):
        with pytest.raises(nk.SourceError, match=message) as caught:
            read(path, source_format)
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("source_format", "kind"), [s for s in SOURCES if not s[1].endswith("-folder")])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.97])
def test_a_source_that_is_cut_off(source_format, kind, share, sources, tmp_path):
    content = sources[kind].read_bytes()
    path = tmp_path / kind
    path.write_bytes(content[: int(len(content) * share)])
    if source_format in (
        "table",
        "transnas",
        "nats",
    ):  # only rows of text and members of an archive may simply be fewer
        with contextlib.suppress(nk.SourceError):
            assert len(read(path, source_format).architectures) >= 0
        return
    with pytest.raises(nk.SourceError, match=path.name):
        read(path, source_format)


def test_an_option_that_a_format_does_not_take(sources):
    with pytest.raises(nk.SourceError, match="curves only applies to the format nb201, nats, not to macronas"):
        load(sources["macronas"], source_format="macronas", curves=True)
    with pytest.raises(nk.UnknownName, match="did you mean 'nb201'"):
        load(sources["nb201"], source_format="nb20")
