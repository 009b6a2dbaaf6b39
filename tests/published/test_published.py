"""Checks on published data: every figure that a right implementation meets. Skipped where the data is absent."""

from __future__ import annotations

import bz2
import json
import math
import pickle

import numpy as np
import pandas as pd
import pytest

import nasbench_kit as nk
from nasbench_kit.benchmark.validation import validate
from nasbench_kit.loaders import load
from nasbench_kit.loaders.official import ask_official
from nasbench_kit.spaces.nb101.hash_index import sorted_cells
from nasbench_kit.spaces.nb101.space import OPERATIONS
from tests.loaders.test_nb201 import assert_equal_to


def test_official_index_and_strings(nb201_csv):
    space = nk.space("nb201")
    X = space.encode(nb201_csv["arch_str"])
    assert (space.official_index(X) == nb201_csv["index"]).all()
    keys = space.key(X, rule="published")
    pairs = set(zip(keys.tolist(), nb201_csv["unique_str"], strict=True))
    assert len(pairs) == len(set(keys.tolist())) == nb201_csv["unique_str"].nunique() == 6466


@pytest.mark.parametrize(("dataset", "suffix"), [("cifar10", "c10"), ("cifar100", "c100"), ("ImageNet16-120", "in16")])
def test_costs_of_all_nb201_architectures(nb201_csv, dataset, suffix):
    space = nk.space("nb201")
    X = space.encode(nb201_csv["arch_str"])
    for name in ("params", "flops"):
        published = np.round(nb201_csv[f"{name}_M_{suffix}"].to_numpy() * 1e6).astype(int)
        assert (space.cost(X, name, dataset=dataset) == published).all()


def test_every_nb201_value_arrives(nb201, nb201_csv, published):
    X = nb201.space.encode(nb201_csv["arch_str"])
    for column, dataset, metric, epochs in (
        ("c10valid_xvalid_12", "cifar10-valid", "valid_accuracy", 12),
        ("c10_test_200", "cifar10", "test_accuracy", 200),
        ("in16_valid_12", "ImageNet16-120", "valid_accuracy", 12),
    ):
        values = nb201.query(X, metric, dataset=dataset, epochs=epochs)
        np.testing.assert_allclose(values, nb201_csv[column], rtol=0, atol=1e-12)
    trials = pd.read_csv(published / "nb201" / "trials_200_epochs.csv.gz")
    for seed, part in trials.groupby("seed"):
        X = nb201.space.from_official_index(part["index"])
        values = nb201.query(X, "valid_accuracy", dataset="cifar10-valid", seed=int(seed))
        np.testing.assert_allclose(values, part["c10valid_xvalid_200"], rtol=0, atol=1e-12)
    mean = nb201.query(nb201.space.encode(nb201_csv["arch_str"]), "valid_accuracy", dataset="cifar10-valid")
    np.testing.assert_allclose(mean, nb201_csv["c10valid_xvalid_200"], atol=2e-6)


def test_published_optima(nb201):
    front = nb201.query(nb201.architectures, "test_accuracy", dataset="cifar10")
    assert front.max() == pytest.approx(94.37, abs=0.005)
    assert nb201.query(nb201.architectures, "valid_accuracy", dataset="cifar10-valid").max() == pytest.approx(
        91.61, abs=0.005
    )


def test_macro_costs_and_values(macro, macro_json):
    records = json.loads(macro_json.read_text())
    X = macro.space.encode(list(records))
    for name in ("params", "flops"):
        assert macro.space.cost(X, name, dataset="cifar10").tolist() == [r[name] for r in records.values()]
    for trial in range(3):
        assert macro.query(X, "test_accuracy", seed=trial).tolist() == [r["test_acc"][trial] for r in records.values()]
    assert len(macro) == 6561


def test_macro_front_has_its_35_points(macro):
    genotypes, values = macro.front(["test_accuracy", "flops"])
    assert len(values) == 35
    assert macro.space.decode(genotypes[:1]) == ["22212220"]
    assert values[0, 0] == pytest.approx(93.127, abs=1e-3)
    assert macro.space.decode(genotypes[-1:]) == ["00000000"]


@pytest.fixture(scope="module")
def nb101_cells(published):
    """20,001 cells with their hash, the place of that hash among all, the stored graph, and params."""
    path = published / "nb101" / "validation_4_budgets_one_repeat_20001_cells.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return pd.read_csv(path, dtype={"adjacency": str, "ops": str}, keep_default_na=False)


def nb101_native(adjacency, inner):
    v = math.isqrt(len(adjacency))
    matrix = np.array(list(adjacency), dtype=int).reshape(v, v)
    return {"matrix": matrix, "ops": ["input", *inner, "output"]}


def test_nb101_cells_as_published(nb101_cells):
    space = nk.space("nb101")
    natives = [
        nb101_native(row.adjacency, [OPERATIONS[int(letter)] for letter in row.ops.strip("-")])
        for row in nb101_cells.itertuples()
    ]
    X = space.encode(natives)
    assert (space.canonical(X) == X).all()
    assert (space.module_hash(X) == nb101_cells["hash"]).all()
    assert (space.cost(X, "params", dataset="cifar10") == nb101_cells["trainable_parameters"]).all()


def test_nb101_cells_are_in_the_published_order_of_their_hashes(nb101_cells):
    """Computing all hashes takes half a minute: tools/make_hash_prefixes.py does, and compares their digest."""
    space = nk.space("nb101")

    def hashes_of(cells):
        return space.module_hash(space.representatives(cells))

    cells = sorted_cells(hashes_of)
    assert np.array_equal(np.sort(cells), np.arange(space.networks))
    assert hashes_of(cells[[0, -1]]).tolist() == [
        "00005c142e6f48ac74fdcf73e3439874",
        "ffff76fafa7b0cdf545fd7feee9c8bf9",
    ]
    assert (hashes_of(cells[nb101_cells["sorted_index"]]) == nb101_cells["hash"]).all()
    some = hashes_of(cells[::40])
    assert (some[1:] > some[:-1]).all()


def test_nb101_cells_with_all_repeats(published):
    path = published / "nb101" / "repeats_108_epochs_40_cells.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    space = nk.space("nb101")
    cells = [json.loads(line) for line in path.read_text().splitlines()]
    X = space.encode([nb101_native(cell["adjacency"], cell["operations"][1:-1]) for cell in cells])
    assert space.module_hash(X).tolist() == [cell["hash"] for cell in cells]
    assert (space.canonical(X) == X).all()
    assert space.cost(X, "params", dataset="cifar10").tolist() == [cell["trainable_parameters"] for cell in cells]


def test_macronas_fronts(published):
    """The authors' fronts for problem lengths 0 ... 14: the second objective is the published MMACs, scaled."""
    path = published / "macronas" / "benchmark_cifar10_paretofront.json"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    space = nk.space("macronas")
    points = 0
    for front in json.loads(path.read_text()).values():
        X = space.encode([genotype.replace("0", "I").ljust(14, "I") for genotype in front["genotypes"]])
        mmacs = space.cost(X, "mmacs", dataset="cifar10")
        expected = 1 - (mmacs - 21.31) / (239.28 - 21.31)
        np.testing.assert_allclose(expected, np.array(front["fitness"])[:, 1], atol=1e-7)  # stored as float32
        points += len(X)
    assert points == 316


def test_macronas_costs(published):
    path = published / "macronas" / "cifar10_known_validation.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    table = pd.read_csv(path)
    space = nk.space("macronas")
    X = space.encode(table["arch"])
    assert (space.cost(X, "params", dataset="cifar10") == table["Params"]).all()
    assert (space.cost(X, "mmacs", dataset="cifar10") == table["MMACs"]).all()


def test_stores_validate_against_their_sources(macro, macro_json, nb201, nb201_mapping, published):
    from nasbench_kit.loaders.mapping import read_mapping

    assert all(check.passed for check in validate(macro.path, source=lambda _: load(macro_json)))
    checks = validate(nb201.path, source=lambda _: load(published / "nb201", mapping=read_mapping(nb201_mapping)))
    assert all(check.passed for check in checks)
    assert any("5,524 in 15,625" in check.found for check in checks)


@pytest.fixture(scope="module")
def nats_folder(published):
    folder = published / "nb201" / "NATS-tss-v1_0-3ffb9-simple"
    if not folder.exists():
        pytest.skip(f"{folder} is absent")
    return folder


@pytest.fixture(scope="module")
def nats(nats_folder, tmp_path_factory):
    return nk.convert(nats_folder, tmp_path_factory.mktemp("nats") / "nats.h5", partial=True, curves=True)


def test_genuine_nats_records(nats, nats_folder):
    """Every value of every trial, beside what the standard library's pickle reads."""
    infos = {}
    for index in (0, 11):
        content = pickle.loads(bz2.decompress((nats_folder / f"{index:06d}.pickle.pbz2").read_bytes()))
        infos[index] = {"less": content["12"], "full": content["200"]}
    assert_equal_to(nats, infos)
    assert len(nats) == 2
    assert nats.info["known_members"].startswith("3 of the 3 members")
    assert (
        "recorded flops that differ from the definition: 0; recorded params that differ from the definition: 0"
        in nats.info["content"]
    )
    for index, content in infos.items():
        x = nats.space.from_official_index([index])
        for seed in (777, 888, 999):
            rc = content["full"]["all_results"]["cifar10-valid", seed]
            curve = [
                nats.query(x, "valid_accuracy", dataset="cifar10-valid-curves-200", epochs=epoch, seed=seed)[0]
                for epoch in range(1, 201)
            ]
            assert curve == [rc["eval_acc1es"][f"x-valid@{epoch}"] for epoch in range(200)]
        for dataset in ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120"):
            for cost in ("params", "flops"):
                recorded, exact = nats.query(x, [f"recorded_{cost}", cost], dataset=dataset)[0]
                assert recorded == exact


def test_nats_records_cost_what_the_authors_charge(nats):
    """`simulate_train_eval` of the official package: training and one evaluation; record 11, 12 epochs."""
    x = nats.space.from_official_index([11])
    for more, seconds in ((False, 149.545), (True, 153.696)):
        problem = nats.problem(
            "valid_accuracy",
            dataset="cifar10-valid",
            epochs=12,
            seed=777,
            missing="raise",
            include_validation_time=more,
        )
        assert problem.evaluate(x).seconds[0] == pytest.approx(seconds, abs=5e-4)


def test_genuine_nats_records_agree_with_the_table(nats, nb201):
    X = nats.architectures
    for dataset, metric, epochs in (
        ("cifar10-valid", "valid_accuracy", 12),
        ("cifar10-valid", "test_accuracy", 200),
        ("cifar10-valid", "training_time", 200),
        ("cifar10", "test_accuracy", 200),
        ("cifar100", "valid_accuracy", 200),
        ("cifar100", "test_accuracy", 12),
        ("cifar100", "original_test_accuracy", 200),
        ("ImageNet16-120", "valid_accuracy", 200),
        ("ImageNet16-120", "test_accuracy", 200),
    ):
        values = nats.query(X, metric, dataset=dataset, epochs=epochs)
        np.testing.assert_allclose(values, nb201.query(X, metric, dataset=dataset, epochs=epochs), rtol=1e-5)


def test_genuine_nats_records_agree_with_the_official_package(nats, nats_folder):
    pytest.importorskip("nats_bench")
    checks = validate(
        nats.path,
        source=lambda curves: load(nats_folder, partial=True, curves=curves),
        official=lambda indices, ask: ask_official(nats_folder, "nats", indices, ask),
    )
    assert all(check.passed for check in checks), checks
