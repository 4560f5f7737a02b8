"""Small workbooks for a class: right, wrong, and what strangers hand in."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.audit.material.exercises import Variation, exercise, hand_in, mistakes
from tests.audit.material.small import saved

ONE_NEURON = {
    "A1": "x", "B1": "t", "C1": "w1", "D1": "y", "E1": "E", "F1": "dE/dw1", "H1": 0.5,
    "A2:A7": 0.4, "B2:B7": 0.8, "C2": 0.1, "D2:D7": "=A2*C2", "E2:E7": "=(D2-B2)^2/2",
    "F2:F7": "=(D2-B2)*A2", "C3:C7": "=C2-$H$1*F2",
}  # fmt: skip
LOST_FACTOR = ONE_NEURON | {"F2:F7": "=(D2-B2)"}
NAMES = ("=cmd|' C calc'!A1.xlsx", "Übung größer.xlsx", "+49 (1).xlsx", "<b>&.xlsx", "-1.xlsx")


@cache
def content(is_right: bool = True) -> bytes:
    """Of a book whose one neuron learns, or doesn't."""
    with TemporaryDirectory() as folder:
        path = saved(Path(folder, "book.xlsx"), ONE_NEURON if is_right else LOST_FACTOR)
        return path.read_bytes()


@cache
def exercises() -> list[tuple[str, bytes]]:
    """Exercises of ours: one with a sign that all gradients have, one with an early mistake."""
    worked = Variation.of(0)
    with TemporaryDirectory() as folder:
        book = exercise(worked, Path(folder))
        slips = {mistake.letter: mistake.entries for mistake in mistakes(worked)}
        return [
            (f"{name}.xlsx", hand_in(book, slips[letter], worked).read_bytes())
            for name, letter in (("sign", "b"), ("carried", "j"))
        ]


@cache
def bomb() -> bytes:
    """A workbook whose sheet unpacks to hundreds of times what it takes."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content())) as whole,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as again,
    ):
        for part in whole.infolist():
            is_sheet = part.filename.startswith("xl/worksheets/")
            again.writestr(part.filename, b" " * 2**26 if is_sheet else whole.read(part))
    return packed.getvalue()


def a_class() -> list[tuple[str, bytes]]:
    """Names and contents, hostile ones among them."""
    return [
        *((name, content(k % 2 == 0)) for k, name in enumerate(NAMES)),
        ("ada.xlsx", content()),
        ("bob 2.xlsx", content(is_right=False)),
        ("bob 10.xlsx", content(is_right=False)),
        ("bomb.xlsx", bomb()),
        ("nothing.xlsx", b""),
        ("no zip.xlsx", b"PK\x03\x04 but nothing of it"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
    ]


def laid_out(folder: Path, books: list[tuple[str, bytes]]) -> None:
    """The same as files, for the command."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, book in books:
        (folder / name).write_bytes(book)
