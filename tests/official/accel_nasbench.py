"""Accel-NASBench's files, with made-up values: names, keys, digits and gaps are those of the official ones."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

import nasbench_kit as nk

__all__ = ["measurements", "write_accel_nasbench", "write_accel_nasbench_folder"]

SPACE = nk.space("accel-nasbench")
DEVICES = ("a100", "3090", "tpuv2", "tpuv3", "zcu102", "vck190")


def measurements(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Measurements of ``count - 1`` networks: the last measures the network of the first once more."""
    X = SPACE.sample(count, seed)
    X[-1] = X[0]
    rng = np.random.default_rng(seed)
    found = []
    for native, params, flops in zip(
        SPACE.decode(X),
        SPACE.cost(X, "params", dataset="imagenet").tolist(),
        SPACE.cost(X, "flops", dataset="imagenet").tolist(),
        strict=True,
    ):
        perf: dict[str, dict[str, float | None]] = {
            f"latency_{device}": {"latency_mean": float(rng.uniform(2, 20)), "latency_std": None}
            for device in DEVICES[4:]
        }
        for device in DEVICES:
            known = device != "tpuv3" or rng.random() < 0.8
            deviation = float(rng.uniform(0, 9)) if known and device not in DEVICES[4:] else None
            mean = float(rng.uniform(100, 9000)) if known else None
            perf[f"throughput_{device}"] = {"throughput_mean": mean, "throughput_std": deviation}
        found.append(
            {
                "architecture": native,
                "metrics": {
                    "val_top1": round(float(rng.uniform(43, 67)), 3),
                    "val_top5": round(float(rng.uniform(68, 87)), 3),
                    "train_time": float(rng.uniform(1100, 3000)),
                },
                "model_info": {"macs": flops * 1.1 / 1e6, "params": params / 1e6},
                "platform_perf": perf,
            }
        )
    return found


def write_accel_nasbench_folder(folder: Path, count: int, seed: int = 0) -> None:
    """Write the unpacked ``anb_dataset_jsons``."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, measurement in enumerate(measurements(count, seed)):
        (folder / f"result_{number}.json").write_text(json.dumps(measurement))


def write_accel_nasbench(path: Path, count: int, seed: int = 0) -> None:
    """Write ``anb_dataset_jsons.tar.gz``, whose members are in the order of their names."""
    with tarfile.open(path, "w:gz") as archive:
        folder = tarfile.TarInfo("anb_dataset_jsons")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        named = {f"result_{number}.json": content for number, content in enumerate(measurements(count, seed))}
        for name in sorted(named):
            content = json.dumps(named[name]).encode()
            member = tarfile.TarInfo(f"anb_dataset_jsons/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
