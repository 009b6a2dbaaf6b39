"""Where stores are found by name."""

from __future__ import annotations

import json

import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import main
from nasbench_kit.data import found_stores
from nasbench_kit.store import write_store
from tests.conftest import made_up_table


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("NASBENCH_KIT_HOME", str(tmp_path))
    return tmp_path


def test_a_users_own_store_is_used_instead_of_a_bundled_one(home, capsys):
    bundled = found_stores()["nb201-digits"]
    assert bundled.bundled
    write_store(home / "nb201-digits.h5", made_up_table("nas-bench-macro"))
    found = found_stores()["nb201-digits"]
    assert (found.path, found.bundled, found.hides_bundled) == (home / "nb201-digits.h5", False, True)
    assert nk.open("nb201-digits").space.name == "nas-bench-macro"
    assert main(["list"]) == 0
    assert "used instead of the bundled one" in capsys.readouterr().out
    assert nk.open(bundled.path).space.name == "nb201"  # the bundled one still opens by its path


def test_list_shows_sizes_licences_and_downloads(home, capsys):
    (home / "broken.h5").write_bytes(b"no HDF5")
    assert main(["list", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    by_name = {entry["name"]: entry for entry in shown["benchmarks"]}
    digits = by_name["nb201-digits"]
    assert digits["where"] == "bundled"
    assert digits["size"] == found_stores()["nb201-digits"].path.stat().st_size
    assert "Apache-2.0" in digits["licence"]
    assert "not a store" in by_name["broken"]["error"] or "HDF5" in by_name["broken"]["error"]
    assert by_name["broken"]["where"] == "store folder"
    downloads = {entry["name"]: entry for entry in shown["downloads"]}
    assert downloads["nb101"]["licence"] == "Apache-2.0"
    assert downloads["nb101"]["files"][0] == {"name": "nasbench_full.tfrecord", "size": 2_085_986_016}
    assert all(entry["files"] for entry in downloads.values())


def test_only_what_has_an_address_can_be_downloaded(capsys):
    assert main(["download", "nb101-test"]) == 2
    assert "unknown published benchmark 'nb101-test'" in capsys.readouterr().err
