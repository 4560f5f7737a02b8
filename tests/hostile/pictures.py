"""Pictures that are much larger than they weigh, and JPEGs that take many passes."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from random import Random

from gradbook.lab.recipes import recipe_text as text
from tests.hostile.cases import Case, Words

KINDS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # PNG's kinds of colour, and how many bytes a pixel has


def chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png(columns: int, rows: int, kind: int = 2, depth: int = 8, lines: int | None = None) -> bytes:
    """A PNG of nothing but black, of which only so many lines may be there."""
    width = (columns * KINDS[kind] * depth + 7) // 8 + 1
    packer = zlib.compressobj(9)
    left = width * (rows if lines is None else min(lines, rows))
    body = b""
    while left > 0:
        body += packer.compress(bytes(min(left, 2**22)))
        left -= 2**22
    palette = chunk(b"PLTE", bytes(range(3))) if kind == 3 else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">2I5B", columns, rows, depth, kind, 0, 0, 0))
        + palette
        + chunk(b"IDAT", body + packer.flush())
        + chunk(b"IEND", b"")
    )


def _flat(folder: Path, draw: Random) -> Words:
    """67 million pixels, whatever its sides."""
    pixels = draw.choice([2**24, 2**25, 2**26])
    side = draw.choice([1, 2, 100, 2_100, 4_096, 8_192])
    sides = draw.sample([side, pixels // side], 2)
    kind = draw.choice(list(KINDS))
    depth = 16 if kind in (0, 2) and draw.random() < 0.3 else 8
    (folder / "a.png").write_bytes(png(*sides, kind, depth))
    return _asked(folder, draw)


def _transparent(folder: Path, draw: Random) -> Words:
    """As many as may be, or twice as many, that can be seen through."""
    pixels, side = draw.choice([2**25, 2**26]), draw.choice([2_048, 4_096, 8_192])
    (folder / "a.png").write_bytes(png(side, pixels // side, draw.choice([4, 6])))
    return _asked(folder, draw)


def _scans(folder: Path, draw: Random) -> Words:
    """A JPEG of many passes."""
    from io import BytesIO

    from PIL import Image

    side = draw.choice([2_000, 6_000])
    made = BytesIO()
    Image.new("L", (side, side)).save(made, "JPEG", progressive=True, quality=10)
    content = made.getvalue()
    last = content.rindex(b"\xff\xda")
    scan = content[last:-2]
    (folder / "a.png").write_bytes(content[:-2] + scan * draw.choice([200, 2_000]) + b"\xff\xd9")
    return _asked(folder, draw)


def _asked(folder: Path, draw: Random) -> Words:
    if draw.random() < 0.6:
        there = Path(text.FOLDER) / "tiny.safetensors"
        (folder / "tiny.safetensors").write_bytes(there.read_bytes())
        return ["predict", "tiny.safetensors", "a.png"]
    for name in ("one", "two"):
        (folder / "set" / name).mkdir(parents=True)
        (folder / "set" / name / "a.png").write_bytes((folder / "a.png").read_bytes())
    size = draw.choice([[], ["--size", "28x28"]])
    return ["data", "set", *size]


CASES = [
    Case("millions of pixels", _flat, codes=(0, 1, 2)),
    Case("millions of pixels to see through", _transparent, codes=(0, 1, 2)),
    Case("a JPEG of many passes", _scans, codes=(0, 1, 2)),
]
