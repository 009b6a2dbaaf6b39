"""The notebooks of examples/ are stored clean, run from top to bottom, twice too, and show what they say.

Cells run in this process, without Jupyter. The claims of a notebook's text are checked on the variables that it leaves.
"""

from __future__ import annotations

import ast
import importlib.util
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nasbench_kit as nk

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
TRAINS = "encoding_to_network"


def tool():
    """tools/run_examples.py, which is no package."""
    spec = importlib.util.spec_from_file_location("run_examples", ROOT / "tools" / "run_examples.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cells_of(path):
    return [(cell["cell_type"], cell["id"], "".join(cell["source"])) for cell in json.loads(path.read_text())["cells"]]


# ---------------------------------------------------------------- as files


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_clean(path):
    text = path.read_text()
    assert text == tool().cleaned(text), "run: python tools/run_examples.py --clean"
    assert not re.search(r"/(home|root|tmp|Users|work)/|[A-Z]:\\", text)
    ids = [name for _, name, _ in cells_of(path)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{2,}", name) for name in ids)  # words, which nobody draws at random
    assert cells_of(path)[0][2].startswith("# ")


def test_cleaning_removes_what_jupyter_adds():
    path = NOTEBOOKS[0]
    notebook = json.loads(path.read_text())
    used = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    used |= {"execution_count": 7, "metadata": {"collapsed": True}, "source": "".join(used["source"])}
    used["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["/home/me"]}]
    notebook["metadata"]["language_info"]["version"] = "3.12.1"
    assert tool().cleaned(json.dumps(notebook)) == path.read_text()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_of_a_notebook_lead_somewhere(path):
    for _, _, source in cells_of(path):
        for target in re.findall(r"\]\(([^)#]+)\)", source):
            assert "://" in target or (path.parent / target).exists(), target


def test_the_readme_names_every_notebook():
    text = (ROOT / "examples" / "README.md").read_text()
    assert set(re.findall(r"\]\((\w+\.ipynb)\)", text)) == {path.name for path in NOTEBOOKS}


# ---------------------------------------------------------------- running them


def run(source, name, namespace):
    """Run a cell; return the value that a notebook would show below it."""
    body = ast.parse(source, name).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), name, "exec", dont_inherit=True), namespace)
    return eval(compile(ast.Expression(last.value), name, "eval", dont_inherit=True), namespace) if last else None


def shown(value):
    """What the richest of its representations holds."""
    for name in ("_repr_png_", "_repr_html_"):
        found = getattr(value, name, lambda: None)()
        if found is not None:
            return found
    return repr(value)


def with_small_searches(monkeypatch):
    """The second time, only whether cells run matters."""
    for name in ("compare", "search"):
        original = getattr(nk, name)

        def small(*arguments, original=original, **options):
            budget = {key: options[key] // 3 for key in ("evaluations", "simulated_seconds") if key in options}
            return original(*arguments, **options | budget | {"runs": 3})

        monkeypatch.setattr(nk, name, small)


@pytest.fixture
def _trained_once(monkeypatch):
    """What was trained the first time need not be trained the second time."""
    pytest.importorskip("sklearn")
    torch = pytest.importorskip("torch")
    training = importlib.import_module("nasbench_kit.training")
    real, done = training.train, {}
    threads = torch.get_num_threads()

    def train(network, *arguments, **options):
        weights = torch.nn.utils.parameters_to_vector(network.parameters()).detach().numpy().tobytes()
        if weights not in done:
            done[weights] = real(network, *arguments, **options)
        return done[weights]

    monkeypatch.setattr(training, "train", train, raising=False)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def _trained(request, path):
    if path.stem == TRAINS:
        request.getfixturevalue("_trained_once")


@pytest.mark.slow
@pytest.mark.usefixtures("_trained")
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=pytest.mark.training) if path.stem == TRAINS else path for path in NOTEBOOKS],
    ids=lambda path: path.stem,
)
def test_a_notebook_runs_and_shows_what_it_says(path, tmp_path, monkeypatch, capsys):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "notebook"}
    with pd.option_context("display.max_colwidth", 50):
        for kind, name, source in cells_of(path):
            if kind == "code":
                assert shown(run(source, name, namespace))
                plt.close("all")
            else:
                for solution in re.findall(r"```python\n(.*?)```", source, flags=re.DOTALL):
                    run(solution, f"solution in {name}", dict(namespace))
        CLAIMS[path.stem](namespace)
        printed = capsys.readouterr().out
        assert max(map(len, printed.splitlines()), default=0) <= 120
        with_small_searches(monkeypatch)
        for kind, name, source in cells_of(path):
            if kind == "code":
                run(source, name, namespace)
                plt.close("all")
    assert not list(tmp_path.iterdir()), "an example leaves files behind"


# ---------------------------------------------------------------- what their texts say


def first_comparison(found):
    table = found["table"]
    assert table.index[0] == "LocalSearch"
    assert (table["verdict"].iloc[1:] == "worse").all()
    orders = pd.DataFrame(found["regrets"])
    smallest, stated, largest = (orders[column].sort_values().index.tolist() for column in orders)
    assert smallest != stated  # "with the smallest budget the order is another one"
    assert smallest[-1] == "LocalSearch" == stated[0] == largest[0]


def accuracy_and_latency(found):
    with_flops = found["frame"][found["latencies"]].corrwith(found["frame"]["flops"], method="spearman")
    assert with_flops["latency_fpga"] > 0.9  # "on some, a fair substitute"
    assert with_flops[["latency_edgegpu", "latency_edgetpu"]].max() < 0.5  # "on others, hardly faster"
    sizes = [len(front) for front in found["fronts"].values()]
    assert all(len(a & b) < min(sizes) for a, b in itertools.combinations(found["fronts"].values(), 2))
    assert (found["pairs"]["better"] == found["pairs"]["a"]).all()  # "all three are better than random search"
    verdicts = found["comparison"].table()["verdict"]
    assert (verdicts.iloc[1:3] == "n.s.").all()
    assert 0 < len(found["allowed"]) < len(found["offered"])
    assert found["summary"]["found by the search"]["latency_pixel3"] <= found["LIMIT"]


def encoding_to_network(found):
    assert found["counted"] == found["computed"]
    assert abs(found["ours"] - found["last"].mean()) < 5  # rounding differs between machines
    deviation = found["spread"].groupby(found["fifth"], observed=True)["between seeds"].median()
    assert deviation.is_monotonic_decreasing  # "depends on how good the network is"
    assert len(found["rows"]) == 4
    assert len(found["same"]) > 1
    assert found["table"]["valid_accuracy"].nunique() == 1


def own_crossover(found):
    first, again = found["pairs"].set_index("a"), found["repeated"].pairwise("RegularizedEvolution").set_index("a")
    assert first.loc["TwoParents", "better"] == "TwoParents"
    assert 0.5 < first.loc["TwoParents", "a12"] < 0.65  # "the effect is small"
    assert -0.002 < first.loc["TwoParents", "high"] < 0  # "the interval almost reaches 0"
    assert again.loc["TwoParents", "better"] == ""  # "this time, no difference is found"
    for pairs in (first, again):
        assert pairs.loc["TwoParents(share=1.0)", "better"] == ""  # the control
        assert pairs.loc["RandomSearch", "better"] == "RegularizedEvolution"
    assert all((table["better"] == "").all() for table in found["rows"].values())
    assert found["several"].friedman().p > 0.05


def lesson(found):
    best_of = list(found["best_of"].values())
    assert (np.diff(np.diff(best_of)) < 0).all()  # "each factor of four gains less"
    shares = pd.DataFrame(found["shares"]).T
    assert shares.loc["RegularizedEvolution", "genotype"] > 5 * shares.loc["RandomSearch", "genotype"]
    assert (found["most"] != 0).any(axis=1).all()
    convolutions = np.isin(found["edges"].canonical(found["most"]), [2, 3]).sum(axis=1)
    assert set(convolutions) == {1}  # "a single convolution, beside edges without effect"
    assert found["climbers"][-1] > 100  # "most climbs end at the global optimum"
    assert found["heights"][-1] == round(float(np.nanmax(found["accuracies"])), 2)
    assert (found["pairs"]["better"] == found["pairs"]["a"]).all()
    whole, top = (found["correlation"][column] for column in found["correlation"])
    ahead = whole[whole > whole["params"]]
    assert 2 <= len(ahead) <= 4  # "a few ... slightly ahead"
    assert ahead.max() < whole["params"] + 0.1
    assert (top.abs() < 0.2).sum() + (top <= -0.2).sum() > len(top) / 2  # "say little, or the opposite"
    table = found["halving"].table()
    assert set(table["verdict"]) == {"first", "n.s."}  # "no difference is found"
    assert table["evaluations"].filter(like="Halving").iloc[0] > 4 * table.loc["RandomSearch", "evaluations"]
    luck = pd.DataFrame(found["luck"]).mean()
    assert luck["seen by the search"] > luck["mean of three trainings"] + 0.5
    assert luck["seen by the search"] > luck["on test images"] + 1


CLAIMS = {
    claims.__name__: claims
    for claims in (first_comparison, accuracy_and_latency, encoding_to_network, own_crossover, lesson)
}
