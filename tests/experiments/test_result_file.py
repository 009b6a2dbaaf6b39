"""Saved results: every kind of search can be saved, and only intact files are read."""

from __future__ import annotations

import os
from dataclasses import dataclass

import h5py
import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.store.hdf5 import plain_attributes
from nasbench_kit.store.record import SEAL, seal


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    problem = nk.open("nb201-digits").problem("valid_accuracy")
    result = nk.search(problem, nk.RegularizedEvolution(), runs=4, evaluations=60, seed=1)
    return result.save(tmp_path_factory.mktemp("results") / "r.h5")


def sealed(path):
    """Give a file that was edited a right checksum, as somebody does who edits it on purpose."""
    with h5py.File(path, "a") as file:
        names = []
        file.visititems(lambda name, node: names.append(name) if isinstance(node, h5py.Dataset) else None)
        arrays = {name: file[name][()] for name in names}
        file.attrs.pop(SEAL, None)
        file.attrs[SEAL] = seal(plain_attributes(file), arrays)
    return path


@pytest.fixture
def edited(saved, tmp_path):
    def edit(change, *, seal=True):
        path = tmp_path / "edited.h5"
        path.write_bytes(saved.read_bytes())
        with h5py.File(path, "a") as file:
            change(file)
        return sealed(path) if seal else path

    return edit


def replaced(name, values):
    def change(file):
        del file[name]
        file[name] = values

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.attrs.__setitem__("format", "other"), "not a result that this version"),
        (lambda f: replaced("archive_F", f["archive_F"][()].astype("f4"))(f), "archive_F is float32"),
        (lambda f: replaced("bounds", np.full((2, 1), np.nan))(f), "bounds has nan or infinite"),
        (lambda f: f.attrs.__setitem__("format_version", 99), "not a result that this version"),
        (lambda f: f.attrs.__setitem__("space", "nb20"), "did you mean 'nb201'"),
        (lambda f: f.attrs.__setitem__("space", "nb101"), "incumbents is uint8"),
        (lambda f: f.attrs.__setitem__("settings", "{"), "damaged result"),
        (lambda f: f.attrs.__setitem__("settings", "3"), "damaged result"),
        (lambda f: f.attrs.__setitem__("objectives", "[]"), "damaged result"),
        (lambda f: f.attrs.__setitem__("objectives", '[{"name": 3}]'), "name of an objective is not text"),
        (lambda f: f.attrs.__setitem__("objectives", "[" * 100_000), "damaged result"),
        (lambda f: f.attrs.__setitem__("seed", "x"), "damaged result"),
        (lambda f: f.attrs.__setitem__("seed", float("inf")), "damaged result"),
        (lambda f: f.attrs.__setitem__("algorithm", ["x"] * 1000), "'algorithm' is not a scalar string"),
        (lambda f: f.attrs.__delitem__("source"), "'source' is missing"),
        (lambda f: f.__delitem__("incumbents"), "'incumbents' is missing"),
        (lambda f: f.__delitem__("trace/run"), "'run' is missing"),
        (lambda f: f.__delitem__("trace/incumbent"), "'incumbent' is missing|trace/incumbent is missing"),
        (replaced("incumbents", np.full((4, 6), 9, np.uint8)), "genotypes are invalid"),
        (replaced("incumbents", np.zeros((5, 6), np.uint8)), "incumbents is uint8"),
        (replaced("evaluations", np.zeros((4, 2), int)), "is .*, not"),
        (replaced("trace/run", np.full(10, 3)), "is .*, not|damaged"),
        (replaced("reached", np.zeros(4)), "reached is float64"),
        (replaced("bounds", np.zeros((3, 1))), "bounds is float64"),
        (replaced("unique_networks", h5py.SoftLink("/evaluations")), "soft or external link"),
        (replaced("unique_networks", h5py.ExternalLink("other.h5", "x")), "soft or external link"),
    ],
)
def test_crafted_files_are_refused(edited, change, message):
    def safe(file):
        change(file)

    try:
        path = edited(safe)
    except (KeyError, TypeError, ValueError):  # what cannot be sealed is refused without
        path = edited(safe, seal=False)
    with pytest.raises(nk.StoreError, match=message) as caught:
        nk.load_result(path)
    assert len(str(caught.value)) < 2000
    assert "\n" not in str(caught.value)


def test_nothing_comes_from_outside_of_the_file(edited, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(range(24)))

    def external(file):
        del file["incumbents"]
        file.create_dataset("incumbents", (4, 6), "u1", external=[(str(tmp_path / "secret"), 0, 24)])

    with pytest.raises(nk.StoreError, match="not contiguous"):
        nk.load_result(edited(external, seal=False))


def test_a_group_in_itself(edited):
    def loop(file):
        file["trace/again"] = file["trace"]

    with pytest.raises(nk.StoreError, match="nested too deeply"):
        nk.load_result(edited(loop, seal=False))


@pytest.mark.slow
def test_no_flipped_bit_changes_what_is_read(saved, tmp_path):
    right = nk.load_result(saved)
    whole = saved.read_bytes()
    path = tmp_path / "flipped.h5"
    for position in np.random.default_rng(0).choice(8 * len(whole), 300, replace=False).tolist():
        damaged = bytearray(whole)
        damaged[position // 8] ^= 1 << position % 8
        path.write_bytes(damaged)
        try:
            found = nk.load_result(path)
        except nk.StoreError:
            continue
        assert found.trace.equals(right.trace)  # a bit that means nothing
        assert (found.incumbents == right.incumbents).all()
        assert (found.settings, found.source, found.seed) == (right.settings, right.source, right.seed)


@pytest.mark.posix
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    with pytest.raises(nk.StoreError, match="is not a regular file"):
        nk.load_result(tmp_path / "pipe.h5")


@dataclass(kw_only=True)
class Odd(nk.RandomSearch):
    """Settings that no JSON knows."""

    function: object = len
    values: object = None


def test_whatever_was_searched_can_be_saved(tmp_path):
    bench = nk.open("nb201-digits")
    problem = bench.problem("valid_accuracy", epochs=np.int64(4))
    calls = (
        (nk.RandomSearch(), {"seed": 2**70}),
        (nk.GeneticAlgorithm(population_size=np.int64(20)), {"seed": np.int64(3)}),
        (Odd(values=np.arange(3)), {"runs": np.int32(2)}),
    )
    for algorithm, options in calls:
        result = nk.search(problem, algorithm, **{"runs": 2, "evaluations": 40, **options})
        loaded = nk.load_result(result.save(tmp_path / "r.h5"))
        assert loaded.seed == result.seed
        assert loaded.trace.equals(result.trace)
    assert loaded.settings["values"] == [0, 1, 2]
    assert "built-in function len" in loaded.settings["function"]


def test_what_was_found_cannot_be_written_to(saved):
    bench = nk.open("nb201-digits")
    two = nk.search(bench.problem(["valid_accuracy", "params"]), nk.NSGA2(), runs=2, evaluations=200)
    for result in (nk.load_result(saved), two):
        for values in (result.incumbents, result.incumbent_values, result.archive_X, result.rows["evaluations"]):
            with pytest.raises(ValueError, match="read-only"):
                values[:] = 0
        result.trace.loc[:, "evaluations"] = 0  # a frame is the user's own
