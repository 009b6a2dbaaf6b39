"""The loader of Accel-NASBench on files in the official format with made-up values."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.loaders import accel_nasbench, load, recognise, store_name
from tests.official.accel_nasbench import measurements, write_accel_nasbench, write_accel_nasbench_folder

SPACE = nk.space("accel-nasbench")
COUNT = 15


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("accel")
    write_accel_nasbench(folder / "any name", COUNT)
    write_accel_nasbench_folder(folder / "folder", COUNT)
    return folder


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written / "folder", tmp_path / "folder")


@pytest.mark.parametrize("name", ["any name", "folder"])
def test_every_value_arrives(written, tmp_path, name):
    assert recognise(written / name) == "accel-nasbench"
    assert store_name(written / name, None, None) == "accel-nasbench"
    bench = nk.convert(written / name, tmp_path / "out.h5", partial=True)
    assert (bench.space, len(bench), bench.datasets) == (SPACE, COUNT - 1, ("imagenet",))
    assert (
        bench.info["coverage"] == f"{COUNT - 1} of the 104,485,552,128 networks of the space, in {COUNT} measurements"
    )
    assert bench.info["missing_measurements"] == 5138 - COUNT
    assert "Proxy accuracies" in bench.info["notes"]
    assert "there are no test values" in bench.info["splits"]
    for number, found in enumerate(measurements(COUNT)):
        x = SPACE.encode([found["architecture"]])
        trial = int(number == COUNT - 1)
        perf = {
            name if kind == "mean" else f"{name}_std": values.get(f"{what}_{kind}")
            for name, values in found["platform_perf"].items()
            for what in [name.split("_")[0]]
            for kind in ("mean", "std")
        }
        own = found["metrics"]
        perf |= {
            "valid_accuracy": own["val_top1"],
            "valid_top5_accuracy": own["val_top5"],
            "training_time": own["train_time"],
        }
        for metric, value in perf.items():
            if metric in bench.metrics():
                here = bench.query(x, metric, seed=trial)[0]
                assert here == value or (value is None and np.isnan(here))
            else:
                assert value is None
        info = found["model_info"]
        assert bench.query(x, "params")[0] == round(info["params"] * 1e6)
        assert bench.query(x, "recorded_flops")[0] == round(info["macs"] * 1e6)
    only = bench.architectures[
        (bench.architectures != SPACE.encode([measurements(COUNT)[0]["architecture"]])).any(axis=1)
    ]
    assert np.isnan(bench.query(only, "valid_accuracy", seed=1)).all()


def test_what_is_known_of_the_metrics(written):
    table = load(written / "folder", partial=True)
    about = {name: column.described(name) for name, column in table.metrics["imagenet"].items()}
    assert (about["throughput_a100"].units, about["throughput_a100"].direction) == ("images/s", "max")
    assert (about["throughput_a100_std"].units, about["throughput_a100_std"].direction) == ("images/s", None)
    assert (about["latency_vck190"].units, about["latency_vck190"].direction) == ("ms", "min")
    assert (about["valid_top5_accuracy"].units, about["valid_accuracy"].split) == ("percent", "valid")
    assert "latency_zcu102_std" not in about  # never measured
    assert not any(metric.split == "test" for metric in about.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r["architecture"].update(block0_e=3), r"result_3\.json.*'architecture': block0_e must be one of 1, 4, 6, not 3"),
        (lambda r: r["architecture"].update(block0_l=4), "block0_l must be one of 1, 2, 3, not 4"),
        (lambda r: r["architecture"].update(block0_se=1), "block0_se must be one of false, true, not 1"),
        (lambda r: r["architecture"].pop("block6_se"), "'block6_se' is missing"),
        (lambda r: r["architecture"].update(block7_e=1), "'block7_e' is not a gene"),
        (lambda r: r.pop("metrics"), "key 'metrics/val_top1' is missing"),
        (lambda r: r["metrics"].update(val_top1=None), "key 'metrics/val_top1': expected a number from 0 to 100, not None"),
        (lambda r: r["metrics"].update(val_top5=100.5), "'metrics/val_top5': expected a number from 0 to 100"),
        (lambda r: r["metrics"].update(train_time=float("nan")), "'metrics/train_time': expected a number"),
        (lambda r: r["metrics"].update(train_time=True), "not True"),
        (lambda r: r["platform_perf"].update(latency_zcu102=5), "'platform_perf/latency_zcu102/latency_mean' is missing"),
        (lambda r: r["platform_perf"]["throughput_a100"].update(throughput_mean=-1), "expected a number from 0"),
        (lambda r: r["model_info"].update(params=4.2), "'model_info/params' is 4,200,000, but the network has"),
    ],
)  # fmt: skip
def test_a_measurement_with_something_wrong(folder, change, message):
    path = folder / "result_3.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))
    with pytest.raises(nk.SourceError, match=message) as caught:
        load(folder, partial=True)
    assert "result_3.json" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        (b'{"a": 1', "not valid JSON"),
        (b"[]", "expected an object"),
        (b"[" * 60_000, "nested too deeply|not valid JSON"),
        (b" " * 2**17, "more than 65536 bytes"),
    ],
)
def test_a_file_that_is_no_measurement(folder, content, message):
    (folder / "result_3.json").write_bytes(content)
    with pytest.raises(nk.SourceError, match=message):
        load(folder, partial=True, source_format="accel-nasbench")


def test_a_part_needs_partial_and_numbers_are_distinct(folder):
    with pytest.raises(nk.SourceError, match=r"lacks 5,123 of the 5,138 published measurements.*--partial"):
        load(folder)
    shutil.copy(folder / "result_3.json", folder / "result_03.json")
    with pytest.raises(nk.SourceError, match="the measurement 3 appears twice"):
        load(folder, partial=True)


def archive(content: bytes, name: str = "result_0.json") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        file.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def test_hostile_archives(written, tmp_path, monkeypatch):
    path = tmp_path / "source"
    good = (written / "any name").read_bytes()
    for content, message in (
        (good[: len(good) // 2], r"ends at byte \d+, in the middle of its compressed data"),
        (good[:40] + bytes(20) + good[60:], "invalid gzip data|not a tar header|ends at byte"),
        (good + b"more", "data after the end of the archive"),
        (gzip.compress(archive(b" " * 2**17)), r"result_0\.json: more than 65536 bytes"),
        (gzip.compress(archive(b"{}", "../../result_x.json")), "lacks 5,138 of the 5,138"),
        (gzip.compress(gzip.decompress(good)[:700]), "not a tar header|the member has"),
    ):
        path.write_bytes(content)
        with pytest.raises(nk.SourceError, match=message):
            load(path, partial=True, source_format="accel-nasbench")
    path.write_bytes(gzip.compress(bytes(2**22)))
    monkeypatch.setattr(accel_nasbench, "MAX_UNPACKED", 2**21)
    with pytest.raises(nk.SourceError, match="more than 2097152 bytes decompressed"):
        load(path, partial=True, source_format="accel-nasbench")
