"""Spaces and algorithms of users, named in commands as FILE.py:NAME."""

from __future__ import annotations

import json
import sys
import textwrap

import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import main
from nasbench_kit.spaces import registry

SPACE = """
    from dataclasses import dataclass
    import numpy as np
    import nasbench_kit as nk
    from nasbench_kit.spaces import Chain, Form, PublishedRecipe, Skeleton, SpaceSpec

    @dataclass(frozen=True, kw_only=True)
    class Frame(Skeleton):
        width: int = 4

    class Small(Chain):
        skeletons = {"digits": Frame(image=(1, 8, 8), classes=10)}

        def __init__(self):
            super().__init__(3, ["linear", "relu"], name="small")

        @property
        def forms(self):
            return {**super().forms, "letters": Form(self.from_letters, "text")}

        def from_letters(self, words):
            return np.array([["LR".index(letter) for letter in word] for word in words], dtype=np.uint8)

        def cost_rows(self, rows, name, skeleton):
            return (rows == 0).sum(axis=1) * skeleton.width

    def network(genes, skeleton):
        from torch import nn
        layers = [nn.Linear(64, 64) if gene == 0 else nn.ReLU() for gene in genes]
        return nn.Sequential(nn.Flatten(), *layers, nn.Linear(64, 10))

    SPEC = SpaceSpec("small", Small, network=network, recipe=PublishedRecipe({"epochs": 1}, "made up"))

    @dataclass(eq=False)
    class Mine(nk.RandomSearch):
        strength: int = 1

    OTHER = 3
"""


@pytest.fixture
def own(tmp_path, monkeypatch, request):
    """The path of a file with a space and an algorithm."""
    name = f"own_{abs(hash(request.node.name))}"
    path = tmp_path / f"{name}.py"
    path.write_text(textwrap.dedent(SPACE))
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield path
    sys.modules.pop(name, None)


@pytest.fixture
def store(own, tmp_path):
    rows = [json.dumps([a, b, c]) for a in ("linear", "relu") for b in ("linear", "relu") for c in ("linear", "relu")]
    table = tmp_path / "table.csv"
    lines = [f'"{row.replace(chr(34), chr(34) * 2)}",{10 * i}' for i, row in enumerate(rows)]
    table.write_text("arch,acc\n" + "\n".join(lines))
    path = tmp_path / "small.h5"
    words = ["convert", str(table), str(path), "--space", f"{own}:SPEC", "--architecture", "arch"]
    assert main([*words, "--column", "acc=digits/valid_accuracy"]) == 0
    return path


@pytest.mark.slow
def test_every_command_takes_a_store_of_an_own_space(own, store, capsys):
    for known in (registry._specs, registry._spaces):
        known.pop("small")
    for words in (["info"], ["query"], ["validate"]):
        more = ['["linear", "relu", "relu"]'] if words == ["query"] else []
        assert main([*words, str(store), *more]) == 2
        assert "unknown space 'small'" in capsys.readouterr().err
        assert main([*words, str(store), *more, "--space", f"{own}:Small"]) == 0
        for known in (registry._specs, registry._spaces):
            known.pop("small")


def test_an_own_form_of_architectures(own, store, tmp_path, capsys):
    (tmp_path / "side.csv").write_text("arch,ms\nLLL,5\nLRL,6\n")
    joined = tmp_path / "joined.h5"
    words = ["convert", str(tmp_path / "side.csv"), str(joined), "--join", str(store), "--space", f"{own}:SPEC"]
    words += ["--architecture", "arch", "--form", "letters"]
    assert main([*words, "--column", "ms=digits/latency_phone"]) == 0
    capsys.readouterr()
    words = ["query", str(joined), "--space", f"{own}:SPEC", "--metrics", "latency_phone", "--form", "letters"]
    assert main([*words, "--", "LRL"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "LRL\t6"


def test_an_own_algorithm_is_compared(own, store, capsys):
    words = ["compare", str(store), "--algorithms", f"{own}:Mine:strength=2", "RandomSearch", "--runs", "4"]
    assert main([*words, "--evaluations", "8", "--space", f"{own}:SPEC"]) == 0
    assert "Mine(strength=2)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dedup", "missing.py:SPEC", "x"], "missing.py: no such file"),
        (["dedup", "OWN:SPECK", "x"], "did you mean 'SPEC'"),
        (["dedup", "OWN:OTHER", "x"], "is not a search space"),
        (["compare", "--algorithms", "OWN:Small"], "is not an algorithm"),
        (["compare", "--algorithms", "OWN:Mine:strenth=2"], "did you mean 'strength'"),
    ],
)
def test_mistakes_are_one_line(own, words, message, capsys):
    assert main([word.replace("OWN", str(own)) for word in words]) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1


@pytest.mark.slow
def test_an_own_space_is_trained_in_processes(own, tmp_path, capsys):
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    target = tmp_path / "trained.h5"
    words = ["train", f"{own}:SPEC", "--sample", "3", "--seeds", "1", "--processes", "2", "--device", "cpu"]
    assert main([*words, "-o", str(target), "--epochs", "1"]) == 0
    capsys.readouterr()
    bench = nk.open(target)
    assert len(bench) == 3
    assert bench.metrics("digits")[0] == "train_accuracy"


def test_equal_spaces_may_be_registered_again_and_others_not():
    for _ in range(2):  # a notebook cell that runs again
        space = nk.register_space(nk.spaces.Chain(3, ["a", "b"], name="small"))
    assert nk.space("small") is space
    with pytest.raises(ValueError, match="a different space named 'small' is already"):
        nk.register_space(nk.spaces.Chain(4, ["a", "b"], name="small"))
    with pytest.raises(TypeError, match="a Space or a SpaceSpec is expected"):
        nk.register_space(nk.Space)
    with pytest.raises(ValueError, match="give both the same name"):
        nk.register_space(nk.SpaceSpec("other", lambda: nk.spaces.Chain(3, ["a"], name="small")))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = 1\ndef broken(:\n", "line 2 cannot be imported: SyntaxError"),
        ("x = 1\n\n1 / 0\n", "line 3 cannot be imported: ZeroDivisionError"),
    ],
)
def test_a_file_that_cannot_be_imported_is_one_line(tmp_path, monkeypatch, code, message, capsys):
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = tmp_path / f"broken_{len(code)}.py"
    path.write_text(code)
    assert main(["dedup", f"{path}:SPEC", "x"]) == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1
