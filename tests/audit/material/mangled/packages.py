"""Workbooks mangled by number: their bytes, their XML, their zip, their formulas."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence

from tests.audit.material.mangled import xml
from tests.audit.material.mangled.bases import TINY, Parts

WAYS = ("bytes", "xml", "zip", "formulas", "formulas")
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"


def mangled(bases: Mapping[str, Parts], number: int) -> tuple[str, bytes]:
    """The package of this number: which book it was and how it was mangled, and its bytes."""
    draw = random.Random(number)
    from_tiny = draw.random() < 0.7
    known = TINY if from_tiny and bases.keys() >= TINY.keys() else bases
    base, way = draw.choice(list(known)), draw.choice(WAYS)
    parts = dict(bases[base])
    if way == "zip":
        content = _zipped(parts, draw)
    elif way == "bytes":
        content = _of_bytes(parts, draw)
    else:
        _in_parts(parts, draw, xml.MANGLES if way == "xml" else xml.FORMULA_MANGLES)
        content = packed(parts)
    return f"{way} of {base}", content


def packed(parts: Parts, packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    return _archive(list(parts.items()), packing)


def _archive(entries: Sequence[tuple[str, bytes]], packing: int) -> bytes:
    """A zip of these, which has no dates, so that it is always the same."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that come twice
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, packing, compresslevel=1)
    return file.getvalue()


def _in_parts(parts: Parts, draw: random.Random, mangles: Sequence[xml.Mangle]) -> None:
    """A few changes, most of them to sheets."""
    of_sheets = [name for name in parts if "worksheets/sheet" in name and "_rels" not in name]
    of_sheets = of_sheets or ["content.xml"]
    for _ in range(draw.choice([1, 1, 2, 3, 6])):
        name = draw.choice(of_sheets if draw.random() < 0.6 else list(parts))
        if mangles is xml.FORMULA_MANGLES:
            name = draw.choice(of_sheets)
        text = draw.choice(mangles)(parts[name].decode("utf-8", "replace"), draw)
        parts[name] = text.encode("utf-8", "surrogatepass")


# Bytes ------------------------------------------------------------------------


def _of_bytes(parts: Parts, draw: random.Random) -> bytes:
    """Bytes changed in the package itself, or in a part before it is packed."""
    if draw.random() < 0.5:
        return spoilt(packed(parts, draw.choice(PACKINGS[:2])), draw)
    name = draw.choice(list(parts))
    parts[name] = spoilt(parts[name], draw)
    return packed(parts)


def spoilt(content: bytes, draw: random.Random) -> bytes:
    data = bytearray(content or b"\0")
    for _ in range(draw.choice([1, 2, 5, 40])):
        at, change = draw.randrange(len(data)), draw.randrange(6)
        if change < 3:
            data[at] = draw.choice([0, 1, 0x7F, 0x80, 0xFF, 0x3C, 0x22, draw.randrange(256)])
        elif change == 3:
            del data[at : at + draw.choice([1, 4, 100])]
        elif change == 4:
            data[at:at] = draw.choice(
                [b"\xed\xa0\x80", b"\xff\xfe", b"&#xd800;", draw.randbytes(9)]
            )
        else:
            start = draw.randrange(len(data))
            data[at:at] = data[start : start + draw.choice([1, 30, 3000])]
        data = data or bytearray(b"\0")
    return bytes(data)


# The zip ----------------------------------------------------------------------


def _zipped(parts: Parts, draw: random.Random) -> bytes:
    return draw.choice(ZIPS)(parts, draw)


def _other_packing(parts: Parts, draw: random.Random) -> bytes:
    """Parts packed in other ways, the entries perhaps damaged."""
    content = packed(parts, draw.choice(PACKINGS))
    return spoilt(content, draw) if draw.random() < 0.6 else content


def _lying(parts: Parts, draw: random.Random) -> bytes:
    """Fields of the directory, or of entries, that say something else."""
    data = bytearray(packed(parts, draw.choice(PACKINGS)))
    for _ in range(draw.choice([1, 2, 6])):
        mark, fields = draw.choice(
            [(LOCAL, (4, 6, 8, 14, 18, 22, 26, 28)), (END, (4, 6, 8, 10, 12, 16, 20)),
             (CENTRAL, (6, 8, 10, 16, 20, 24, 28, 30, 32, 42))]
        )  # fmt: skip
        places = [k for k in range(len(data)) if data.startswith(mark, k)]
        at = draw.choice(places or [0]) + draw.choice(fields)
        value = draw.choice([0, 1, 9, 12, 14, 93, 0xFFFF, 0xFFFFFFFF, 2**31, draw.getrandbits(32)])
        wide = draw.choice(["<H", "<I"])
        said = struct.pack(wide, value & (0xFFFF if wide == "<H" else 0xFFFFFFFF))
        data[at : at + len(said)] = said
    return bytes(data)


def _doubled(parts: Parts, draw: random.Random) -> bytes:
    """Entries that are there several times, under the same name or one that is as good."""
    entries = []
    for name, content in parts.items():
        entries.append((name, content))
        for _ in range(draw.choice([0, 0, 0, 1, 3])):
            names = name, name.upper(), f"/{name}", f"./{name}", f"{name}/", "\u202e"
            other = draw.choice(list(parts.values()))
            entries.append((draw.choice(names), draw.choice([content, b"", other])))
    return _archive(entries, draw.choice(PACKINGS[:2]))


def _exchanged(parts: Parts, draw: random.Random) -> bytes:
    """Parts in each other's place, or left out."""
    names = list(parts)
    for _ in range(draw.choice([1, 2])):
        a, b = draw.choice(names), draw.choice(names)
        parts[a], parts[b] = parts.get(b, b""), parts.get(a, b"")
    if draw.random() < 0.5:
        del parts[draw.choice(names)]
    return packed(parts)


def _swollen(parts: Parts, draw: random.Random) -> bytes:
    """A part that unpacks to much more than it is."""
    name = draw.choice(list(parts))
    filling = draw.choice([b" ", b"\n", b"<a/>", b"\0", b"<row/>", b"<c/>", b"<!-- -->", b"&amp;"])
    place = draw.randrange(len(parts[name]) + 1)
    many = int(10 ** draw.uniform(4, 7.3)) // len(filling)
    parts[name] = parts[name][:place] + filling * many + parts[name][place:]
    return packed(parts, draw.choice(PACKINGS))


ZIPS: tuple[Callable[[Parts, random.Random], bytes], ...] = (
    _other_packing,
    _lying,
    _lying,
    _doubled,
    _exchanged,
    _swollen,
)
