"""Damage to bytes, and to the content of containers, with corrected checksums."""

from __future__ import annotations

import bz2
import gzip
import io
import pickletools
import warnings
import zipfile

import numpy as np

from tests.official.nb101 import framed

__all__ = [
    "damaged",
    "damaged_bz2_pickle",
    "damaged_gzip",
    "damaged_npz",
    "damaged_pickle",
    "damaged_text",
    "damaged_tfrecord",
]

NUMBERS = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**60, 2**63, 2**64 - 1)
WORDS = (
    *(
        b"NaN",
        b"Infinity",
        b"-1",
        b"1e999",
        b"null",
        b"{",
        b"}",
        b"[",
        b'"',
        b"\x1b[2J",
        b"\r\n",
        b"\xff\xfe",
        b"\x00" * 9,
    ),
    *(
        b"\x80\x02",
        b"cos\nsystem\n",
        b"2020-01-01",
        b"9_0",
        b"1e308",
        b"true",
        b"'''",
        b"../",
        b"/etc/passwd",
        b"#",
        b"@0",
        b"*nan",
    ),
)
# opcodes of pickles that a table never needs or that expand a little input a lot: globals, calls, memo entries, long values
OPCODES = (
    *(
        b"cos\nsystem\n",
        b"\x93",
        b"R",
        b"i",
        b"o",
        b"b",
        b"\x81",
        b"\x92",
        b"P1\n",
        b"Q",
        b"\x82\x01",
        b"\x8c\x02os\x8c\x06system\x93",
    ),
    *(
        b"\x8f",
        b"\x90",
        b"\x91",
        b"(",
        b"0",
        b"2",
        b"1",
        b"\x94",
        b"h\x00",
        b"j\x00\x00\x00\x00",
        b"q\x00",
        b"r\xff\xff\xff\x7f",
    ),
    *(b"}", b"]", b")", b"e", b"a", b"s", b"u", b"t", b"\x85", b"\x86", b"\x87", b".", b"N", b"\x88", b"K\x01"),
    *(
        b"\x8b\xff\xff\xff\x7f",
        b"\x8a\xff",
        b"X\xff\xff\xff\x7f",
        b"\x8d" + b"\xff" * 8,
        b"\x95" + b"\xff" * 7 + b"\x00",
        b"G\x7f\xf0" + b"\0" * 6,
    ),
    *(b"\x96" + b"\xff" * 8, b"\x97", b"\x98", b"I01\n", b"L" + b"9" * 5000 + b"L\n", b"F1e999\n", b"S'a'\n", b"g0\n"),
    *(
        b"h\x002" * 200 + b"t",
        b"\x8f(" + b"h\x00" * 500 + b"\x90",
        b"](" + b"h\x01" * 500 + b"e",
        b"(" * 2000,
        b"]" * 2000 + b"a" * 1999,
    ),
)


def damaged(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """The content with one to four things done to it."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        size = max(len(data), 1)
        # half of the damage goes to the first bytes, where most formats have their signature
        at = int(rng.integers(size if rng.random() < 0.5 else min(size, 400)))
        length = int(rng.integers(1, 1 + min(int(rng.choice((1, 4, 64, 4096))), size)))
        match int(rng.integers(9)):
            case 0:
                data[at : at + 1] = bytes([int(rng.integers(256))])
            case 1:
                data = data[:at]
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length] * int(rng.integers(1, 4))
            case 4:
                data[at : at + length] = rng.bytes(length)
            case 5:
                width = int(rng.choice((1, 2, 4, 8)))
                number = int(NUMBERS[int(rng.integers(len(NUMBERS)))]) % 2 ** (8 * width)
                data[at : at + width] = number.to_bytes(width, "little" if rng.random() < 0.7 else "big")
            case 6:
                begin = int(rng.integers(max(len(other), 1)))
                data[at : at + length] = other[begin : begin + length]
            case 7:
                word = WORDS[int(rng.integers(len(WORDS)))]
                data[at : at + (len(word) if rng.random() < 0.5 else 0)] = word
            case _:
                data[at : at + length] = bytes([int(data[at]) ^ 1 << int(rng.integers(8))]) * length if data else b""
    return bytes(data)


def damaged_text(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Text with lines and words moved, duplicated, dropped or replaced."""
    lines = content.split(b"\n")
    for _ in range(int(rng.integers(1, 4))):
        at, to = (int(rng.integers(len(lines))) for _ in range(2))
        words = lines[at].split(b" ")
        word = int(rng.integers(len(words)))
        match int(rng.integers(6)):
            case 0:
                lines.insert(to, lines[at])
            case 1:
                del lines[at]
                lines = lines or [b""]
            case 2:
                words[word] = WORDS[int(rng.integers(len(WORDS)))]
                lines[at] = b" ".join(words)
            case 3:
                lines[at] = lines[at] + WORDS[int(rng.integers(len(WORDS)))] * int(rng.choice((1, 1, 50_000)))
            case 4:
                depth = int(rng.choice((1, 100, 100_000)))
                words[-1] = b"[" * depth + b"]" * depth
                lines[at] = b" ".join(words)
            case _:
                return damaged(b"\n".join(lines), other, rng)
    return b"\n".join(lines)


def damaged_pickle(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """A pickle with instructions duplicated, dropped, exchanged, or mixed with hostile ones."""
    starts = _instructions(content)
    if len(starts) < 3:
        return damaged(content, other, rng)
    pieces = [content[begin:end] for begin, end in zip(starts, [*starts[1:], len(content)], strict=True)]
    for _ in range(int(rng.integers(1, 5))):
        limit = len(pieces) if rng.random() < 0.5 else min(len(pieces), 60)
        at, to = (int(rng.integers(limit)) for _ in range(2))
        match int(rng.integers(5)):
            case 0:
                pieces.insert(to, pieces[at] * int(rng.choice((1, 2, 300))))
            case 1:
                del pieces[at]
            case 2:
                pieces[at], pieces[to] = pieces[to], pieces[at]
            case 3:
                pieces.insert(at, OPCODES[int(rng.integers(len(OPCODES)))])
            case _:
                pieces[at] = damaged(pieces[at], other, rng)
        if len(pieces) < 3:
            break
    return b"".join(pieces)


def _instructions(content: bytes, most: int = 20_000) -> list[int]:
    """Where the first instructions of a pickle begin, and those of the pickles that follow it."""
    starts: list[int] = []
    stream = io.BytesIO(content)
    try:
        while stream.tell() < len(content) and len(starts) < most:
            base = stream.tell()
            rest = io.BytesIO(content[base:])
            for _, _, position in pickletools.genops(rest):
                starts.append(base + (position or 0))
                if len(starts) >= most:
                    return starts
            stream.seek(base + rest.tell())
    except Exception:
        return starts
    return starts


def damaged_bz2_pickle(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """A compressed pickle, damaged inside."""
    damage = damaged_pickle if rng.random() < 0.6 else damaged
    return bz2.compress(damage(bz2.decompress(content), other, rng), 1)


def damaged_gzip(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """A gzip file, damaged inside."""
    return gzip.compress(damaged(gzip.decompress(content), other, rng), 1)


def damaged_tfrecord(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """A TFRecord file with one damaged record and correct checksums."""
    payloads, at = [], 0
    while at < len(content):
        length = int.from_bytes(content[at : at + 8], "little")
        payloads.append(content[at + 12 : at + 12 + length])
        at += length + 16
    which = int(rng.integers(len(payloads)))
    payloads[which] = damaged(payloads[which], other, rng)
    return b"".join(map(framed, payloads))


def damaged_npz(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """An archive of arrays with one damaged, duplicated, renamed, missing or compressed member, and correct checksums."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    at = int(rng.integers(len(members)))
    name, inside = members[at]
    match int(rng.integers(5)):
        case 0:
            members[at] = (name, damaged(inside, other, rng))
        case 1:
            header = damaged_text(inside[:128], other, rng)  # with the array's type and shape
            members[at] = (name, header + inside[128:])
        case 2:
            members[at] = (str(rng.choice(("images", "../images.npy", "labels.npy", "sha256.npy", "a\nb.npy"))), inside)
        case 3:
            del members[at]
        case _:
            members.append((name, bytes(int(rng.choice((10, 2**26))))))
    image = io.BytesIO()
    packing = int(rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    with warnings.catch_warnings(), zipfile.ZipFile(image, "w", packing) as archive:
        warnings.simplefilter("ignore")  # about duplicate names
        for name, inside in members:
            archive.writestr(zipfile.ZipInfo(name), inside, archive.compression)
    return image.getvalue()
