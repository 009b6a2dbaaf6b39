"""The command line as a user meets it: output, pipes, exit statuses, one line for every mistake."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import COMMANDS, main
from nasbench_kit.cli.output import say
from nasbench_kit.figures.style import STYLES
from tests.conftest import made_up_table
from tests.loaders.test_nas_bench_macro import records


@pytest.fixture
def call(capsys):
    def run(*words):
        try:
            status = main([str(word) for word in words])
        except SystemExit as stop:
            status = stop.code
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_help_everywhere(call):
    status, out, _ = call("--help")
    assert status == 0
    assert all(name in out for name in COMMANDS)
    for name in COMMANDS:
        status, out, err = call(name, "--help")
        assert (status, err) == (0, "")
        assert "usage" in out
    assert call("--version")[1].strip()
    assert call()[0] == 2
    status, _, err = call("compar")
    assert status == 2
    assert "invalid choice" in err


def test_an_encoding_that_lacks_a_character(monkeypatch):
    shown = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr("nasbench_kit.cli.cite.run", lambda options: say("\N{GREEK SMALL LETTER SIGMA} = 1") or 0)
    assert main(["cite", "nb201"]) == 0
    assert shown.buffer.getvalue().strip() == rb"\u03c3 = 1"


def test_list_and_info(call, store):
    status, out, _ = call("list")
    assert status == 0
    assert "nb201-digits" in out
    listed = json.loads(call("list", "--json")[1])
    assert "nb201-digits" in [b["name"] for b in listed["benchmarks"]]
    assert "nsga-net-macro" in listed["configurations"]
    assert "nsga-net-macro" in out
    status, out, _ = call("info", store)
    assert status == 0
    assert "made up" in out
    info = json.loads(call("info", store, "--json")[1])
    assert info["architectures"] == 15625
    assert {
        "dataset": "cifar10",
        "metric": "valid_accuracy",
        "unit": "percent",
        "better": "more",
        "split": "valid",
        "range": [0.0, 100.0],
        "depends_on_seed": True,
        "epochs": [4, 12],
        "seeds": [111, 777, 888],
    } in info["content"]


def test_query_from_arguments_a_file_and_stdin(call, store, tmp_path, monkeypatch):
    bench = nk.open(store)
    natives = bench.space.decode(bench.space.sample(3, 0))
    expected = bench.query(bench.space.encode(natives), ["valid_accuracy", "params"])
    status, out, _ = call("query", store, *natives, "--metrics", "valid_accuracy", "params")
    assert status == 0
    lines = [line.split("\t") for line in out.splitlines()]
    assert lines[0] == ["architecture", "valid_accuracy", "params"]
    assert [[float(value) for value in line[1:]] for line in lines[1:]] == expected.tolist()
    (tmp_path / "natives.txt").write_text("\n".join(natives) + "\n\n")
    assert call("query", store, "--file", tmp_path / "natives.txt", "--metrics", "valid_accuracy", "params")[1] == out
    piped = subprocess.run(
        [sys.executable, "-m", "nasbench_kit", "query", str(store), "--metrics", "valid_accuracy", "params"],
        input="\n".join(natives), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert piped.stdout == out
    found = json.loads(call("query", store, natives[0], "--epochs", 4, "--seed", 111, "--json")[1])
    assert found[0]["valid_accuracy"] == bench.query(
        bench.space.encode(natives[:1]), "valid_accuracy", epochs=4, seed=111
    )


@pytest.mark.posix
@pytest.mark.slow
def test_a_closed_pipe_is_no_error(store):
    natives = "\n".join(nk.space("nb201").decode(nk.space("nb201").all()))
    command = f"{sys.executable} -m nasbench_kit query {store} | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], input=natives, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_convert_validate_compare(call, tmp_path, monkeypatch):
    monkeypatch.setenv("NASBENCH_KIT_HOME", str(tmp_path / "home"))
    source = tmp_path / "anything.json"
    source.write_text(json.dumps(records()))
    status, out, _ = call("convert", source)
    assert status == 0
    assert "6,561 architectures" in out
    assert "nas-bench-macro" in nk.list_benchmarks()
    status, out, _ = call("validate", "nas-bench-macro", "--source", source)
    assert status == 0
    assert "FAILED" not in out
    assert "3,969" in out
    picture = tmp_path / "pictures" / "p.png"
    status, out, err = call(
        "compare",
        "nas-bench-macro",
        "--runs",
        5,
        "--evaluations",
        60,
        "--plot",
        picture,
        "--output",
        tmp_path / "saved",
    )
    assert status == 0
    assert "selects on test_accuracy" in err
    assert "RegularizedEvolution" in out
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert nk.load_result(tmp_path / "saved" / "RandomSearch.h5").runs == 5


@pytest.mark.posix
@pytest.mark.slow
def test_results_are_saved_before_a_pipe_closes(tmp_path):
    command = f"{sys.executable} -m nasbench_kit compare --runs 2 --evaluations 10 -o {tmp_path / 'r'} | head -n 1"
    subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    assert list((tmp_path / "r").glob("*.h5"))


@pytest.mark.slow
def test_validate_says_no_to_a_tampered_store(call, store, tmp_path):
    from nasbench_kit.store import StoreFile

    content = bytearray(store.read_bytes())
    content[StoreFile(store).metrics["cifar10"]["valid_accuracy"].offset + 8] ^= 255
    (tmp_path / "bad.h5").write_bytes(content)
    status, out, _ = call("validate", tmp_path / "bad.h5")
    assert status == 1
    assert "FAILED" in out
    assert json.loads(call("validate", tmp_path / "bad.h5", "--json")[1])["passed"] is False


@pytest.mark.slow
def test_validate_compares_with_the_source(call, tmp_path):
    from nasbench_kit.store import MetricColumn, Table, write_store

    source = tmp_path / "macro.json"
    source.write_text(json.dumps(records()))
    bench = nk.convert(source, tmp_path / "macro.h5")
    values = np.stack([bench.query(bench.architectures, "test_accuracy", seed=s) for s in range(3)], axis=1)[:, None]
    values[4000] += 0.01
    metrics = {
        name: MetricColumn(bench.query(bench.architectures, name).astype(np.int64)) for name in ("params", "flops")
    }
    metrics["test_accuracy"] = MetricColumn(values, (50,), (0, 1, 2))
    write_store(tmp_path / "macro.h5", Table(bench.space, np.array(bench.architectures), {"cifar10": metrics}))
    status, out, _ = call("validate", tmp_path / "macro.h5", "--source", source, "--sample", 10_000)
    assert status == 1
    assert "in the source" in out


@pytest.mark.slow
def test_convert_with_curves(call, tmp_path):
    from tests.official.nb201 import write_nats_simple

    write_nats_simple(tmp_path / "folder", [0, 1])
    status, out, err = call("convert", tmp_path / "folder", tmp_path / "nats.h5", "--partial", "--curves")
    assert status == 0
    assert "2 architectures of nb201" in out
    assert "cifar10-valid-curves-200" in out
    status, out, _ = call("info", tmp_path / "nats.h5")
    assert status == 0
    assert "1 ... 200" in out
    status, _, err = call("convert", tmp_path / "folder", tmp_path / "nats.h5")
    assert status == 2
    assert "lacks 15623 of the 15625" in err


@pytest.mark.slow
def test_validate_against_the_official_package(call, tmp_path, monkeypatch):
    pytest.importorskip("nats_bench")
    from tests.official.nb201 import write_nats_file, write_nats_simple, write_nats_tar

    write_nats_simple(tmp_path / "folder", [0, 1, 2])
    write_nats_file(tmp_path / "single.pickle.pbz2", [0, 1, 2])
    write_nats_tar(tmp_path / "archive.tar", [0, 1, 2])
    path = tmp_path / "nats.h5"
    assert call("convert", tmp_path / "folder", path, "--partial")[0] == 0
    for name in ("folder", "single.pickle.pbz2"):
        status, out, _ = call("validate", path, "--against", tmp_path / name)
        assert status == 0
        assert "values of 3 architectures are equal" in out
    status, _, err = call("validate", path, "--against", tmp_path / "archive.tar")
    assert status == 2
    assert "unpack it" in err
    # another file's values are not these
    write_nats_simple(tmp_path / "other", [0, 1, 2], seed=1)
    status, out, _ = call("validate", path, "--against", tmp_path / "other")
    assert status == 1
    assert "in the official package" in out
    (tmp_path / "folder" / "000001.pickle.pbz2").unlink()
    status, _, err = call("validate", path, "--against", tmp_path / "folder")
    assert status == 2
    assert "no record of architecture 1" in err
    monkeypatch.setitem(sys.modules, "nats_bench", None)
    status, _, err = call("validate", path, "--against", tmp_path / "folder")
    assert status == 2
    assert "pip install 'nasbench-kit[official]'" in err


@pytest.mark.slow
def test_validate_against_the_official_package_of_nas_bench_201(call, tmp_path, monkeypatch):
    from tests.official.nb201 import write_nb201_pth

    source = tmp_path / "file.pth"
    write_nb201_pth(source, [0, 1, 2])
    assert call("convert", source, tmp_path / "nb201.h5", "--partial")[0] == 0
    assert call("validate", tmp_path / "nb201.h5", "--source", source, "--partial")[0] == 0
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "nas_201_api", None)
        status, _, err = call("validate", tmp_path / "nb201.h5", "--against", source)
        assert status == 2
        assert "pip install 'nasbench-kit[official]'" in err
    pytest.importorskip("nas_201_api")
    status, out, _ = call("validate", tmp_path / "nb201.h5", "--against", source)
    assert status == 0
    assert "values of 3 architectures are equal" in out


@pytest.mark.slow
def test_compare_on_the_bundled_table(call):
    status, out, err = call("compare", "--runs", 4, "--evaluations", 50)
    assert status == 0
    assert "nb201-digits" in out
    assert "RandomSearch: done" in err
    status, out, _ = call(
        "compare", "--runs", 4, "--evaluations", 300, "--objectives", "valid_accuracy", "params", "--json"
    )
    found = json.loads(out)
    status, out, _ = call(
        *("compare", "--runs", 4, "--evaluations", 60, "--objectives", "valid_accuracy", "params", "--json"),
        *("--algorithms", "nsga-net-micro:population_size=20", "nsga2"),
    )
    assert [row["algorithm"][:5] for row in json.loads(out)["algorithms"]] == ["NSGA2"] * 2
    assert found["measure"] == "hypervolume"
    assert {row["algorithm"] for row in found["algorithms"]} == {
        "MOEAD",
        "MOGOMEA",
        "MOLocalSearch",
        "NSGA2",
        "NSGA3",
        "RandomSearch",
        "SMSEMOA",
        "SPEA2",
    }


def test_compare_by_another_indicator(call):
    words = ("compare", "--runs", 3, "--evaluations", 40, "--algorithms", "random-search", "nsga2:population_size=10")
    words += ("--objectives", "valid_accuracy", "params", "--indicator", "epsilon")
    status, out, _ = call(*words)
    assert status == 0
    assert "additive epsilon: by how much the archive must be shifted" in out
    found = json.loads(call(*words, "--json")[1])
    assert (found["measure"], found["direction"]) == ("epsilon", "min")
    assert sorted(found["scale"]) == ["ideal", "nadir"]


def test_search_a_table(call, tmp_path):
    words = ("search", "--benchmark", "nb201-digits", "--epochs", 4, "--runs", 3, "--evaluations", 60, "--seed", 5)
    status, out, err = call(*words, "-o", tmp_path / "r.h5")
    assert status == 0
    assert "RegularizedEvolution on nb201-digits/digits: search on valid_accuracy (4 epochs)" in out
    assert re.search(r"used per run: 60 evaluations of \d+ networks, [\d.]+ s of simulated training", out)
    assert f"wrote {tmp_path / 'r.h5'}" in err
    bench = nk.open("nb201-digits")
    expected = nk.search(
        bench.problem("valid_accuracy", epochs=4), nk.RegularizedEvolution(), runs=3, evaluations=60, seed=5
    )
    assert nk.load_result(tmp_path / "r.h5") == expected
    found = json.loads(call(*words, "--json")[1])
    assert found["evaluations"] == [60] * 3
    assert [entry["genotype"] for entry in found["found"]] == expected.incumbents.tolist()
    np.testing.assert_array_equal(
        [entry["valid_accuracy"] for entry in found["found"]], expected.best("valid_accuracy", epochs=4)
    )
    np.testing.assert_array_equal([entry["test_accuracy"] for entry in found["found"]], expected.best("test_accuracy"))
    for entry in found["found"]:
        assert entry["architecture"] in out


def test_search_a_table_with_several_objectives(call):
    words = ("search", "--benchmark", "nb201-digits", "--algorithm", "nsga2:population_size=20", "--trial", "mean")
    problem = nk.open("nb201-digits").problem(["valid_accuracy", "flops"], seed="mean")
    expected = nk.search(problem, nk.NSGA2(population_size=20), runs=2, generations=4)
    found = json.loads(call(*words, "--generations", 4, "--runs", 2, "--json")[1])
    for run in range(2):
        X, F = expected.archive(run)
        entries = [entry for entry in found["found"] if entry["run"] == run]
        assert [entry["genotype"] for entry in entries] == X.tolist()
        np.testing.assert_allclose([[100 - e["valid_accuracy"], e["flops"]] for e in entries], F)
    np.testing.assert_allclose(found["hypervolume"], expected.hypervolume())
    out = call(*words, "--generations", 4, "--runs", 2)[1]
    assert f"{expected.hypervolume()[1]:.4f}" in out
    out = call(*words, "--generations", 4)[1]
    assert f"hypervolume {expected.hypervolume()[0]:.4f}, the exact front's is 1." in out
    assert all(native in out for native in problem.space.decode(expected.archive(0)[0]))


def test_search_shows_the_trial_that_was_searched(call, store):
    words = ("search", "nb201", "--benchmark", store, "--trial", 888, "--epochs", 12, "--missing", "skip", "--json")
    (entry,) = json.loads(call(*words)[1])["found"]
    bench = nk.open(store)
    assert entry["valid_accuracy"] == bench.query(entry["genotype"], "valid_accuracy", epochs=12, seed=888)[0]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="needs the extra 'plot'")
@pytest.mark.parametrize("objectives", [["valid_accuracy"], ["valid_accuracy", "params"]])
def test_search_draws_a_table(call, tmp_path, objectives):
    words = ("search", "--benchmark", "nb201-digits", "--evaluations", 60, "--runs", 2, "--objectives", *objectives)
    status, _, err = call(*words, "--plot", tmp_path / "r.svg")
    assert (status, f"wrote {tmp_path / 'r.svg'}" in err) == (0, True)
    assert (tmp_path / "r.svg").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give --benchmark NAME to search a table, or a search space to train networks of"),
        (
            ["nb201", "--charge", "all"],
            "--charge is for searching a table: leave it out, or search one with --benchmark",
        ),
        (["nb201", "--direction", "x=max"], "--direction is for searching a table"),
        (
            ["--benchmark", "nb201-digits", "--training-seeds", 1],
            "--training-seeds is for training networks: leave it out",
        ),
        (["--benchmark", "nb201-digits", "--onnx"], "--onnx is for training networks"),
        (["--benchmark", "nb201-digits", "--skeleton", "cells=1"], "--skeleton is for training networks"),
        (["nb101", "--benchmark", "nb201-digits"], "is a table of the space nb201, not nb101"),
        (["--benchmark", "nb20"], "unknown benchmark 'nb20'; did you mean 'nb201'"),
        (["--benchmark", "nb201-digits", "--dataset", "cifar10"], "unknown dataset 'cifar10'"),
        (["--benchmark", "nb201-digits", "--output", "absent/r.h5"], "there is no folder absent"),
        (["--benchmark", "nb201-digits", "--algorithm", "nsga2", "--objectives", "params"], "at least two objectives"),
        (["--benchmark", "nb201-digits", "--evaluations", 0], "evaluations must be"),
    ],
)
def test_mistakes_of_search_are_one_line(call, words, message):
    status, out, err = call("search", *words)
    assert (status, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_compare_writes_and_draws_what_it_is_told(call, tmp_path):
    words = ["compare", "--runs", 2, "--evaluations", 30, "--algorithms", "nsga2:population_size=4", "random-search"]
    words += ["--objectives", "valid_accuracy", "params"]
    picture = tmp_path / "p.svg"
    look = ["--plot", picture, "--figure", "front", "--style", "dark", "--width", 80]
    status, _, err = call(*words, "-o", tmp_path / "r", *look)
    assert status == 0
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == ["NSGA2-population_size=4.h5", "RandomSearch.h5"]
    assert f"wrote {picture}" in err
    text = picture.read_text()
    assert STYLES["dark"].ground.lower() in text
    assert 'width="226' in text  # points
    assert "fronts" not in text  # the title of a panel of another kind


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--style", "dark"], "--style is of the figure that --plot draws: give --plot FILE, too"),
        (["--plot", "p.svg", "--figure", "front"], "--figure front needs several objectives: give --objectives"),
        (["--plot", "p.svg", "--width", "9"], "a figure is 50 to 1000 mm wide, not 9"),
        (
            ["--plot", "p.svg", "--figure", "attainment", "--objectives", "valid_accuracy", "params", "flops"],
            "--figure attainment is for two objectives, not 3",
        ),
    ],
)
def test_mistakes_about_figures_are_found_before_the_search(call, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = call("compare", *words)
    assert (status, out, err) == (2, "", f"nasbench-kit compare: {message}\n")
    assert not list(tmp_path.iterdir())


def test_units_of_own_metrics_are_shown(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{number},{90 + number / 1e4},{number % 7 + 0.5}" for number in range(6561)]
    (tmp_path / "t.csv").write_text("\n".join(["arch,acc,wait", *rows]))
    (tmp_path / "m.toml").write_text(
        'space = "nas-bench-macro"\n[[table]]\narchitecture = "arch"\nform = "number"\n'
        'column = ["acc=c/valid_accuracy", '
        '{ column = "wait", dataset = "c", metric = "wait", direction = "min", units = "ms" }]\n'
    )
    assert call("convert", "t.csv", "--mapping", "m.toml", "--output", "m.h5")[0] == 0
    _, out, _ = call("search", "--benchmark", "m.h5", "--objectives", "wait", "--evaluations", 20)
    assert "wait [ms]" in out
    words = ["--runs", 2, "--evaluations", 20, "--algorithms", "random-search", "--plot", "p.svg"]
    _, out, _ = call("compare", "m.h5", "--objectives", "wait", *words)
    assert "the best wait in the table (ms)" in out
    assert "wait regret [ms]" in (tmp_path / "p.svg").read_text()
    status, _, err = call("convert", "t.csv", "a.h5", "-o", "b.h5")
    assert (status, "give one store to write, a.h5 or --output b.h5" in err) == (2, True)


def test_compare_says_what_it_did(call, tmp_path):
    status, out, _ = call("compare", "--runs", 3, "--simulated-seconds", 40, "--algorithms", "random-search")
    assert status == 0
    assert "3 runs of 40 simulated seconds" in out
    words = ("compare", "--runs", 3, "--evaluations", 40, "--algorithms", *["random-search"] * 3)
    status, out, err = call(
        *words, "--output", tmp_path, "--plot", tmp_path / "p.png", "--baseline", "RandomSearch (2)"
    )
    assert status == 0
    assert "3 runs of 40 evaluations" in out
    assert "vs baseline, RandomSearch (2)" in out
    assert "test accuracy [%]" in out
    assert "RandomSearch (3): done" in err
    files = ["RandomSearch-2.h5", "RandomSearch-3.h5", "RandomSearch.h5"]
    assert sorted(path.name for path in tmp_path.glob("*.h5")) == files
    assert len({nk.load_result(tmp_path / file).seed for file in files}) == 3
    status, out, _ = call(*words, "--json")
    found = json.loads(out)
    assert (found["measure"], found["direction"]) == ("valid_accuracy regret", "min")
    assert found["budget"] == "40 evaluations"
    assert [row["n"] for row in found["algorithms"]] == [3, 3, 3]
    assert len(found["pairs"]) == 3
    first = {row["algorithm"]: row for row in found["algorithms"]}
    for pair in found["pairs"]:
        assert pair["difference"] == pytest.approx(first[pair["a"]]["mean"] - first[pair["b"]]["mean"])
        assert pair["test"]


def test_compare_with_one_run_tests_nothing(call):
    status, out, _ = call("compare", "--runs", 1, "--evaluations", 40, "--algorithms", "random-search", "local-search")
    assert status == 0
    assert "one run each: nothing to test" in out
    assert "nan" not in out
    assert "n.s." not in out
    assert "±" not in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["info", "nb201-digit"], "did you mean 'nb201-digits'"),
        (["info", "absent.h5"], "no such file"),
        (["compare", "--algorithms", "regularised-evolution"], "did you mean 'RegularizedEvolution'"),
        (["compare", "--algorithms", "nsga2"], "at least two objectives"),
        (["compare", "--algorithms", "ga:popsize=5"], "unknown algorithm 'ga'"),
        (["compare", "--algorithms", "genetic-algorithm:popsize=5"], "did you mean 'population_size'"),
        (["compare", "--objectives", "accuracy"], "unknown metric"),
        (["compare", "--runs", "0"], "runs must be at least 1"),
        (["compare", "--indicator", "igd"], "igd is an indicator for several objectives"),
        (["compare", "--objectives", "valid_accuracy", "valid_accuracy"], "'valid_accuracy' is given twice"),
        (["compare", "--baseline", "NSGA2"], "unknown algorithm 'NSGA2'"),
        (["compare", "--plot", "picture.gif"], "not as .gif"),
        (["compare", "--report", "accuracy"], "unknown metric"),
        (["compare", "--epochs", "200"], "unknown epoch budget"),
        (["query", "nb201-digits", "|x~0|"], "3 nodes"),
        (["query", "nb201-digits", "[1, 2"], "line 1 is not valid JSON"),
        (["query", "nb201-digits", "--file", "absent.txt"], "cannot be read"),
        (["convert", "absent.json"], "no such file"),
        (["convert", "absent.csv", "--space", "nb201"], "needs all of"),
        (["validate", "nb201-digits", "--against", "absent"], "no such file"),
        (["train", "nb20"], "did you mean 'nb201'"),
    ],
)
def test_every_mistake_is_one_line_and_status_2(call, words, message):
    import re

    status, out, err = call(*words)
    assert status == 2
    assert out == ""
    assert re.search(message, err)
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err


CHAIN = '{"matrix": [[0, 1, 0], [0, 0, 1], [0, 0, 0]], "ops": ["input", "maxpool3x3", "output"]}'
DEAD = (
    '{"matrix": [[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]], '
    '"ops": ["input", "maxpool3x3", "conv3x3-bn-relu", "output"]}'
)
APART = '{"matrix": [[0, 0], [0, 0]], "ops": ["input", "output"]}'


def test_architectures_after_options(call):
    none = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    status, out, _ = call("query", "nb201-digits", "--metrics", "params", "--", none)
    assert (status, out.splitlines()) == (0, ["architecture\tparams", f"{none}\t454"])
    assert call("dedup", "nb201", "--classes", none)[1] == f"0\t{none}\n"
    status, _, err = call("dedup", "nb201", none, "--clases")
    assert status == 2
    assert "unrecognized arguments: --clases" in err


def test_dedup(call, tmp_path, monkeypatch):
    status, out, err = call("dedup", "nb101", CHAIN, DEAD, CHAIN)
    assert (status, out.splitlines()) == (0, [CHAIN])
    assert "3 architectures, 1 different networks" in err
    _, out, _ = call(
        "dedup",
        "nb201",
        "--classes",
        *[f"|{op}~0|+|none~0|none~1|+|{op}~0|none~1|none~2|" for op in ("none", "skip_connect", "none")],
    )
    assert [line.split("\t")[0] for line in out.splitlines()] == ["0", "1", "0"]
    cells = tmp_path / "cells.jsonl"
    cells.write_text(f"{CHAIN}\n\n{DEAD}\n")
    found = json.loads(call("dedup", "nb101", "--file", cells, "--json")[1])
    assert found == {"architectures": 2, "networks": 1, "classes": [[CHAIN, DEAD]]}


def test_dedup_of_any_dags(call):
    turned = '{"matrix": [[0, 0, 0], [1, 0, 0], [0, 1, 0]], "ops": ["output", "maxpool3x3", "input"]}'
    _, out, _ = call("dedup", "dag", "--classes", CHAIN, DEAD, turned, '{"matrix": [[0]], "ops": ["input"]}')
    assert [line.split("\t")[0] for line in out.splitlines()] == ["0", "1", "0", "2"]
    for bad, reason in (
        ('{"matrix": [[0, 1], [1, 0]], "ops": ["a", "b"]}', "no. 1: has a cycle"),
        ('{"matrix": [[0, 1], [1, 0]], "ops": ["a"]}', r"no. 1: a matrix of shape (2, 2) with 1 ops"),
        ("nonsense", "no. 1: a DAG is"),
        ('{"matrix": [[0, "x"], [1, 0]], "ops": ["a", "b"]}', "the matrix of no. 1 must contain whole numbers"),
    ):
        status, _, err = call("dedup", "dag", '{"matrix": [[0, 1], [0, 0]], "ops": ["a", "b"]}', bad)
        assert status == 2
        assert reason in err
        assert err.count("\n") == 1


def test_validate_architectures(call, monkeypatch):
    status, out, _ = call("validate", "nb101", CHAIN, DEAD)
    assert (status, [line.split("\t")[0] for line in out.splitlines()]) == (0, ["ok", "ok"])
    status, out, _ = call("validate", "nb101", CHAIN, APART, "nonsense")
    assert status == 1
    assert "no path from input to output" in out
    found = json.loads(call("validate", "nb101", CHAIN, APART, "--json")[1])
    assert [entry["valid"] for entry in found["architectures"]] == [True, False]
    assert not found["passed"]
    # with only a space's name, architectures are read from stdin, as by query and dedup
    for text, expected in (("22I212I1112222\n", 0), ("22I212I1112222\nnonsense\n", 1), ("", 2), ("\n \n", 2)):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        status, out, err = call("validate", "macronas")
        assert status == expected
        assert ("no architectures: stdin has none" in err) == (expected == 2)
    # a benchmark's space, where the name is a benchmark's
    assert call("validate", "nb201-digits", "nonsense")[0] == 1


def test_draw(call, tmp_path):
    target = tmp_path / "cell.svg"
    assert call("draw", "nb101", DEAD, "-o", target)[:2] == (0, f"{target}\n")
    text = target.read_text()
    assert "maxpool3x3" in text
    call("draw", "nb101", DEAD, "-o", tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_text() == text
    before = target.read_bytes()
    for words, reason in (
        (("nb101", APART, "-o", target), "no path from input to output"),
        (("nb101", "nonsense", "-o", target), "a native form is"),
        (("nb101", DEAD, "-o", tmp_path / "cell.bmp"), "written as .png, .svg or .pdf"),
        (("nb101", DEAD, "-o", tmp_path / "none" / "cell.svg"), "there is no folder"),
        (("nb102", DEAD, "-o", target), "did you mean 'nb101'"),
    ):
        status, _, err = call("draw", *words)
        assert (status, err.count("\n")) == (2, 1)
        assert reason in err
    assert target.read_bytes() == before


@pytest.mark.slow
def test_a_table_by_arguments(call, tmp_path):
    import pandas as pd

    space = nk.space("nas-bench-macro")
    pd.DataFrame({"a": space.decode(space.all()), "v": np.linspace(0, 100, space.size)}).to_csv(
        tmp_path / "t.csv", index=False
    )
    words = ["--space", "nas-bench-macro", "--architecture", "a", "--column", "v=cifar10/valid_accuracy@50"]
    status, out, _ = call("convert", tmp_path / "t.csv", tmp_path / "t.h5", *words)
    assert status == 0
    assert nk.open(tmp_path / "t.h5").query([[0] * 8], "valid_accuracy")[0] == 0
    assert call("validate", tmp_path / "t.h5", "--source", tmp_path / "t.csv", *words)[0] == 0


def test_brackets_in_names_are_text(call, tmp_path):
    from nasbench_kit.store import Table, write_store

    table = made_up_table("nas-bench-macro")
    named = Table(table.space, table.architectures, {"[bold]data": table.metrics["cifar10"]}, {"source": "[red]"})
    path = write_store(tmp_path / "brackets.h5", named)
    for words in (["info", path], ["compare", path, "--runs", 2, "--evaluations", 20]):
        status, out, _ = call(*words)
        assert status == 0
        assert "[bold]data" in out
    assert "[red]" in call("info", path)[1]


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed")
@pytest.mark.parametrize("command", ["train nb201", "search nb201", "verify nb201-digits", "proxies nb201-digits"])
def test_without_torch_one_line_says_what_to_install(command, call):
    status, out, err = call(*command.split())
    assert (status, out) == (2, "")
    assert re.fullmatch(r"nasbench-kit \w+: [\w ]+ needs the extra 'train': pip install 'nasbench-kit\[train\]'\n", err)
    assert call(command.split()[0], "--help")[0] == 0


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_native_forms_with_a_byte_order_mark(call, tmp_path, encoding):
    path = tmp_path / "natives.txt"
    path.write_text("22I212I1112222\nI2I212I1112222\n", encoding=encoding)
    status, out, _ = call("validate", "macronas", "--file", path)
    assert (status, out.count("ok")) == (0, 2)
    path.write_bytes(b"22I\xff")
    status, _, err = call("validate", "macronas", "--file", path)
    assert (status, "not UTF-8 text at byte 3" in err) == (2, True)


def test_faults_of_the_kit_itself_are_not_taken_for_bad_input(call, store, monkeypatch):
    """An error that nobody foresaw is shown with its trace; one that the kit raises on purpose is one line."""
    from nasbench_kit.benchmark import Benchmark

    monkeypatch.setattr(Benchmark, "query", lambda *_, **__: np.zeros(3).reshape(2))
    with pytest.raises(ValueError, match="reshape"):
        call("query", store, "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    monkeypatch.setattr(Benchmark, "query", lambda *_, **__: {}["x"])
    with pytest.raises(KeyError):
        call("query", store, "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    status, _, err = call("compare", store, "--objectives", "valid_accuracy", "valid_accuracy")
    assert (status, err.count("\n"), "is given twice" in err) == (2, 1, True)


def test_how_a_table_answers_a_search(call, store, tmp_path):
    common = ("compare", store, "--algorithms", "random-search", "--runs", 5, "--evaluations", 20, "--json")
    seconds = {}
    for words in ((), ("--trial", "mean"), ("--trial", "mean", "--charge", "one"), ("--trial", "111")):
        status, out, _ = call(*common, *words)
        assert status == 0
        seconds[words] = json.loads(out)["algorithms"][0]["simulated_seconds"]
    assert seconds[("--trial", "mean")] > 2.5 * seconds[("--trial", "mean", "--charge", "one")]
    assert seconds[("--trial", "mean", "--charge", "one")] == pytest.approx(seconds[()])
    for words, message in (
        (("--trial", "5"), "Available: mean, random, 111, 777, 888"),
        (("--direction", "valid_accuracy"), "--direction takes METRIC=max or METRIC=min"),
        (("--direction", "valid=max"), "Directions can only be given for objectives"),
        (("--include-validation-time",), "valid_time"),
    ):
        status, _, err = call(*common, *words)
        assert (status, message in err, err.count("\n")) == (2, True, 1)


def test_the_table_says_what_an_evaluation_is(call, store):
    common = ("compare", store, "--algorithms", "random-search", "--runs", 3, "--evaluations", 20)
    for words, expected in (
        ((), "an evaluation is one stored trial, drawn at random (--trial); the regret is by the means of the trials"),
        (("--trial", "mean"), "an evaluation is the mean of up to 3 trials, at the price of all of them"),
        (("--trial", "mean", "--charge", "one"), "at the price of one of them"),
    ):
        assert expected in call(*common, *words)[1]
    assert "an evaluation is" not in call(*common, "--trial", "111")[1]


def test_what_a_file_says_does_nothing_to_a_terminal(call, tmp_path):
    from nasbench_kit.store import MetricColumn, Table, write_store

    space = nk.space("nas-bench-macro")
    forged = "\x1b[2J\nnasbench-kit: all is well\u202e"
    table = Table(
        space, space.all(), {f"c{forged}": {f"m{forged}": MetricColumn(np.zeros(space.size))}}, {"notes": forged}
    )
    path = write_store(tmp_path / "t.h5", table)
    native = space.decode(space.all()[:1])[0]
    for words in (
        ("info", path),
        ("query", path, native),
        ("query", path, native, "--metrics", forged),
        ("info", forged),
    ):
        status, out, err = call(*words)
        assert status in (0, 2)
        for text in (out, err):
            assert "\x1b" not in text
            assert "\u202e" not in text
            assert not any(line.startswith("nasbench-kit: all is well") for line in text.splitlines())
    status, _, err = call("query", path, "x" * 10**6)
    assert (status, err.count("\n"), len(err) <= 2001) == (2, 1, True)


@pytest.mark.posix
@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_signals_leave_no_temporary_file(tmp_path, name):
    source = tmp_path / "anything.json"
    source.write_text(json.dumps(records()))
    script = """
        import signal, sys, time
        signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started the suite
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        import nasbench_kit.store.writer as writer
        from nasbench_kit.cli.main import main
        write = writer._write_hdf5
        def slow(path, table):
            write(path, table)
            print("written", flush=True)
            time.sleep(60)
        writer._write_hdf5 = slow
        raise SystemExit(main(["convert", sys.argv[1], sys.argv[2]]))
    """
    folder = tmp_path / "stores"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(source), str(folder / "out.h5")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "written\n"
    process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + getattr(signal, name)
    assert err.count("\n") == 1
    assert "what was written before is untouched" in err
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("compare", "STORE", "--evaluations", 10**30), "evaluations must be below 9,007,199,254,740,992"),
        (("validate", "STORE", "--sample", -1), "sample must be at least 1"),
        (("validate", "STORE", "--seed", -1), "seed must be a non-negative integer"),
    ],
)
def test_numbers_that_make_no_sense_are_one_line(call, store, words, message):
    status, _, err = call(*(store if word == "STORE" else word for word in words))
    assert (status, err.count("\n"), message in err) == (2, 1, True)
