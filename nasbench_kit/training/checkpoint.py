"""Checkpoints of trainings: written atomically, loaded without executing code, refused for a different training."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nasbench_kit.errors import StoreError
from nasbench_kit.files import check_target, replace_file

__all__ = ["check_target", "load_checkpoint", "network_identity", "save_checkpoint"]

FORMAT = "nasbench-kit training 2"
HEADER = len(FORMAT) + 1 + 64 + 1  # bytes: the format and the SHA-256 of the rest, one line each


def network_identity(network: nn.Module) -> dict[str, str]:
    """Return digests of the structure and the weights of an untrained network, which identify it."""
    state = network.state_dict()
    structure = [(name, str(value.dtype), tuple(value.shape)) for name, value in state.items()]
    weights = hashlib.sha256()
    for value in state.values():
        weights.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return {
        "network": hashlib.sha256(repr((repr(network), structure)).encode()).hexdigest()[:16],
        "initial weights": weights.hexdigest()[:16],
    }


def save_checkpoint(path: Path, identity: Mapping[str, Any], outputs: Tensor, content: Mapping[str, Any]) -> None:
    """Write a checkpoint atomically: if interrupted at any point, the previous one stays intact.

    Parameters
    ----------
    path : Path
    identity : mapping
        Plain values that must be the same when the checkpoint is loaded.
    outputs : Tensor
        Outputs of the untrained network for a few images, to detect networks that differ only in their wiring.
    content : mapping
        Tensors and plain values.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    whole = {"format": FORMAT, "identity": dict(identity), "outputs": outputs, "content": dict(content)}
    image = io.BytesIO()
    torch.save(whole, image)  # into memory, because torch.save hides the reason if the disk is full
    content_bytes = image.getvalue()
    header = f"{FORMAT}\n{hashlib.sha256(content_bytes).hexdigest()}\n".encode()
    replace_file(path, lambda temporary: temporary.write_bytes(header + content_bytes), StoreError)


def load_checkpoint(path: Path, identity: Mapping[str, Any], outputs: Tensor) -> dict[str, Any] | None:
    """Load the content of a checkpoint of this training, or return None if there is no file.

    Raises
    ------
    StoreError
        If the file is damaged, not a checkpoint, or that of another training; the message names the difference.
    """
    if not path.exists():
        return None
    try:
        content_bytes = path.read_bytes()
        if not content_bytes.startswith(f"{FORMAT}\n".encode()):
            raise StoreError(
                f"{path} is not a training checkpoint of this version of the kit; give another path or delete it"
            )
        # check this before reading the rest: a flipped bit may silently change a weight
        if hashlib.sha256(content_bytes[HEADER:]).hexdigest().encode() != content_bytes[len(FORMAT) + 1 : HEADER - 1]:
            raise ValueError("wrong checksum")
        whole = torch.load(io.BytesIO(content_bytes[HEADER:]), map_location="cpu", weights_only=True)
    except StoreError:
        raise
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        reason = (
            os.strerror(error.errno)
            if isinstance(error, OSError) and error.errno
            else "it is damaged or not a checkpoint"
        )
        raise StoreError(f"{path} cannot be read as a checkpoint: {reason}; delete it to start again") from error
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise StoreError(f"{path} is not a training checkpoint; give another path or delete it")
    there = whole["identity"]
    different = [name for name in identity if there.get(name) != identity[name]]
    if different:
        raise StoreError(
            f"{path} is the checkpoint of another training: {different[0]} is {there.get(different[0])!r} there and "
            f"{identity[different[0]]!r} now; give another path or delete it"
        )
    # not bitwise, as the same network may round differently on another machine
    if outputs.shape != whole["outputs"].shape or not torch.allclose(
        outputs, whole["outputs"], rtol=1e-2, atol=1e-4, equal_nan=True
    ):
        raise StoreError(
            f"{path} is the checkpoint of another training: the network has the same weights but different wiring; "
            "give another path or delete it"
        )
    content: dict[str, Any] = whole["content"]
    return content
