"""What the README and the docs show runs as it is shown."""

from __future__ import annotations

import importlib
import inspect
import itertools
import re
import shlex
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import parsed
from nasbench_kit.store import Table, write_store
from tests.conftest import made_up_table

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


FAST = (ROOT / "README.md",)  # what most people read first


# pages that train are run by tests/training
RUN = [
    page for page in PAGES if "```python" in page.read_text() and "from nasbench_kit.training" not in page.read_text()
]


@pytest.mark.parametrize(
    "page", [page if page in FAST else pytest.param(page, marks=pytest.mark.slow) for page in RUN], ids=name_of
)
def test_python_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = made_up_table()
    renamed = Table(table.space, table.architectures, {"cifar10-valid": table.metrics["cifar10"]}, table.provenance)
    write_store(tmp_path / "nb201.h5", renamed)
    for package in ("optuna", "pymoo", "xarray"):
        if re.search(rf"^(import|from) {package}\b", page.read_text(), flags=re.MULTILINE):
            pytest.importorskip(package)
    if "import xarray" in page.read_text():
        pytest.importorskip("h5netcdf")
    code = "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL))
    namespace: dict[str, object] = {"__name__": "page"}
    exec(compile(code, str(page), "exec", dont_inherit=True), namespace)
    if "HillClimber" in namespace:
        problem = nk.open("nb201-digits").problem("valid_accuracy")
        found = nk.search(problem, namespace["HillClimber"](), runs=20, evaluations=200)
        assert found.incumbent_values.mean() < 20


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_of_a_page_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_the_files_of_the_journeys_exist(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    from journey_pictures import JOURNEYS

    for name, steps in JOURNEYS.items():
        assert (ROOT / "docs" / "pictures" / "journeys" / f"{name}.svg").exists()
        for file, _ in steps:
            assert (ROOT / "nasbench_kit" / file).exists(), file


def test_the_page_of_the_layout_names_every_room():
    page = (ROOT / "docs" / "journeys.md").read_text()
    rooms = {path.name for path in (ROOT / "nasbench_kit").iterdir() if path.suffix in ("", ".py")}
    for room in rooms - {"__init__.py", "__main__.py", "__pycache__"}:
        assert f"`{room}`" in page, room


SHELL = ("console", "bash", "shell", "sh")


def commands_of(page: Path) -> list[list[str]]:
    """The words after nasbench-kit, for each call of it in the shell blocks of a page."""
    blocks = re.findall(rf"^```(?:{'|'.join(SHELL)})\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in re.sub(r"\\\n\s*|(?<=\|)\n\s*", " ", block).splitlines()]
    called = (line.removeprefix("$ ") for line in lines if re.search(r"(?:^|[|&$]) *nasbench-kit ", line))
    return [words for line in called for words in _calls(re.sub(r"\$\(\(.*?\)\)|\$\w+", "0", line))]


def _calls(line: str) -> Iterator[list[str]]:
    """The words of each call of nasbench-kit in a line of shell."""
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    parts = itertools.groupby(words, key=lambda word: word in ("|", "||", "&&", ";", ">", ">>"))
    for is_end, part in parts:
        call = list(part)
        if not is_end and call[0] == "nasbench-kit":
            yield call[1:]


WITH_COMMANDS = [page for page in [*PAGES, ROOT / "CONTRIBUTING.md"] if commands_of(page)]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=name_of)
def test_commands_of_a_page_are_understood(page, capsys):
    """No page names a command or an option that does not exist; nothing is run."""
    for words in commands_of(page):
        try:
            parsed(words)
        except SystemExit:
            pytest.fail(f"nasbench-kit {shlex.join(words)}: {capsys.readouterr().err}")


def names_of_the_reference() -> list[tuple[str, str]]:
    """What the pages of the reference list: module and name."""
    text = "\n".join(page.read_text() for page in sorted((ROOT / "docs" / "reference").glob("*.rst")))
    blocks = re.findall(r"public-names:: (\S+)\n\n((?:   \S+\n)+)", text)
    data = [tuple(path.rsplit(".", 1)) for path in re.findall(r"py:data:: (\S+)", text)]
    return [*((module, name) for module, names in blocks for name in names.split()), *data]


def test_the_reference_has_every_public_name_once():
    listed = names_of_the_reference()
    assert len(listed) == len(set(listed))
    for module, name in listed:
        assert name in importlib.import_module(module).__all__
    for public in ("nasbench_kit", "nasbench_kit.spaces", "nasbench_kit.training", "nasbench_kit.interfaces"):
        assert set(importlib.import_module(public).__all__) <= {name for _, name in listed}


def test_the_sweep_on_slurm_calls_what_exists(monkeypatch):
    """The example of docs/sweeps.md, with a cluster that does nothing and a sweep that only checks its arguments."""
    calls = []

    class Cluster:
        def __init__(self, *arguments, **settings):
            calls.append(settings)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def scale(self, jobs):
            calls.append(jobs)

    signature = inspect.signature(nk.sweep)
    monkeypatch.setitem(sys.modules, "dask_jobqueue", types.SimpleNamespace(SLURMCluster=Cluster))
    monkeypatch.setitem(sys.modules, "distributed", types.SimpleNamespace(Client=Cluster))
    monkeypatch.setattr(nk, "sweep", lambda *a, **k: calls.append(signature.bind(*a, **k).arguments))
    (block,) = re.findall(r"```py\n(.*?)```", (ROOT / "docs" / "sweeps.md").read_text(), flags=re.DOTALL)
    exec(compile(block, "sweeps.md", "exec", dont_inherit=True), {"__name__": "__main__"})
    assert calls[-2] == 100
    assert isinstance(calls[-1]["scheduler"], Cluster)


# blocks of Python that tests/test_docs.py and tests/training do not run, and the tests that do
RUN_ELSEWHERE = {
    "docs/compat.md": "tests/compat/test_page.py",
    "docs/surrogates.md": "tests/surrogates/test_page.py",
    "docs/sweeps.md": "tests/test_docs.py",
}
# those that need packages which are not there, or change the Python that runs them; these tests make the same calls
CALLED_ELSEWHERE = {"docs/interfaces.md": ("tests/interfaces/test_syne_tune.py", "tests/interfaces/test_naslib.py")}


def test_every_block_of_python_is_run_somewhere():
    for page in PAGES:
        text, name = page.read_text(), name_of(page)
        if "```py\n" in text and name not in CALLED_ELSEWHERE:
            assert name in RUN_ELSEWHERE
            assert page.name in (ROOT / RUN_ELSEWHERE[name]).read_text()
        for block in re.findall(r"^```text\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
            assert "import " not in block, f"{page}: Python that nothing runs"
    for name, tests in CALLED_ELSEWHERE.items():
        assert (ROOT / name).read_text().count("```py\n") == len([test for test in tests if (ROOT / test).exists()])
