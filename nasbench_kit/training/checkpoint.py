"""A training's state on disk: written in one step, read without running anything, and refused where it is another's."""

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
HEADER = len(FORMAT) + 1 + 64 + 1  # bytes: the format and a SHA-256 of what follows, a line each


def network_identity(network: nn.Module) -> dict[str, str]:
    """What tells a network, as it is before training, from others: digests of its structure and of its weights."""
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
    """Write a checkpoint beside ``path``, flush it, and rename it: whenever that is cut short, the old one is whole.

    Parameters
    ----------
    path : Path
    identity : mapping
        Plain values that a later call has to have as well.
    outputs : Tensor
        What the untrained network gives for a few images: tells networks that differ in their wiring alone.
    content : mapping
        Tensors and plain values.

    Raises
    ------
    StoreError
        Where it cannot be written.
    """
    whole = {"format": FORMAT, "identity": dict(identity), "outputs": outputs, "content": dict(content)}
    image = io.BytesIO()
    torch.save(whole, image)  # writing to a full disk itself, it would hide the reason
    content_bytes = image.getvalue()
    header = f"{FORMAT}\n{hashlib.sha256(content_bytes).hexdigest()}\n".encode()
    replace_file(path, lambda temporary: temporary.write_bytes(header + content_bytes))


def load_checkpoint(path: Path, identity: Mapping[str, Any], outputs: Tensor) -> dict[str, Any] | None:
    """The content of a checkpoint of this very training; None where there is no file.

    Raises
    ------
    StoreError
        Where the file is damaged, no checkpoint, or one of another training: what differs.
    """
    if not path.exists():
        return None
    try:
        content_bytes = path.read_bytes()
        if not content_bytes.startswith(f"{FORMAT}\n".encode()):
            raise StoreError(
                f"{path} is no checkpoint of a training by this version of the kit; give another path or delete it"
            )
        # before anything else is read of it: a flipped bit may leave all in order but a weight
        if hashlib.sha256(content_bytes[HEADER:]).hexdigest().encode() != content_bytes[len(FORMAT) + 1 : HEADER - 1]:
            raise ValueError("its checksum is wrong")
        whole = torch.load(io.BytesIO(content_bytes[HEADER:]), map_location="cpu", weights_only=True)
    except StoreError:
        raise
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        reason = (
            os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it is damaged or no such file"
        )
        raise StoreError(f"{path} cannot be read as a checkpoint: {reason}; delete it to start anew") from error
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise StoreError(f"{path} is no checkpoint of a training; give another path or delete it")
    there = whole["identity"]
    different = [name for name in identity if there.get(name) != identity[name]]
    if different:
        raise StoreError(
            f"{path} is the checkpoint of another training: {different[0]} is {there.get(different[0])!r} there and "
            f"{identity[different[0]]!r} now; give another path or delete it"
        )
    # not bit by bit: the same network rounds otherwise on another machine
    if outputs.shape != whole["outputs"].shape or not torch.allclose(
        outputs, whole["outputs"], rtol=1e-2, atol=1e-4, equal_nan=True
    ):
        raise StoreError(
            f"{path} is the checkpoint of another training: the network has the same weights, but is wired otherwise; "
            "give another path or delete it"
        )
    content: dict[str, Any] = whole["content"]
    return content
