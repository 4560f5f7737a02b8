"""A class's names, as a teacher's system exports them: one student a row."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from unicodedata import normalize

from gradbook.data.formats.rows import CellRow, read_rows
from gradbook.errors import DataError, LimitError

WHOLE = ("name", "student", "full name", "student name", "names", "students")
FIRST = ("first name", "given name", "firstname", "forename")
LAST = ("last name", "surname", "family name", "lastname")
LONGEST = 60  # characters of a name
MOST_STUDENTS = 2_000
STEM_LENGTH = 60  # characters of a file's name
_NO_NAME = re.compile(r"[\W_]*")
_OTHER = re.compile(r"[@\d]|^$")


def read_roster(path: str | os.PathLike[str]) -> list[str]:
    """The students' names in their order, each one different.

    They stand in the column `name` or `student`, in `first name` and `last name`, or, where no
    column is called so, in the first one (the first two, if there are no others).
    """
    file = str(path)
    rows = read_rows(path, ())
    columns = _columns(rows[0])
    names: dict[str, str] = {}
    for row in rows[1:] if columns else rows:
        name = _name(row, columns or _first_ones(rows), file)
        key = normalize("NFKC", name).casefold()
        if key in names:
            problem = f"{name!r} is there twice: tell them apart, say by a number"
            raise DataError(problem, file=file, row=row.number)
        names[key] = name
    if not names:
        raise DataError("no student in it: write one name a row", file=file)
    if len(names) > MOST_STUDENTS:
        raise LimitError(f"{file}: more than {MOST_STUDENTS:,} students: give a shorter list")
    return list(names.values())


def _columns(head: CellRow) -> tuple[int, ...]:
    """The columns with the names; none where the first row is a student already."""
    words = [" ".join(cell.casefold().replace("_", " ").split()) for cell in head.cells]
    whole = [k for k, word in enumerate(words) if word in WHOLE]
    first = [k for k, word in enumerate(words) if word in FIRST]
    last = [k for k, word in enumerate(words) if word in LAST]
    return tuple((first + last) if first or last else whole[:1])


def _first_ones(rows: Sequence[CellRow]) -> tuple[int, ...]:
    """The columns with the names where none is called so: the first, and a second one of names."""
    beside = [row.cells[1] for row in rows if len(row.cells) == 2]
    return (0, 1) if beside and not any(map(_OTHER.search, beside)) else (0,)


def _name(row: CellRow, columns: Sequence[int], file: str) -> str:
    name = " ".join(" ".join(row.cells[k] for k in columns).split())
    plain = "".join(character for character in name if character.isprintable())
    if _NO_NAME.fullmatch(plain):
        raise DataError(f"no name in it: {name!r}", file=file, row=row.number)
    if len(plain) > LONGEST:
        shown = f"{plain[:LONGEST]}…"
        problem = f"{shown!r} is longer than {LONGEST} characters: shorten it"
        raise DataError(problem, file=file, row=row.number)
    return plain


def file_stems(names: Sequence[str]) -> Iterator[str]:
    """A part of a file's name for each student, which any system takes: Ada-Lovelace."""
    taken: set[str] = set()
    for name in names:
        words = re.sub(r"[\W_]+", "-", normalize("NFC", name)).strip("-")[:STEM_LENGTH]
        stem, number = words, 1
        while stem.casefold() in taken:
            number += 1
            stem = f"{words}-{number}"
        taken.add(stem.casefold())
        yield stem
