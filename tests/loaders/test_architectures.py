"""Tables of every space in every form: native forms of all kinds, numbers, hashes, others' numberings, own notations."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import nasbench_kit as nk
from nasbench_kit.loaders import frames
from nasbench_kit.loaders.mapping import ColumnMap, FileMap, TableMapping
from nasbench_kit.spaces import Chain, Form, NodeDAG, register_space

NESTED = ["nb101", "genetic-cnn", "nsga-net-macro", "nsga-net-micro"]
NB201 = nk.space("nb201")


def mapping(space, form="native"):
    return TableMapping(space, (FileMap((ColumnMap("acc", "d", "valid_accuracy"),), "arch", form),))


def converted(path, space, form="native", **options):
    return nk.convert(path, path.with_name("out.h5"), mapping=mapping(space, form), partial=True, **options)


def written(path, archs, values, sep=",", encoding="utf-8"):
    pd.DataFrame({"arch": archs, "acc": values}).to_csv(path, index=False, sep=sep, encoding=encoding)
    return path


@pytest.mark.parametrize("name", nk.list_spaces())
@pytest.mark.parametrize("text", [json.dumps, repr], ids=["json", "python"])
def test_native_forms_as_text(name, text, tmp_path):
    space = nk.space(name)
    X = space.distinct(space.sample(50, 1))[0]
    values = np.linspace(1, 99, len(X))
    natives = [native if isinstance(native, str) else text(native) for native in space.decode(X)]
    bench = converted(written(tmp_path / "table.csv", natives, values), name)
    assert (bench.query(X, "valid_accuracy") == values).all()


@pytest.mark.parametrize("name", NESTED)
def test_native_forms_as_lists_and_structs_of_parquet(name, tmp_path):
    pytest.importorskip("pyarrow")
    space = nk.space(name)
    X = space.distinct(space.sample(50, 1))[0]
    values = np.linspace(1, 99, len(X))
    path = tmp_path / "table.parquet"
    pd.DataFrame({"acc": values, "arch": space.decode(X)}).to_parquet(path)
    bench = converted(path, name)
    assert (bench.query(X, "valid_accuracy") == values).all()
    natives = space.decode(X)
    natives[7] = natives[7][:-1] if isinstance(natives[7], list) else {**natives[7], "ops": ["input", "output"]}
    pd.DataFrame({"acc": values, "arch": natives}).to_parquet(path)
    with pytest.raises(nk.SourceError, match="row 7, column 'arch'"):
        converted(path, name)


def test_parquet_columns_of_other_types(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "table.parquet"
    X = NB201.from_number([3, 5, 7])
    frame = pd.DataFrame({"arch": pd.Categorical(NB201.decode(X)), "acc": pd.Categorical([5.0, 6.0, 7.0])})
    frame.to_parquet(path)
    assert converted(path, "nb201").query(X, "valid_accuracy").tolist() == [5, 6, 7]
    for numbers in (np.array([3, 5, 7], dtype=np.int8), [3.0, 5.0, 7.0], ["3", "5", "7"], pd.array([3, 5, 7], "Int64")):
        pd.DataFrame({"arch": numbers, "acc": [5, 6, 7]}).to_parquet(path)
        assert converted(path, "nb201", "number").query(X, "valid_accuracy").tolist() == [5, 6, 7]
    for broken in ([3.0, np.nan, 7.0], ["3", None, "7"], [3, -5, 7], [3, 2.5, 7], [[3], [5], [7]]):
        pd.DataFrame({"arch": broken, "acc": [5, 6, 7]}).to_parquet(path)
        with pytest.raises(nk.SourceError, match="column 'arch'"):
            converted(path, "nb201", "number")
    pd.DataFrame({"arch": NB201.decode(X), "acc": [[5], [6], [7]]}).to_parquet(path)
    with pytest.raises(nk.SourceError, match=r"row 0, column 'acc': '\[5\]' is not a number"):
        converted(path, "nb201")


def test_lists_of_very_many_values(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(frames, "MOST_VALUES", 10_000)
    path = tmp_path / "table.parquet"
    pd.DataFrame({"arch": [[0] * 9_999], "acc": [50.0], "other": [[0] * 99_999]}).to_parquet(path)
    with pytest.raises(nk.SourceError, match="column 'arch'"):  # few enough to be looked at
        converted(path, "nsga-net-micro")
    pd.DataFrame({"arch": [[0] * 99_999], "acc": [50.0]}).to_parquet(path)
    with pytest.raises(
        nk.SourceError, match=r"has 100,000 values in the mapped columns; a table may have at most 10,000"
    ):
        converted(path, "nsga-net-micro")


def test_a_parquet_index_is_a_column_too(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "table.parquet"
    X = NB201.sample(1, 0)
    pd.DataFrame({"acc": [50.0], "arch": NB201.decode(X)}).set_index("arch").to_parquet(path)
    assert converted(path, "nb201").query(X, "valid_accuracy")[0] == 50


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("name", ["nsga-net-macro", "large"])
def test_numbers_of_large_spaces_are_exact(name, kind, tmp_path):
    space = Chain(16, "abcdefghijklmnop", name="large") if name == "large" else nk.space(name)
    if name == "large":
        register_space(space)
        assert space.size == 2**64
    top = space.size - 1
    X = space.distinct(np.concatenate([space.sample(30, 2), space.from_number(np.array([top], dtype=np.uint64))]))[0]
    values = np.linspace(1, 99, len(X))
    path = tmp_path / f"table.{kind}"
    numbers = space.number(X)
    if kind == "parquet":
        pytest.importorskip("pyarrow")
        pd.DataFrame({"arch": numbers, "acc": values}).to_parquet(path)
    else:
        written(path, numbers, values)
    assert (converted(path, name, "number").query(X, "valid_accuracy") == values).all()


@pytest.mark.parametrize(
    ("space", "value", "message"),
    [
        ("nb201", "-1", "row 1, column 'arch': '-1' is not a non-negative integer"),
        ("nb201", "1.5", "'1.5' is not a non-negative integer"),
        ("nb201", "15625", "row 1, column 'arch': nb201: flat index 15625 is not below the size"),
        ("nb201", "99999999999999999999", "is not an integer below 2\\*\\*64"),
        ("nb201", "1e19", "is not an integer below 2\\*\\*64"),
        ("nb101", "509607935", "row 1, column 'arch': nb101: 1 of 1 genotypes are invalid"),
        ("nsga-net-micro", "3", "their flat indices do not fit into 64 bits; give the architectures in another form"),
    ],
)
def test_numbers_that_are_none(space, value, message, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(f"arch,acc\n{'1' if space != 'nb101' else '509607934'},5\n{value},6\n")
    if space == "nb101":
        first = nk.space("nb101").number(nk.space("nb101").sample(1, 0))[0]
        path.write_text(f"arch,acc\n{first},5\n{value},6\n")
    with pytest.raises(nk.SourceError, match=message):
        converted(path, space, "number")


def test_tuples_of_naslib(tmp_path):
    operations = ["skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3"]
    order = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    X = NB201.sample(40, 0)
    X = NB201.distinct(X)[0]
    tuples = []
    for native in NB201.decode(X):
        nodes = [node.strip("|").split("|") for node in native.split("+")]
        tuples.append(tuple(operations.index(nodes[j - 1][i].split("~")[0]) for i, j in order))
    values = np.linspace(1, 99, len(X))
    for text in (str, json.dumps):
        path = written(tmp_path / "table.csv", map(text, tuples), values)
        assert (converted(path, "nb201", "naslib").query(X, "valid_accuracy") == values).all()
    for bad in ("(0, 1, 2, 3, 4, 5)", "(0, 1)", "x", "(0, 1, 2, 3, 4", "", "((((", "[1e999]", "(None,)"):
        path = written(tmp_path / "table.csv", [*map(str, tuples[:3]), bad], range(1, 5))
        with pytest.raises(nk.SourceError, match="row 3, column 'arch'"):
            converted(path, "nb201", "naslib")


def test_hashes(tmp_path):
    space = nk.space("nb101")
    X = space.distinct(space.canonical(space.sample(30, 0)))[0]
    values = np.linspace(1, 99, len(X))
    hashes = space.module_hash(X)
    bench = converted(written(tmp_path / "table.csv", hashes, values), "nb101", "hash")
    assert (bench.query(X, "valid_accuracy") == values).all()
    assert bench.info["missing_networks"] == 423_624 - len(bench)
    path = written(tmp_path / "table.csv", [hashes[0], "0" * 32], [1, 2])
    with pytest.raises(
        nk.SourceError, match=r"row 1, column 'arch': nb101: 1 of 1 hashes belong to none .*: no. 0 0000"
    ):
        converted(path, "nb101", "hash")


def test_a_form_that_the_space_lacks(tmp_path):
    path = written(tmp_path / "table.csv", ["a"], [1])
    with pytest.raises(nk.SourceError, match="unknown architecture form 'hsh' of nb101; did you mean 'hash'"):
        converted(path, "nb101", "hsh")
    with pytest.raises(nk.SourceError, match="unknown architecture form 'hash' of nb201"):
        converted(path, "nb201", "hash")


class Named(Chain):
    """A user's space with a notation of its own."""

    def __init__(self):
        super().__init__(3, ["conv", "pool"], name="named")

    @property
    def forms(self):
        return {**super().forms, "letters": Form(self.from_letters, "text")}

    def from_letters(self, words):
        if any(set(word) - set("cp") for word in words):
            raise nk.InvalidArchitecture("letters are c and p")
        return np.array([["cp".index(letter) for letter in word] for word in words], dtype=np.uint8)


def test_a_users_space_and_its_own_form(tmp_path):
    space = register_space(Named())
    path = written(tmp_path / "table.csv", ["ccp", "pcc"], [1, 2])
    bench = converted(path, "named", "letters")
    assert bench.query(space.encode([["pool", "conv", "conv"]]), "valid_accuracy")[0] == 2
    assert bench.info["missing_networks"] == 6
    with pytest.raises(nk.SourceError, match="row 1, column 'arch': letters are c and p"):
        converted(written(path, ["ccp", "pxc"], [1, 2]), "named", "letters")


# ---------------------------------------------------------------------------- what is missing


def test_missing_networks_are_counted_where_that_is_cheap(tmp_path, monkeypatch):
    large = register_space(NodeDAG(6, ["a", "b", "c"], name="uncounted"))
    space = nk.space("macronas")
    monkeypatch.setattr(type(space), "network_of_number", property(lambda _: pytest.fail("the space was listed")))
    monkeypatch.setattr(NodeDAG, "network_of_number", property(lambda _: pytest.fail("the space was listed")))
    X = space.distinct(space.canonical(space.sample(20, 0)))[0]
    bench = converted(written(tmp_path / "table.csv", space.decode(X), np.arange(1, len(X) + 1)), "macronas")
    assert bench.info["missing_networks"] == 208_537 - len(X)
    for space in (large, nk.space("nsga-net-micro")):
        X = space.sample(1, 0)
        path = written(tmp_path / "table.csv", space.decode_texts(X), [5])
        bench = converted(path, space.name)
        assert bench.info["missing_networks"] == f"unknown: the networks of {space.name} have not been counted"
    with pytest.raises(nk.SourceError, match=r"cannot be checked.*--partial"):
        nk.convert(path, tmp_path / "out.h5", mapping=mapping("nsga-net-micro"))


# ---------------------------------------------------------------------------- text files of all kinds


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("sep", [",", ";", "\t"])
def test_encodings_and_separators(sep, encoding, tmp_path):
    X = NB201.sample(5, 0)
    frame = pd.DataFrame({"modèle": NB201.decode(X), "Präzision": np.arange(1, 6)})
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False, sep=sep, encoding=encoding)
    columns = FileMap((ColumnMap("Präzision", "d", "valid_accuracy"),), "modèle")
    bench = nk.convert(path, tmp_path / "out.h5", mapping=TableMapping("nb201", (columns,)), partial=True)
    assert bench.query(X, "valid_accuracy").tolist() == [1, 2, 3, 4, 5]


def test_a_number_that_stands_for_no_value(tmp_path):
    X = NB201.sample(3, 0)
    path = written(tmp_path / "table.csv", NB201.decode(X), [1, -1, 2])
    with pytest.raises(nk.SourceError, match="or missing = ... if it stands for no value"):
        converted(path, "nb201")
    column = ColumnMap("acc", "d", "valid_accuracy", missing=-1, scale=10)
    file = TableMapping("nb201", (FileMap((column,), "arch"),))
    values = nk.convert(path, tmp_path / "out.h5", mapping=file, partial=True).query(X, "valid_accuracy")
    assert np.isnan(values).tolist() == [False, True, False]
    assert values[[0, 2]].tolist() == [10, 20]
