"""Grades as learning platforms import them: Moodle, Canvas, Google Classroom.

A platform knows its students by columns of its own. If the list of names was exported from there,
those columns are in it, and are returned unchanged.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO

from gradbook.audit.classes.scoring import in_numbers
from gradbook.data.formats.cells import read_list
from gradbook.errors import as_cell
from gradbook.files import InnerPath
from gradbook.lab.classroom import kind_of, read_roster
from gradbook.report.audit import UTF8_MARK
from gradbook.teaching.classes.folder import GRADES

MOODLE = ("identifier", "full name", "first name", "last name", "email address", "id number")
CANVAS = ("student", "id", "sis user id", "sis login id", "section")
CANVAS_HEAD = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
FILES = ("moodle.csv", "canvas.csv", "google-classroom.csv")
POSSIBLE = "    Points Possible"  # Canvas's name for the row below the head


@dataclass(frozen=True)
class FinalGrade:
    """A student's final points (None without a book) and remark."""

    student: str
    points: float | None
    remark: str = ""

    @property
    def shown(self) -> str:
        return "" if self.points is None else in_numbers(self.points)


@dataclass(frozen=True)
class ListedStudents:
    """The list of names as it was given: each student's cells by their headings."""

    cells: Mapping[str, Mapping[str, str]]
    headings: Mapping[str, str]  # in lower case → as written

    def of(self, student: str, heading: str) -> str:
        return self.cells.get(student, {}).get(heading, "")

    def known(self, headings: Sequence[str], kinds: Sequence[str] = ()) -> list[str]:
        """Its headings that are among these, or of one of these kinds."""
        of_kinds = (
            heading
            for heading in self.headings
            if kind_of(heading) in kinds and heading not in headings
        )
        return [*(heading for heading in headings if heading in self.headings), *of_kinds]


def read_listed(path: InnerPath) -> ListedStudents:
    """The rows by student; nothing if the list has no headings."""
    rows, students = read_list(path).rows, read_roster(path)
    if len(rows) == len(students):
        return ListedStudents({}, {})
    head = [cell.strip() for cell in rows[0].cells]
    keys = [cell.casefold().lstrip(UTF8_MARK) for cell in head]
    cells = {
        student: dict(zip(keys, row.cells, strict=False))
        for student, row in zip(students, rows[1:], strict=True)
    }
    return ListedStudents(cells, dict(zip(keys, head, strict=True)))


def grade_files(
    listed: ListedStudents, grades: Sequence[FinalGrade], title: str, out_of: float
) -> dict[str, str]:
    """A file for each platform."""
    tables = (
        _moodle(listed, grades),
        _canvas(listed, grades, title, out_of),
        _classroom(listed, grades, title),
    )
    files = {}
    for name, rows in zip(FILES, tables, strict=True):
        text = StringIO()
        csv.writer(text).writerows([as_cell(cell) for cell in row] for row in rows)
        files[f"{GRADES}/{name}"] = text.getvalue()
    return files


def _moodle(listed: ListedStudents, grades: Sequence[FinalGrade]) -> list[list[str]]:
    """For the gradebook's import, or as an assignment's worksheet if the list is one."""
    columns = listed.known(MOODLE, ("given", "family", "mail"))
    head = [listed.headings[column] for column in columns]
    rows = [[listed.of(grade.student, column) for column in columns] for grade in grades]
    if not {"family", "whole"} & set(map(kind_of, columns)):
        head.append("Full name")
        for row, grade in zip(rows, grades, strict=True):
            row.append(grade.student)
    for row, grade in zip(rows, grades, strict=True):
        row += [grade.shown, grade.remark]
    return [[*head, "Grade", "Feedback comments"], *rows]


def _canvas(
    listed: ListedStudents, grades: Sequence[FinalGrade], title: str, out_of: float
) -> list[list[str]]:
    """The table that Canvas's gradebook exports and imports."""
    possible = [POSSIBLE, *[""] * (len(CANVAS) - 1), in_numbers(out_of)]
    rows = []
    for grade in grades:
        student, *cells = (listed.of(grade.student, heading) for heading in CANVAS)
        rows.append([student or grade.student, *cells, grade.shown])
    return [[*CANVAS_HEAD, title], possible, *rows]


def _classroom(listed: ListedStudents, grades: Sequence[FinalGrade], title: str) -> list[list[str]]:
    """The table that Google Classroom downloads; it has no import, so the column is for pasting."""
    rows, addresses = [], listed.known((), ("mail",))
    for grade in grades:
        first_name, _, last_name = grade.student.rpartition(" ")
        mail = next(filter(None, (listed.of(grade.student, address) for address in addresses)), "")
        rows.append([last_name, first_name, mail, grade.shown])
    return [["Last Name", "First Name", "Email Address", title], *rows]
