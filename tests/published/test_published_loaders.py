"""The loaders nb101 and macronas on genuine values. Skipped where the data is absent."""

from __future__ import annotations

import base64
import json

import numpy as np
import pandas as pd
import pytest

import nasbench_kit as nk
from nasbench_kit.loaders import nb101_record, protobuf
from nasbench_kit.loaders.tfrecord import read_records
from tests.official.nb101 import framed, message, payload

METRICS = ("training_time", "train_accuracy", "valid_accuracy", "test_accuracy")
PUBLISHED_NAMES = ("training_time", "train_accuracy", "validation_accuracy", "test_accuracy")


def there(path):
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path


@pytest.fixture(scope="module")
def folder(published):
    return published / "nb101"


@pytest.fixture(scope="module")
def forty(folder):
    path = there(folder / "repeats_108_epochs_40_cells.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_first_official_record(folder, tmp_path):
    path = there(folder / "official_first_record.tfrecord")
    [records] = read_records(path)
    assert nb101_record._decode_alike(records)[3].tolist() == [True]
    bench = nk.convert(path, tmp_path / "out.h5", partial=True)
    X = bench.architectures
    assert bench.space.module_hash(X)[0] == "00005c142e6f48ac74fdcf73e3439874"
    assert bench.query(X, "params")[0] == 8_555_530
    # k / 9984 as float32
    assert bench.query(X, "test_accuracy", epochs=4, seed=0)[0] == float(np.float32(3499 / 9984)) * 100
    assert bench.query(X, "halfway_valid_accuracy", epochs=4, seed=0)[0] == float(np.float32(1051 / 9984)) * 100
    assert bench.query(X, "training_time", epochs=4, seed=0)[0] == 89.90399932861328


@pytest.fixture(scope="module")
def forty_bench(forty, tmp_path_factory):
    """The 40 cells in the official container."""
    contents = []
    for cell in forty:
        for repeat in cell["repeats"]:
            evaluations = [[0.0, 0.0, 0.1, 0.1, 0.1]]
            for epoch, prefix in ((54.0, "halfway"), (108.0, "final")):
                evaluations.append([epoch, *(repeat[f"{prefix}_{name}"] for name in PUBLISHED_NAMES)])
            content = message(evaluations, cell["trainable_parameters"])
            contents.append(payload(cell["hash"], 108, cell["adjacency"], ",".join(cell["operations"]), content))
    path = tmp_path_factory.mktemp("forty") / "forty.tfrecord"
    path.write_bytes(b"".join(map(framed, contents)))
    return nk.convert(path, path.with_suffix(".h5"), partial=True)


def genotypes(bench, forty):
    row_of_hash = dict(zip(bench.space.module_hash(bench.architectures).tolist(), range(40), strict=True))
    return bench.architectures[[row_of_hash[cell["hash"]] for cell in forty]]


def test_forty_cells_of_three_repeats(forty, forty_bench):
    bench = forty_bench
    assert len(bench) == 40
    assert bench.epochs("cifar10", "valid_accuracy") == (108,)
    X = genotypes(bench, forty)
    assert bench.query(X, "params").tolist() == [cell["trainable_parameters"] for cell in forty]
    for seed in range(3):
        for prefix, there in (("", "final_"), ("halfway_", "halfway_")):
            for name, published in zip(METRICS, PUBLISHED_NAMES, strict=True):
                expected = np.array([cell["repeats"][seed][there + published] for cell in forty])
                found = bench.query(X, prefix + name, seed=seed)
                assert found.tolist() == (expected * (1 if name == "training_time" else 100)).tolist()


def test_means_are_the_published_ones(forty, forty_bench, folder):
    """Mean test accuracies, k / 29952, by the place of a cell among all hashes."""
    means = np.load(there(folder / "mean_test_108_epochs_by_hash_order.npy"))
    table = pd.read_csv(there(folder / "validation_4_budgets_one_repeat_20001_cells.csv.gz"), index_col="hash")
    known = [i for i, cell in enumerate(forty) if cell["hash"] in table.index]
    assert known
    X = genotypes(forty_bench, forty)[known]
    place = table.loc[[forty[i]["hash"] for i in known], "sorted_index"]
    found = forty_bench.query(X, "test_accuracy") / 100 * 29952
    np.testing.assert_allclose(found, means[place], atol=0.01)


def test_a_relative_with_more_fields(folder, tmp_path):
    """EC-NAS: its own trainings in the same container, with energies in the fields that NAS-Bench-101 has not."""
    path = there(folder / "ecnas_energy_4V9E.tfrecord")
    bench = nk.convert(path, tmp_path / "out.h5", partial=True)
    assert len(bench) == 91
    assert bench.epochs("cifar10", "test_accuracy") == (4, 12, 36, 108)
    assert np.isnan(bench.query(bench.architectures, "halfway_test_accuracy")).all()
    assert bench.info["published_file"].startswith("none")
    assert (bench.info["licence"], "EC-NAS" in bench.info["citation"]) == ("MIT", True)
    first = json.loads(next(read_records(path)).payload(0))
    outer = [value for number, _, value in protobuf.fields(base64.b64decode(first[4])) if number == 1]
    final = {number: value for number, wire, value in protobuf.fields(outer[2]) if wire == protobuf.DOUBLE}
    assert max(final) > 5
    X = bench.architectures[bench.space.module_hash(bench.architectures) == first[0]]
    assert bench.query(X, "test_accuracy", epochs=first[1], seed=0)[0] == final[5] * 100
    with pytest.raises(nk.SourceError, match="lacks 423533 of the 423624 cells"):
        nk.convert(path, tmp_path / "out.h5")


def test_known_macronas_values(published, tmp_path):
    """Real MMACs, params and validation accuracies; the test accuracy is not known and left at 0."""
    table = pd.read_csv(there(published / "macronas" / "cifar10_known_validation.csv"))
    records = {
        row["arch"]: {"MMACs": row["MMACs"], "Params": int(row["Params"]), "val_acc": row["val_acc"], "test_acc": 0.0}
        for row in table.to_dict("records")
    }
    path = tmp_path / "known.json"
    path.write_text(json.dumps(records))
    bench = nk.convert(path, tmp_path / "known.h5", partial=True)
    X = bench.space.encode(list(records))
    assert bench.query(X, "valid_accuracy").tolist() == table["val_acc"].tolist()
    assert bench.query(X, "mmacs").tolist() == table["MMACs"].tolist()
    assert bench.query(X, "valid_accuracy").max() == 92.49
    assert len(bench) == len(np.unique(bench.space.key(X)))
