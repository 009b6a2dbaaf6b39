"""What a pickle of a table may contain: limits, the few names that it may refer to, and how values are shown in messages."""

from __future__ import annotations

import enum

__all__ = [
    "GLOBALS",
    "MAX_ITEM",
    "MAX_KEY",
    "MAX_MADE",
    "MAX_SETS",
    "MAX_TEXT",
    "NO_TABLE",
    "NUMBERS",
    "Global",
    "NumberType",
    "name_of",
    "shown",
]

# bytes of a pickle, or of one item of a stream; an architecture's record is 0.4 MB
MAX_ITEM = 4 * 2**20
MAX_TEXT = 4096  # bytes of a string
MAX_MADE = 2**22  # set members and encoded bytes that a pickle or item may create from recalled values
MAX_SETS = 10_000  # per pickle or item: an empty set takes one byte of a pickle, but 200 bytes of memory
MAX_KEY = 2**60  # bound on integer keys: larger ones can have colliding hashes, which makes dicts quadratically slow
NO_TABLE = "a table of results does not need this, so the file is not what it claims to be"


class Global(enum.Enum):
    """The only names a pickle may refer to."""

    ORDERED_DICT = "collections.OrderedDict"
    SET = "set"
    ENCODE = "bytes, as protocol 2 writes them"
    DTYPE = "numpy.dtype"
    SCALAR = "a numpy number"
    NDARRAY = "numpy.ndarray"
    RECONSTRUCT = "a numpy array"


GLOBALS = {
    ("collections", "OrderedDict"): Global.ORDERED_DICT,
    ("builtins", "set"): Global.SET,
    ("__builtin__", "set"): Global.SET,
    ("_codecs", "encode"): Global.ENCODE,
    ("numpy", "dtype"): Global.DTYPE,
    ("numpy.core.multiarray", "scalar"): Global.SCALAR,
    ("numpy._core.multiarray", "scalar"): Global.SCALAR,
}
NUMBERS = {"f8": "<d", "f4": "<f", "i8": "<q", "i4": "<i"}  # NumPy type name -> struct format


class NumberType(str):
    """The name of a NumPy type, accepted only as an argument of `Global.SCALAR`."""

    __slots__ = ()


def shown(value: object) -> str:
    """A short representation for error messages, which never traverses containers."""
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        text = repr(value)
        return text if len(text) <= 60 else f"{text[:60]}..."
    return type(value).__name__


def name_of(opcode: int) -> str:
    """The name of an instruction in the standard library's pickletools."""
    import pickletools  # only needed for errors

    names = {known.code: known.name for known in pickletools.opcodes}
    return f"{names.get(chr(opcode), 'unknown')} (0x{opcode:02x})"
