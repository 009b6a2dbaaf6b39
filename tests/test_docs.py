"""What the README and the docs show runs as it is shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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
    for package in ("optuna", "pymoo"):
        if re.search(rf"^(import|from) {package}\b", page.read_text(), flags=re.MULTILINE):
            pytest.importorskip(package)
    code = "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL))
    namespace: dict[str, object] = {"__name__": "page"}
    exec(compile(code, str(page), "exec", dont_inherit=True), namespace)
    if "HillClimber" in namespace:
        nk = namespace["nk"]
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
