"""Where a workbook comes from, according to the book itself: its student, its saved properties."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from unicodedata import normalize

from gradbook.audit import heading_words
from gradbook.cells.book import Book, show_value
from gradbook.cells.formula.address import (
    Address,
    column_number,
    column_of,
    edit_cells,
    name_of,
    row_of,
    sheet_of,
)
from gradbook.cells.formula.pattern import Pattern

STUDENT = "student"  # the name of the cell with the student's name in our exercises
MOST_FORMULAS, MOST_NUMBERS = 600, 600  # kept per book, since it is compared with many others
LONGEST_SHOWN = 160  # characters of a formula that is stored for display
DIGITS = 16  # hexadecimal digits of a digest
LONGEST_NAME = 80
LARGEST = 999_999_999  # student number
TOP = 20  # rows that are searched for a name
_POINTERS = re.compile(r"\x01[^\x01\x02]*\x02")
_NUMBER = re.compile(  # texts and references are skipped
    r"""\x01[^\x01\x02]*\x02|"[^"]*"|(?<![\w.])(\d{1,30}\.?\d{0,30}(?:E[-+]?\d{1,3})?)(?![\w.(])"""
)
_NAMES = {word for words in heading_words.NAME.values() for word in words}
_STUDENTS = {word for words in heading_words.STUDENT.values() for word in words}
_LABEL = re.compile(
    r"(?:the |your )?(?P<what>student(?:'s)?(?: name)?|"
    + "|".join(map(re.escape, sorted(_NAMES | _STUDENTS, key=len, reverse=True)))
    + r")(?:\s*(?P<colon>[:：])\s*(?P<who>.*))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Origin:
    """Where a book comes from, according to the book itself."""

    student: str = ""
    content: str = ""  # equal for books with the same numbers and formulas in the same cells
    numbers: frozenset[str] = frozenset()  # those that were typed
    formulas: Mapping[str, str] = field(default_factory=dict)  # digest → text with its cell
    saved_by: str = ""
    created: str = ""
    key: str = ""  # the key of the student to whom a class gave it


def origin_of(book: Book, telling: Collection[Address] | None = None) -> Origin:
    """A book's origin; if `telling` is given, only the formulas in those cells are included,
    because others say nothing about who wrote them."""
    typed = {
        cell: f"{value:.10g}"
        for cell, value in book.values.items()
        if isinstance(value, float) and cell not in book.patterns
    }
    place = book.reader.cell(book.names.get(STUDENT, ""), 0)  # the cell of that name
    named = book.values.get(place) if place is not None else None
    return Origin(
        student=_name_or_number(named) or _labelled(book),
        content=_digest(_cells(book, typed)) if book.patterns else "",
        numbers=frozenset(sorted(set(typed.values()))[:MOST_NUMBERS]),
        formulas=_formulas(book, sorted(book.patterns if telling is None else telling)),
        saved_by=_shortened(book.properties.get("lastModifiedBy", "")),
        created=_shortened(book.properties.get("created", "")),
    )


# The formulas and numbers -----------------------------------------------------


def _cells(book: Book, typed: Mapping[Address, str]) -> Iterable[str]:
    """Every number and formula with its place; texts, such as a name, may differ."""
    plain = {pattern: _plain(pattern) for pattern in set(book.patterns.values())}
    for cell in sorted(typed.keys() | book.patterns.keys()):
        pattern = book.patterns.get(cell)
        yield f"{cell}:{plain[pattern] if pattern else typed[cell]}"


def _formulas(book: Book, cells: Iterable[Address]) -> dict[str, str]:
    """The different formulas in some cells, each with the first cell that contains it; a typed
    number counts as a formula."""
    found: dict[str, str] = {}
    seen: set[Pattern] = set()
    for cell in cells:
        pattern, value = book.patterns.get(cell), book.values.get(cell)
        if pattern in seen or (pattern is None and not isinstance(value, float)):
            continue
        if pattern is not None:
            seen.add(pattern)
            said = f"={pattern.text_at(cell)[:LONGEST_SHOWN]}"
            plain = _in_common_spelling(pattern)
        else:
            said = plain = show_value(value)
        entry = f"{book.sheets[sheet_of(cell)].title}!{name_of(cell)} {said}"
        found.setdefault(_digest([_POINTERS.sub("@", plain)]) + _digest([plain]), entry)
        if len(found) == MOST_FORMULAS:
            break
    return found


def shape_of(formula: str) -> str:
    """What formulas that differ only in their references have in common."""
    return formula[:DIGITS]


def _in_common_spelling(pattern: Pattern) -> str:
    """A formula regardless of its cell and its writer: numbers, spaces, upper and lower case,
    parentheses and $ are written in one way."""

    def from_here(found: re.Match[str]) -> str:
        down = int(found["row"]) - 1 - row_of(pattern.home)
        right = column_number(found["column"]) - column_of(pattern.home)
        return f"{found['sheet'] or ''}\x01{down},{right}\x02"

    if pattern.form is None:
        return _plain(pattern)
    words = [edit_cells(word, from_here) for word in pattern.words]
    pieces = zip_longest(pattern.form.between, words, fillvalue="")
    return _spelled_alike("".join(chain.from_iterable(pieces)))


def _plain(pattern: Pattern) -> str:
    """A formula regardless of its cell and of the program that wrote it."""
    return _spelled_alike(pattern.key)


def _spelled_alike(formula: str) -> str:
    plain = "".join(formula.split()).upper()
    return _NUMBER.sub(lambda found: f"{float(found[1]):.6g}" if found[1] else found[0], plain)


def _digest(parts: Iterable[str]) -> str:
    content = "".join([f"{part}\0" for part in parts]).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(content, digest_size=DIGITS // 2).hexdigest()


# The name inside --------------------------------------------------------------


def _labelled(book: Book) -> str:
    """The student's name after a label such as 'Name:'."""
    for cell in sorted(book.values):
        words = book.values[cell]
        if not isinstance(words, str) or row_of(cell) >= TOP or cell in book.patterns:
            continue
        label = _LABEL.fullmatch(normalize("NFC", words.strip()))
        if label is None:
            continue
        beside = _name_or_number(book.values.get(cell + 1))
        if label["who"]:
            return _shortened(label["who"])
        if beside and (label["colon"] or label["what"].lower() not in _NAMES):
            return beside
    return ""


def _name_or_number(value: object) -> str:
    """A name, or a student number, which some programs save as a number."""
    if isinstance(value, str):
        return _shortened(value)
    is_number = isinstance(value, float) and value.is_integer() and 0 <= value <= LARGEST
    return f"{value:.0f}" if is_number else ""


def _shortened(words: str) -> str:
    return " ".join(words.split())[:LONGEST_NAME]
