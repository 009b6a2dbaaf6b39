"""ONNX models as surrogates."""

from __future__ import annotations

import numpy as np
import pytest

import nasbench_kit as nk

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

MAPPING = """
space = "nb201"
encoding = "one-hot"
[[output]]
name = "accuracy"
dataset = "cifar10"
metric = "valid_accuracy"
epochs = 200
scale = 100
[[output]]
name = "size"
dataset = "cifar10"
metric = "model_size"
units = "MB"
direction = "min"
"""
WEIGHTS = np.random.default_rng(0).random((30, 4), dtype=np.float32)


@pytest.fixture
def model(tmp_path):
    """Three members of accuracy, and a size, each linear in a one-hot encoding."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["accuracy"]),
        helper.make_node("MatMul", ["x", "v"], ["size"]),
    ]
    weights = [
        numpy_helper.from_array(WEIGHTS[:, :3] / 6, "w"),
        numpy_helper.from_array(np.ascontiguousarray(WEIGHTS[:, 3:]), "v"),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 30])],
        [
            helper.make_tensor_value_info("accuracy", TensorProto.FLOAT, [None, 3]),
            helper.make_tensor_value_info("size", TensorProto.FLOAT, [None, 1]),
        ],
        weights,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    path = tmp_path / "linear.onnx"
    path.write_bytes(made.SerializeToString())
    return path


@pytest.fixture
def mapping(tmp_path):
    path = tmp_path / "mapping.toml"
    path.write_text(MAPPING)
    return path


def test_predictions(model, mapping):
    bench = nk.SurrogateBenchmark(model, mapping=mapping)
    X = bench.space.sample(20, 0)
    features = np.eye(5)[X].reshape(20, 30)
    wanted = features @ WEIGHTS[:, :3] / 6 * 100
    np.testing.assert_allclose(bench.trials(X, "valid_accuracy")[:, 0], wanted, rtol=1e-5)
    np.testing.assert_allclose(bench.query(X, "valid_accuracy"), wanted.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(bench.query(X, "model_size"), features @ WEIGHTS[:, 3], rtol=1e-5)
    assert bench.seeds(metric="valid_accuracy") == (0, 1, 2)
    assert bench.seeds(metric="model_size") == ()
    assert (bench.metric("model_size").units, bench.metric("model_size").direction) == ("MB", "min")
    assert bench.epochs() == (200,)
    assert bench.query(X, "params").tolist() == bench.space.cost(X, "params", dataset="cifar10").tolist()


def test_a_search(model, mapping):
    bench = nk.SurrogateBenchmark(model, mapping=mapping)
    problem = bench.problem(["valid_accuracy", "model_size"], bounds=[[100, 0], [0, 6]])
    assert problem.noisy
    result = nk.search(problem, nk.NSGA2(population_size=20), runs=2, evaluations=200)
    assert (result.hypervolume() > 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('space = "nb201"', 'space = "nb20"'), "did you mean 'nb201'"),
        (('"one-hot"', '"onehot"'), "unknown encoding 'onehot'; did you mean 'one-hot'"),
        (('"one-hot"', '"genes"'), "does not take the encoding"),
        (('name = "size"', 'name = "sise"'), "did you mean 'size'"),
        (('direction = "min"', 'direction = "down"'), "direction must be 'max' or 'min'"),
        (("epochs = 200", 'epochs = "200"'), "epochs must be a whole number"),
        (('dataset = "cifar10"', 'data = "cifar10"'), "unknown field 'data'"),
        (('metric = "model_size"', 'metric = "valid_accuracy"'), "is given twice"),
        (("[[output]]", "[[output"), "not valid TOML"),
        ((MAPPING, 'space = "nb201"\nencoding = "genes"'), "the field 'output' is missing"),
    ],
)
def test_mappings_with_something_wrong(model, mapping, change, message):
    mapping.write_text(MAPPING.replace(*change))
    with pytest.raises(nk.NasbenchKitError, match=message):
        nk.SurrogateBenchmark(model, mapping=mapping)


def test_models_with_something_wrong(model, mapping, tmp_path):
    with pytest.raises(nk.SourceError, match="needs a mapping"):
        nk.SurrogateBenchmark(model)
    model.write_bytes(model.read_bytes()[:100])
    with pytest.raises(nk.SourceError, match="not an ONNX model that can be run"):
        nk.SurrogateBenchmark(model, mapping=mapping)
    with pytest.raises(nk.SourceError, match="only applies to the folders"):
        nk.SurrogateBenchmark(model, mapping=mapping, runtime=tmp_path)
