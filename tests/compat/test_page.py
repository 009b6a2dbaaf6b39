"""The examples of docs/compat.md that need tables which are not bundled, on made-up ones.

The others are run by tests/test_docs.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nasbench_kit as nk
from nasbench_kit.data import store_folder
from tests.official.nats_size import SIZE
from tests.official.nb101 import write_nb101
from tests.official.nb201 import TOPOLOGY, write_nats_file

PAGE = Path(__file__).parents[2] / "docs" / "compat.md"


@pytest.mark.slow
def test_examples_that_need_full_tables(tmp_path):
    for kind, name in ((TOPOLOGY, "nats"), (SIZE, "nats-size")):
        write_nats_file(tmp_path / name, [1224], kind=kind)
        nk.convert(tmp_path / name, store_folder() / f"{name}.h5", partial=True)
    write_nb101(tmp_path / "nb101", 5)
    nk.convert(tmp_path / "nb101", store_folder() / "nb101.h5", partial=True)
    blocks = re.findall(r"```py\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert len(blocks) == 2
    found = []
    for block in blocks:
        namespace: dict[str, object] = {}
        exec(compile(block, str(PAGE), "exec", dont_inherit=True), namespace)
        found.append(namespace)
    assert found[0]["epochs_spent"] == 5 * 12
    assert found[0]["best_spec"].valid_spec
    assert found[1]["time_cost"] > 0
