"""NAS-Bench-101's interface on a file in the official format with made-up values, read here as the package reads it."""

from __future__ import annotations

import base64
import json
import random
import struct

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.compat import nasbench101 as api
from nasbench_kit.data import store_folder
from tests.official.nb101 import write_nb101

SPACE = nk.space("nb101")
CELLS = 12
OPS = ["conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"]
INCEPTION = api.ModelSpec(
    matrix=[
        [0, 1, 1, 1, 0, 1, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0, 0],
    ],
    ops=["input", OPS[1], OPS[0], OPS[0], OPS[0], OPS[2], "output"],
)
METRICS = ("training_time", "train_accuracy", "validation_accuracy", "test_accuracy")
EVALUATION = struct.Struct("<2x" + "xd" * 5)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("nb101") / "nasbench_full.tfrecord"
    write_nb101(path, CELLS)
    return path


@pytest.fixture(scope="module")
def store(source):
    return nk.convert(source, source.with_suffix(".h5"), partial=True).path


@pytest.fixture
def nasbench(store):
    return api.NASBench(str(store), seed=5)


@pytest.fixture(scope="module")
def official(source):
    """The file's content as the package keeps it: fixed and computed statistics by hash."""
    fixed, computed, buffer = {}, {}, source.read_bytes()
    while buffer:
        (length,) = struct.unpack("<Q", buffer[:8])
        digest, epochs, adjacency, operations, metrics = json.loads(buffer[12 : 12 + length])
        buffer = buffer[16 + length :]
        message = base64.b64decode(metrics)
        evaluations = [EVALUATION.unpack_from(message, EVALUATION.size * i) for i in range(3)]
        v = int(len(adjacency) ** 0.5)
        shift, params = 0, 0
        for byte in message[3 * EVALUATION.size + 1 :]:
            params |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        fixed[digest] = {
            "module_adjacency": np.array(list(adjacency), dtype=np.int8).reshape(v, v),
            "module_operations": operations.split(","),
            "trainable_parameters": params,
        }
        point = {
            f"{prefix}_{name}": value
            for prefix, evaluation in zip(("halfway", "final"), evaluations[1:], strict=True)
            for name, value in zip(METRICS, evaluation[1:], strict=True)
        }
        computed.setdefault(digest, {}).setdefault(epochs, []).append(point)
    return fixed, computed


def assert_fixed(found, expected):
    assert found.keys() == expected.keys()
    np.testing.assert_array_equal(found["module_adjacency"], expected["module_adjacency"])
    assert found["module_adjacency"].dtype == expected["module_adjacency"].dtype
    assert found["module_operations"] == expected["module_operations"]
    assert found["trainable_parameters"] == expected["trainable_parameters"]


def spec_of(fixed):
    return api.ModelSpec(fixed["module_adjacency"], fixed["module_operations"])


@pytest.mark.slow
def test_all_statistics(nasbench, official):
    fixed, computed = official
    assert len(fixed) == CELLS
    assert list(nasbench.hash_iterator()) == sorted(fixed)
    assert len(nasbench.hash_iterator()) == CELLS
    assert nasbench.valid_epochs == {4, 12, 36, 108}
    for digest in fixed:
        found = nasbench.get_metrics_from_hash(digest)
        assert_fixed(found[0], fixed[digest])
        assert found[1] == computed[digest]  # to the last bit
        assert nasbench.fixed_statistics[digest].keys() == fixed[digest].keys()
        assert nasbench.computed_statistics[digest] == computed[digest]
        spec = spec_of(fixed[digest])
        assert spec.hash_spec(nasbench.config["available_ops"]) == digest
        assert nasbench.get_metrics_from_spec(spec)[1] == computed[digest]
        assert digest in nasbench.fixed_statistics
    assert nasbench.get_budget_counters() == (0.0, 0)
    assert len(nasbench.config) == 25
    assert [nasbench.config[name] for name in ("module_vertices", "max_edges", "num_repeats")] == [7, 9, 3]
    found[1][108][0]["final_test_accuracy"] = 2.0  # a copy of one's own
    assert nasbench.computed_statistics[digest] == computed[digest]


def test_queries_draw_as_the_original(nasbench, official):
    fixed, computed = official
    draws = random.Random(5)
    spent, epochs_spent, values = 0.0, 0, set()
    for number in range(60):
        digest = sorted(fixed)[number % CELLS]
        epochs = (4, 12, 36, 108)[number % 4]
        halfway = number % 3 == 0
        data = nasbench.query(spec_of(fixed[digest]), epochs, halfway)
        point = computed[digest][epochs][draws.randint(0, 2)]
        assert_fixed({key: data[key] for key in fixed[digest]}, fixed[digest])
        assert set(data) == {*fixed[digest], *METRICS}
        for name in METRICS:
            assert data[name] == point[f"{'halfway' if halfway else 'final'}_{name}"]
        values.add(data["test_accuracy"])
        spent += data["training_time"]
        epochs_spent += epochs // 2 if halfway else epochs
        assert nasbench.get_budget_counters() == (spent, epochs_spent)
    assert len(values) > 24  # of 36
    nasbench.reset_budget_counters()
    assert (nasbench.training_time_spent, nasbench.total_epochs_spent) == (0.0, 0)


def test_python_s_own_stream(store, official):
    before = random.getstate()
    spec = spec_of(next(iter(official[0].values())))
    found = []
    for seed in (random, 1):
        random.seed(1)
        nasbench = api.NASBench(store, seed)
        found.append([nasbench.query(spec)["test_accuracy"] for _ in range(10)])
    assert found[0] == found[1]
    random.seed(1)
    api.NASBench(store).query(spec)
    assert random.getstate() == random.Random(1).getstate()
    random.setstate(before)


def test_isomorphic_cells_are_one(nasbench, official):
    """Another order of the vertices, and vertices that are not used."""
    digest, fixed = next((d, f) for d, f in official[0].items() if len(f["module_operations"]) == 4)
    matrix = np.zeros((6, 6))
    place = [0, 1, 3, 5]
    matrix[np.ix_(place, place)] = fixed["module_adjacency"]
    matrix[0, 4] = matrix[2, 5] = 1
    ops = ["input", fixed["module_operations"][1], "maxpool3x3", fixed["module_operations"][2], "maxpool3x3", "output"]
    spec = api.ModelSpec(matrix, ops)
    assert spec.original_matrix.shape == (6, 6)
    assert spec.original_ops == ops
    np.testing.assert_array_equal(spec.matrix, fixed["module_adjacency"])
    assert spec.ops == fixed["module_operations"]
    assert spec.hash_spec(OPS) == digest  # though the matrix is of floats, which misled the original
    assert_fixed(nasbench.get_metrics_from_spec(spec)[0], fixed)


def test_the_hash_is_the_official_one():
    rows = SPACE.sample(300, 0)
    natives = SPACE.decode(rows)
    found = [api.ModelSpec(np.array(native["matrix"]), native["ops"]).hash_spec(OPS) for native in natives]
    assert found == SPACE.module_hash(rows).tolist()
    chain = api.ModelSpec([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", "conv3x3-bn-relu", "output"])
    assert chain.hash_spec(OPS) == "b49ac8c578b4561d79ac7087988f1c61"
    assert chain.hash_spec(OPS[::-1]) != chain.hash_spec(OPS)
    with pytest.raises(ValueError, match="conv3x3"):
        chain.hash_spec(["maxpool3x3"])
    larger = api.ModelSpec(np.triu(np.ones((9, 9)), 1), ["input", *["maxpool3x3"] * 7, "output"])
    assert len(larger.hash_spec(OPS)) == 32


@pytest.mark.parametrize(
    ("matrix", "ops", "message"),
    [
        ([[0, 1]], ["input"], "square"),
        ([0, 1], ["input", "output"], "square"),
        ([[0, 1], [0, 0]], ["input"], "2 vertices"),
        ([[0, 1], [1, 0]], ["input", "output"], "upper-triangular"),
        ([[1, 1], [0, 0]], ["input", "output"], "upper-triangular"),
    ],
)
def test_what_is_no_cell(matrix, ops, message):
    with pytest.raises(ValueError, match=message):
        api.ModelSpec(matrix, ops)


@pytest.mark.parametrize(
    ("matrix", "ops", "message"),
    [
        ([[0, 0], [0, 0]], ["input", "output"], "does not reach"),
        ([[0]], ["input"], "does not reach"),
        (np.eye(8, k=1), ["input", *OPS[:1] * 6, "output"], "at most 7 vertices"),
        (np.triu(np.ones((5, 5)), 1), ["input", *OPS, "output"], "at most 9 edges"),
        ([[0, 1], [0, 0]], ["output", "input"], "first op must be 'input'"),
        (np.eye(3, k=1), ["input", "conv5x5", "output"], "the op 'conv5x5' is none of"),
    ],
)
def test_what_is_outside_the_space(nasbench, matrix, ops, message):
    spec = api.ModelSpec(matrix, ops)
    assert not nasbench.is_valid(spec)
    for question in (nasbench.query, nasbench.get_metrics_from_spec):
        with pytest.raises(api.OutOfDomainError, match=message):
            question(spec)
    assert nasbench.get_budget_counters() == (0.0, 0)


def test_an_invalid_cell_has_no_matrix():
    spec = api.ModelSpec([[0, 0], [0, 0]], ["input", "output"], data_format="channels_first")
    assert (spec.valid_spec, spec.matrix, spec.ops, spec.data_format) == (False, None, None, "channels_first")
    with pytest.raises(ValueError, match="nothing is left to hash"):
        spec.hash_spec(OPS)


def test_refusals(nasbench, official, source, tmp_path):
    spec = spec_of(next(iter(official[0].values())))
    with pytest.raises(api.OutOfDomainError, match=r"one of \[4, 12, 36, 108\], not 50"):
        nasbench.query(spec, epochs=50)
    assert nasbench.is_valid(INCEPTION)
    with pytest.raises(KeyError, match=f"lacks this cell: it has {CELLS} of 423624"):
        nasbench.query(INCEPTION)
    with pytest.raises(KeyError, match="entries|zeros and ones"):
        nasbench.query(api.ModelSpec([[0, 2], [0, 0]], ["input", "output"]))
    for digest in ("0" * 32, "x", 5):
        with pytest.raises(KeyError, match="hash"):
            nasbench.get_metrics_from_hash(digest)
        assert digest not in nasbench.fixed_statistics
    with pytest.raises(KeyError, match="lacks the cell"):
        nasbench.get_metrics_from_hash(INCEPTION.hash_spec(OPS))
    with pytest.raises(NotImplementedError, match="nasbench-kit train"):
        nasbench.evaluate(spec, tmp_path)
    with pytest.raises(NotImplementedError, match="nasbench-kit draw"):
        spec.visualize()
    with pytest.raises(ValueError, match=r"nasbench_full.tfrecord is an official file, not a store: run 'nasbench-kit"):
        api.NASBench(source)
    nk.convert(source, store_folder() / "nb101.h5", partial=True)
    assert len(api.NASBench(str(source)).hash_iterator()) == CELLS
    with pytest.raises(ValueError, match="table of the space"):
        api.NASBench("nb201")


def test_the_bundled_column():
    """Only the mean test accuracy after 108 epochs: all else is nan, and the time spent unknown."""
    nasbench = api.NASBench("nb101-test")
    assert nasbench.valid_epochs == {108}
    data = nasbench.query(INCEPTION)
    assert round(data["test_accuracy"], 6) == 0.930856
    assert data["trainable_parameters"] == 2_694_282
    assert np.isnan([data["validation_accuracy"], data["train_accuracy"], data["training_time"]]).all()
    assert np.isnan(nasbench.get_budget_counters()[0])
    assert len(nasbench.hash_iterator()) == 423_624


@pytest.mark.slow
def test_hashes_of_the_bundled_column():
    nasbench = api.NASBench("nb101-test")
    digest = next(iter(nasbench.hash_iterator()))
    assert digest == "00005c142e6f48ac74fdcf73e3439874"
    assert nasbench.get_metrics_from_hash(digest)[0]["trainable_parameters"] == 8_555_530
