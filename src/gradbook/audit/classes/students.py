"""Whose books they are: what a teacher's list says of a number inside, or of a file's name.

What stands inside a book comes first, for whoever hands it in may call the file anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any
from unicodedata import normalize

from gradbook.amounts import counted
from gradbook.audit.findings.findings import BookReport

NUMBER = re.compile(r"[0-9]{1,9}")
OUR_FILE = re.compile(r"exercise-([0-9]{1,9})(?![0-9])")  # as 'sheet --exercise 1-40' calls them
SHOWN = 5  # files or names in a line
HOW = "--names FILE.csv can say whose they are"


@dataclass(frozen=True)
class StudentNames:
    """A list of names, by the numbers of exercises and by what files are called."""

    source: str
    by_number: Mapping[int, str] = field(default_factory=dict)
    by_file: Mapping[str, str] = field(default_factory=dict)
    is_in_order: bool = False  # the numbers are those of the rows, for the list has none

    def of(self, report: BookReport) -> str:
        """Whose book it is; '' where the list doesn't say."""
        inside = report.origin.student
        if NUMBER.fullmatch(inside):
            return self.by_number.get(int(inside), "")
        named = self.by_file.get(file_key(report.book), "")
        called = OUR_FILE.search(PurePath(report.book).stem)
        if named or inside or called is None:
            return named
        return self.by_number.get(int(called[1]), "")

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self.by_number.values(), *self.by_file.values()]))


def file_key(name: str) -> str:
    """A file's name without its folder and its ending, as systems take two names for one."""
    return normalize("NFC", PurePath(name.replace("\\", "/")).stem).casefold()


class NamedReports(Sequence[BookReport]):
    """Reports that say whose book each is by a list of names, where that knows it."""

    def __init__(self, reports: Sequence[BookReport], names: StudentNames) -> None:
        self.reports, self.names = reports, names

    def __len__(self) -> int:
        return len(self.reports)

    def __getitem__(self, number: Any) -> Any:
        report = self.reports[number]
        name = self.names.of(report)
        return replace(report, origin=replace(report.origin, student=name)) if name else report


def remarks_on_students(reports: Sequence[BookReport], names: StudentNames | None) -> list[str]:
    """Why some books have no student's name, and who has no book."""
    numbered: list[str] = []
    nameless: list[str] = []
    there: set[str] = set()
    for report in reports:
        student = report.origin.student
        there.add(student)
        if not student or NUMBER.fullmatch(student):
            (numbered if student else nameless).append(PurePath(report.book).name)
    if names is None:
        return list(_without_a_list(len(reports), len(numbered), len(nameless)))
    said = []
    if names.is_in_order:
        said.append(f"{names.source} has no numbers: its first name is taken for exercise 1")
    if numbered or nameless:
        books = counted(len(numbered) + len(nameless), "book")
        said.append(f"{names.source} names nobody for {books}: {_few([*numbered, *nameless])}")
    absent = [name for name in names if name not in there]
    if absent:
        said.append(f"no book of {counted(len(absent), 'student')}: {_few(absent)}")
    return said


def _without_a_list(count: int, numbered: int, nameless: int) -> Iterator[str]:
    if numbered:
        yield f"a number, and no name, is in {counted(numbered, 'book')}: {HOW}"
    if nameless and count > 1:
        yield f"no student's name is in {counted(nameless, 'book')}: {HOW}"


def _few(words: Sequence[str]) -> str:
    more = f" and {len(words) - SHOWN:,} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + more
