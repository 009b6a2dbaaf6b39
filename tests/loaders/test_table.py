"""The loader for any CSV or Parquet: mappings, axes, and files with something wrong in them."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

import nasbench_kit as nk
from nasbench_kit.loaders import frames
from nasbench_kit.loaders.mapping import ColumnMap, read_mapping

SPACE = nk.space("nas-bench-macro")
MAPPING = """
space = "nas-bench-macro"
name = "mine"
[provenance]
licence = "CC0"
[[table]]
architecture = "arch"
column = [
  "acc=cifar10/valid_accuracy@4",
  {column = "hours", dataset = "cifar10", metric = "training_time", epochs = 4, scale = 3600},
]
"""


@pytest.fixture
def frame():
    n = SPACE.size
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {"arch": SPACE.decode(SPACE.all()), "acc": rng.uniform(0, 100, n), "hours": rng.uniform(1, 2, n)}
    )


def mapped(tmp_path, text=MAPPING):
    path = tmp_path / "mapping.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_every_value_arrives(tmp_path, frame, kind):
    path = tmp_path / f"data.{kind}"
    frame = frame.sample(frac=1, random_state=0)
    frame.to_parquet(path) if kind == "parquet" else frame.to_csv(path, index=False)
    bench = nk.convert(path, tmp_path / "out.h5", mapping=mapped(tmp_path))
    X = SPACE.encode(frame["arch"])
    assert bench.query(X, "valid_accuracy").tolist() == frame["acc"].tolist()
    np.testing.assert_allclose(bench.query(X, "training_time"), frame["hours"] * 3600)
    assert bench.info["licence"] == "CC0"
    assert bench.info["source"] == path.name
    assert bench.seeds() == ()
    assert np.isnan(bench.query(X[:1], "valid_accuracy", epochs=4)).sum() == 0


def test_a_seed_column_becomes_an_axis(tmp_path, frame):
    long = pd.concat([frame.assign(seed=s, acc=frame["acc"] * (1 - s / 10_000)) for s in (111, 777)])
    long = long[~((long["seed"] == 777) & (long["arch"] == "00000000"))]
    path = tmp_path / "trials.csv"
    long.to_csv(path, index=False)
    text = MAPPING.replace('architecture = "arch"', 'architecture = "arch"\nseed = "seed"').replace(
        "  {column", "  #{column"
    )
    bench = nk.convert(path, tmp_path / "out.h5", mapping=mapped(tmp_path, text))
    assert bench.seeds() == (111, 777)
    x = SPACE.encode(["00000000", "00000001"])
    acc = frame["acc"].to_numpy()[:2]
    np.testing.assert_allclose(bench.query(x, "valid_accuracy", seed=111), acc * (1 - 0.0111))
    assert np.isnan(bench.query(x, "valid_accuracy", seed=777)).tolist() == [True, False]
    assert bench.query(x, "valid_accuracy")[0] == bench.query(x, "valid_accuracy", seed=111)[0]


def test_two_files_and_a_mean_beside_single_seeds(tmp_path, frame):
    folder = tmp_path / "folder"
    folder.mkdir()
    frame.to_csv(folder / "means.csv", index=False)
    frame.assign(seed=3).to_csv(folder / "trials.csv", index=False)
    text = """
    space = "nas-bench-macro"
    [[table]]
    file = "means.csv"
    architecture = "arch"
    column = ["acc=c/valid_accuracy@4"]
    [[table]]
    file = "trials.csv"
    architecture = "arch"
    seed = "seed"
    column = ["acc=c/valid_accuracy@12"]
    """
    bench = nk.convert(folder, tmp_path / "out.h5", mapping=mapped(tmp_path, text))
    x = SPACE.all()[:5]
    expected = frame["acc"].to_numpy()[:5]
    assert bench.seeds("c") == (3,)
    assert bench.query(x, "valid_accuracy", epochs=4).tolist() == expected.tolist()
    assert np.isnan(bench.query(x, "valid_accuracy", epochs=4, seed=3)).all()
    assert bench.query(x, "valid_accuracy", epochs=12, seed=3).tolist() == expected.tolist()
    both = text.replace("@12", "@4")
    with pytest.raises(nk.SourceError, match="single seeds and as a mean"):
        nk.convert(folder, tmp_path / "out.h5", mapping=mapped(tmp_path, both))


def test_numbers_and_official_indices(tmp_path):
    nb201 = nk.space("nb201")
    path = tmp_path / "indexed.csv"
    pd.DataFrame({"i": np.arange(nb201.size), "a": np.linspace(0, 100, nb201.size)}).to_csv(path, index=False)
    base = 'space = "nb201"\n[[table]]\narchitecture = "i"\nform = "{}"\ncolumn = ["a=c/valid_accuracy@1"]'
    by_index = nk.convert(path, tmp_path / "a.h5", mapping=mapped(tmp_path, base.format("official_index")))
    by_number = nk.convert(path, tmp_path / "b.h5", mapping=mapped(tmp_path, base.format("number")))
    X = nb201.from_official_index([7])
    assert by_index.query(X, "valid_accuracy")[0] == pytest.approx(7 * 100 / 15624)
    assert by_number.query(nb201.from_number([7]), "valid_accuracy")[0] == pytest.approx(7 * 100 / 15624)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="acc"), "unknown column 'acc'"),
        (
            lambda f: f.assign(acc=f["acc"].astype(object).where(f.index != 5, "n/a?")),
            "row 5, column 'acc': 'n/a\\?' is not a number",
        ),
        (
            lambda f: f.assign(acc=f["acc"].where(f.index != 5, 101)),
            "row 5, column 'acc': valid_accuracy is 101.0, outside its range 0 to 100",
        ),
        (lambda f: f.assign(acc=f["acc"].where(f.index != 5, np.inf)), "infinite"),
        (lambda f: f.assign(arch=f["arch"].where(f.index != 5, "0123")), "column 'arch'.*8 characters"),
        (lambda f: pd.concat([f, f.iloc[:1]]), "row 0 appears twice"),
        (lambda f: f.iloc[: 6561 - 27], r"lacks \d+ of the 3969 networks"),
        (lambda f: f.iloc[:0], "no rows"),
    ],
)
def test_files_with_something_wrong(tmp_path, frame, change, message):
    path = tmp_path / "data.csv"
    change(frame).to_csv(path, index=False)
    target = tmp_path / "out.h5"
    target.write_bytes(b"what was there")
    with pytest.raises(nk.SourceError, match=message) as caught:
        nk.convert(path, target, mapping=mapped(tmp_path))
    assert "data.csv" in str(caught.value)
    assert target.read_bytes() == b"what was there"


def test_a_truncated_gzip(tmp_path, frame):
    path = tmp_path / "data.csv.gz"
    frame.to_csv(path, index=False)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(nk.SourceError, match="is truncated"):
        nk.convert(path, tmp_path / "out.h5", mapping=mapped(tmp_path))
    path.write_bytes(gzip.compress(b"\x00\xff" * 1000))
    with pytest.raises(nk.SourceError):
        nk.convert(path, tmp_path / "out.h5", mapping=mapped(tmp_path))


def test_partial_tables(tmp_path, frame):
    path = tmp_path / "data.csv"
    frame.iloc[:100].to_csv(path, index=False)
    bench = nk.convert(path, tmp_path / "out.h5", mapping=mapped(tmp_path), partial=True)
    assert len(bench) == 100
    assert bench.info["missing_networks"] > 3800


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t: t.replace("[[table]]", "[[tables]]"), "unknown field 'tables'; did you mean 'table'"),
        (lambda t: t.replace('architecture = "arch"', ""), "the field 'architecture' is missing"),
        (lambda t: t.replace("@4", "@four"), "a column mapping must have the form"),
        (lambda t: t.replace("scale = 3600", "skale = 3600"), "unknown field 'skale'; did you mean 'scale'"),
        (lambda t: t + "x = [", "not valid TOML"),
        (lambda t: t.replace("nas-bench-macro", "nas-bench-makro"), "did you mean 'nas-bench-macro'"),
    ],
)
def test_mappings_with_something_wrong(tmp_path, frame, edit, message):
    path = tmp_path / "data.csv"
    frame.to_csv(path, index=False)
    with pytest.raises(nk.NasbenchKitError, match=message):
        nk.convert(path, tmp_path / "out.h5", mapping=mapped(tmp_path, edit(MAPPING)))


def test_a_table_without_a_mapping(tmp_path, frame):
    path = tmp_path / "data.csv"
    frame.to_csv(path, index=False)
    with pytest.raises(nk.SourceError, match="needs a mapping of its columns"):
        nk.convert(path, tmp_path / "out.h5")


def test_column_maps():
    assert ColumnMap.parse("a b=c10/test_accuracy@12#777*0.5") == ColumnMap("a b", "c10", "test_accuracy", 12, 777, 0.5)
    assert ColumnMap.parse("p=d/params*1e6") == ColumnMap("p", "d", "params", scale=1e6)
    for bad in ("a", "a=b", "a=b/", "=b/c", "a=b/c@x"):
        with pytest.raises(nk.SourceError):
            ColumnMap.parse(bad)


# -------------------------------------------------------------------- what a metric is


def custom(tmp_path, frame, column):
    frame.to_csv(tmp_path / "data.csv", index=False)
    text = MAPPING.replace('"acc=cifar10/valid_accuracy@4"', column)
    return nk.convert(tmp_path / "data.csv", tmp_path / "out.h5", mapping=mapped(tmp_path, text))


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["val_acc", "ssim", "roc_auc", "throughput", "frames_per_second"])
def test_a_name_that_looks_like_a_gain_needs_its_direction(tmp_path, frame, metric):
    with pytest.raises(nk.SourceError, match=rf"direction = \"max\".*--column 'acc=cifar10/{metric}@8:max'"):
        custom(tmp_path, frame, f'"acc=cifar10/{metric}@8"')
    assert not (tmp_path / "out.h5").exists()
    bench = custom(tmp_path, frame, f'"acc=cifar10/{metric}@8:max"')
    best = frame["acc"].max()
    assert bench.metric(metric).direction == "max"
    problem = bench.problem(metric)
    assert problem.seed == "mean"  # there is nothing else
    assert problem.bounds[0, 0] == -best
    assert bench.front([metric])[1][0, 0] == best
    result = nk.search(problem, nk.RegularizedEvolution(), runs=10, evaluations=3000)
    assert result.best(metric).max() == best
    assert result.trace[metric].max() == best


def test_a_metric_of_no_known_direction_is_no_objective_until_it_is_said(tmp_path, frame):
    bench = custom(tmp_path, frame, '"acc=cifar10/perplexity@8"')
    assert bench.metric("perplexity").direction is None
    for ask in (lambda: bench.problem("perplexity"), lambda: bench.front(["perplexity", "params"])):
        with pytest.raises(ValueError, match="the direction of perplexity is not stored"):
            ask()
    problem = bench.problem("perplexity", directions={"perplexity": "min"})
    assert problem.bounds[0, 0] == frame["acc"].min()
    with pytest.raises(nk.UnknownName, match="Directions can only be given for objectives"):
        bench.problem("perplexity", directions={"perplexty": "min"})


def test_all_that_a_mapping_says_of_a_metric_is_stored(tmp_path, frame):
    column = (
        '{column = "acc", dataset = "cifar10", metric = "psnr", epochs = 4, direction = "max", units = "dB", '
        'range = [0, 120], split = "test", depends_on_seed = true}'
    )
    bench = custom(tmp_path, frame, column)
    metric = nk.open(bench.path).metric("psnr")
    assert (metric.direction, metric.units, metric.range, metric.split) == ("max", "dB", (0.0, 120.0), "test")
    assert metric.depends_on_seed
    with pytest.warns(nk.TestSelectionWarning, match="selects on psnr"):
        bench.problem("psnr")


def test_fractions_are_no_percentages(tmp_path, frame):
    frame["acc"] /= 100
    with pytest.raises(nk.SourceError, match=r"between 0 and 0.99\d+, but its unit is percent: set scale = 100"):
        custom(tmp_path, frame, '"acc=cifar10/valid_accuracy@4"')
    assert custom(tmp_path, frame, '"acc=cifar10/valid_accuracy@4*100"').query(SPACE.all(), "valid_accuracy").max() > 99
    assert custom(tmp_path, frame, '"acc=cifar10/valid_accuracy@4*1"').query(SPACE.all(), "valid_accuracy").max() < 1


def test_what_is_stored_passes_its_validation(tmp_path, frame):
    from nasbench_kit.benchmark.validation import validate

    frame["acc"] -= 50
    bench = custom(tmp_path, frame, '"acc=cifar10/log_likelihood@4:max"')
    checks = {check.name: check for check in validate(bench.path)}
    assert checks["values in range"].passed
    with pytest.raises(nk.SourceError, match="valid_loss is -.*, outside its range 0 to inf"):
        custom(tmp_path, frame, '"acc=cifar10/valid_loss@4"')
    column = '{column = "acc", dataset = "cifar10", metric = "valid_loss", range = [-100, 100]}'
    bench = custom(tmp_path, frame, column)
    assert {check.name: check for check in validate(bench.path)}["values in range"].passed


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            '{column = "acc", dataset = "c", metric = "m", direction = "up"}',
            "direction must be 'max' or 'min', not 'up'",
        ),
        ('{column = "acc", dataset = "c", metric = "m", split = "dev"}', "split must be 'train', 'valid' or 'test'"),
        ('{column = "acc", dataset = "c", metric = "m", range = [1]}', "range must be two numbers"),
        ('{column = "acc", dataset = "c", metric = "m", range = [2, 1]}', "from a lower to a higher value"),
        ('{column = "acc", dataset = "c", metric = "m", epochs = 1.5}', "epochs must be an integer, not 1.5"),
        ('{column = "acc", dataset = "c", metric = "m", scale = nan}', "scale must be finite and not 0"),
        ('{column = 3, dataset = "c", metric = "m"}', "column must be text, not 3"),
        ('"acc=c/m@0"', "epochs must be at least 1.*not 0"),
    ],
)
def test_columns_that_make_no_sense(tmp_path, frame, column, message):
    with pytest.raises(nk.SourceError, match=message):
        custom(tmp_path, frame, column)


def test_columns_of_one_metric_may_not_contradict_each_other(tmp_path, frame):
    frame["later"] = frame["acc"]
    with pytest.raises(nk.SourceError, match="has the direction 'max' in one column but 'min' in another"):
        custom(tmp_path, frame, '"acc=cifar10/m@4:max", "later=cifar10/m@8:min"')


# -------------------------------------------------------------------- text files of all kinds


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_byte_order_marks_and_separators(tmp_path, frame, encoding, separator):
    frame.to_csv(tmp_path / "data.csv", index=False, sep=separator, encoding=encoding)
    bench = nk.convert(tmp_path / "data.csv", tmp_path / "out.h5", mapping=mapped(tmp_path))
    assert bench.query(SPACE.encode(frame["arch"]), "valid_accuracy").tolist() == frame["acc"].tolist()


def test_a_row_that_is_longer_than_the_header_never_shifts(tmp_path, frame):
    path = tmp_path / "data.csv"
    frame.to_csv(path, index=False)
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *(f"{row}," for row in rows)]))
    with pytest.raises(nk.SourceError, match="rows have more fields than the header"):
        nk.convert(path, tmp_path / "out.h5", mapping=mapped(tmp_path))
    path.write_text("\n".join([header.replace("hours", "acc"), *rows]))
    with pytest.raises(nk.SourceError, match="2 columns are named 'acc'"):
        nk.convert(path, tmp_path / "out.h5", mapping=mapped(tmp_path))


@pytest.mark.parametrize("text", ["9_0", "٩٠", "90,5"])
def test_numbers_that_only_python_reads(tmp_path, frame, text):
    frame["acc"] = frame["acc"].astype(object)
    frame.loc[3, "acc"] = text
    with pytest.raises(nk.SourceError, match=f"row 3, column 'acc': '{text}' is not a number"):
        custom(tmp_path, frame, '"acc=cifar10/valid_accuracy@4"')


# -------------------------------------------------------------------- files that want more than they are


def test_a_file_outside_of_the_folder_is_not_read(tmp_path, frame):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret,content\n1,2\n")
    for name in ("../secret", str(tmp_path / "secret")):
        text = MAPPING.replace('architecture = "arch"', f'architecture = "arch"\nfile = "{name}"')
        with pytest.raises(nk.SourceError, match="outside this folder") as caught:
            nk.convert(folder, tmp_path / "out.h5", mapping=mapped(tmp_path, text))
        assert "content" not in str(caught.value)


@pytest.mark.parametrize("name", ["../escaped", "/abs", "a/b", "", "x\\u0000"])
def test_a_name_stays_in_the_store_folder(tmp_path, name):
    with pytest.raises(nk.SourceError, match="may contain only letters"):
        read_mapping(mapped(tmp_path, MAPPING.replace('name = "mine"', f'name = "{name}"')))


def test_a_few_bytes_that_unpack_to_gigabytes(tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "MOST_UNPACKED", 2**20)
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(b"arch,acc,hours\n" + b"0" * 2**26))
    with pytest.raises(nk.SourceError, match="decompresses to more than"):
        nk.convert(path, tmp_path / "out.h5", mapping=mapped(tmp_path))


def test_one_long_text_does_not_take_memory_for_all(tmp_path, frame):
    frame.loc[5, "arch"] = "0" * 30_000
    frame.to_csv(tmp_path / "data.csv", index=False)
    with pytest.raises(nk.SourceError, match="row 5, column 'arch': 30,000 characters are too many"):
        nk.convert(tmp_path / "data.csv", tmp_path / "out.h5", mapping=mapped(tmp_path))


def test_a_message_does_not_list_thousands_of_columns(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(",".join(f"column {i}" for i in range(50_000)) + "\n")
    with pytest.raises(nk.SourceError, match="unknown column 'acc'") as caught:
        nk.convert(path, tmp_path / "out.h5", mapping=mapped(tmp_path))
    assert len(str(caught.value)) < 3000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("space = 3\n[[table]]\narchitecture = 'a'\ncolumn = []", "space must be text, not 3"),
        ("space = 'nb201'\ntable = 7", "expected a table of fields"),
        ("space = 'nb201'\n[[table]]\narchitecture = 1979-05-27\ncolumn = []", "architecture must be text"),
        ("space = 'nb201'\n[[table]]\narchitecture = 'a'\ncolumn = 'x'", "column must be a list"),
        ("space = 'nb201'\n[[table]]\narchitecture = 'a'\ncolumn = [3]", "expected a table of fields, not 3"),
        ("x = " + "[" * 100_000, "not valid TOML"),
    ],
)
def test_mappings_of_wrong_types(tmp_path, text, message):
    with pytest.raises(nk.SourceError, match=message) as caught:
        read_mapping(mapped(tmp_path, text))
    assert len(str(caught.value)) < 2000
