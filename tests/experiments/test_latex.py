"""Tables for papers."""

from __future__ import annotations

import re
import shutil
import subprocess

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import main
from nasbench_kit.experiments.latex import all_latex, escaped, latex_table

NASTY = r'A_b & <c> ~^\ 100 % $x$ #1 {a} --b "q"'


@pytest.fixture(scope="module")
def comparison(digits):
    algorithms = {NASTY: nk.RandomSearch(), "LocalSearch": nk.LocalSearch(), "RE": nk.RegularizedEvolution()}
    return nk.compare(digits.problem("valid_accuracy", epochs=4), algorithms, runs=4, evaluations=40)


@pytest.fixture(scope="module")
def digits():
    return nk.open("nb201-digits")


def cells(text):
    """The rows of the only table, the header first."""
    inner = text[text.index("\\toprule") + 8 : text.index("\\bottomrule")].replace("\\midrule", "")
    return [[cell.strip() for cell in re.split(r"(?<!\\)&", row)] for row in inner.split("\\\\\n") if row.strip()]


def well_formed(text):
    """Balanced braces and environments, and as many cells as columns."""
    plain = text.replace("\\\\", "").replace("\\{", "").replace("\\}", "")
    assert plain.count("{") == plain.count("}")
    assert re.findall(r"\\begin\{(\w+)\}", text) == ["table", "tabular"]
    assert re.findall(r"\\end\{(\w+)\}", text) == ["tabular", "table"]
    (columns,) = re.findall(r"\\begin\{tabular\}\{([lr]+)\}", text)
    assert {len(row) for row in cells(text)} == {len(columns)}
    assert text.isascii()


def test_text_is_escaped():
    assert escaped(NASTY) == (
        r"A\_b \& \textless{}c\textgreater{} \textasciitilde{}\textasciicircum{}\textbackslash{} 100~\% \$x\$ \#1 \{a\} "
        r"-{}-b {\char34}q{\char34}"
    )


def test_numbers_are_typeset():
    text = latex_table(["n", "x"], [["a", "-0.5"], ["b", "1.2e-07"], ["c", "[-1.0, 2.0]"]], caption="c", label="a b_c")
    assert [row[1] for row in cells(text)] == ["x", "$-0.5$", r"$1.2 \cdot 10^{-7}$", "$[-1.0, 2.0]$"]
    assert "\\label{a-b-c}" in text


@pytest.mark.parametrize("baseline", [None, "RE"])
def test_the_table_says_what_the_frame_does(comparison, baseline):
    text, frame = comparison.to_latex(baseline=baseline), comparison.table(baseline)
    well_formed(text)
    header, *rows = cells(text)
    assert header[2] == "regret"
    assert [row[0] for row in rows] == [escaped(name) for name in frame.index]
    bold = "\\textbf{%s}"
    for column, name, digits, best in ((2, "mean", 3, min), (4, "median", 3, min), (8, "test_accuracy", 2, max)):
        values = [round(value, digits) for value in frame[name]]
        for row, value in zip(rows, values, strict=True):
            shown = row[column].removeprefix("\\textbf{")
            assert shown.startswith(f"{value:.{digits}f}")
            assert row[column].startswith("\\textbf{") == (value == best(values))
    assert bold % rows[0][5].removeprefix("\\textbf{").removesuffix("}") == rows[0][5]  # the first beats most
    assert "--" not in text  # no options of the command line


def test_pairs(comparison):
    text, frame = comparison.to_latex("pairwise", label="tab:mine"), comparison.pairwise()
    well_formed(text)
    assert "\\label{tab:mine}" in text
    rows = cells(text)[1:]
    assert [row[4] for row in rows] == [f"{value:.2f}" for value in frame["a12"]]
    for row, pair in zip(rows, frame.itertuples(), strict=True):
        shown = [cell.startswith("\\textbf{") for cell in row[:2]]
        assert shown == [pair.better == pair.a != "", pair.better == pair.b != ""]


def test_several_problems(comparison, digits):
    algorithms = {NASTY: nk.RandomSearch(), "LocalSearch": nk.LocalSearch(), "RE": nk.RegularizedEvolution()}
    other = nk.compare(digits.problem("valid_accuracy"), algorithms, runs=4, evaluations=40)
    several = nk.Comparisons({"4_epochs": comparison, "all": other})
    for kind in ("ranks", "table"):
        well_formed(several.to_latex(kind))
        assert cells(several.to_latex(kind))[0][1:3] == ["4\\_epochs", "all"]
    ranks = several.ranks()
    rows = cells(several.to_latex())[1:]
    least = ranks["mean"] == ranks["mean"].min()
    assert [row[-1].startswith("\\textbf{") for row in rows] == least.tolist()
    whole = all_latex(several, None)
    labels = re.findall(r"\\label\{tab:(.*)\}", whole)
    assert labels == ["table:4-epochs", "pairwise:4-epochs", "table:all", "pairwise:all", "problems", "ranks"]


def test_hypervolume_is_best_when_highest_and_failed_runs_are_never_bold(digits):
    problem = digits.problem(["valid_accuracy", "params"])
    found = nk.compare(problem, [nk.NSGA2(), nk.RandomSearch()], runs=3, evaluations=150)
    rows = cells(found.to_latex())[1:]
    means = found.table()["mean"].round(4).to_numpy()
    assert [row[2].startswith("\\textbf{") for row in rows] == (means == means.max()).tolist()

    def fails(X):
        return np.where(X[:, 0] == 0, np.nan, 1.0 + (X != 3).sum(axis=1))

    function = nk.FunctionProblem(fails, digits.space)
    found = nk.compare(function, {"a": nk.RandomSearch(), "b": nk.LocalSearch()}, runs=4, evaluations=1)
    well_formed(found.to_latex())
    frame = found.table()
    assert (frame["n"] < frame["runs"]).any()
    for row, whole in zip(cells(found.to_latex())[1:], frame["n"] == frame["runs"], strict=True):
        assert whole or not row[2].startswith("\\textbf{")


def test_unknown_kinds_are_refused(comparison):
    with pytest.raises(nk.UnknownName, match="did you mean 'pairwise'"):
        comparison.to_latex("pairwize")


def test_the_commands_write_tables(tmp_path, capsys):
    words = [
        "compare",
        "nb201-digits",
        "--algorithms",
        "RandomSearch",
        "LocalSearch",
        "--runs",
        "3",
        "--evaluations",
        "30",
    ]
    assert main([*words, "-o", str(tmp_path / "t.tex"), "-o", str(tmp_path / "results")]) == 0
    text = (tmp_path / "t.tex").read_text()
    assert "tab:pairwise" in text
    assert main(["report", str(tmp_path / "results"), "-o", str(tmp_path / "again.tex")]) == 0
    again = (tmp_path / "again.tex").read_text()
    assert cells(again[: again.index("tab:pairwise")]) == cells(text[: text.index("tab:pairwise")])
    assert main([*words, "-o", str(tmp_path / "t.csv")]) == 0
    assert (tmp_path / "t.csv").read_text().startswith("algorithm,runs,n,mean")
    capsys.readouterr()
    assert main([*words, "-o", "t.doc"]) == 2
    assert "--output t.doc: give a folder for results, or a file for the table: .tex, .csv" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert main([*words, "-o", str(tmp_path / "file")]) == 2
    assert "file: the folder cannot be made: File exists" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles_it(comparison, tmp_path):
    content = all_latex({"a": comparison, "b_c": comparison}, None)
    document = (
        f"\\documentclass{{article}}\n\\usepackage{{booktabs}}\n\\begin{{document}}\n{content}\\end{{document}}\n"
    )
    (tmp_path / "t.tex").write_text(document)
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout[-2000:]
