"""The official interfaces on genuine records: what the packages answer. Skipped where the data is absent."""

from __future__ import annotations

import bz2
import json
import pickle
import warnings

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.compat import nasbench101, nats_bench
from nasbench_kit.compat.nas_201_api import NASBench201API
from tests.compat.agreement import assert_agree, assert_records_agree, same_draws
from tests.compat.readmes import NATS, assert_outputs_agree, example, run
from tests.official.nb101 import framed, message, payload

INDICES = (0, 11)
KINDS = {
    "tss": (("nb201", "NATS-tss-v1_0-3ffb9-simple"), {"12": 12, "200": 200}),
    "sss": (("nats-size", "NATS-sss-v1_0-50262-simple"), {"01": 1, "12": 12, "90": 90}),
}


@pytest.fixture(scope="module", params=KINDS)
def space(request):
    return request.param


@pytest.fixture(scope="module")
def folder(published, space):
    path = published.joinpath(*KINDS[space][0])
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path


@pytest.fixture(scope="module")
def store(folder, tmp_path_factory):
    return nk.convert(folder, tmp_path_factory.mktemp("compat") / "out.h5", partial=True, curves=True).path


def test_nats_bench(folder, store, space):
    package = pytest.importorskip("nats_bench")
    theirs = package.create(str(folder), space, fast_mode=True, verbose=False)
    ours = nats_bench.create(store, space, fast_mode=True, verbose=False, seed=1)
    for index in INDICES:
        for hp, budget in KINDS[space][1].items():
            assert_records_agree(ours, theirs, index, hp, budget)
    for question in (
        list,
        lambda api: sorted(api.evaluated_indexes),
        lambda api: api.statistics("cifar10-valid", "12"),
        lambda api: api.find_best("cifar10", "valid", enforce_all=False),
        lambda api: api.find_best("ImageNet16-120", "test", enforce_all=False),
        lambda api: api.get_more_info(12, "cifar10"),
    ):
        assert_agree(ours, theirs, question)
    questions = [
        lambda api, i=i, d=d: api.simulate_train_eval(i, d)
        for i in INDICES * 4
        for d in ("cifar10", "cifar100", "ImageNet16-120")
    ]
    same_draws(ours, theirs, questions, 1)


def test_the_readme_of_nats_bench(folder, store, space):
    """With the two architectures whose genuine records are here."""
    if space == "sss":
        return
    pytest.importorskip("nats_bench")
    block = example(NATS)
    here = {'"nb201"': "source", "1234": "11", "(12,": "(11,", "(12)": "(11)", "index=12": "index=11"}
    ours = run(block, here, source=str(store))
    official = {**here, "nasbench_kit.compat.nats_bench": "nats_bench", "reload(index=12)": "reload(source, 11)"}
    del official["index=12"]
    assert_outputs_agree(ours, run(block, official, source=str(folder)))


def test_nas_201_api(folder, store, space):
    if space == "sss":
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = pytest.importorskip("nas_201_api")
    states = {i: pickle.loads(bz2.decompress((folder / f"{i:06d}.pickle.pbz2").read_bytes())) for i in INDICES}
    content = pickle.loads(bz2.decompress((folder / "meta.pickle.pbz2").read_bytes()))
    content["arch2infos"] = {index: {"less": found["12"], "full": found["200"]} for index, found in states.items()}
    content["evaluated_indexes"] = list(INDICES)
    theirs = package.NASBench201API(content, verbose=False)
    ours = NASBench201API(store, verbose=False, seed=2)
    for index in INDICES:
        for hp in ("12", "200"):
            assert_records_agree(ours, theirs, index, hp, int(hp))
    assert_agree(ours, theirs, list)
    questions = [lambda api, i=i: api.simulate_train_eval(i, "cifar10", hp="200") for i in INDICES * 4]
    same_draws(ours, theirs, questions, 2)


def test_nasbench(published, tmp_path):
    """Forty cells with all their repeats, in the official container."""
    path = published / "nb101" / "repeats_108_epochs_40_cells.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    cells = [json.loads(line) for line in path.read_text().splitlines()]
    names = ("training_time", "train_accuracy", "validation_accuracy", "test_accuracy")
    with (tmp_path / "forty.tfrecord").open("wb") as file:
        for cell in cells:
            for repeat in cell["repeats"]:
                evaluations = [[0.0, 0.0, 0.1, 0.1, 0.1]]
                for epoch, prefix in ((54.0, "halfway"), (108.0, "final")):
                    evaluations.append([epoch, *(repeat[f"{prefix}_{name}"] for name in names)])
                content = message(evaluations, cell["trainable_parameters"])
                file.write(framed(payload(cell["hash"], 108, cell["adjacency"], ",".join(cell["operations"]), content)))
    nasbench = nasbench101.NASBench(nk.convert(tmp_path / "forty.tfrecord", tmp_path / "forty.h5", partial=True))
    assert list(nasbench.hash_iterator()) == sorted(cell["hash"] for cell in cells)
    for cell in cells:
        v = len(cell["operations"])
        matrix = np.array(list(cell["adjacency"]), dtype=np.int8).reshape(v, v)
        spec = nasbench101.ModelSpec(matrix, cell["operations"])
        assert spec.hash_spec(nasbench.config["available_ops"]) == cell["hash"]
        fixed, computed = nasbench.get_metrics_from_spec(spec)
        np.testing.assert_array_equal(fixed["module_adjacency"], matrix)
        assert fixed["module_operations"] == cell["operations"]
        assert fixed["trainable_parameters"] == cell["trainable_parameters"]
        assert list(computed) == [108]
        for found, repeat in zip(computed[108], cell["repeats"], strict=True):
            assert found == {key: repeat[key] for key in found}  # to the last bit
            assert len(found) == 8
