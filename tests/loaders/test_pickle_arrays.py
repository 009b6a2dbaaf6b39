"""Pickles with arrays: official files of Python 2 and 3 are read correctly, and nothing is ever executed."""

from __future__ import annotations

import os
import pickle
import pickletools
from typing import ClassVar

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.loaders.pickle_arrays import read_arrays
from tests.fuzz.damage import damaged
from tests.official.images import python2_pickle

IMAGES = np.arange(5 * 12, dtype=np.uint8).reshape(5, 12)
BATCH = {
    "batch_label": "training batch 1 of 5",
    "labels": [3, 1, 300, 70_000, -5],
    "data": IMAGES,
    "filenames": ["a.png", "b\xe9.png"],
}


def same(found, value):
    assert list(found) == list(value)
    for name, item in value.items():
        if isinstance(item, np.ndarray):
            assert found[name].dtype == item.dtype
        np.testing.assert_array_equal(found[name], item)


def test_what_python_2_wrote():
    data = python2_pickle(BATCH)
    same(pickle.loads(data, encoding="latin1"), BATCH)  # the sample is what it claims to be
    same(read_arrays(data, "file"), BATCH)
    large = {"data": np.zeros((1000, 3072), dtype=np.uint8)}
    same(read_arrays(python2_pickle(large), "file"), large)


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("kind", ["u1", "i1", "i4", "i8", "f4", "f8"])
def test_arrays_of_python_3(protocol, kind):
    values = {
        "data": np.arange(-6, 6).reshape(3, 4).astype(kind),
        "columns first": np.asfortranarray(np.arange(12).reshape(3, 4).astype(kind)),
        "one": np.float64(0.5),
        "list": [1, 2],
    }
    if protocol > 2:  # which has no way to write empty bytes but to call for them
        values["none"] = np.zeros((0, 3), dtype=kind)
    same(read_arrays(pickle.dumps(values, protocol), "file"), values)


def test_an_array_that_is_there_twice_is_one_array():
    found = read_arrays(pickle.dumps({"a": IMAGES, "b": IMAGES}, 3), "file")
    assert found["a"] is found["b"]
    np.testing.assert_array_equal(found["a"], IMAGES)


class Evil:
    """Pickled, this asks for a call; the list notes whether one was made."""

    called: ClassVar[list[object]] = []

    def __reduce__(self):
        return Evil.called.append, (1,)


class Shell:
    def __reduce__(self):
        return os.system, ("true",)


def array_state(state, kind="u1"):
    """An array whose state is another than numpy would write."""
    whole = python2_pickle(np.zeros(3, dtype=kind))
    begin = whole.index(b"R") + 3  # after the array's own memo entry
    return whole[:2] + b"}q\x00U\x01a" + whole[2:begin] + state + b"bs."


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pickle.dumps({"a": Evil()}, 2), "refused|asks for"),
        (pickle.dumps({"a": Shell()}, 3), "asks for '(posix|nt)'.'system'"),
        (pickle.dumps({"a": np.array([Evil()], dtype=object)}, 2), "numpy.dtype would be called|asks for"),
        (pickle.dumps({"a": np.zeros(3, dtype=">f8")}, 2), "state of an object would be set"),
        (pickle.dumps({"a": np.zeros(3, dtype="c16")}, 2), "numpy.dtype would be called"),
        (pickle.dumps({"a": np.zeros(3, dtype=[("x", "u1")])}, 2), "numpy.dtype would be called"),
        (pickle.dumps([1], 2), "expected a dict, not list"),
        (pickle.dumps({"a": 1}, 2) + b"more", "the pickle ends here"),
        (pickle.dumps({"a": 1}, 0), "refused|not valid UTF-8"),
        (b"", "ends at byte 0"),
        (python2_pickle(BATCH)[:-40], "ends at byte|cut off|damaged"),
        (python2_pickle({"a": "x" * 300}).replace(b"T\x2c\x01\x00\x00", b"T\xff\xff\xff\xff"), "a string of -1 bytes"),
        (python2_pickle({"a": "x" * 300}).replace(b"T\x2c\x01\x00\x00", b"T\xff\xff\xff\x7f"), "a string of 21474836"),
        (array_state(b"N"), "an array without its numbers"),
        (array_state(b"(K\x01K\x03Nt"), "an array without its numbers"),
    ],
)
def test_hostile_and_damaged_pickles(data, message):
    with pytest.raises(nk.SourceError, match=message) as caught:
        read_arrays(data, "file")
    assert str(caught.value).startswith("file")
    assert "\n" not in str(caught.value)
    assert Evil.called == []


@pytest.mark.parametrize(
    "call",
    [
        b"h\x02K\x00\x85U\x01b\x87R",  # an array of an array's type
        b"h\x01h\x02\x85U\x01b\x87R",  # of the shape (array,)
        b"h\x01K\x00\x85h\x02\x87R",  # of an array's letter
        b"\x85R",  # an array called
        b"0h\x02)R",  # an array called without arguments
        b"0c_codecs\nencode\nU\x01ah\x02\x86R",  # an array's coding
    ],
)
def test_an_array_where_none_can_be(call):
    """NumPy refuses to say whether an array equals anything: comparing one would be a foreign error."""
    array = b"cnumpy.core.multiarray\n_reconstruct\nq\x00cnumpy\nndarray\nq\x01K\x00\x85U\x01b\x87Rq\x02"
    start = array + (b"" if call.startswith(b"\x85") else b"h\x00")
    with pytest.raises(nk.SourceError):
        read_arrays(b"\x80\x02}U\x01a" + start + call + b"s.", "file")


@pytest.mark.parametrize("shape", [(2**40, 2**40), (4,), (-3, -1), (1,) * 9, ("3",), (True, 3)])
def test_a_shape_that_its_bytes_do_not_fill_makes_no_array(shape):
    right = pickle.dumps({"a": np.zeros(3, dtype=np.uint8)}, 3)
    wrong = right.replace(b"K\x03\x85", pickletools.optimize(pickle.dumps(shape, 3))[2:-1])
    assert wrong != right
    with pytest.raises(nk.SourceError, match="an array of the shape"):
        read_arrays(wrong, "file")


def test_damage_is_an_error_or_other_values():
    rng = np.random.default_rng(0)
    right = [python2_pickle(BATCH), pickle.dumps(BATCH, 3), pickle.dumps(BATCH, 4)]
    errors = []
    for number in range(3000):
        data = damaged(right[number % 3], right[(number + 1) % 3], rng)
        try:
            assert type(read_arrays(data, "file")) is dict
        except nk.SourceError as error:
            errors.append(str(error))
    assert not any("\n" in error for error in errors)
    assert 100 < len(errors) < 2900
