"""Spaces by name: ours, those of installed packages, and what their specs say."""

from __future__ import annotations

import pickle
from importlib.metadata import EntryPoint

import pytest

import nasbench_kit as nk
from nasbench_kit.spaces import Chain, SpaceSpec, registry, spec

SPEC = SpaceSpec("of-a-package", lambda: Chain(3, ["a", "b"], name="of-a-package"), citation="Somebody 2026")


@pytest.fixture
def _installed(monkeypatch):
    """As if a package with an entry point were installed."""
    point = EntryPoint("of-a-package", f"{__name__}:SPEC", registry.ENTRY_POINTS)
    monkeypatch.setattr(EntryPoint, "load", lambda _: SPEC)
    monkeypatch.setattr(
        "importlib.metadata.entry_points", lambda group: [point] if group == registry.ENTRY_POINTS else []
    )
    registry._load_entry_points.cache_clear()
    yield
    for known in (registry._specs, registry._spaces):
        known.pop("of-a-package", None)
    registry._load_entry_points.cache_clear()


@pytest.mark.usefixtures("_installed")
def test_a_package_brings_its_space():
    assert "of-a-package" in nk.list_spaces()
    assert nk.space("of-a-package").size == 8
    assert spec("of-a-package").citation == "Somebody 2026"


TABLES_ALONE = {
    "nas-bench-graph",
    "nas-bench-nlp",
}  # their networks need other libraries, data or code


def test_every_spec_says_who_made_the_space_and_how_it_is_trained():
    for name in nk.list_spaces():
        if registry.own_spec(name) is not None:  # an example of the docs, in the same process
            continue
        found = spec(name)
        assert found.name == nk.space(name).name == name
        assert "arXiv" in found.citation
        if name in TABLES_ALONE:
            assert found.network is None
            assert found.sources
            continue
        assert isinstance(found.network, str)
        assert found.recipe is not None
        assert nk.space(name).skeletons


def test_facts_are_written_once():
    """A checksum or a citation stands in one file of the package: its space's spec."""
    from pathlib import Path

    root = Path(nk.__file__).parent
    texts = {path.relative_to(root): path.read_text() for path in root.rglob("*.py")}
    for name in nk.list_spaces():
        for source in spec(name).sources.values():
            for fact in (source.citation, *(file.sha256 for file in source.files if file.sha256)):
                where = [path for path, text in texts.items() if fact in text]
                assert {path.name for path in where} <= {"spec.py"}, (fact, where)


def test_a_registered_space_goes_along_to_another_process():
    nk.register_space(Chain(3, ["a", "b"], name="mine"))
    own = pickle.loads(pickle.dumps(registry.own_spec("mine")))
    assert own.space().cardinalities == (2, 2, 2)
    assert registry.own_spec("nb201") is None
