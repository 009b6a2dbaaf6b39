"""Messages that quote a file or an argument are one line of bounded length, without escape sequences."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import main
from nasbench_kit.errors import MOST_SHOWN, one_line
from nasbench_kit.store import MetricColumn
from nasbench_kit.store.schema import attributes_digest


def test_one_line():
    assert one_line("a\nb\r\tc\x1b[2Jd\x9b\u2028e").isprintable()
    assert one_line("\udcff").isprintable()
    assert len(one_line("x" * 10**6, 2000)) <= 2000


@pytest.mark.parametrize("words", [("query", "nb201-digits", "\x1b[2J\n"), ("info", "x" * 10**6), ("info", "a\n\x1b[31mb"),
                                   ("query", "nb201-digits", "[" * 100_000), ("info", "\udcff"), ("x\x1b[2J",)])  # fmt: skip
def test_no_argument_comes_back_as_an_escape_or_a_line_of_its_own(words, capsys):
    try:
        status = main(list(words))
    except SystemExit as error:
        status = error.code
    errors = capsys.readouterr().err
    assert status == 2
    assert "\x1b" not in errors
    *_, last = errors.rstrip("\n").split("\n")  # argparse shows the usage before it
    assert len(last) <= MOST_SHOWN + 200


def edited(store, path, change):
    """A copy of a store with a changed description of its columns and a correct checksum."""
    path.write_bytes(store.read_bytes())
    with h5py.File(path, "r+") as file:
        columns = json.loads(file.attrs["columns"])
        change(columns, file)
        file.attrs["columns"] = json.dumps(columns)
        file.attrs["attributes_sha256"] = attributes_digest(
            {k: v for k, v in file.attrs.items() if k != "attributes_sha256"}
        )
    return path


def test_provenance_never_reaches_a_terminal_as_an_escape(store, tmp_path, capsys):
    path = edited(
        store, tmp_path / "s.h5", lambda columns, file: file.attrs.__setitem__("notes", "a\x1b[2J\nlicence  MIT")
    )
    assert main(["info", str(path)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert not any(line.startswith("licence  MIT") for line in out.splitlines())


@pytest.mark.parametrize(
    "axis", [[1.5, 2], [2, 1], [1, 1], [True, 2], ["1", "2"], [-5, 2], [float("inf"), 1], [1], [2**70, 1], "12", 3]
)
@pytest.mark.parametrize("which", ["epochs", "seeds"])
def test_axes_of_a_store_that_are_none(store, tmp_path, axis, which):
    def change(columns, _):
        name = next(name for name, entry in columns.items() if entry.get("seeds") and len(entry["epochs"]) > 1)
        columns[name][which] = axis

    path = edited(store, tmp_path / "s.h5", change)
    with pytest.raises(nk.StoreError, match="damaged store|not numbers") as caught:
        nk.open(path)
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    ("epochs", "seeds"), [((2, 1), (0, 1)), ((1, 1), (0, 1)), ((1, 2.0), (0, 1)), ((1, 2), (1, 0)), ((1, 2), (0, -3))]
)
def test_axes_of_a_column_that_are_none(epochs, seeds):
    with pytest.raises(ValueError, match="must be integers|ascending"):
        MetricColumn(np.zeros((3, 2, 2)), epochs, seeds)
