"""Whose book it is and what tells copies of it: its numbers, its formulas, who saved it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gradbook.audit.formula.address import Address, row_of, sheet_of, written
from gradbook.audit.formula.pattern import Pattern
from gradbook.audit.workbook.book import Book

STUDENT = "student"  # what the cell with the student's name is called in our exercises
MOST_FORMULAS, MOST_NUMBERS = 600, 600  # that are kept of a book: it is compared with many others
LONGEST = 160  # characters of a formula that is kept to be shown
DIGITS = 16  # of a digest
LONGEST_NAME = 80
LARGEST = 999_999_999  # number of a student
TOP = 20  # rows in which a name is looked for
_NUMBER = re.compile(  # texts and references are passed over
    r"""\x01[^\x02]*\x02|"[^"]*"|(?<![\w.])(\d{1,30}\.?\d{0,30}(?:E[-+]?\d{1,3})?)(?![\w.(])"""
)
_LABEL = re.compile(
    r"(?:the |your )?(?P<what>student(?:'s)?(?: name)?|(?:full )?name)"
    r"(?:\s*(?P<colon>:)\s*(?P<who>.*))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Origin:
    """Where a book comes from, as far as it says so itself."""

    student: str = ""
    content: str = ""  # equal for books with the same numbers and formulas in the same cells
    numbers: frozenset[str] = frozenset()  # those that were typed
    formulas: Mapping[str, str] = field(default_factory=dict)  # each as it is anywhere → and here
    saved_by: str = ""
    created: str = ""


def origin_of(book: Book) -> Origin:
    typed = {
        cell: f"{value:.10g}"
        for cell, value in book.values.items()
        if isinstance(value, float) and cell not in book.patterns
    }
    return Origin(
        student=student_in(book),
        content=_digest(_cells(book, typed)) if book.patterns else "",
        numbers=frozenset(sorted(set(typed.values()))[:MOST_NUMBERS]),
        formulas=_formulas(book),
        saved_by=_shortened(book.properties.get("lastModifiedBy", "")),
        created=_shortened(book.properties.get("created", "")),
    )


# The formulas and numbers -----------------------------------------------------------


def _cells(book: Book, typed: Mapping[Address, str]) -> Iterable[str]:
    """Every number and formula with its place; texts, a name among them, may differ."""
    keys: dict[Pattern, str] = {}
    for cell in sorted(typed.keys() | book.patterns.keys()):
        pattern = book.patterns.get(cell)
        said = keys.setdefault(pattern, _plain(pattern)) if pattern else typed[cell]
        yield f"{cell}:{said}"


def _formulas(book: Book) -> dict[str, str]:
    """The different formulas of a book, each with its first cell."""
    found: dict[str, str] = {}
    seen: set[Pattern] = set()
    for cell in sorted(book.patterns):
        pattern = book.patterns[cell]
        if pattern in seen:
            continue
        seen.add(pattern)
        title = book.sheets[sheet_of(cell)].title
        shown = f"{title}!{written(cell)} ={pattern.text_at(cell)[:LONGEST]}"
        found.setdefault(_digest([pattern.shape]) + _digest([_plain(pattern)]), shown)
        if len(found) == MOST_FORMULAS:
            break
    return found


def shape_of(formula: str) -> str:
    """What formulas have in common that differ in their references only."""
    return formula[:DIGITS]


def _plain(pattern: Pattern) -> str:
    """A formula as it is in any cell and in any program's spelling."""
    plain = "".join(pattern.key.split()).upper()
    return _NUMBER.sub(lambda found: f"{float(found[1]):.6g}" if found[1] else found[0], plain)


def _digest(parts: Iterable[str]) -> str:
    found = hashlib.blake2b(digest_size=DIGITS // 2)
    for part in parts:
        found.update(part.encode("utf-8", "backslashreplace") + b"\0")
    return found.hexdigest()


# The name inside --------------------------------------------------------------------


def student_in(book: Book) -> str:
    """The student's name: in the cell that is called so, or behind a label such as 'Name:'."""
    place = book.reader.cell(book.names.get(STUDENT, ""), 0)
    named = book.values.get(place) if place is not None else None
    return _said(named) or _labelled(book)


def _labelled(book: Book) -> str:
    for cell in sorted(book.values):
        words = book.values[cell]
        if not isinstance(words, str) or row_of(cell) >= TOP or cell in book.patterns:
            continue
        label = _LABEL.fullmatch(words.strip())
        if label is None:
            continue
        beside = _said(book.values.get(cell + 1))
        if label["who"]:
            return _shortened(label["who"])
        if beside and (label["colon"] or label["what"].lower() != "name"):
            return beside
    return ""


def _said(value: object) -> str:
    """A name, or the number that stands for one, which some programs save as a number."""
    if isinstance(value, str):
        return _shortened(value)
    is_number = isinstance(value, float) and value.is_integer() and 0 <= value <= LARGEST
    return f"{value:.0f}" if is_number else ""


def _shortened(words: str) -> str:
    return " ".join(words.split())[:LONGEST_NAME]
