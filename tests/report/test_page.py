"""The page as text: what is in it, and that nothing in it can do harm."""

from __future__ import annotations

import json
import re
import shlex

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import main
from nasbench_kit.report.command import compare_command


def data_of(path):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text(), re.S)[1])


@pytest.mark.slow
def test_results_of_a_sweep(tmp_path, capsys):
    problem = nk.open("nb201-digits").problem("valid_accuracy")
    algorithms = [nk.RandomSearch(), nk.RegularizedEvolution(population_size=5)]
    nk.sweep([problem], algorithms, tmp_path / "sweep", runs=4, piece_runs=2, evaluations=20, workers=1)
    assert main(["report", str(tmp_path / "sweep"), "-o", str(tmp_path / "r.html")]) == 0
    (content,) = data_of(tmp_path / "r.html")
    assert sorted(content["algorithms"]) == ["RandomSearch", "RegularizedEvolution(population_size=5)"]
    assert "--runs 4 --evaluations 20" in content["command"]


def test_everything_is_there(page, fronts, single):
    text = page.read_text()
    for comparison in (fronts, single):
        bench = comparison.problem.bench
        assert all(name in text for name in comparison.results)
        assert bench.digest in text
        assert bench.info["licence"] in text
        assert str(bench.info.get("sha256", "")).split(",")[0] in text
    for key in ("dong2020nasbench201", "deb2002nsga2", "bergstra2012random", "white2021local", "nasbenchkit"):
        assert text.count(f"{{{key},") == 1


def test_numbers_are_those_of_the_comparison(page, fronts, single):
    for content, comparison in zip(data_of(page), (fronts, single), strict=True):
        table = comparison.table()
        assert [row["algorithm"] for row in content["table"]] == list(table.index)
        np.testing.assert_allclose([row["mean"] for row in content["table"]], table["mean"], rtol=1e-6)
        assert len(content["pairs"]) == len(comparison.pairwise())
        assert {curve["clock"] for curve in content["curves"]} == {
            "evaluations",
            "unique_networks",
            "simulated_seconds",
        }
        assert content["curves"][0]["clock"] == "evaluations"
        for curve in content["curves"]:
            for line in curve["panels"][0]["lines"]:
                assert line["x"] == sorted(line["x"])
                assert len(line["x"]) == len(line["mean"]) == len(line["low"]) == len(line["high"])
    front, best = data_of(page)
    space, known = fronts.problem.space, front["architectures"]
    exact = front["fronts"]["exact"]
    X = space.encode([known["native"][i] for i in exact["id"]])
    np.testing.assert_allclose(
        exact["values"], np.stack([100 - fronts.problem(X)[:, 0], fronts.problem(X)[:, 1]], axis=1), rtol=1e-6
    )
    assert [metric["name"] for metric in known["metrics"]][:2] == ["valid_accuracy", "latency_edgegpu"]
    assert len(known["drawn"]) == len(known["native"]) == len(set(known["native"]))
    values = [entry["value"] for entry in best["best"]]
    assert values == sorted(values)
    counted = sum(sum(entry["found"].values()) for entry in best["best"])
    assert counted <= 12
    assert values[0] == pytest.approx(min(single.final(result).min() for result in single.results.values()), rel=1e-6)


def test_the_same_comparison_is_the_same_page(single, tmp_path):
    assert nk.report(single, tmp_path / "a.html").read_bytes() == nk.report([single], tmp_path / "b.html").read_bytes()


def test_nothing_is_loaded_and_no_name_is_code(tmp_path):
    space = nk.space("nas-bench-macro")
    name = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    problem = nk.FunctionProblem(lambda X: X.sum(axis=1).astype(float), space, ["</script>&loss"])
    comparison = nk.compare(problem, {name: nk.RandomSearch(), "b": nk.LocalSearch()}, runs=2, evaluations=20)
    text = nk.report(comparison, tmp_path / "a.html").read_text()
    assert text.count("<script") == text.count("</script>") == 2
    assert "<img" not in text
    assert "default-src 'none'" in text
    assert not re.search(r'(src|action)="', text)
    assert all(link == "data:," or link.startswith(("#", "https://")) for link in re.findall(r'href="([^"]*)"', text))
    content = data_of(tmp_path / "a.html")[0]
    assert content["algorithms"][0] == name
    assert content["command"] is None  # no command repeats a function
    assert [curve["clock"] for curve in content["curves"]] == ["evaluations", "unique_networks"]  # no time is known


@pytest.mark.parametrize("which", ["fronts", "single"])
def test_the_command_repeats_it(which, request, tmp_path, capsys):
    comparison = request.getfixturevalue(which)
    words = shlex.split(compare_command(comparison))
    assert words[0] == "nasbench-kit"
    assert main([*words[1:], "-o", str(tmp_path)]) == 0
    capsys.readouterr()
    again = sorted((nk.load_result(path) for path in tmp_path.glob("*.h5")), key=lambda result: result.algorithm)
    assert again == sorted(comparison.results.values(), key=lambda result: result.algorithm)


def test_the_commands(fronts, single, tmp_path, capsys):
    for i, result in enumerate(single.results.values()):
        result.save(tmp_path / f"{i}.h5")
    fronts.save(tmp_path / "fronts.h5")
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "r.html"), "--baseline", "LocalSearch"]) == 2
    assert "unknown algorithm 'LocalSearch'" in capsys.readouterr().err  # the fronts have none of that name
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "r.html")]) == 0
    contents = data_of(tmp_path / "r.html")
    assert sorted(content["many"] for content in contents) == [False, True]
    own = next(content for content in contents if not content["many"])
    assert own["algorithms"] == list(single.results)
    assert "--evaluations 60" in own["command"]
    assert own["reported"] == "test_accuracy"
    capsys.readouterr()
    assert main(["cite", "nb201", "nsga2", "BOHB"]) == 0
    out = capsys.readouterr().out
    assert [line.split("{")[1] for line in out.splitlines() if line.startswith("@")] == [
        *("nasbenchkit,", "dong2020nasbench201,", "dong2021natsbench,", "deb2002nsga2,", "falkner2018bohb,"),
    ]
    assert main(["cite", "nb2001"]) == 2
    assert "nb201" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{folder}/none.h5", "-o", "{folder}/r.html"], "no such file"),
        (["{folder}", "-o", "{folder}/r.html"], "folder without .h5 files"),
        (["{store}", "-o", "{folder}/r.html"], "is not a result"),
        (["{folder}", "-o", "{folder}/none/r.html"], "there is no folder"),
    ],
)
def test_every_mistake_is_one_line(words, message, tmp_path, capsys):
    store = nk.open("nb201").path
    assert main(["report", *(word.format(folder=tmp_path, store=store) for word in words)]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1


def test_wrong_use_has_clear_errors(single, tmp_path):
    with pytest.raises(ValueError, match=r"written as \.html"):
        nk.report(single, tmp_path / "a.pdf")
    with pytest.raises(ValueError, match="no comparison"):
        nk.report([], tmp_path / "a.html")
    with pytest.raises(TypeError, match="a report shows comparisons"):
        nk.report(list(single.results.values()), tmp_path / "a.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_large_comparison_is_a_small_page(tmp_path):
    problem = nk.open("nb201").problem("valid_accuracy", dataset="cifar10-valid")
    algorithms = {f"search {i}": nk.RegularizedEvolution(population_size=10 + i) for i in range(13)}
    comparison = nk.compare(problem, algorithms, runs=500, evaluations=200)
    assert nk.report(comparison, tmp_path / "a.html").stat().st_size < 3e6


def test_one_run_and_runs_that_fail(tmp_path):
    space = nk.space("nas-bench-macro")
    problem = nk.FunctionProblem(lambda X: np.full(len(X), np.nan), space, ["loss"], bounds=[[0.0], [9.0]])
    comparison = nk.compare(problem, [nk.RandomSearch()], runs=1, evaluations=5)
    content = data_of(nk.report(comparison, tmp_path / "a.html"))[0]
    assert content["table"][0]["mean"] is None
    assert content["best"] == []
    assert content["pairs"] == []


def test_ranks_over_several_problems(tmp_path, capsys):
    bench = nk.open("nb201")
    problems = {name: bench.problem("valid_accuracy", dataset=name) for name in ("cifar100", "ImageNet16-120")}
    several = nk.compare(problems, [nk.RandomSearch(), nk.LocalSearch()], runs=3, evaluations=30)
    text = nk.report(several, tmp_path / "a.html").read_text()
    assert "Over all problems" in text
    assert f"p {several.friedman().p:.2g}" in text
    assert "Over all problems" not in nk.report(dict(several), tmp_path / "b.html").read_text()
    for name, comparison in several.items():
        comparison.save(tmp_path / f"{name}.h5")
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "c.html")]) == 0
    assert "Over all problems" in (tmp_path / "c.html").read_text()
