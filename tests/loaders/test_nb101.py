"""The NAS-Bench-101 loader on files in the official format with made-up values."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import main
from nasbench_kit.loaders import nb101, protobuf, tfrecord
from nasbench_kit.loaders.nb101_record import decode
from tests.official.nb101 import OPERATIONS, framed, made_up_evaluations, masked, message, payload, texts

SPACE = nk.space("nb101")
BUDGETS = (4, 12, 36, 108)
CELLS = SPACE.representatives([0, 1, 2, 500, 40_000, 200_000, 423_623])
HASHES = SPACE.module_hash(CELLS)
PARAMS = SPACE.cost(CELLS, "params", dataset="cifar10")


def made_up(budgets=BUDGETS):
    """The values of all cells, repeats and budgets: {budget: (cells, repeats, evaluations, fields)}."""
    rng = np.random.default_rng(0)
    return {e: made_up_evaluations(len(CELLS) * 3, e, rng).reshape(len(CELLS), 3, 3, 5) for e in budgets}


def payloads(values, order=None):
    """All records' payloads, repeats in order; cells by ascending hash unless an order of (cell, budget) is given."""
    order = order or [(cell, e) for cell in np.argsort(HASHES).tolist() for e in values]
    return [
        payload(str(HASHES[cell]), e, *texts(CELLS[cell]), message(values[e][cell, repeat].tolist(), int(PARAMS[cell])))
        for cell, e in order
        for repeat in range(3)
    ]


def written(path, contents):
    path.write_bytes(b"".join(map(framed, contents)))
    return path


@pytest.fixture
def source(tmp_path):
    return written(tmp_path / "made_up.tfrecord", payloads(made_up()))


def one(**changes):
    """One payload of the second cell; ``changes`` replace parts of it."""
    evaluations = changes.pop("evaluations", made_up((4,))[4][1, 0].tolist())
    adjacency, operations = texts(CELLS[1])
    parts = {
        "digest": str(HASHES[1]),
        "epochs": 4,
        "adjacency": adjacency,
        "operations": operations,
        "content": message(evaluations, changes.pop("params", int(PARAMS[1]))),
    }
    return payload(**(parts | changes))


def test_the_checksum_is_the_official_one():
    # RFC 3720, appendix B.4: 32 bytes of zeros
    from google_crc32c import value

    assert value(bytes(32)) == 0x8A9136AA
    assert masked(bytes(32)) == ((0x8A9136AA >> 15 | 0x8A9136AA << 17) + 0xA282EAD8) & 0xFFFFFFFF


def check_values(bench, values):
    for e, expected in values.items():
        for repeat in range(3):
            for prefix, evaluation in (("", 2), ("halfway_", 1)):
                for field, name in enumerate(("training_time", "train", "valid", "test"), start=1):
                    metric = prefix + name + ("_accuracy" if field > 1 else "")
                    found = bench.query(CELLS, metric, epochs=e, seed=repeat)
                    fraction = expected[:, repeat, evaluation, field]
                    assert found.tolist() == (fraction * (100 if field > 1 else 1)).tolist()


def test_every_value_arrives(source, tmp_path):
    bench = nk.convert(source, tmp_path / "out.h5", partial=True)
    check_values(bench, made_up())
    assert len(bench) == len(CELLS)
    assert (bench.architectures == CELLS).all()
    assert bench.epochs("cifar10", "valid_accuracy") == BUDGETS
    assert bench.seeds("cifar10", "valid_accuracy") == (0, 1, 2)
    assert bench.query(CELLS, "params").tolist() == PARAMS.tolist()
    assert bench.units("halfway_training_time") == "s"
    assert bench.units("halfway_valid_accuracy") == "percent"
    assert "not results of a 54-epoch training" in bench.info["notes"]
    assert bench.info["missing_architectures"] == 423_624 - len(CELLS)
    assert bench.info["published_file"].startswith("none")
    assert bench.info["licence"] == "Apache-2.0"


def test_the_usual_records_take_the_fast_path_and_the_slow_one_agrees(source):
    [records] = tfrecord.read_records(source)
    decoded = decode(source, records)
    from nasbench_kit.loaders import nb101_record

    assert nb101_record._decode_alike(records)[3].all()
    for i in range(len(records)):
        record = nb101_record._decode_one(records.payload(i))
        assert record.digest == decoded.hashes[i]
        assert (record.epochs, record.params) == (decoded.epochs[i], decoded.params[i])
        assert record.evaluations == decoded.evaluations[i].tolist()


def test_budgets_in_any_order_repeats_in_the_order_of_appearance(tmp_path):
    values = made_up()
    order = [(cell, e) for e in (36, 4, 108, 12) for cell in (3, 1, 0, 2, 6, 5, 4)]
    bench = nk.convert(written(tmp_path / "a.tfrecord", payloads(values, order)), tmp_path / "a.h5", partial=True)
    check_values(bench, values)


@pytest.mark.slow
def test_blocks_end_anywhere(source, tmp_path, monkeypatch):
    for size in (1, 100, 417, 5000):
        monkeypatch.setattr(tfrecord, "_BLOCK", size)
        found = list(tfrecord.read_records(source))
        assert sum(map(len, found)) == 7 * 4 * 3
        assert np.concatenate([records.offsets for records in found])[0] == 0
    bench = nk.convert(source, tmp_path / "out.h5", partial=True)
    check_values(bench, made_up())


def varint(number, width):
    digits = [number >> 7 * i & 127 | 128 for i in range(width)]
    return bytes([*digits[:-1], digits[-1] & 127])


def unusual(content):
    """The same message, written in another way: fields in another order, a long varint, fields that nobody knows."""
    found = list(protobuf.fields(content))
    parts = [b"\x10" + varint(next(value for number, _, value in found if number == 2), 5)]
    for number, _, value in found:
        if number == 1:
            doubles = {n: v for n, _, v in protobuf.fields(value)}
            inner = b"".join(struct.pack("<Bd", n << 3 | 1, doubles[n]) for n in (5, 4, 3, 2, 1))
            inner += (
                b"\x32\x03abc" + struct.pack("<Bd", 8 << 3 | 1, 5.0) + struct.pack("<Bf", 9 << 3 | 5, 1.0) + b"\x50\x07"
            )
            parts.append(b"\x0a" + varint(len(inner), 2) + inner)
    return b"".join(parts)


def test_records_that_are_written_differently_are_read_all_the_same(tmp_path):
    values = made_up()
    changed = []
    for i, text in enumerate(payloads(values)):
        record = json.loads(text)
        content = base64.b64decode(record[4])
        if i % 3 == 1:
            record[4] = base64.encodebytes(unusual(content)).decode()
        if i % 3 == 2:
            record[4] = base64.b64encode(content).decode()
        changed.append(json.dumps(record, indent=i % 2 or None).encode())
    bench = nk.convert(written(tmp_path / "a.tfrecord", changed), tmp_path / "a.h5", partial=True)
    check_values(bench, values)


def test_another_graph_of_a_cell_is_the_same_cell(tmp_path):
    # input -> a -> output, input -> b -> output, with a and b exchanged; 512 channels are shared out evenly
    conv, pool = OPERATIONS[0], OPERATIONS[2]
    adjacency = "0110000100010000"
    rows = SPACE.encode(
        [
            {
                "matrix": [[int(c) for c in adjacency[4 * i : 4 * i + 4]] for i in range(4)],
                "ops": ["input", *inner, "output"],
            }
            for inner in ((conv, pool), (pool, conv))
        ]
    )
    evaluations = made_up((4,))[4][:2, 0].tolist()
    digest, params = str(SPACE.module_hash(rows)[0]), SPACE.cost(rows, "params", dataset="cifar10").tolist()
    contents = [
        payload(digest, 4, adjacency, f"input,{a},{b},output", message(evaluations[i], params[i]))
        for i, (a, b) in enumerate(((conv, pool), (pool, conv)))
    ]
    bench = nk.convert(written(tmp_path / "a.tfrecord", contents), tmp_path / "a.h5", partial=True)
    assert len(bench) == 1
    for seed in (0, 1):
        found = bench.query(rows, "test_accuracy", epochs=4, seed=seed)
        assert found.tolist() == [evaluations[seed][2][4] * 100] * 2
    assert np.isnan(bench.query(rows, "test_accuracy", epochs=4, seed=2)).all()


def test_a_middle_that_is_not_halfway_is_not_stored_as_halfway(tmp_path):
    evaluations = made_up((4,))[4][1, 0].tolist()
    evaluations[1][0] = 1.0
    bench = nk.convert(
        written(tmp_path / "a.tfrecord", [one(evaluations=evaluations)]), tmp_path / "a.h5", partial=True
    )
    assert np.isnan(bench.query(CELLS[1], "halfway_test_accuracy", epochs=4)).all()
    assert bench.query(CELLS[1], "test_accuracy", epochs=4) == evaluations[2][4] * 100
    assert "In 1 records the middle evaluation is not halfway" in bench.info["notes"]


# ---------------------------------------------------------------- completeness


def test_what_is_missing_is_counted(source, tmp_path):
    (tmp_path / "out.h5").write_bytes(b"what was there")
    message = "lacks 423617 of the 423624 cells of nb101, and 5083404 of 5083488 trainings"
    with pytest.raises(nk.SourceError, match=message):
        nk.convert(source, tmp_path / "out.h5")
    assert (tmp_path / "out.h5").read_bytes() == b"what was there"


@pytest.mark.parametrize(
    ("budgets", "gap", "complete"),
    [
        (BUDGETS, False, True),
        ((108,), False, True),
        ((4,), False, False),
        ((108,), True, False),
        (BUDGETS, True, False),
    ],
)
def test_complete_is_all_budgets_or_the_largest_alone(tmp_path, budgets, gap, complete):
    trials = nb101._Trials(tmp_path / "a.tfrecord")
    for e in budgets:
        trials.counts[:, BUDGETS.index(e)] = 3
        trials._values[BUDGETS.index(e)] = np.empty(0)
    trials.counts[77, 3] -= gap
    if complete:
        assert trials.check_complete(partial=False) == {"missing_architectures": 0, "missing_trainings": 0}
    else:
        with pytest.raises(nk.SourceError, match="lacks .* trainings"):
            trials.check_complete(partial=False)
        assert trials.check_complete(partial=True)["missing_trainings"] >= 1


def test_a_target_that_cannot_be_is_known_before_the_file_is_read(source, tmp_path, monkeypatch):
    monkeypatch.setattr(nb101, "load", None)
    with pytest.raises(nk.StoreError, match="there is no folder"):
        nk.convert(source, tmp_path / "absent" / "out.h5", partial=True)
    with pytest.raises(nk.StoreError, match="is a folder"):
        nk.convert(source, tmp_path, partial=True)


def test_store_names(tmp_path):
    assert nb101.store_name(written(tmp_path / "a", payloads(made_up()))) == "nb101"
    assert nb101.store_name(written(tmp_path / "b", payloads(made_up((108,))))) == "nb101-only108"


@pytest.mark.slow
def test_the_command_names_the_store(source, capsys):
    assert main(["convert", str(source), "--partial", "--reader", "builtin"]) == 0
    assert "nb101.h5: 7 architectures of nb101" in capsys.readouterr().out
    assert "nb101" in nk.list_benchmarks()
    assert main(["validate", "nb101", "--source", str(source), "--partial"]) == 0
    assert "FAILED" not in capsys.readouterr().out


# ---------------------------------------------------------------- damage


@pytest.fixture
def refused(tmp_path):
    """Converting raises one SourceError with path and place, and keeps the old file."""
    target = tmp_path / "target.h5"
    target.write_bytes(b"what was there")

    def run(path, match, source_format="nb101", partial=True):
        with pytest.raises(nk.SourceError, match=match) as caught:
            nk.convert(path, target, source_format=source_format, partial=partial)
        text = str(caught.value)
        assert str(path) in text
        assert len(text.splitlines()) == 1
        assert target.read_bytes() == b"what was there"
        assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]

    return run


@pytest.mark.slow
def test_truncation_at_any_byte(tmp_path, refused):
    whole = b"".join(framed(one()) for _ in range(2))
    first = len(whole) // 2
    path = tmp_path / "cut.tfrecord"
    for cut in [*range(1, 30), *range(30, len(whole), 7), len(whole) - 1]:
        if cut == first:
            continue
        path.write_bytes(whole[:cut])
        refused(path, f"ends at byte {cut}, within the record that begins at byte {first if cut > first else 0}")


@pytest.mark.slow
def test_any_flipped_bit(tmp_path, refused):
    whole = framed(one()) + framed(one())
    second = len(whole) // 2
    path = tmp_path / "flipped.tfrecord"
    for position in range(second, len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        part = "length" if position < second + 12 else "payload"
        if position == second + 7 or part == "length":
            refused(path, rf"checksum of the length of the record at byte {second} is wrong")
        else:
            refused(path, rf"checksum of the payload of the record at byte {second} is wrong")


@pytest.mark.parametrize("length", [2**20 + 1, 2**60, 2**64 - 1])
def test_absurd_lengths_cost_no_memory(tmp_path, refused, length):
    head = struct.pack("<Q", length)
    path = tmp_path / "absurd.tfrecord"
    path.write_bytes(framed(one()) + head + struct.pack("<I", masked(head)) + bytes(100))
    SPACE.network_index(CELLS)
    tracemalloc.start()
    refused(path, rf"the record at byte {len(framed(one()))} has {length} bytes")
    assert tracemalloc.get_traced_memory()[1] < 250e6
    tracemalloc.stop()


def changed(evaluation, field, value):
    evaluations = made_up((4,))[4][1, 0].tolist()
    evaluations[evaluation][field] = value
    return evaluations


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is not valid JSON"),
        (b"\xff\xfe", "it is not valid JSON"),
        (b"[" * 100_000, "it is not valid JSON"),
        (b"{}", "a list of five"),
        (one()[:-1] + b", 5]", "a list of five"),
        (one(digest="x" * 32), "not 32 hexadecimal digits"),
        (one(digest=5), "must be ASCII strings"),
        (
            one(digest="0" * 32),
            "its hash is 0000.*, but b49ac8c578b4561d79ac7087988f1c61 in an earlier record of the cell",
        ),
        (one(epochs="4"), "epochs must be an integer"),
        (one(epochs=True), "epochs must be an integer"),
        (one(epochs=5), "its epochs are 5, not one of"),
        (one(epochs=12), "its last evaluation is at epoch 4 of 12"),
        (one(adjacency="0" * 9), "no path of at most 9 edges|no path from input to output"),
        (one(adjacency="01"), "v \\* v characters"),
        (one(adjacency="010001000", operations="input,output"), "3 vertices, but there are 2 operations"),
        (one(adjacency="012001000"), "v \\* v characters"),
        (one(adjacency="010101000"), "strictly upper-triangular"),
        (one(operations="input,conv5x5,output"), "the operations must be input"),
        (one(operations=""), "the operations must be input"),
        (one(operations="input," + 9 * "maxpool3x3," + "output"), "the operations must be input"),
        (one(params=5), "it has 5 params, but its network"),
        (one(params=2**40), "3 evaluations and the number of params, not 3"),
        (one(content=b""), "expected 3 evaluations and the number of params, not 0 and None"),
        (one(content=b"\x0a\x7f"), "field 1 ends at byte"),
        (one(content=b"\x0b"), "wire type 3"),
        (one(content=b"\xff" * 12), "is not terminated"),
        (one(content=b"\x0a\x00" * 3 + b"\x10\x05"), "evaluation 0 has no double for current_epoch"),
        (one().replace(b"AAA", b"A*A"), "not valid base64"),
        (one()[:-6] + b'=A\\n"]', "not valid base64|not a NAS-Bench-101 record"),
        (one(evaluations=changed(2, 3, float("nan"))), "is out of range: nan"),
        (one(evaluations=changed(2, 3, 1.5)), "is out of range: 1.5"),
        (one(evaluations=changed(1, 1, float("inf"))), "is out of range: inf"),
        (one(evaluations=changed(1, 1, -1.0)), "is out of range: -1"),
    ],
)
def test_records_that_are_none(tmp_path, refused, content, why):
    good = one()
    refused(written(tmp_path / "wrong.tfrecord", [good, content]), rf"the record at byte {len(framed(good))}\b.*{why}")


def test_a_wrong_hash_is_told_by_its_first_record(tmp_path, refused):
    wrong = one(digest="0" * 32)
    first = len(framed(one()))
    refused(
        written(tmp_path / "a.tfrecord", [one(), wrong]),
        f"at byte {first}: its hash is 0+, but .* in an earlier record",
    )
    other = payloads(made_up((4,)))[0]
    contents = [other, wrong, wrong]
    refused(
        written(tmp_path / "a.tfrecord", contents), f"at byte {len(framed(other))}: its hash is 0+, its cell's b49ac8c5"
    )


def test_a_complete_column_of_hashes_is_compared_by_its_digest(tmp_path, monkeypatch):
    trials = nb101._Trials(tmp_path / "a.tfrecord")
    trials._hashes[:] = b"f" * 32
    digest = hashlib.sha256(trials._hashes.tobytes()).hexdigest()
    monkeypatch.setattr(trials.space, "module_hash", None)
    monkeypatch.setattr(nb101, "SHA256_OF_ALL_HASHES", digest)
    trials.check_hashes()
    trials._hashes[-1] = b"e" * 32
    with pytest.raises(TypeError):  # now each would be computed
        trials.check_hashes()


def test_a_fourth_repeat_is_one_too_many(tmp_path, refused):
    size = len(framed(one()))
    refused(written(tmp_path / "a.tfrecord", [one()] * 4), f"the record at byte {3 * size}: it is repeat 4 of its cell")


@pytest.mark.posix
def test_other_things_under_its_name(tmp_path, refused):
    path = tmp_path / "nasbench_full.tfrecord"
    path.write_bytes(b"")
    refused(path, "is empty")
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:3d64\nsize 1\n")
    refused(path, "Git LFS pointer")
    path.write_text('{"00000000": {"test_acc": [1, 2, 3]}}')
    refused(path, "checksum of the length of the record at byte 0")
    path.write_bytes(framed(b"an example of something else"))
    refused(path, "the record at byte 0 is not a NAS-Bench-101 record")
    refused(path, "no known format", source_format=None)
    path.write_bytes(framed(one()))
    refused(path, "this is no file of macronas|byte 0", source_format="macronas")
    path.unlink()
    refused(path, "no such file")
    os.mkfifo(path)
    refused(path, "not a regular file")
    path.unlink()
    path.mkdir()
    refused(path, "a folder")


def test_no_permission(source, refused, monkeypatch):
    real = Path.open

    def guarded(path, *arguments, **options):
        if path == source:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", guarded)
    refused(source, "cannot be read: Permission denied")


# ---------------------------------------------------------------- TensorFlow


def test_tensorflow_reads_the_same_bits(source, tmp_path):
    pytest.importorskip("tensorflow")
    stores = []
    for reader in ("builtin", "tensorflow"):
        bench = nk.convert(source, tmp_path / f"{reader}.h5", partial=True, reader=reader)
        names = bench.metrics()
        stores.append([bench._store.array(bench._store.metrics["cifar10"][n]).tobytes() for n in names if n != "flops"])
    assert stores[0] == stores[1]
    damaged = bytearray(source.read_bytes())
    damaged[1000] ^= 1
    source.write_bytes(damaged)
    with pytest.raises(nk.SourceError, match="at or after byte 0: corrupted record"):
        nk.convert(source, tmp_path / "out.h5", partial=True, reader="tensorflow")


def test_readers_have_names(source, tmp_path):
    with pytest.raises(nk.UnknownName, match="did you mean 'tensorflow'"):
        nk.convert(source, tmp_path / "out.h5", partial=True, reader="tensorflo")
    with pytest.raises(nk.SourceError, match="reader only applies to the format nb101"):
        nk.convert(source, tmp_path / "out.h5", source_format="macronas", reader="tensorflow")


def test_tensorflow_is_an_extra(source, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(nk.MissingExtra, match=r"nasbench-kit\[tensorflow\]"):
        nk.convert(source, tmp_path / "out.h5", partial=True, reader="tensorflow")
