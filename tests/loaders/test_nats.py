"""The loader of NATS-Bench's topology files on files in the official format with made-up values."""

from __future__ import annotations

import bz2
import pickle
import shutil
import tarfile

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.loaders import load, nats
from tests.loaders.test_nb201 import assert_equal_to
from tests.official.nb201 import NAMES, meta, states, write_nats_file, write_nats_simple, write_nats_tar

SPACE = nk.space("nb201")
INDICES = (0, 11, 5000)


@pytest.fixture(scope="module")
def infos():
    return {index: {"full": found["200"], "less": found["12"]} for index in INDICES for found in [states(index)]}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nats")
    write_nats_simple(folder / "folder", INDICES)
    write_nats_tar(folder / "archive.tar", INDICES)
    write_nats_file(folder / "single.pickle.pbz2", INDICES)
    return folder


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written / "folder", tmp_path / "folder")


def packed(value: object) -> bytes:
    return bz2.compress(pickle.dumps(value, 4))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["folder", "archive.tar", "single.pickle.pbz2"])
def test_every_value_arrives(written, tmp_path, infos, name):
    bench = nk.convert(written / name, tmp_path / "out.h5", partial=True)
    assert_equal_to(bench, infos)
    assert len(bench) == len(INDICES)
    assert bench.info["source"] == name
    assert len(bench.info["sha256"]) == 64
    assert bench.info["missing_architectures"] == 15622
    curves = nk.convert(written / name, tmp_path / "curves.h5", partial=True, curves=True)
    assert curves.datasets[:4] == bench.datasets
    rc = infos[11]["full"]["all_results"]["ImageNet16-120", 777]
    x = SPACE.from_official_index([11])
    value = curves.query(x, "original_test_loss", dataset="ImageNet16-120-curves-200", epochs=7, seed=777)
    assert value[0] == rc["eval_losses"]["ori-test@6"]


@pytest.mark.slow
def test_a_folder_by_one_core_or_many(written, tmp_path, monkeypatch):
    tables = []
    for cores in (1, 5):
        monkeypatch.setattr(nats, "usable_cores", lambda n=cores: n)
        tables.append(load(written / "folder", partial=True))
    for dataset, metrics in tables[0].metrics.items():
        for name, metric in metrics.items():
            np.testing.assert_array_equal(metric.values, tables[1].metrics[dataset][name].values)
    assert tables[0].provenance == tables[1].provenance


def test_the_checksum_of_a_folder_is_that_of_its_list(folder):
    import hashlib

    lines = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("000000.pickle.pbz2", "000011.pickle.pbz2", "005000.pickle.pbz2", "meta.pickle.pbz2")
    ]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert load(folder, partial=True).provenance["sha256"] == digest


def test_folders_need_all_or_partial(folder, tmp_path):
    with pytest.raises(nk.SourceError, match=r"lacks 15622 of the 15625 genotypes of nb201.*partial"):
        nk.convert(folder, tmp_path / "out.h5")
    (folder / "meta.pickle.pbz2").unlink()
    with pytest.raises(nk.SourceError, match=r"lacks meta\.pickle\.pbz2"):
        nk.convert(folder, tmp_path / "out.h5")
    assert len(nk.convert(folder, tmp_path / "out.h5", partial=True)) == 3
    (folder / "000000.pickle.pbz2").rename(folder / "0.pickle.pbz2")  # so the official reader may find it too
    (folder / "README").write_text("what else lies there is nobody's business")
    assert len(nk.convert(folder, tmp_path / "out.h5", partial=True)) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "000000.pickle.pbz2").write_bytes(b""), r"000000\.pickle\.pbz2 ends at byte 0"),
        (lambda f: (f / "000011.pickle.pbz2").write_bytes(b"hello"), r"000011.*byte 0 and following: invalid bz2"),
        (lambda f: (f / "000011.pickle.pbz2").write_bytes(packed({})), "000011.*architecture 11, 12 epochs: key '12'"),
        (lambda f: (f / "000011.pickle.pbz2").write_bytes(packed([])), "expected a dict, not list"),
        (
            lambda f: (f / "000012.pickle.pbz2").write_bytes(packed(states(11))),
            "architecture 12.*the state is that of 11",
        ),
        (lambda f: (f / "020000.pickle.pbz2").write_bytes(packed(states(11))), "from 0 to 15624, not 20000"),
        (lambda f: shutil.copy(f / "000011.pickle.pbz2", f / "11.pickle.pbz2"), "architecture 11 appears twice"),
        (lambda f: (f / "000012.pickle.pbz2").mkdir(), "cannot be read"),
        (lambda f: (f / "meta.pickle.pbz2").write_bytes(packed([])), "meta.*'meta_archs'"),
        (
            lambda f: (f / "meta.pickle.pbz2").write_bytes(packed({"meta_archs": ["64:64:64:64:64"]})),
            "expected a list of 32768 architectures, not 1",
        ),
        (lambda f: (f / "meta.pickle.pbz2").write_bytes(packed({"meta_archs": ["x"]})), "not 1"),
        (
            lambda f: (f / "000011.pickle.pbz2").write_bytes(packed({"01": {"arch_str": "8:8:8:16:32"}})),
            "000011.*architecture 11, 12 epochs: key '12'",
        ),
        (
            lambda f: (f / "meta.pickle.pbz2").write_bytes(packed(meta() | {"meta_archs": NAMES[::-1]})),
            "architecture 0 must be",
        ),
        (lambda f: (f / "000011.pickle.pbz2").write_bytes(packed(states(11)) + b"x"), "invalid bz2 data"),
        (
            lambda f: (f / "000011.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(states(11), 4) + b"x")),
            r"byte \d+ decompressed: the content ends here, but 1 bytes follow",
        ),
        (lambda f: (f / "000011.pickle.pbz2").write_bytes(bytes(2**21 + 1)), "more than 2097152 bytes"),
        (
            lambda f: (f / "000011.pickle.pbz2").write_bytes(bz2.compress(b"(" * 2**24)),
            "more than 4194304 bytes decompressed",
        ),
    ],
)
def test_a_folder_with_something_wrong(folder, tmp_path, change, message):
    change(folder)
    target = tmp_path / "out.h5"
    target.write_bytes(b"what was there")
    with pytest.raises(nk.SourceError, match=message) as caught:
        nk.convert(folder, target, partial=True, source_format="nats")
    assert str(folder) in str(caught.value)
    assert target.read_bytes() == b"what was there"


def test_records_of_several_bz2_streams(folder, tmp_path):
    """Parallel compressors write one stream after the other."""
    content = pickle.dumps(states(11), 4)
    half = len(content) // 2
    (folder / "000011.pickle.pbz2").write_bytes(bz2.compress(content[:half]) + bz2.compress(content[half:]))
    assert len(nk.convert(folder, tmp_path / "out.h5", partial=True)) == 3


def test_hostile_records(folder, tmp_path):
    (folder / "000011.pickle.pbz2").write_bytes(bz2.compress(b"\x80\x04cos\nsystem\n\x8c\x04echo\x85R."))
    with pytest.raises(nk.SourceError, match=r"000011.*byte 2: the pickle asks for 'os'\.'system', which is refused"):
        nk.convert(folder, tmp_path / "out.h5", partial=True)


@pytest.mark.slow
def test_a_truncated_record_at_any_byte(folder):
    for name in ("000000", "005000", "meta"):  # what else there is takes as long to read, each time
        (folder / f"{name}.pickle.pbz2").unlink()
    path = folder / "000011.pickle.pbz2"
    content = path.read_bytes()
    unpacked = bz2.decompress(content)
    for cut in [*range(1, 20, 2), *np.linspace(20, len(content) - 1, 10, dtype=int)]:
        path.write_bytes(content[:cut])
        with pytest.raises(nk.SourceError, match=r"000011.*byte \d+"):
            load(folder, partial=True, source_format="nats")
    for cut in np.linspace(1, len(unpacked) - 1, 8, dtype=int):
        path.write_bytes(bz2.compress(unpacked[:cut], 1))
        with pytest.raises(nk.SourceError, match=r"000011.* byte \d+"):
            load(folder, partial=True, source_format="nats")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["archive.tar", "single.pickle.pbz2"])
def test_a_truncated_or_damaged_file(written, tmp_path, name):
    content = (written / name).read_bytes()
    path = tmp_path / name
    size = len(content)
    for cut in [1, 2, 100, 511, 512, 513, *np.linspace(1000, size - 10_241, 5, dtype=int)]:
        path.write_bytes(content[:cut])
        with pytest.raises(nk.SourceError, match=r"byte \d+|contains no files"):
            load(path, partial=True, source_format="nats")
    rng = np.random.default_rng(0)
    for position in [*range(0, 600, 97), *rng.integers(0, size, 6)]:
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            load(path, partial=True, source_format="nats")
        except nk.SourceError as error:
            assert str(path) in str(error)  # noqa: PT017 - a flip in padding or in a name's tail says nothing


@pytest.mark.slow
def test_archives_of_other_kinds(written, tmp_path, infos):
    """Names with long prefixes, folders, links and pax headers, as other tar programs write them."""
    for kind in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        path = tmp_path / f"{kind}.tar"
        with tarfile.open(path, "w", format=kind) as archive:
            for name in ("", "000011.pickle.pbz2", "000000.pickle.pbz2", "meta.pickle.pbz2", "005000.pickle.pbz2"):
                archive.add(written / "folder" / name, f"./{'d' * 60}/{name}", recursive=False)
            archive.addfile(tarfile.TarInfo("what else/there is"))
        assert_equal_to(nk.convert(path, tmp_path / "out.h5", partial=True, source_format="nats"), infos)


@pytest.mark.slow
def test_a_bomb_in_the_single_file(tmp_path):
    path = tmp_path / "bomb.pickle.pbz2"
    path.write_bytes(bz2.compress(b"\x80\x04}(" + b"\x8c\x01aN" * 2**22, 1))
    with pytest.raises(nk.SourceError, match="a value of more than 4194304 bytes"):
        nk.convert(path, tmp_path / "out.h5", source_format="nats")


def test_what_is_recognised(written, tmp_path):
    from nasbench_kit.loaders import recognise

    assert {recognise(path) for path in written.iterdir()} == {"nats"}
    (tmp_path / "000000.pickle.pbz2").write_bytes(bz2.compress(b"a,b\n1,2\n"))
    assert recognise(tmp_path) == "table"  # a name alone makes no pickle
    with pytest.raises(nk.SourceError, match="no known format"):
        recognise(tmp_path / "000000.pickle.pbz2")
    with tarfile.open(tmp_path / "other.tar", "w") as archive:
        archive.add(tmp_path / "000000.pickle.pbz2", "data.csv.bz2")
    with pytest.raises(nk.SourceError, match="no known format"):
        recognise(tmp_path / "other.tar")
    with pytest.raises(nk.SourceError, match="a folder"):
        nk.convert(written / "folder", tmp_path / "out.h5", source_format="nb201")
    with pytest.raises(nk.SourceError, match="curves only applies to the format nb201, nats, not to table"):
        nk.convert(tmp_path, tmp_path / "out.h5", curves=True)
