"""marks.csv belongs to the teacher as much as to us: what she types in it is never lost."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import threading
from io import StringIO
from pathlib import Path

import pytest

from gradbook import limits
from gradbook.errors import LimitError, UsageError
from gradbook.files import inside
from gradbook.language import in_language
from gradbook.teaching.classes import folder as class_folder
from gradbook.teaching.classes.folder import open_class
from gradbook.teaching.classes.marking import mark_class
from gradbook.teaching.classes.marks_file import (
    OwnEntry,
    headings,
    read_ledger,
    update_ledger,
)
from gradbook.teaching.classes.senders import books_by_student
from tests.cases import for_each
from tests.teaching.classes.made import begun, solved

KILLS = 50
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="it knows no locks of folders")


@pytest.fixture
def folder(tmp_path):
    """A class that was marked, and a book that has come since."""
    found = begun(tmp_path)
    for student in found.students[:2]:
        if student != found.students[0]:
            mark_class(found, 1)
        name = f"{found.stems[student]}.xlsx"
        solved(found, student, Path(found.path) / "handed-in" / name)
    return found


def lines(folder) -> list[list[str]]:
    text = (Path(folder.path) / "marks.csv").read_text("utf-8-sig")
    return list(csv.reader(text.splitlines(keepends=True)))


def write(folder, rows: list[list[str]], separator: str = ",") -> None:
    text = StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    (Path(folder.path) / "marks.csv").write_text(text.getvalue(), "utf-8")


def type_in(folder, student: str, column: str, said: str) -> None:
    head, *rows = lines(folder)
    row = next(row for row in rows if row[0] == student)
    row[head.index(column)] = said
    write(folder, [head, *rows])


def test_feedback_that_she_has_edited_stays_and_that_is_said(folder):
    mark_class(folder, 1)
    pages = Path(folder.path) / "feedback"
    (mine, theirs) = (pages / f"{folder.stems[student]}.html" for student in folder.students[:2])
    mine.write_text(mine.read_text("utf-8") + "<p>Come and see me.</p>", "utf-8")
    before = mine.read_bytes(), theirs.read_bytes()
    (Path(folder.path) / "rubric.toml").write_text("out_of = 9\n")
    for _ in "ab":
        marked = mark_class(folder, 1)
        assert (mine.read_bytes(), theirs.read_bytes() != before[1]) == (before[0], True)
        assert [str(said) for said in marked.remarks if "is kept" in str(said)] == [
            f"{mine} was changed, so it is kept: move it away to have it written again"
        ]
    mine.unlink()
    marked = mark_class(folder, 1)
    assert "Come and see me" not in mine.read_text("utf-8")
    assert not [said for said in marked.remarks if "is kept" in str(said)]


def test_what_is_typed_while_books_are_judged_counts(folder):
    typed = []

    def tell(done: int) -> None:
        if not typed:
            typed.append(done)
            type_in(folder, "Emmy Noether", "changed to", "12")
            type_in(folder, "Alan Turing", "remark", "well argued")

    mark_class(folder, 1, tell=tell)
    assert typed
    entries = read_ledger(folder.path / "marks.csv")
    assert entries == {
        "Emmy Noether": OwnEntry(changed_to=12.0),
        "Alan Turing": OwnEntry(remark="well argued"),
    }
    assert "well argued" in (Path(folder.path) / "feedback" / "Alan-Turing.html").read_text("utf-8")
    moodle = (Path(folder.path) / "grades" / "moodle.csv").read_text("utf-8")
    assert "emmy@x.org,12," in moodle
    assert "20,well argued" in moodle


def test_what_is_typed_while_feedback_is_written_counts(folder, monkeypatch):
    real = class_folder.write_whole  # any file that is written is such a moment
    typed = []

    def writing(path, *rest):
        if str(path).endswith("Alan-Turing.html") and not typed:
            typed.append(path)
            type_in(folder, "Alan Turing", "changed to", "7,5")
        real(path, *rest)

    monkeypatch.setattr("gradbook.teaching.classes.marking.write_whole", writing)
    marked = mark_class(folder, 1)
    assert [mark.points for mark in marked.marks if mark.student == "Alan Turing"] == [7.5]
    assert "7.5 of 20" in (Path(folder.path) / "feedback" / "Alan-Turing.html").read_text("utf-8")


@for_each("separator", [",", ";"])
def test_columns_and_rows_of_her_own_stay_where_they_are(separator, folder):
    head, *rows = lines(folder)
    new = [["seat", *head, "Note"], *(["3", *row, "=A1 'quoted'"] for row in reversed(rows))]
    new.append(["", "mean of all", *[""] * (len(head) - 1), "11"])
    new[1][1 + head.index("remark")] = "=SUM(1;2)"
    write(folder, new, separator)
    mark_class(folder, 1)
    text = (Path(folder.path) / "marks.csv").read_text("utf-8-sig")
    after = list(csv.reader(text.splitlines(keepends=True), delimiter=separator))
    assert after[0] == new[0]
    assert [row[:2] for row in after] == [row[:2] for row in new]
    assert [row[-1] for row in after] == [row[-1] for row in new]
    assert after[1][1 + head.index("remark")] == "=SUM(1;2)"
    assert after[-1] == new[-1]
    alan = next(row for row in after if row[1] == "Alan Turing")
    assert alan[1 + head.index("points")] == "20"


def test_what_we_enter_begins_no_formula_and_steers_nothing(folder):
    path = folder.path / "marks.csv"
    remark = '=HYPERLINK("http://x")\x1b]0;x\x07' + " at length" * 150
    update_ledger(path, {"Ada Lovelace": {"remark": remark}})
    text = Path(path).read_text("utf-8-sig")
    assert ",'=HYPERLINK" in text.replace("\"'", "'")
    assert "\x1b" not in text
    read = read_ledger(path)["Ada Lovelace"].remark
    assert read.startswith("=HYPERLINK")
    assert len(read) > len(remark)


@POSIX
def test_two_at_once_take_turns(folder):
    done = threading.Event()

    def other() -> None:
        with open_class(folder.path).alone():
            begun.set()
            done.wait(1.0)

    begun, thread = threading.Event(), threading.Thread(target=other)
    thread.start()
    begun.wait()
    assert mark_class(folder, 1).marked == 2
    thread.join()


@POSIX
def test_who_waits_for_long_is_told(folder, monkeypatch):
    monkeypatch.setattr(class_folder, "PATIENCE", 0.2)
    before = {path: path.stat().st_mtime_ns for path in Path(folder.path).rglob("*")}
    with folder.alone(), pytest.raises(UsageError, match="another process uses the class"):
        mark_class(folder, 1)
    assert {path: path.stat().st_mtime_ns for path in Path(folder.path).rglob("*")} == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="it forks")
def test_killed_at_any_moment_it_loses_nothing_of_hers(folder):
    head, *rows = lines(folder)
    for number, row in enumerate(rows):
        row[head.index("changed to")] = ["18.5", "", "12"][number]
        row[head.index("remark")] = ["asked her", "=spoken", ""][number]
    seats = [[*row, f"seat {number}"] for number, row in enumerate(rows)]
    write(folder, [[*head, "seat"], *seats, [*[""] * len(head), "all seats"]])
    program = Path(__file__).with_name("struck.py")
    words = [sys.executable, str(program), str(folder.path), str(KILLS), "5"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == KILLS


def test_a_deleted_row_with_what_she_typed_comes_back_and_that_is_said(folder):
    ada, alan, emmy = folder.students
    mark_class(folder, 1)
    type_in(folder, ada, "changed to", "17")
    type_in(folder, alan, "remark", "well done, “Alan”; more; soon")
    mark_class(folder, 1)
    for gone in ([ada], [ada, alan, emmy]):
        write(folder, [row for row in lines(folder) if row[0] not in gone])
        marked = mark_class(folder, 1)
        with_entry = [name for name in gone if name != emmy]
        assert {remark.partition(" was missing in marks.csv")[0] for remark in marked.remarks} == {
            f"the row of {name}" for name in with_entry
        }
        entries = read_ledger(Path(folder.path) / "marks.csv")
        assert entries[ada].changed_to == marked.marks[0].points == 17
        assert entries[alan].remark == "well done, “Alan”; more; soon"
        assert mark_class(folder, 1).remarks == ()
    type_in(folder, ada, "changed to", "")
    mark_class(folder, 1)
    write(folder, [row for row in lines(folder) if row[0] != ada])
    assert mark_class(folder, 1).remarks == ()


@for_each(
    ("written", "said"),
    [
        (lambda text: f"\ufeff\ufeff{text}".encode(), "begins with several byte order marks"),
        (lambda text: text.encode("cp1252"), "isn't UTF-8: it is read as Windows-1252"),
    ],
)
def test_a_text_that_isnt_as_it_should_be_is_read_and_said_once(written, said, tmp_path):
    folder = begun(tmp_path)
    mark_class(folder, 1)
    type_in(folder, folder.students[0], "remark", "déjà vu")
    path = Path(folder.path) / "marks.csv"
    path.write_bytes(written(path.read_text("utf-8")))
    (remark,) = mark_class(folder, 1).remarks
    assert said in remark
    assert read_ledger(path)[folder.students[0]].remark == "déjà vu"
    assert mark_class(folder, 1).remarks == ()


@for_each("code", ["fr", "zh", "de"])
def test_its_headings_are_in_the_language_of_the_class_and_are_known_in_any(code, tmp_path):
    folder = begun(tmp_path)
    path = Path(folder.path) / "marks.csv"
    with in_language(code):
        mark_class(folder, 1)
        heads = headings()
    rows = lines(folder)
    assert rows[0] == list(heads.values())
    assert len({*heads.values()}) == len(heads)
    assert sum(name != word for name, word in heads.items()) > len(heads) / 3
    type_in(folder, folder.students[1], heads["changed to"], "9")
    mark_class(folder, 1)
    assert lines(folder)[0] == rows[0]
    assert read_ledger(path) == {folder.students[1]: OwnEntry(9.0)}


TOO_MUCH = {
    "columns": lambda: "student" + "," * limits.LIST_COLUMNS.most,
    "rows": lambda: "student,file\n" + "Ada,a.xlsx\n" * limits.LIST_ROWS.most,
    "8 MiB": lambda: "student\n" + "Ada " * (limits.LIST.most // 4),
}


@for_each("what", TOO_MUCH)
@for_each("file", ["names.csv", "marks.csv", "whose.csv"])
def test_a_table_larger_than_any_class_is_refused_at_once(what, file, folder):
    folder = open_class(folder.path)
    (Path(folder.path) / file).write_text(TOO_MUCH[what](), "utf-8")
    if file != "names.csv":
        (Path(folder.path) / "names.csv").write_text("Ada", "utf-8")
    read = {
        "names.csv": lambda: folder.students,
        "marks.csv": lambda: read_ledger(inside(folder.path) / file),
        "whose.csv": lambda: books_by_student(folder, [], []),
    }
    with pytest.raises(LimitError, match=rf"{file}( is larger than|: more than [0-9,]+) {what}"):
        read[file]()
