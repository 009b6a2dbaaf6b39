"""Schema-free decoder for the protocol buffer wire format, limited to what numeric messages need.

Source: https://protobuf.dev/programming-guides/encoding. Readers should skip unknown fields.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["DOUBLE", "MESSAGE", "VARINT", "fields"]

VARINT, DOUBLE, MESSAGE, FLOAT = 0, 1, 2, 5  # wire types
_WIDTHS = {DOUBLE: 8, FLOAT: 4}


def fields(message: bytes) -> Iterator[tuple[int, int, int | float | bytes]]:
    """Yield the fields of a message in order.

    Parameters
    ----------
    message : bytes

    Yields
    ------
    number : int
        Field number.
    wire_type : int
        Wire type, such as `VARINT`.
    value : int, float or bytes
        An unsigned varint, a double or float, or the bytes of a string or submessage.

    Raises
    ------
    ValueError
        The message is truncated or uses an unsupported wire type.

    Examples
    --------
    >>> list(fields(b"\\x08\\x96\\x01\\x12\\x02hi"))
    [(1, 0, 150), (2, 2, b'hi')]
    """
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        value: int | float | bytes
        if wire_type == VARINT:
            value, position = _varint(message, position)
        elif wire_type in (DOUBLE, MESSAGE, FLOAT):
            size = _WIDTHS.get(wire_type)
            if size is None:
                size, position = _varint(message, position)
            chunk = message[position : position + size]
            position += size
            if position > len(message):
                raise ValueError(f"field {number} ends at byte {position}, but the message has {len(message)} bytes")
            value = chunk if wire_type == MESSAGE else struct.unpack("<d" if wire_type == DOUBLE else "<f", chunk)[0]
        else:
            raise ValueError(f"field {number} has the unsupported wire type {wire_type}")
        yield number, wire_type, value


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """Decode the varint at ``position``; also return the position after it."""
    value = 0
    for i, byte in enumerate(message[position : position + 10]):
        value |= (byte & 127) << 7 * i
        if byte < 128:
            return value, position + i + 1
    raise ValueError(f"the varint at byte {position} of a message is not terminated")
