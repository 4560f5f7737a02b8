"""Marks are typed into marks.csv and on the page of `class serve` while the class is marked."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import threading
from pathlib import Path

import pytest

from gradbook.serve.classroom import Classroom
from gradbook.serve.requests import Content, RefusalError, Request
from gradbook.teaching.classes.folder import ClassPlan, begin_class, open_class
from gradbook.teaching.classes.marking import mark_class
from gradbook.teaching.classes.marks_file import read_ledger

EDITS = 200
NAMES = [
    *("Max Muster", "Max Muster 2", "Eva Maria Ott", "Eva-Maria Ott", "Bo Ek", "Cleo Dahl"),
    *("Dag Fynn", "Ella Gis", "Finn Horn", "Gry Ibsen", "Hedda Juul", "Ivo Kern", "Jana Lund"),
    *("Kai Moe", "Lea Nord"),
]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it knows no locks of folders")


def type_in(marks: Path, student: str, remark: str) -> None:
    """As an editor does that looks whether the file is still what it opened."""
    while True:
        before = marks.read_bytes()
        head, *rows = csv.reader(io.StringIO(before.decode("utf-8-sig")))
        row = next(row for row in rows if row[0] == student)
        row[head.index("remark")] = remark
        text = io.StringIO()
        csv.writer(text).writerows([head, *rows])
        part = marks.with_name("as-it-is-saved.csv")
        part.write_bytes(text.getvalue().encode("utf-8-sig"))
        if marks.read_bytes() == before:
            os.replace(part, marks)
            return


def keep(page: Classroom, student: str, points: str, seen: list[str]) -> list[str]:
    """As the page does, which offers what was typed again if the row was changed; the row then."""
    while True:
        told = {"student": student, "seen": seen, "typed": [points, None, None]}
        body = json.dumps(told).encode()
        request = Request("PUT", "", "", Content(io.BytesIO(body), len(body)), lambda: True)
        try:
            answer = json.loads(page.enter(request).content)
        except RefusalError as refusal:
            seen = list(refusal.facts["own"])
            continue
        return next(one["own"] for one in answer["students"] if one["student"] == student)


def test_no_grade_that_is_typed_is_lost_whoever_types_and_marks_at_once(tmp_path):
    (tmp_path / "names.csv").write_text("\n".join(["name", *NAMES]))
    plan = ClassPlan("input 1; dense 1; sample 1 -> 1", paper="")
    folder = begin_class(tmp_path / "class", plan, str(tmp_path / "names.csv"))
    mark_class(folder, 1)
    marks, page = Path(folder.path) / "marks.csv", Classroom(tmp_path / "class", 1)
    ended, faults = threading.Event(), list[BaseException]()

    def edit_file() -> None:
        for number in range(EDITS // 2):
            type_in(marks, NAMES[number % len(NAMES)], f"edit {number}")

    def edit_page() -> None:
        rows = {name: ["", "", ""] for name in NAMES}
        for number in range(EDITS // 2):
            name = NAMES[7 * number % len(NAMES)]
            rows[name] = keep(page, name, str(number), rows[name])

    def mark() -> None:
        while not ended.wait(0.02):
            mark_class(open_class(folder.path), 1)

    def noting(work) -> None:
        try:
            work()
        except BaseException as fault:
            faults.append(fault)

    works = [threading.Thread(target=noting, args=(work,)) for work in (edit_file, edit_page, mark)]
    for work in works:
        work.start()
    for work in works[:2]:
        work.join()
    ended.set()
    works[2].join()
    assert faults == []
    last_edit = {NAMES[k % len(NAMES)]: f"edit {k}" for k in range(EDITS // 2)}
    last_points = {NAMES[7 * k % len(NAMES)]: str(k) for k in range(EDITS // 2)}
    entries = read_ledger(marks)
    assert {name: own.cells for name, own in entries.items()} == {
        name: (last_points[name], "", last_edit[name]) for name in NAMES
    }
