"""The pickle reader returns plain values unchanged and never executes anything."""

from __future__ import annotations

import collections
import io
import pickle
import re
import struct
import tracemalloc
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nasbench_kit as nk
from nasbench_kit.loaders import pickle_stack, pickle_streams
from nasbench_kit.loaders.pickle_runs import Templates
from nasbench_kit.loaders.pickle_stack import Bytes
from nasbench_kit.loaders.pickle_streams import read_stream
from nasbench_kit.loaders.pickle_values import shown
from nasbench_kit.loaders.pickles import read_pickle

keys = st.text(max_size=20) | st.integers(-(2**60) + 1, 2**60 - 1) | st.tuples(st.text(max_size=5), st.integers(0, 999))
atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=300)
    | st.binary(min_size=1)
)
values = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(keys, inner)
        | st.lists(inner).map(tuple)
        | st.sets(keys)
        | st.dictionaries(keys, inner).map(collections.OrderedDict)
        | st.dictionaries(st.integers(0, 255), st.floats(allow_nan=False))
        | st.floats(allow_nan=False).map(np.float64)
        | st.dictionaries(st.integers(0, 999).map("x-valid@{}".format), st.floats(allow_nan=False))
    ),
)


def read(data: bytes):
    return read_pickle(Bytes(data), "file")[0]


@pytest.mark.slow
@given(values, st.integers(2, 5))
def test_plain_values_come_as_they_were(value, protocol):
    data = pickle.dumps(value, protocol)
    assert read(data) == value
    python = io.BytesIO()
    pickle._Pickler(python, protocol).dump(value)
    assert read(python.getvalue()) == value


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"], ids=["NumPy 1", "NumPy 2"])
def test_numbers_of_numpy(protocol, module):
    value = {"a": np.float64(0.1), "b": [np.float32(0.5), np.int64(-3), np.int32(7)]}
    data = re.sub(
        rb"c?numpy\._?core\.multiarray", b"c" + module if protocol < 4 else module, pickle.dumps(value, protocol)
    )
    if protocol >= 4:  # the name's length precedes it
        at = data.index(module)
        data = data[: at - 1] + bytes([len(module)]) + data[at:]
    found = read(data)
    assert found == {"a": 0.1, "b": [0.5, -3, 7]}
    assert [type(number) for number in (found["a"], *found["b"])] == [float, float, int, int]


def test_other_things_of_numpy_are_refused():
    with pytest.raises(nk.SourceError, match="numpy.dtype would be called"):
        read(pickle.dumps(np.dtype("O"), 2))
    with pytest.raises(nk.SourceError):
        read(pickle.dumps(np.zeros(3), 4))
    with pytest.raises(nk.SourceError, match="the state of an object would be set"):
        read(pickle.dumps(np.dtype(">f8"), 2))


class Evil:
    """Pickled, this asks for a call; the list notes whether one was made."""

    called: ClassVar[list[object]] = []

    def __init__(self, *arguments):
        Evil.called.append(arguments)

    def __setstate__(self, state):
        Evil.called.append(state)


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def call(module: str, name: str, arguments: bytes = b"(" + text("echo hello") + b"t") -> bytes:
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + arguments + b"R."


HOSTILE = {
    "os.system": call("os", "system"),
    "posix.system": call("posix", "system"),
    "eval": call("builtins", "eval"),
    "eval of Python 2": call("__builtin__", "eval"),
    "getattr": call("builtins", "getattr"),
    "a nested global": call("os", "path.os.system"),
    "a nested global of an allowed module": call("collections", "OrderedDict.__init__.__globals__"),
    "another name of an allowed module": call("collections", "namedtuple"),
    "numpy": call("numpy", "load"),
    "numpy's internals": call("numpy.core.multiarray", "_reconstruct"),
    "torch": call("torch._utils", "_rebuild_tensor_v2"),
    "STACK_GLOBAL": b"\x80\x04" + text("os") + text("system") + b"\x93" + text("echo") + b"\x85R.",
    "STACK_GLOBAL, nested": b"\x80\x04" + text("collections") + text("abc.sys.modules") + b"\x93.",
    "STACK_GLOBAL of no strings": b"\x80\x04K\x01K\x02\x93.",
    "INST": b"\x80\x02(" + text("echo") + b"ios\nsystem\n.",
    "OBJ": b"\x80\x02(cos\nsystem\n" + text("echo") + b"o.",
    "NEWOBJ": b"\x80\x02ctests.loaders.test_pickles\nEvil\n)\x81.",
    "NEWOBJ of an allowed name": b"\x80\x02ccollections\nOrderedDict\n)\x81.",
    "NEWOBJ_EX": b"\x80\x04" + text("collections") + text("OrderedDict") + b"\x93)}\x92.",
    "BUILD of a dict": b"\x80\x02}}b.",
    "BUILD of an OrderedDict": b"\x80\x02ccollections\nOrderedDict\n)R}X\x01\0\0\0aK\x01sb.",
    "BUILD of a global": b"\x80\x02ccollections\nOrderedDict\n}X\x01\0\0\0aK\x01sb.",
    "EXT1": b"\x80\x02\x82\x01.",
    "EXT2": b"\x80\x02\x83\x01\x00.",
    "EXT4": b"\x80\x02\x84\x01\x00\x00\x00.",
    "PERSID": b"\x80\x02Pstorage\n.",
    "BINPERSID": b"\x80\x02X\x01\0\0\0aQ.",
    "a pickled object": pickle.dumps(Evil(), 2),
    "a pickled class": pickle.dumps(Evil, 4),
    "a pickled function": pickle.dumps(read, 4),
    "a call of a string": b"\x80\x02X\x01\0\0\0a)R.",
    "a call of a dict": b"\x80\x02})R.",
    "a call with arguments that are none": b"\x80\x02ccollections\nOrderedDict\n]R.",
    "OrderedDict of something": b"\x80\x02ccollections\nOrderedDict\n]\x85R.",
    "encode into another encoding": b"\x80\x02c_codecs\nencode\nX\x01\0\0\0aX\x04\0\0\0zlib\x86R.",
    "a numpy type by a class": b"\x80\x02cnumpy\ndtype\nccollections\nOrderedDict\nK\x00K\x01\x87R.",
    "a numpy object": b"\x80\x02cnumpy\ndtype\nX\x02\0\0\0O8K\x00K\x01\x87R.",
    "a numpy number of another size": b"\x80\x02cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\x02\0\0\0f8K\x00K\x01\x87RU",
    "an instruction of protocol 0": b"I1\n.",
    "a string of protocol 1": b"\x80\x02U\x01a.",
    "POP": b"\x80\x02K\x01K\x020.",
    "DUP": b"\x80\x02K\x012.",
    "out-of-band buffers": b"\x80\x05\x97.",
    "an unknown instruction": b"\x80\x02\xff.",
    "protocol 0": b"\x80\x00K\x01.",
    "protocol 77": b"\x80\x4dK\x01.",
    # a memo entry that is written again under the reader's eyes, one that is absent, one of another machine's
    "a memo entry that changes": b"\x80\x02X\x02\0\0\0osq\x00X\x06\0\0\0systemq\x00.",
    "a memo entry that was never written": b"\x80\x02h\x07.",
    "a huge memo number that was never written": b"\x80\x02j\xff\xff\xff\xff.",
    "a text memo number": b"\x80\x02g0\n.",
    "a string of 2**63 bytes": b"\x80\x04\x8d" + struct.pack("<Q", 2**63) + b"a.",
    "a string of 2**32 bytes": b"\x80\x02X\xff\xff\xff\xffa.",
    "bytes of 2**32": b"\x80\x04B\xff\xff\xff\xffa.",
    "bytes of 2**63": b"\x80\x04\x8e" + struct.pack("<Q", 2**63) + b"a.",
    "a number of 2**31 bytes": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "a key that nests": b"\x80\x02}" + b")" + b"\x85" * 100_000 + b"K\x01s.",
    "a key that is a list": b"\x80\x02}]K\x01s.",
    "a key that is a global": b"\x80\x02}ccollections\nOrderedDict\nK\x01s.",
    "a set of lists": b"\x80\x04\x8f(]\x90.",
    "a key twice": b"\x80\x02}(K\x01K\x02K\x01K\x03u.",
    "a key twice in a run": b"\x80\x02}(" + 2 * (b"K\x01G" + bytes(8)) + b"u.",
    "a string key twice in a run": b"\x80\x04}(" + 2 * (b"\x8c\x03a@1\x94G" + bytes(8)) + b"u.",
    "a list of pairs": b"\x80\x02](K\x01K\x02u.",
    "appending to a dict": b"\x80\x02}K\x01a.",
    "adding to a list": b"\x80\x04](K\x01\x90.",
    "an odd number of entries": b"\x80\x02}(K\x01u.",
    "marks without end": b"\x80\x02" + b"(" * 100_000 + b".",
    "no mark": b"\x80\x02}K\x01K\x02u.",
    "an empty stack": b"\x80\x02.",
    "two values": b"\x80\x02K\x01K\x02.",
    "nothing for a tuple": b"\x80\x02\x87.",
    "nothing to remember": b"\x80\x02q\x00.",
    "a string that is no text": b"\x80\x02X\x01\0\0\0\xff.",
    "a global without an end": b"\x80\x02c" + b"a" * 1000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_plain_value_is_refused(name, monkeypatch):
    Evil.called.clear()
    monkeypatch.setattr("os.system", lambda command: Evil.called.append(command))
    with pytest.raises(nk.SourceError, match=r"^file( ends at|:) byte \d+"):
        read(HOSTILE[name])
    assert not Evil.called


def test_globals_are_inert_where_they_come_as_values():
    found = read(b"\x80\x02ccollections\nOrderedDict\n.")
    assert not callable(found)


def test_deep_nesting_is_no_trouble():
    depth = 200_000
    found = read(b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b".")
    assert isinstance(found, list)
    assert shown(found) == "list"


SMALL = pickle.dumps({"a": [1, 2.5, "x" * 300, np.float64(3), (1, 2, 3, 4)], ("b", 2): {1: 0.5, 2: 0.5}, "s": {1}}, 2)


@pytest.mark.parametrize("data", [SMALL, pickle.dumps(pickle.loads(SMALL), 4)], ids=["protocol 2", "protocol 4"])
def test_truncation_at_every_byte(data):
    for cut in range(len(data)):
        with pytest.raises(nk.SourceError, match=r"byte \d+"):
            read(data[:cut])


@pytest.mark.parametrize("data", [SMALL, pickle.dumps(pickle.loads(SMALL), 4)], ids=["protocol 2", "protocol 4"])
def test_a_flipped_bit_at_every_byte(data):
    for position in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            try:
                read(bytes(damaged))
            except nk.SourceError as error:
                assert "byte" in str(error)  # noqa: PT017 - most flips are seen, those in a number are not


# -------------------------------------------------------------------- streams


class Windows(Bytes):
    """A source that shows little at a time, and notes how often it was asked to go back."""

    def __init__(self, data: bytes, *, seekable: bool = True) -> None:
        super().__init__(data)
        self.seekable = seekable
        self.back = self.last = 0

    def window(self, offset: int) -> bytes:
        assert self.seekable or offset >= self.last
        self.back += offset < self.last
        self.last = max(offset, self.last)
        return super().window(offset)[: 2 * pickle_stack.MAX_ITEM]


@pytest.fixture
def small_windows(monkeypatch):
    monkeypatch.setattr(pickle_stack, "MAX_ITEM", 4096)


def streamed(data: bytes, *, seekable: bool = True):
    source = Windows(data, seekable=seekable)
    found, offsets = {}, []

    def item(key, value, offset):
        found[key] = value
        offsets.append(offset)

    rest, end = read_stream(source, "file", "many", item)
    assert end == len(data)
    assert offsets == sorted(offsets)
    return found, rest, source


def record(i: int) -> dict[str, object]:
    return {"less": {f"x-valid@{e}": i + e / 7 for e in range(20)}, "full": {e: i * e + 0.5 for e in range(30)}, "i": i}


@pytest.mark.slow
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 255, 256, 999, 1000, 1001, 2001])
def test_items_of_a_stream(small_windows, count, protocol):
    many = {i: record(i) for i in range(count)}
    for content in ({"before": [1, 2], "many": many, "after": {3}}, {"many": many}):
        found, rest, _ = streamed(pickle.dumps(content, protocol), seekable=False)
        assert found == many
        assert rest == {key: value for key, value in content.items() if key != "many"}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_items_may_have_numbers_of_numpy(small_windows, protocol):
    many = {i: {"accuracy": np.float64(i / 3), "seed": np.int64(i)} for i in range(300)}
    found, _, _ = streamed(pickle.dumps({"many": many}, protocol), seekable=False)
    assert found == many


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("value", [{"one": 1}, collections.OrderedDict(one=1.5, two=2), {i: i for i in range(2500)}])
def test_items_of_any_size(small_windows, value, protocol, monkeypatch):
    monkeypatch.setattr(pickle_stack, "MAX_ITEM", 2**15)
    many = collections.OrderedDict((70_000 * i, value.copy()) for i in range(5))
    assert streamed(pickle.dumps({"many": many}, protocol))[0] == many


@pytest.mark.parametrize("protocol", [2, 4])
def test_items_may_share_strings_with_those_long_past(small_windows, protocol):
    names = [f"name {i}" for i in range(50)]
    many = {i: {names[i]: i, names[i // 2]: "", "type": np.float64(i), "x": {names[0]: 1.5}} for i in range(1, 50)}
    found, _, source = streamed(pickle.dumps({"names": names[:3], "many": many}, protocol), seekable=False)
    assert found == many
    assert source.back == 0


@pytest.mark.parametrize("protocol", [2, 4])
def test_items_may_share_all_else_where_the_source_can_go_back(small_windows, protocol):
    shared = {"a": [1, 2]}
    many = {i: record(i) for i in range(60)}
    keys = list(many[7]["less"])
    for i in range(20, 60, 10):
        many[i]["shared"] = {"container": many[7]["full"], "strings": dict.fromkeys(keys, 0.5), "whole": shared}
    data = pickle.dumps({"many": many}, protocol)
    found, _, source = streamed(data)
    assert found == many
    assert source.back > 0
    with pytest.raises(nk.SourceError, match=r"byte \d+: memo entry \d+ belongs to a discarded item"):
        streamed(data, seekable=False)


def test_chains_of_shared_values_end(small_windows):
    """Each item shares containers with the sixteen before it; items read again are counted over all of them."""
    many: dict[int, dict[str, object]] = {}
    for i in range(60):
        many[i] = {"own": [i], **{f"{j}": many[j]["own"] for j in range(max(0, i - 16), i)}}
        many[i]["again"] = {"own": many[i]["own"], "all": [many[j] for j in range(max(0, i - 16), i)]}
    with pytest.raises(nk.SourceError, match="belongs to a discarded item"):
        streamed(pickle.dumps({"many": many}, 2))


def test_what_belongs_together_is_bounded(small_windows):
    many = {1: record(1), 2: {"x": ["a long string"] * 5000}, 3: record(3)}
    with pytest.raises(nk.SourceError, match=r"byte \d+: a value of more than 4096 bytes"):
        streamed(pickle.dumps({"many": many}, 2))
    with pytest.raises(nk.SourceError, match=r"byte \d+: a value of more than 4096 bytes"):
        streamed(pickle.dumps({"before": list(range(10_000)), "many": {}}, 2))


@pytest.mark.parametrize("cut_at", range(0, 2000, 7))
def test_truncated_streams(small_windows, cut_at):
    data = pickle.dumps({"before": 1, "many": {i: record(i) for i in range(5)}, "after": 2}, 2)
    with pytest.raises(nk.SourceError, match=r"byte \d+"):
        streamed(data[:cut_at])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pickle.dumps([1], 2), "expected a dict with the key 'many'"),
        (pickle.dumps({"many": 5}, 2), "expected a dict with the key 'many'"),
        (pickle.dumps({"many": {"a": {1: 1}, "b": {1: 1}}}, 2), "a key of 'many' must be an integer"),
        (pickle.dumps({"many": {1: {}, 2: {1: 1}}}, 2), "lacks an operand|not a non-empty dict"),
        (pickle.dumps({"many": {1: 5, 2: {1: 1}}}, 2), "lacks an operand|not a non-empty dict"),
        # an item that ends its own batch and begins the next one inside itself
        (b"\x80\x02}(X\x04\0\0\0many}(K\x01uu}(K\x01u.", "byte"),
        (b"\x80\x02}X\x04\0\0\0many}(K\x01}(K\x01K\x02ue.", "byte"),
        # items that would stay in memory, one after the other
        (b"\x80\x02}X\x04\0\0\0many}(K\x01}(K\x01K\x02uuK\x02}s(us.", "outside its batches"),
    ],
)
def test_streams_with_something_wrong(data, message):
    with pytest.raises(nk.SourceError, match=message):
        streamed(data)


# -------------------------------------------------------------------- a few bytes that want gigabytes, or for ever


def sets_of_one_list() -> bytes:
    """A list of 1,000 numbers, and sets of it again and again: 8 bytes each, 33 kB of memory each."""
    members = b"].(" + b"".join(b"M" + i.to_bytes(2, "little") for i in range(1000)) + b"e\x94"
    again = b"h\x01h\x00\x85R"
    return b"\x80\x04(" + b"]\x94(" + members[2:-2][1:] + b"e" + b"cbuiltins\nset\n\x94" + again * 20_000 + b"t."


def encoded_copies() -> bytes:
    """A text of 4,000 letters, encoded again and again."""
    text = b"X" + (4000).to_bytes(4, "little") + b"a" * 4000 + b"\x94"
    latin = b"\x8c\x06latin1\x94"
    return b"\x80\x04(" + text + latin + b"c_codecs\nencode\n\x94" + b"h\x02h\x00h\x01\x86R" * 10_000 + b"t."


def colliding_keys() -> bytes:
    """Whole numbers that all have the hash 0."""
    modulus = 2**61 - 1
    pairs = (b"\x8a\x0a" + (k * modulus).to_bytes(10, "little", signed=True) + b"K\x00" for k in range(1, 40_000))
    return b"\x80\x04}(" + b"".join(pairs) + b"u."


def colliding_pairs() -> bytes:
    """Pairs of integers, which have the same hashes in every process."""
    return b"\x80\x04}(" + b"".join(b"K\x00M" + i.to_bytes(2, "little") + b"\x86K\x00" for i in range(100)) + b"u."


def empty_sets() -> bytes:
    return b"\x80\x04(" + b"\x8f" * 2_000_000 + b"t."


@pytest.mark.slow
@pytest.mark.parametrize("attack", [sets_of_one_list, encoded_copies, colliding_keys, colliding_pairs, empty_sets])
def test_what_a_pickle_makes_is_in_proportion_to_its_size(attack):
    data = attack()
    tracemalloc.start()
    try:
        with pytest.raises(nk.SourceError, match=r"byte \d+: (more than \d+|a key must be a string)"):
            read(data)
        assert tracemalloc.get_traced_memory()[1] < 2**28
    finally:
        tracemalloc.stop()


def test_a_long_run_makes_no_template():
    """A template takes a hundred bytes a key, and is kept."""
    names = [f"x-valid@{i}".encode() for i in range(3000)]
    pairs = b"".join(
        b"\x8c" + bytes([len(name)]) + name + b"\x94G" + struct.pack(">d", i) for i, name in enumerate(names)
    )
    templates = Templates()
    value = read_pickle(Bytes(b"\x80\x04}(" + pairs + b"u."), "file", templates=templates)[0]
    assert value == {name.decode(): float(i) for i, name in enumerate(names)}
    assert not templates._known


def test_finished_items_are_read_again_for_a_while_only(small_windows, monkeypatch):
    monkeypatch.setattr(pickle_streams, "MAX_REREAD", 20_000)
    shared = [(1.5, 2.5), (3.5, 4.5)]
    many = {i: {"numbers": [0.5] * 200, "shared": shared[i % 2]} for i in range(30)}
    with pytest.raises(nk.SourceError, match="more than 20000 bytes of finished items must be read again"):
        streamed(pickle.dumps({"many": many}, 4))
    monkeypatch.undo()
    assert streamed(pickle.dumps({"many": many}, 4))[0] == many
