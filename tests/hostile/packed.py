"""Archives that unpack to more than they say, or in a way that takes more than they weigh."""

from __future__ import annotations

import gzip
import lzma
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from random import Random

from tests.hostile.cases import Case, Words

METHODS = {
    "bzip2": zipfile.ZIP_BZIP2,
    "lzma": zipfile.ZIP_LZMA,
    "deflate": zipfile.ZIP_DEFLATED,
}
ENTRY, DIRECTORY = b"PK\x03\x04", b"PK\x01\x02"


def npy(shape: str, kind: str = "|u1", body: bytes = b"", columns: str = "False") -> bytes:
    """An array's file with this header, whatever its body is."""
    header = f"{{'descr': {kind!r}, 'fortran_order': {columns}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def zipped(path: Path, entries: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def lying(path: Path, unpacked: int) -> None:
    """Every entry of the archive says that it unpacks to so many bytes."""
    data = bytearray(path.read_bytes())
    for mark, place in ((ENTRY, 22), (DIRECTORY, 24)):
        at = data.find(mark)
        while at >= 0:
            data[at + place : at + place + 4] = struct.pack("<I", unpacked)
            at = data.find(mark, at + 4)
    path.write_bytes(bytes(data))


def zeros(draw: Random, least: int = 26, most: int = 29) -> int:
    return (1 << draw.randint(least, most)) + draw.randrange(1 << 20)


def slowly_packed(size: int, method: int) -> int:
    """No more than is packed in an instant, where a means is slow: none is ever unpacked."""
    return size if method == zipfile.ZIP_DEFLATED else min(size, 2**23)


# Data sets ------------------------------------------------------------------------------------


def _npz(method: str, length: int | None = None):
    def make(folder: Path, draw: Random) -> Words:
        images = draw.randint(100_000, 600_000)
        size = slowly_packed(length or images * 784, METHODS[method])
        zipped(
            folder / "set.npz",
            {
                "x_train.npy": npy(f"({images}, 28, 28)", body=bytes(size)),
                "y_train.npy": npy(f"({images},)", body=bytes(images)),
            },
            METHODS[method],
        )
        return ["data", "set.npz"]

    return make


def _npz_that_lies(folder: Path, draw: Random) -> Words:
    method = draw.choice(list(METHODS.values()))
    body = bytes(slowly_packed(zeros(draw), method))
    zipped(folder / "set.npz", {"x.npy": npy("(9, 4, 4)", body=body)}, method)
    lying(folder / "set.npz", draw.choice([0, 5, 100, 2**20]))
    return ["data", "set.npz"]


def _many_entries(folder: Path, draw: Random) -> Words:
    """A directory that is all there is: a million names."""
    count = draw.randint(200_000, 900_000)
    ending = draw.choice(["set.npz", "net.keras", "net.pt2", "book.xlsx"])
    one = struct.pack(
        "<4s4B4HL2L5H2L", DIRECTORY, 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0
    )
    content = (one + b"a") * count
    tail = struct.pack(
        "<4s4H2LH", b"PK\5\6", 0, 0, count % 2**16, count % 2**16, len(content), 0, 0
    )
    (folder / ending).write_bytes(content + tail)
    return {"xlsx": ["check", ending], "npz": ["data", ending]}.get(
        ending.partition(".")[2], ["summary", ending]
    )


def _stream(packing: str):
    def make(folder: Path, draw: Random) -> Words:
        pack = {".gz": gzip.compress, ".xz": lzma.compress}[packing]
        images = zeros(draw) // 784
        header = bytes([0, 0, 8, 3]) + struct.pack(">3I", images, 28, 28)
        (folder / f"train-images-idx3-ubyte{packing}").write_bytes(
            pack(header + bytes(images * 784))
        )
        labels = bytes([0, 0, 8, 1]) + struct.pack(">I", images)
        (folder / "train-labels-idx1-ubyte").write_bytes(labels + bytes(images))
        return ["data", "."]

    return make


def _table_of(line: bytes, packing: str):
    def make(folder: Path, draw: Random) -> Words:
        pack = {".gz": gzip.compress, ".xz": lzma.compress, "": bytes}[packing]
        count = zeros(draw, 25, 28) // len(line)
        (folder / f"set.csv{packing}").write_bytes(pack(line * count))
        return ["data", f"set.csv{packing}"]

    return make


def _small_rows(folder: Path, draw: Random) -> Words:
    """A table of measurements with very many rows or cells, wrong in its last."""
    columns = draw.choice([2, 3, 17, 400, 20_000])
    row = ",".join(str(draw.randrange(10)) for _ in range(columns)).encode() + b"\n"
    size = draw.choice([45, 60, 300]) * 2**20
    with (folder / "table.csv").open("wb") as file:
        for _ in range(size // len(row)):
            file.write(row)
        file.write(b"1,two\n")
    return ["sheet", "input 2; dense 1; sigmoid; loss half squared error", "--data", "table.csv"]


ENDLESS = {  # rows that never end
    "numbers": b"1.5,",
    "commas": b",",
    "an open quote": b'"a\n',
    "quoted line ends": b'"\n",',
    "blanks": b" ",
}
WIDE = {"wider than is read": (120_000, 2), "as wide as is read": (95_000, 60)}


def _endless_row(row: bytes):
    def make(folder: Path, draw: Random) -> Words:
        size = draw.choice([20, 60, 300]) * 2**20
        (folder / "table.csv").write_bytes(b"x,y\n" * draw.randrange(2) + row * (size // len(row)))
        return ["train", "table.csv", "--target", "y", "-o", "made"]

    return make


def _wide_rows(columns: int, rows: int):
    """A table of very many columns, wrong in its last row."""

    def make(folder: Path, draw: Random) -> Words:
        row = ",".join(f"{draw.random():.2f}" for _ in range(columns)).encode() + b"\n"
        (folder / "table.csv").write_bytes(row * rows + b"1,two\n")
        return ["train", "table.csv", "--target", "y", "-o", "made"]

    return make


def _pixel_rows(folder: Path, draw: Random) -> Words:
    """A table of images, whose last pixel is none."""
    row = b"7," + ",".join(str(draw.randrange(256)) for _ in range(784)).encode() + b"\n"
    with (folder / "set.csv").open("wb") as file:
        for _ in range(draw.choice([150, 240]) * 2**20 // len(row)):
            file.write(row)
        file.write(row.replace(b"\n", b"x\n"))
    return ["data", "set.csv"]


# Models ---------------------------------------------------------------------------------------


def _model_archive(folder: Path, draw: Random) -> Words:
    """A Keras or PyTorch file of which one entry is a bomb."""
    method = draw.choice(list(METHODS.values()))
    bomb = b" " * slowly_packed(zeros(draw), method)
    if draw.random() < 0.5:
        entries = {"metadata.json": b'{"keras_version": "3.1"}', "config.json": bomb}
        zipped(folder / "net.keras", entries, method)
        return ["summary", "net.keras"]
    entries = {"net/byteorder": b"little", "net/models/model.json": bomb}
    zipped(folder / "net.pt2", entries, method)
    return ["summary", "net.pt2"]


# Workbooks ------------------------------------------------------------------------------------


def _book(folder: Path, draw: Random) -> Words:
    """A workbook whose only sheet is packed by any means, and is mostly nothing."""
    method = draw.choice(list(METHODS.values()))
    _write_book(folder / "book.xlsx", zeros(draw, 24, 28), method)
    if draw.random() < 0.5:
        lying(folder / "book.xlsx", draw.choice([0, 100, 2**16]))
    return ["check", "book.xlsx"]


def _write_book(path: Path, size: int, method: int) -> None:
    from tests.audit.material.hostile import BOOK, RELATIONS, TYPES

    zipped(
        path,
        {
            "[Content_Types].xml": TYPES.encode(),
            "xl/workbook.xml": BOOK.format(title="S", more="").encode(),
            "xl/_rels/workbook.xml.rels": RELATIONS.format(
                target="worksheets/sheet1.xml", mode=""
            ).encode(),
            "xl/worksheets/sheet1.xml": b"<worksheet>" + b" " * slowly_packed(size, method),
        },
        method,
    )


def _large_dictionary(folder: Path, draw: Random) -> Words:
    """A sheet whose LZMA asks for a dictionary of a gigabyte and more."""
    _write_book(folder / "book.xlsx", 1000, zipfile.ZIP_LZMA)
    data = bytearray((folder / "book.xlsx").read_bytes())
    at = data.find(b"\x05\x00\x5d")
    while at >= 0:
        data[at + 3 : at + 7] = struct.pack("<I", draw.randint(2**30, 2**32 - 1))
        at = data.find(b"\x05\x00\x5d", at + 7)
    (folder / "book.xlsx").write_bytes(bytes(data))
    return ["check", "book.xlsx"]


def _class(folder: Path, draw: Random) -> Words:
    """A class of books among which some are bombs."""
    from tests.audit.material.hostile import formula, package

    (folder / "books").mkdir()
    for number in range(draw.randint(20, 60)):
        package(folder / "books" / f"{number}.xlsx", sheet=formula("1+1"))
    for number in range(3):
        _write_book(
            folder / "books" / f"bomb{number}.xlsx", 2**27, draw.choice(list(METHODS.values()))
        )
    return ["check", "books"]


NEWLINES, BLANKS = b"\n", b" \r\n"

CASES = [
    *(Case(f"npz of zeros, {method}", _npz(method)) for method in METHODS),
    Case("npz that ends early", _npz("deflate", 10_000)),
    Case("npz whose sizes lie", _npz_that_lies),
    Case("an archive of a million names", _many_entries),
    Case("idx of zeros, gzip", _stream(".gz")),
    Case("idx of zeros, xz", _stream(".xz")),
    *(
        Case(f"a table of {name}{packing}", _table_of(line, packing))
        for name, line in {
            "newlines": NEWLINES,
            "blanks": BLANKS,
            "commas": b",\n",
            "no lines": b"0,",
        }.items()
        for packing in (".gz", ".xz", "")
    ),
    Case("a table of very many rows", _small_rows),
    *(Case(f"a row of {name} without an end", _endless_row(row)) for name, row in ENDLESS.items()),
    *(Case(f"a table {name}", _wide_rows(*size)) for name, size in WIDE.items()),
    Case("a table of images, wrong at its end", _pixel_rows),
    Case("a model's archive", _model_archive),
    Case("a workbook's archive", _book),
    Case("a workbook with a large dictionary", _large_dictionary),
    Case("a class with bombs in it", _class, codes=(0, 1, 2)),
]
