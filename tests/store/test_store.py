"""The store file: round trips, refusals, interrupted writes, shared pages."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.store import MetricColumn, StoreFile, Table, create_store, write_store
from nasbench_kit.store import writer as writer_module
from nasbench_kit.store.hdf5 import opens_in_time
from nasbench_kit.store.schema import attributes_digest


def columns(store: StoreFile):
    return {(d, m): store.array(c) for d, metrics in store.metrics.items() for m, c in metrics.items()}


def test_round_trip(store, table):
    found = StoreFile(store)
    keys, order = table.sorted_rows()
    assert (found.architectures == table.architectures[order]).all()
    assert (found.keys == keys).all()
    assert (np.diff(found.keys.astype(np.int64)) >= 0).all()
    for dataset, metrics in table.metrics.items():
        for name, metric in metrics.items():
            column = found.metrics[dataset][name]
            np.testing.assert_array_equal(found.array(column), metric.values[order])
            assert (column.epochs, column.seeds) == (metric.epochs, metric.seeds)
    assert found.attributes["source"] == "made up"
    assert found.verify() > 0


def test_a_networks_canonical_form_comes_first(store):
    found = StoreFile(store)
    first = np.flatnonzero(np.r_[True, found.keys[1:] != found.keys[:-1]])
    rows = found.architectures[first]
    assert (found.space.canonical(rows) == rows).all()


def test_arrays_are_views_of_the_file_and_read_only(store):
    found = StoreFile(store)
    array = found.array(found.metrics["cifar10"]["valid_accuracy"])
    assert not array.flags.writeable
    assert not array.flags.owndata
    assert array.flags.aligned


def test_other_tools_read_the_file_without_us(store, table):
    with h5py.File(store) as file:
        node = file["metrics/cifar10/valid_accuracy"]
        assert node.chunks is None
        assert node.compression is None
        assert node.attrs["units"] == "percent"
        assert [dim.label for dim in node.dims] == ["architecture", "epochs", "seed"]
        assert node.dims[1][0][...].tolist() == [4, 12]
        assert node.dims[2][0][...].tolist() == [111, 777, 888]
        assert node.shape == (15625, 2, 3)


@pytest.mark.parametrize("cut", [0, 1, 100, 5_000, 100_000, -1])
def test_a_truncated_store_is_refused(store, tmp_path, cut):
    content = store.read_bytes()
    path = tmp_path / "cut.h5"
    path.write_bytes(content[:cut])
    with pytest.raises(nk.StoreError, match="cut.h5"):
        nk.open(path).check_file()


def test_flipped_bits_do_not_pass_verification(store, tmp_path):
    content = bytearray(store.read_bytes())
    found = StoreFile(store)
    column = found.metrics["cifar10"]["test_accuracy"]
    content[column.offset + 1234] ^= 1
    path = tmp_path / "flipped.h5"
    path.write_bytes(content)
    with pytest.raises(nk.StoreError, match="checksum of metrics/cifar10/test_accuracy"):
        nk.open(path).check_file()


def edited(store, tmp_path, edit):
    path = tmp_path / "edited.h5"
    path.write_bytes(store.read_bytes())
    with h5py.File(path, "r+") as file:
        edit(file)
        if file.attrs.pop("attributes_sha256", None):  # as somebody does who edits a file on purpose
            with contextlib.suppress(TypeError):
                file.attrs["attributes_sha256"] = attributes_digest(dict(file.attrs))
    return path


def compress(file):
    values = file["metrics/cifar10/training_time"][...]
    del file["metrics/cifar10/training_time"]
    file.create_dataset("metrics/cifar10/training_time", data=values, compression="gzip")


def shorten(file):
    values = file["metrics/cifar10/training_time"][:10]
    del file["metrics/cifar10/training_time"]
    file.create_dataset("metrics/cifar10/training_time", data=values)


def retype(file):
    del file["keys"]
    file["keys"] = np.zeros(15625, dtype=np.int32)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda f: f.attrs.__setitem__("format", "other"), "not a store: its format is 'other'"),
        (lambda f: f.attrs.__setitem__("format_version", 99), "store format version 99"),
        (lambda f: f.attrs.__setitem__("space", "nb20"), "did you mean 'nb201'"),
        (lambda f: f.attrs.__setitem__("space_version", 0), "version 0 of the space"),
        (lambda f: f.__delitem__("keys"), "damaged"),
        (lambda f: f.attrs.__delitem__("columns"), "its column list is missing"),
        (lambda f: f.attrs.__setitem__("columns", "[1, 2]"), "its column list is missing"),
        (compress, "not contiguous"),
        (shorten, "training_time is float64"),
        (retype, "keys is int32"),
    ],
)
def test_a_store_that_does_not_match_the_schema_is_refused(store, tmp_path, edit, message):
    with pytest.raises(nk.StoreError, match=message):
        nk.open(edited(store, tmp_path, edit))


def test_paths_that_are_no_stores(tmp_path, store):
    with pytest.raises(nk.StoreError, match="no such file"):
        nk.open(tmp_path / "absent.h5")
    with pytest.raises(nk.StoreError, match="is not a regular file"):
        nk.open(tmp_path)
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(nk.StoreError, match="not an HDF5 file"):
        nk.open(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(nk.StoreError, match="not a store"):
        nk.open(tmp_path / "other.h5")


def test_a_failed_write_leaves_the_old_store_and_nothing_else(store, tmp_path, table, monkeypatch):
    path = tmp_path / "kept.h5"
    path.write_bytes(store.read_bytes())
    before = path.read_bytes()

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer_module, "_write_hdf5", full_disk)
    with pytest.raises(nk.StoreError, match=r"kept\.h5 cannot be written: .*No space left"):
        write_store(path, table)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["kept.h5"]


@pytest.mark.posix
@pytest.mark.slow
def test_a_disk_that_is_full(tmp_path, table):
    """Simulated by a limit on the file size: HDF5 fails in the middle of writing."""
    target = tmp_path / "kept.h5"
    target.write_bytes(b"what was there")
    script = """
        import resource, signal, sys
        import nasbench_kit as nk
        from tests.conftest import made_up_table
        from nasbench_kit.store import write_store
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        table = made_up_table()
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        try:
            write_store(sys.argv[1], table)
        except nk.StoreError as error:
            print(error)
    """
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(target)],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
    )
    assert done.stdout == f"{target} cannot be written: File too large\n"
    assert target.read_bytes() == b"what was there"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.h5"]


def test_what_did_not_reach_the_file_is_noticed(tmp_path, table, monkeypatch):
    """The check after writing reads the file: a byte that changes on its way is not a store."""
    write = writer_module._write_hdf5

    def damaging(path, table):
        write(path, table)
        found = StoreFile(path)
        with path.open("r+b") as file:
            file.seek(found.metrics["cifar10"]["test_accuracy"].offset)
            file.write(b"\x07")

    target = tmp_path / "kept.h5"
    target.write_bytes(b"what was there")
    monkeypatch.setattr(writer_module, "_write_hdf5", damaging)
    with pytest.raises(nk.StoreError, match=r"/kept\.h5: the checksum of metrics/cifar10/test_accuracy is wrong"):
        write_store(target, table)
    assert target.read_bytes() == b"what was there"
    assert os.listdir(tmp_path) == ["kept.h5"]


def test_a_new_store_is_opened_once(tmp_path, table, monkeypatch):
    count = []
    read = StoreFile._read_layout
    monkeypatch.setattr(StoreFile, "_read_layout", lambda self, file: (count.append(self.path), read(self, file)))
    bench = nk.Benchmark(create_store(tmp_path / "new.h5", table))
    assert len(count) == 1
    assert (bench.path, bench.name) == (tmp_path / "new.h5", "new")
    again = nk.open(tmp_path / "new.h5")
    assert bench.digest == again.digest
    np.testing.assert_array_equal(bench.frame("cifar10"), again.frame("cifar10"))
    (tmp_path / "new.h5").unlink()
    bench.check_file()


def test_stores_of_a_stated_time_are_the_same_file(tmp_path, table, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    files = [write_store(tmp_path / name, table).read_bytes() for name in ("a.h5", "b.h5")]
    assert files[0] == files[1]
    assert nk.open(tmp_path / "a.h5").info["created"] == "2023-11-14T22:13:20+00:00"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000001")
    assert write_store(tmp_path / "c.h5", table).read_bytes() != files[0]


@pytest.mark.parametrize("value", ["", "now", "1.5", "-1", " 1", "1_000", "\u0661", "9" * 12, "9" * 5000])
def test_a_stated_time_must_be_a_number_of_seconds(tmp_path, table, monkeypatch, value):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
    with pytest.raises(nk.StoreError, match="SOURCE_DATE_EPOCH must be a whole number of seconds since 1970") as caught:
        write_store(tmp_path / "t.h5", table)
    assert str(caught.value).endswith("; correct or unset it")
    assert not os.listdir(tmp_path)
    with pytest.raises(nk.StoreError, match="SOURCE_DATE_EPOCH"):  # before the source is read
        nk.convert(tmp_path / "absent", tmp_path / "t.h5")


def test_targets_that_cannot_be_written(tmp_path, table):
    with pytest.raises(nk.StoreError, match="there is no folder"):
        write_store(tmp_path / "no" / "x.h5", table)
    with pytest.raises(nk.StoreError, match="is a folder"):
        write_store(tmp_path, table)


def test_names_that_would_break_the_layout(tmp_path):
    space = nk.space("nas-bench-macro")
    metric = MetricColumn(np.zeros(space.size))
    with pytest.raises(nk.StoreError, match="metric name"):
        write_store(tmp_path / "x.h5", Table(space, space.all(), {"cifar10": {"a/b": metric}}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        (np.zeros((3, 2)), None, None),
        (np.zeros((3, 2)), (1, 2, 3), None),
        (np.zeros((3, 2)), None, (1, 2)),
        (np.array(["a"]), None, None),
    ],
)
def test_metrics_with_axes_that_do_not_fit(arguments):
    with pytest.raises(ValueError, match="values|seeds"):
        MetricColumn(*arguments)


WRITER = """
import numpy as np, sys
import nasbench_kit as nk
from nasbench_kit.store import MetricColumn, Table, write_store
space = nk.space("nb201")
X = space.all()
value = 1.0
print("ready", flush=True)
while True:
    value += 1
    column = MetricColumn(np.full((len(X), 1, 30), value), (1,), tuple(range(30)))
    write_store(sys.argv[1], Table(space, X, {"c": {"m": column}}))
"""


@pytest.mark.posix
@pytest.mark.slow
def test_killed_at_any_moment_the_store_is_whole(tmp_path):
    path = tmp_path / "killed.h5"
    rng = np.random.default_rng(5)
    for kill in range(4):
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(WRITER), str(path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        while kill == 3 and not path.exists():  # on a busy machine, it may not have written a store before
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.05 + rng.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        if path.exists():
            bench = nk.open(path)
            bench.check_file()
            assert len(np.unique(bench.query(bench.architectures[::1000], "m"))) == 1
    assert path.exists()


@pytest.mark.posix
@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/smaps"), reason="needs /proc")
def test_two_processes_share_the_pages(tmp_path):
    """The mapping's pages are the file's own: none of them is a private copy."""
    space = nk.space("nb201")
    X = space.all()
    path = write_store(
        tmp_path / "big.h5",
        Table(space, X, {"c": {"m": MetricColumn(np.ones((len(X), 1, 100)), (1,), tuple(range(100)))}}),
    )
    script = """
        import sys, nasbench_kit as nk
        from nasbench_kit.store import StoreFile
        store = StoreFile(sys.argv[1])
        store.array(store.metrics["c"]["m"]).sum()
        print("mapped", flush=True)
        sys.stdin.readline()
        private = shared = 0
        inside = False
        for line in open("/proc/self/smaps"):
            if "-" in line.split()[0]:
                inside = line.rstrip().endswith(sys.argv[1])
            elif inside and line.startswith("Private"):
                private += int(line.split()[1])
            elif inside and line.startswith("Shared"):
                shared += int(line.split()[1])
        print(private, shared)
    """
    run = [sys.executable, "-c", textwrap.dedent(script), str(path)]
    processes = [subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "mapped\n"
    private, shared = map(int, processes[0].communicate("\n")[0].split())
    processes[1].communicate("\n")
    size = path.stat().st_size // 1024
    assert shared > 0.9 * size
    assert private < 0.05 * size


@pytest.mark.posix
@pytest.mark.slow
def test_opening_a_large_store_reads_none_of_its_values(tmp_path):
    """A store of 400,000 rows (made up of repeated genotypes) adds little to the process when it is opened."""
    path = tmp_path / "large.h5"
    space = nk.space("nb201")
    rows = np.resize(space.all(), (400_000, 6))
    values = np.zeros((400_000, 4, 3))
    write_store(
        path,
        Table(
            space,
            rows,
            {f"d{i}": {"valid_accuracy": MetricColumn(values, (4, 12, 36, 108), (0, 1, 2))} for i in range(2)},
        ),
    )
    script = """
        import sys, nasbench_kit as nk
        def resident():
            return int(open("/proc/self/statm").read().split()[1]) * 4096
        nk.open("nb201-digits")
        before = resident()
        bench = nk.open(sys.argv[1])
        assert len(bench) == 400_000
        print(resident() - before)
    """
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("needs /proc")
    added = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(path)], capture_output=True, text=True, check=True
    )
    assert int(added.stdout) < 20e6


# -------------------------------------------------------------------- descriptions of a store and its metrics


def test_provenance_comes_back_as_it_was(tmp_path):
    space = nk.space("nas-bench-macro")
    said = {
        "notes": "[2019]",
        "cite": '{"not": "json"}',
        "nothing": None,
        "list": ["a", None, 1.5],
        "nested": {"a": {"b": [1]}},
        "flag": True,
        "number": 3,
    }
    table = Table(space, space.all(), {"c": {"params": MetricColumn(np.zeros(space.size))}}, said)
    info = nk.open(write_store(tmp_path / "t.h5", table)).info
    assert {name: info[name] for name in said} == said
    assert "json" not in info


def test_every_metric_says_what_it_is(store):
    """To readers that know nothing of the kit, too."""
    with h5py.File(store) as file:
        attributes = dict(file["metrics/cifar10/valid_accuracy"].attrs)
        assert (attributes["units"], attributes["direction"], attributes["split"]) == ("percent", "max", "valid")
        assert (attributes["range"], bool(attributes["depends_on_seed"])) == ("[0.0, 100.0]", True)
        assert file["metrics/cifar10/training_time"].attrs["direction"] == "min"


def test_stores_of_old_still_open(store, tmp_path):
    """Stores written before metrics described themselves: the kit knows its own names."""

    def age(file):
        columns = json.loads(file.attrs["columns"])
        for name, entry in columns.items():
            columns[name] = {key: entry[key] for key in ("sha256", "units", "epochs", "seeds") if key in entry}
        columns["metrics/cifar10/val_acc"] = columns.pop("metrics/cifar10/valid_accuracy")
        file.move("metrics/cifar10/valid_accuracy", "metrics/cifar10/val_acc")
        file.attrs["columns"] = json.dumps(columns)
        del file.attrs["json"]

    bench = nk.open(edited(store, tmp_path, age))
    assert bench.metric("test_accuracy") == nk.open(store).metric("test_accuracy")
    assert bench.metric("training_time").direction == "min"
    old = bench.metric("val_acc")
    assert (old.direction, old.units, old.depends_on_seed) == (None, "percent", True)
    assert bench.info["source"] == "made up"
    with pytest.raises(ValueError, match="the direction of val_acc is not stored"):
        bench.problem("val_acc")
    assert bench.problem("val_acc", directions={"val_acc": "max"}).bounds[0, 0] > 0


def test_a_damaged_description_is_refused(store, tmp_path):
    def damage(file):
        columns = json.loads(file.attrs["columns"])
        columns["metrics/cifar10/valid_accuracy"]["direction"] = "up"
        file.attrs["columns"] = json.dumps(columns)

    with pytest.raises(nk.StoreError, match="damaged store"):
        nk.open(edited(store, tmp_path, damage))


# -------------------------------------------------------------------- files that somebody else wrote


def test_a_store_that_is_replaced_while_it_is_open_answers_as_before(tmp_path):
    space = nk.space("nas-bench-macro")

    def write(path, names):
        columns = {name: MetricColumn(np.full(space.size, value)) for name, value in names.items()}
        return write_store(path, Table(space, space.all(), {"c": columns}))

    path = write(tmp_path / "t.h5", {"valid_accuracy": 50.0, "zzz": -1.0})
    bench = nk.open(path)
    write(path, {"aaa": 7.0, "valid_accuracy": 60.0, "zzz": -2.0})
    assert bench.query(space.all()[:2], ["valid_accuracy", "zzz"]).tolist() == [[50, -1]] * 2
    assert bench.metrics("c")[:2] == ("valid_accuracy", "zzz")
    with pytest.raises(nk.StoreError, match="replaced by a different store"):  # in a worker process
        pickle.loads(pickle.dumps(bench))
    assert nk.open(path).query(space.all()[:1], "aaa")[0] == 7


def outside(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"s" * 15625 * 16)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["values"] = np.zeros((15625, 2))
    return secret


def external_link(file, tmp_path):
    file["metrics/cifar10/training_time"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "values")


def external_group(file, tmp_path):
    del file["metrics/cifar10"]
    file["metrics/cifar10"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/")


def soft_link(file, tmp_path):
    file["elsewhere"] = np.zeros((15625, 2))
    file["metrics/cifar10/training_time"] = h5py.SoftLink("/elsewhere")


def external_storage(file, tmp_path):
    file.create_dataset(
        "metrics/cifar10/training_time", (15625, 2), "f8", external=[(str(tmp_path / "secret"), 0, h5py.h5f.UNLIMITED)]
    )


def virtual(file, tmp_path):
    layout = h5py.VirtualLayout((15625, 2), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "values", (15625, 2))
    file.create_virtual_dataset("metrics/cifar10/training_time", layout)


def too_large(file, tmp_path):
    space = h5py.h5s.create_simple((15625, 2**40))
    h5py.h5d.create(file["metrics/cifar10"].id, b"training_time", h5py.h5t.NATIVE_DOUBLE, space)


@pytest.mark.parametrize("change", [external_link, external_group, soft_link, external_storage, virtual, too_large])
def test_nothing_is_read_from_outside_of_the_file(store, tmp_path, change):
    outside(tmp_path)

    def edit(file):
        del file["metrics/cifar10/training_time"]
        change(file, tmp_path)

    with pytest.raises(
        nk.StoreError, match="soft or external link|not contiguous|training_time is float64|is truncated|damaged"
    ):
        nk.open(edited(store, tmp_path, edit)).query(np.zeros((1, 6), np.uint8), "training_time")


def test_attributes_are_single_texts_and_numbers(store, tmp_path):
    def many(file):
        file.attrs["notes"] = ["x" * 1000] * 3000

    with pytest.raises(nk.StoreError, match="'notes' is not a scalar string or number"):
        nk.open(edited(store, tmp_path, many))


def test_a_changed_attribute_is_noticed(store, tmp_path):
    path = tmp_path / "flipped.h5"
    content = store.read_bytes()
    assert content.count(b"made up") == 1
    path.write_bytes(content.replace(b"made up", b"made uq"))
    with pytest.raises(nk.StoreError, match="the checksum of its attributes is wrong"):
        nk.open(path)


@pytest.mark.posix
@pytest.mark.parametrize("link", [False, True])
def test_a_pipe_is_not_waited_for(tmp_path, link):
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / "pipe"
    if link:
        path = tmp_path / "t.h5"
        path.symlink_to(tmp_path / "pipe")
    with pytest.raises(nk.StoreError, match="is not a regular file"):
        nk.open(path)


def test_a_store_that_is_open_for_writing_is_called_so(store, tmp_path):
    path = tmp_path / "t.h5"
    path.write_bytes(store.read_bytes())
    with h5py.File(path, "r+"), pytest.raises(nk.StoreError, match="is open for writing in another program"):
        nk.open(path)
    assert len(nk.open(path)) == 15625


@pytest.mark.posix
@pytest.mark.slow
def test_a_store_that_does_not_open_in_time(tmp_path, store, monkeypatch):
    opens_in_time(store)
    opens_in_time(tmp_path / "missing.h5")  # left to the opening itself
    with pytest.raises(nk.StoreError, match=r"HDF5 did not open it within 0.001 s"):
        opens_in_time(store, 0.001)
    crash = tmp_path / "crash"
    crash.write_text("#!/bin/sh\nkill -SEGV $$\n")
    crash.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(crash))
    with pytest.raises(nk.StoreError, match=r"HDF5 crashes on opening it \(signal 11\)"):
        opens_in_time(store)


def test_a_genotype_of_the_file_that_is_none(tmp_path, store):
    path = tmp_path / "s.h5"
    path.write_bytes(store.read_bytes())
    with h5py.File(path, "r+") as file:
        file["architectures"][3, 4] = 255
    bench = nk.open(path)
    X = bench.architectures[:2]
    for ask in (bench.frame, lambda: bench.front(["valid_accuracy"]), lambda: bench.query(X, "valid_accuracy")):
        with pytest.raises(nk.StoreError, match=r"s.h5 is a damaged store: nb201: 1 of .* gene 4 is 255"):
            ask()
