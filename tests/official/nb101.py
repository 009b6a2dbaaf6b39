"""NAS-Bench-101's files: the true cells, hashes and params in the official format and order, and made-up values."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path

import google_crc32c
import numpy as np

import nasbench_kit as nk

BUDGETS, REPEATS, BLOCK = (4, 12, 36, 108), 3, 4096
OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")


def masked(content):
    crc = google_crc32c.value(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def framed(payload):
    """A TFRecord."""
    length = struct.pack("<Q", len(payload))
    return length + struct.pack("<I", masked(length)) + payload + struct.pack("<I", masked(payload))


_EVALUATION = struct.Struct("<" + "Bd" * 5)


def message(evaluations, params, total_time=500.0):
    """``ModelMetrics``; an evaluation is (epoch, seconds, train, validation, test), accuracies as fractions."""
    parts = []
    for epoch, seconds, train, valid, test in evaluations:
        parts.append(b"\x0a\x2d" + _EVALUATION.pack(9, epoch, 17, seconds, 25, train, 33, valid, 41, test))
    varint = bytearray()
    while params > 127:
        varint.append(params & 127 | 128)
        params >>= 7
    return b"".join(parts) + b"\x10" + bytes(varint) + bytes([params]) + struct.pack("<Bd", 25, total_time)


def payload(digest, epochs, adjacency, operations, content):
    return json.dumps([digest, epochs, adjacency, operations, base64.encodebytes(content).decode()]).encode()


def texts(row):
    """The adjacency and operations that the file has of a canonical genotype: its unused vertices left out."""
    matrix = np.zeros((7, 7), dtype=int)
    gene = 0
    for target in range(7):
        for origin in range(target):
            matrix[origin, target] = row[gene]
            gene += 1
    used = [0, *(v for v in range(1, 6) if matrix[:, v].any()), 6]
    adjacency = "".join(map(str, matrix[np.ix_(used, used)].ravel()))
    words = [OPERATIONS[row[21 + v - 1]] for v in used[1:-1]]
    return adjacency, ",".join(["input", *words, "output"])


def made_up_evaluations(n, epochs, rng):
    """Values of the official kind, made up: (n, 3, 5), accuracies float32 multiples of 1 / 9984."""
    accuracy = (rng.integers(0, 9985, size=(n, 3, 3)) / 9984).astype(np.float32).astype(np.float64)
    seconds = (rng.uniform(10, 1000, (n, 1, 1)) * np.array([0, 0.5, 1])[:, None]).astype(np.float32).astype(np.float64)
    epoch = np.broadcast_to(np.array([0, epochs / 2, epochs])[:, None], (n, 3, 1))
    return np.concatenate([epoch, seconds, accuracy], axis=2)


def write_nb101(path: Path, cells: int | None = None) -> None:
    """Write ``nasbench_full.tfrecord``, or its like of the first cells alone."""
    space, rng = nk.space("nb101"), np.random.default_rng(0)
    rows = space.representatives(np.arange(space.networks if cells is None else cells))
    hashes = space.module_hash(rows)
    params = space.cost(rows, "params", dataset="cifar10")
    order = np.argsort(hashes)
    with path.open("wb") as file:
        for start in range(0, len(order), BLOCK):
            block = order[start : start + BLOCK]
            values = np.stack(
                [made_up_evaluations(len(block) * REPEATS, epochs, rng) for epochs in BUDGETS], axis=1
            ).reshape(len(block), REPEATS, len(BUDGETS), 3, 5)
            for i, cell in enumerate(block.tolist()):
                digest, count, text = str(hashes[cell]), int(params[cell]), texts(rows[cell].tolist())
                for repeat in range(REPEATS):
                    for b, epochs in enumerate(BUDGETS):
                        content = message(values[i, repeat, b].tolist(), count)
                        file.write(framed(payload(digest, epochs, *text, content)))
