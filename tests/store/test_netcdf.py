"""A store is a netCDF-4 file: netCDF4 and xarray open it as it is, with every axis named."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.data import found_stores
from nasbench_kit.store import MetricColumn, StoreFile, Table, write_store

BUNDLED = {name: store.path for name, store in found_stores().items() if store.bundled}
ENGINES = {"h5netcdf": "h5netcdf", "netcdf4": "netCDF4"}
# a column for every combination of axes, and metrics that are called like axes
AXES = {
    "c10": {
        "params_read": (None, None),
        "training_time": ((4, 12), None),
        "valid_accuracy": ((4, 12), (777, 888, 999)),
        "test_accuracy": ((12,), (777, 888, 999)),
        "test_loss": ((12,), (-1,)),
        "epochs": (None, None),
        "architecture": ((4, 12), None),
    },
    "c100": {"valid_accuracy": (tuple(range(1, 51)), (7,)), "seed": ((50,), (7,)), "gene": (None, None)},
    "b w": {"latency": (None, None)},
}


@pytest.fixture(scope="module")
def varied(tmp_path_factory):
    space, rng = nk.space("nb201"), np.random.default_rng(0)
    X = np.unique(space.sample(30, rng), axis=0)
    metrics = {
        dataset: {
            name: MetricColumn(rng.random((len(X), *(len(axis) for axis in axes if axis))), *axes)
            for name, axes in columns.items()
        }
        for dataset, columns in AXES.items()
    }
    return write_store(tmp_path_factory.mktemp("netcdf") / "varied.h5", Table(space, X, metrics, {"source": "made up"}))


def opened(path, engine):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip(ENGINES[engine])
    return xarray.open_datatree(path, engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_xarray_reads_every_combination_of_axes(varied, engine):
    store = StoreFile(varied)
    with opened(varied, engine) as tree:
        np.testing.assert_array_equal(tree["architectures"], store.architectures)
        np.testing.assert_array_equal(tree["keys"], store.keys)
        assert tree["gene_1"].values.tolist() == list(store.space.gene_names)  # a metric has the name gene
        for dataset, columns in AXES.items():
            for name, axes in columns.items():
                variable = tree[f"metrics/{dataset}/{name}"]
                np.testing.assert_array_equal(variable, store.array(store.metrics[dataset][name]))
                assert variable.attrs["depends_on_seed"] == (axes[1] is not None)
                assert (variable.dims[0], variable.ndim) == (
                    "architecture_1",
                    1 + sum(axis is not None for axis in axes),
                )
                for dimension, axis, label in zip(variable.dims[1:], axes, ("epochs", "seed"), strict=False):
                    assert dimension.startswith(label)
                    assert variable.coords[dimension].values.tolist() == list(axis)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_group_opens_alone(varied, engine):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip(ENGINES[engine])
    with xarray.open_dataset(varied, engine=engine, group="metrics/c100") as found:
        assert found["valid_accuracy"].sel(epochs=50, seed_1=7).shape == (len(StoreFile(varied).keys),)


def test_netcdf4_itself_finds_every_dimension(varied):
    netcdf = pytest.importorskip("netCDF4")
    with netcdf.Dataset(varied) as file:
        assert {name: len(axis) for name, axis in file.dimensions.items()} == {
            "architecture_1": len(file["keys"]),
            "gene_1": 6,
        }
        group = file["metrics/c10"]
        assert group["valid_accuracy"].dimensions == ("architecture_1", "epochs_1", "seed")
        assert group["test_accuracy"].dimensions == ("architecture_1", "epochs_2", "seed")
        assert group["test_accuracy"].units == "percent"


@pytest.mark.parametrize(("engine", "name"), [*(("netcdf4", name) for name in BUNDLED), ("h5netcdf", "nb201")])
def test_bundled_stores_open_with_all_axes_named(engine, name):
    bench = nk.open(BUNDLED[name])
    with opened(BUNDLED[name], engine) as tree:
        assert tree["architectures"].dims == ("architecture", "gene")
        assert {node.name for node in tree["metrics"].children.values()} == set(bench.datasets)
        names = {str(dimension) for node in tree.subtree for dimension in node.dims}
        assert not {
            dimension for dimension in names if not dimension.startswith(("architecture", "gene", "epochs", "seed"))
        }
        for dataset, columns in bench._store.metrics.items():
            metric = next(iter(columns))
            variable = tree[f"metrics/{dataset}/{metric}"]
            np.testing.assert_array_equal(variable[:3], bench._store.array(columns[metric])[:3])


def test_a_store_without_netcdf_axes_still_opens(varied, tmp_path):
    """As kits wrote them before: the scales elsewhere, and none for the genes."""
    path = tmp_path / "old.h5"
    path.write_bytes(varied.read_bytes())
    with h5py.File(path, "r+") as file:
        scales = []
        file.visititems(
            lambda name, node: scales.append(name) if node.attrs.get("CLASS") == b"DIMENSION_SCALE" else None
        )
        assert len(scales) == 9
        for name in scales:
            del file[name]
    assert nk.open(path).check_file() == nk.open(varied).check_file()


@pytest.mark.parametrize("engine", ENGINES)
def test_what_to_xarray_gives_can_be_written(varied, engine, tmp_path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip(ENGINES[engine])
    found = nk.open(varied).to_xarray("c100").drop_vars("seed")  # a metric has the name of a coordinate
    found.to_netcdf(tmp_path / "out.nc", engine=engine)
    with xarray.open_dataset(tmp_path / "out.nc", engine=engine) as again:
        assert again.attrs["source"] == "made up"
        xarray.testing.assert_equal(again.load(), found)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_store_that_xarray_has_open_opens_too(varied, engine):
    with opened(varied, engine) as tree:
        bench = nk.open(varied)
        np.testing.assert_array_equal(bench.architectures, tree["architectures"])
    assert bench.check_file() > 0
