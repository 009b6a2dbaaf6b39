"""The README examples of the official packages: unchanged but for the import, they give what the packages give."""

from __future__ import annotations

import warnings

import pytest

import nasbench_kit as nk
from nasbench_kit.data import store_folder
from tests.compat.readmes import NAS_201, NATS, SIMULATED, assert_outputs_agree, example, run
from tests.official.nats_size import SIZE
from tests.official.nb201 import NAMES, TOPOLOGY, states, write_nats_file, write_nats_simple, write_nb201_pth

CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"


@pytest.mark.slow
def test_nas_bench_201(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("nas_201_api")
    kept = sorted({1, NAMES.index(CELL)})  # the example asks for these
    write_nb201_pth(tmp_path / "NAS-Bench-201-v1_1-096897.pth", kept)
    store = nk.convert(tmp_path / "NAS-Bench-201-v1_1-096897.pth", tmp_path / "out.h5", partial=True, curves=True).path
    infos = {index: {"less": found["12"], "full": found["200"]} for index in kept for found in [states(index)]}
    content = {"meta_archs": list(NAMES), "arch2infos": infos, "evaluated_indexes": set(kept)}
    block = example(NAS_201)
    ours = run(block, {'"nb201"': "source"}, source=str(store))
    theirs = run(block, {'"nb201"': "source", "nasbench_kit.compat.nas_201_api": "nas_201_api"}, source=content)
    assert CELL in block
    assert_outputs_agree(ours, theirs)


@pytest.mark.slow
def test_nats_bench(tmp_path):
    pytest.importorskip("nats_bench")
    write_nats_simple(tmp_path / "NATS-tss-v1_0-3ffb9-simple", [12, 1234])
    store = nk.convert(tmp_path / "NATS-tss-v1_0-3ffb9-simple", tmp_path / "out.h5", partial=True, curves=True).path
    block = example(NATS)
    ours = run(block, {'"nb201"': "source"}, source=str(store))
    changes = {'"nb201"': "source", "nasbench_kit.compat.nats_bench": "nats_bench"}
    changes["reload(index=12)"] = "reload(source, 12)"  # weights, of which neither has any, are in another folder
    assert_outputs_agree(ours, run(block, changes, source=str(tmp_path / "NATS-tss-v1_0-3ffb9-simple")))


@pytest.mark.slow
def test_simulated_training_of_nats_bench(tmp_path, monkeypatch):
    pytest.importorskip("nats_bench")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # where the package looks for its files
    for kind, name in ((TOPOLOGY, "nats"), (SIZE, "nats-size")):
        write_nats_simple(tmp_path / kind.folder, [1224], kind=kind)
        write_nats_file(tmp_path / name, [1224], kind=kind)
        nk.convert(tmp_path / name, store_folder() / f"{name}.h5", partial=True)
    block = example(SIMULATED)
    quiet = {"verbose=True": "verbose=False"}  # each prints in its own words
    theirs = run(block, {**quiet, "nasbench_kit.compat.nats_bench": "nats_bench"})
    assert all("Try to use the default" in line for line in theirs[0].splitlines()), theirs[0]
    assert_outputs_agree(run(block, quiet), ("", theirs[1]))
    assert theirs[1]["time_cost"] > 0
