"""A class from its exercises to its grades, run again and again."""

from __future__ import annotations

import csv
import os
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from gradbook.audit.check_book import check
from gradbook.errors import DataError, UsageError
from gradbook.files import InnerPath
from gradbook.lab.classroom import personalise
from gradbook.report.workbook import write_workbook
from gradbook.teaching.classes.collecting import Collected, collect
from gradbook.teaching.classes.folder import ClassPlan, begin_class, open_class
from gradbook.teaching.classes.making import make_class
from gradbook.teaching.classes.marking import mark_class
from gradbook.teaching.classes.platforms import FinalGrade, grade_files, read_listed
from tests.cases import for_each
from tests.outside.witness import save_as_opendocument
from tests.teaching.classes.made import NAMES, NETWORK, begun, negated, solved, without

LAST = "∂E/∂w6"


@pytest.fixture
def folder(tmp_path):
    return begun(tmp_path)


def hand_in(folder, student, change=lambda name, formula: formula, name=""):
    place = Path(folder.path) / "handed-in" / (name or f"{folder.stems[student]}.xlsx")
    return solved(folder, student, place, change)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        text = file.read()
    separator = ";" if text.startswith("student;") else ","
    return list(csv.DictReader(text.splitlines(keepends=True), delimiter=separator))


def ledger(folder) -> dict[str, dict[str, str]]:
    return {row["student"]: row for row in rows(Path(folder.path) / "marks.csv")}


def write_own(folder, student: str, **own: str) -> None:
    """What a teacher types into marks.csv, with Excel's semicolons."""
    found = rows(Path(folder.path) / "marks.csv")
    for row in found:
        if row["student"] == student:
            row.update({name.replace("_", " "): value for name, value in own.items()})
    with (Path(folder.path) / "marks.csv").open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, found[0], delimiter=";")
        table.writeheader()
        table.writerows(found)


# Made -------------------------------------------------------------------------


def test_each_student_gets_an_exercise_with_the_name_inside(folder):
    books = sorted((Path(folder.path) / "exercises").iterdir())
    assert [book.stem for book in books] == ["Ada-Lovelace", "Alan-Turing", "Emmy-Noether"]
    assert check(str(books[1])).origin.student == "Alan Turing"


def test_what_is_there_stays_as_it_is(folder, tmp_path):
    book = Path(folder.path) / "exercises" / "Ada-Lovelace.xlsx"
    book.write_bytes(b"as the teacher changed it")
    (Path(folder.path) / "rubric.toml").write_text("out_of = 7\n")
    (Path(folder.path) / "exercises" / "Alan-Turing.xlsx").unlink()
    assert make_class(folder, 1) == 1
    assert book.read_bytes() == b"as the teacher changed it"
    assert (Path(folder.path) / "rubric.toml").read_text() == "out_of = 7\n"


def test_students_may_come_and_nobody_goes(folder, tmp_path):
    names = tmp_path / "more.csv"
    names.write_text(f"{NAMES}Carl,Gauß,carl@x.org\n", encoding="utf-8")
    more = begin_class(folder.path, folder.plan, str(names))
    assert make_class(more, 1) == 1
    assert (Path(folder.path) / "exercises" / "Carl-Gauß.xlsx").is_file()
    names.write_text("name\nAda Lovelace\n")
    with pytest.raises(UsageError, match="lacks 'Alan Turing'"):
        begin_class(folder.path, folder.plan, str(names))


def test_another_class_isnt_written_over_it(folder, tmp_path):
    with pytest.raises(UsageError, match="its epochs differs"):
        begin_class(folder.path, ClassPlan(NETWORK, epochs=9), str(tmp_path / "names.csv"))


def test_the_plan_is_read_back_as_it_was(folder):
    assert open_class(folder.path).plan == folder.plan


def test_handouts_and_keys_are_made_on_paper(tmp_path):
    folder = begun(tmp_path, paper="a4")
    for where in ("handouts", "keys"):
        found = sorted(path.name for path in (Path(folder.path) / where).iterdir())
        assert found == ["Ada-Lovelace.html", "Alan-Turing.html", "Emmy-Noether.html", "all.html"]
    index = (Path(folder.path) / "index.html").read_text("utf-8")
    assert 'href="handouts/Emmy-Noether.html"' in index


# Marked -----------------------------------------------------------------------


def test_a_class_is_marked_by_its_rubric(folder):
    hand_in(folder, "Ada Lovelace", name="homework final (2).xlsx")
    hand_in(folder, "Alan Turing", negated(LAST))
    marked = mark_class(folder, 1)
    marks = ledger(folder)
    assert marks["Ada Lovelace"]["points"] == "20"
    assert marks["Alan Turing"]["points"] == "18.33"  # 11 of 12 columns
    assert (marks["Emmy Noether"]["points"], marks["Emmy Noether"]["file"]) == ("", "")
    assert (marked.marked, marked.renewed, marked.remarks) == (2, 2, ())


def test_what_comes_back_is_whole(folder):
    hand_in(folder, "Alan Turing", negated(LAST))
    mark_class(folder, 1)
    stem = Path(folder.path) / "feedback" / "Alan-Turing"
    copy = load_workbook(stem.with_suffix(".xlsx"))
    notes = [cell.comment.text for row in copy["Training"] for cell in row if cell.comment]
    assert any("sign" in note for note in notes)
    page = stem.with_suffix(".html").read_text("utf-8")
    assert "18.33 of 20 points" in page
    assert LAST in page


def test_hints_give_nothing_away(folder):
    hand_in(folder, "Alan Turing", negated(LAST))
    mark_class(folder, 1, hints=True)
    page = (Path(folder.path) / "feedback" / "Alan-Turing.html").read_text("utf-8")
    assert "should be" not in page
    mark_class(folder, 1)  # as it was marked last
    assert "should be" not in (Path(folder.path) / "feedback" / "Alan-Turing.html").read_text(
        "utf-8"
    )
    mark_class(folder, 1, hints=False)
    assert "should be" in (Path(folder.path) / "feedback" / "Alan-Turing.html").read_text("utf-8")


def test_the_page_has_marks_items_and_examples(folder):
    hand_in(folder, "Ada Lovelace")
    hand_in(folder, "Alan Turing", negated(LAST))
    hand_in(folder, "Emmy Noether", without(LAST))
    mark_class(folder, 1)
    page = (Path(folder.path) / "class.html").read_text("utf-8")
    assert 'href="feedback/Alan-Turing.html"' in page
    assert "<h3>wrong sign: 1 of 3 workbooks</h3>" in page
    assert "of Alan Turing" in page
    assert "1 of 3" in page.partition(f"{LAST}</")[2][:200]  # fully right


def test_grades_are_for_each_platform(folder):
    hand_in(folder, "Ada Lovelace")
    mark_class(folder, 1)
    write_own(folder, "Ada Lovelace", remark="well done")
    mark_class(folder, 1)
    grades = Path(folder.path) / "grades"
    (ada, alan, _) = rows(grades / "moodle.csv")
    assert (ada["Email address"], ada["Grade"]) == ("ada@x.org", "20")
    assert (ada["Feedback comments"], alan["Grade"]) == ("well done", "")
    possible, ada, *_ = rows(grades / "canvas.csv")
    assert (possible["Student"].strip(), possible["rain"]) == ("Points Possible", "20")
    assert (ada["Student"], ada["rain"]) == ("Ada Lovelace", "20")
    ada = rows(grades / "google-classroom.csv")[0]
    assert (ada["Last Name"], ada["Email Address"], ada["rain"]) == ("Lovelace", "ada@x.org", "20")


@for_each("heading", ["E-Mail-Adresse", "E-Mail", "Correo electrónico"])
def test_addresses_come_back_under_any_language_s_heading(tmp_path, heading):
    names = tmp_path / "names.csv"
    names.write_text(f"Vorname;Nachname;{heading}\nAda;Lovelace;ada@x.org\n", "utf-8")
    folder = InnerPath(str(tmp_path))
    listed = read_listed(folder / "names.csv")
    files = grade_files(listed, [FinalGrade("Ada Lovelace", 20)], "rain", 20)
    for name, content in files.items():
        (tmp_path / Path(name).name).write_text(content)
    (ada,) = rows(tmp_path / "moodle.csv")
    assert list(ada.values()) == ["Ada", "Lovelace", "ada@x.org", "20", ""]
    (ada,) = rows(tmp_path / "google-classroom.csv")
    assert ada["Email Address"] == "ada@x.org"


# Again ------------------------------------------------------------------------


def test_what_the_teacher_changed_is_kept(folder):
    hand_in(folder, "Ada Lovelace", negated(LAST))
    mark_class(folder, 1)
    remark = "=asked her; she =knows it\nand said why " + "at length " * 80
    write_own(folder, "Ada Lovelace", changed_to="18,5", remark=remark)
    write_own(folder, "Emmy Noether", changed_to="12")  # spoken, without a book
    hand_in(folder, "Alan Turing")
    for _ in range(3):
        mark_class(folder, 1)
    marks = ledger(folder)
    ada = marks["Ada Lovelace"]
    assert (ada["points"], ada["changed to"]) == ("18.33", "18,5")
    assert ada["remark"].split() == remark.split()
    assert marks["Emmy Noether"]["changed to"] == "12"
    assert marks["Alan Turing"]["points"] == "20"
    moodle = rows(Path(folder.path) / "grades" / "moodle.csv")
    grades = {row["Email address"]: row["Grade"] for row in moodle}
    assert grades == {"ada@x.org": "18.5", "alan@x.org": "20", "emmy@x.org": "12"}
    assert "18.5 of 20" in (Path(folder.path) / "feedback/Ada-Lovelace.html").read_text("utf-8")


def test_only_what_has_changed_is_made_again(folder):
    for student in folder.students:
        hand_in(folder, student)
    assert mark_class(folder, 1).renewed == 3
    assert mark_class(folder, 1).renewed == 0
    write_own(folder, "Alan Turing", remark="good")
    assert mark_class(folder, 1).renewed == 1
    (Path(folder.path) / "rubric.toml").write_text("out_of = 9\n")
    assert mark_class(folder, 1).renewed == 3


def test_a_number_that_cant_be_meant_is_said_and_nothing_is_written(folder):
    hand_in(folder, "Ada Lovelace")
    mark_class(folder, 1)
    write_own(folder, "Ada Lovelace", changed_to="lots")
    before = (Path(folder.path) / "marks.csv").read_bytes()
    with pytest.raises(
        DataError, match=r"marks.csv, row 2: 'changed to' must be a number from 0 to 1,000,000"
    ):
        mark_class(folder, 1)
    assert (Path(folder.path) / "marks.csv").read_bytes() == before


def test_a_missing_column_is_said(folder):
    (Path(folder.path) / "marks.csv").write_text("student,points\nAda Lovelace,3\n")
    with pytest.raises(DataError, match="its column 'changed to' is missing"):
        mark_class(folder, 1)


def test_who_has_left_keeps_the_entry(folder):
    hand_in(folder, "Ada Lovelace")
    mark_class(folder, 1)
    write_own(folder, "Ada Lovelace", changed_to="3")
    (Path(folder.path) / "names.csv").write_text("name\nAlan Turing\n")
    again = open_class(folder.path)
    assert any("Ada Lovelace is in marks.csv" in said for said in mark_class(again, 1).remarks)
    assert ledger(folder)["Ada Lovelace"]["changed to"] == "3"


# Late, lost, several ----------------------------------------------------------


def test_late_days_cost_what_the_rubric_says(folder):
    (Path(folder.path) / "rubric.toml").write_text(
        "out_of = 20\n[late]\ndue = 2026-11-20T12:00:00\nper_day = 2\nat_most = 5\n"
    )
    moment = datetime(2026, 11, 20, 12).timestamp()
    for student, hours in zip(folder.students, (-1, 25, 999), strict=True):
        path = hand_in(folder, student)
        os.utime(path, (moment + 3600 * hours,) * 2)
    mark_class(folder, 1)
    points = [row["points"] for row in ledger(folder).values()]
    assert points == ["20", "16", "15"]
    write_own(folder, "Emmy Noether", days_late="0")  # she was ill
    mark_class(folder, 1)
    assert ledger(folder)["Emmy Noether"]["points"] == "20"


def test_the_latest_book_counts(folder):
    old = hand_in(folder, "Ada Lovelace", negated(LAST), "Ada-Lovelace.xlsx")
    os.utime(old, (1e9, 1e9))
    hand_in(folder, "Ada Lovelace", name="Ada-Lovelace (1).xlsx")
    mark_class(folder, 1)
    assert ledger(folder)["Ada Lovelace"]["points"] == "20"
    assert "the last of 2 workbooks counts" in ledger(folder)["Ada Lovelace"]["note"]


@pytest.mark.witness("libreoffice")
def test_a_book_that_libreoffice_saved_as_ods_is_marked(folder, tmp_path):
    book = solved(folder, "Ada Lovelace", tmp_path / "mine.xlsx", negated(LAST))
    (ods,) = save_as_opendocument([book], tmp_path / "ods")
    assert collect(folder, [str(ods)]) == Collected(1)
    marked = mark_class(folder, 1)
    assert ledger(folder)["Ada Lovelace"]["points"] == "18.33"
    assert "18.33 of 20" in (Path(folder.path) / "feedback/Ada-Lovelace.html").read_text("utf-8")
    assert marked.remarks == ()
    assert check(Path(folder.path) / "feedback" / "Ada-Lovelace.ods").verdict == "wrong"


def test_a_damaged_book_and_a_nameless_one_stop_nobody(folder):
    hand_in(folder, "Ada Lovelace")
    (Path(folder.path) / "handed-in" / "Emmy-Noether.xlsx").write_bytes(b"no workbook")
    (Path(folder.path) / "handed-in" / "who.xlsx").write_bytes(b"no workbook either")
    marked = mark_class(folder, 1)
    assert ledger(folder)["Ada Lovelace"]["points"] == "20"
    assert "can't be read" in ledger(folder)["Emmy Noether"]["note"]
    assert any("nothing shows whose workbook who.xlsx is" in said for said in marked.remarks)


def test_two_workers_come_to_the_same(tmp_path, folder):
    for student in folder.students:
        hand_in(folder, student, negated(LAST) if student.startswith("A") else without(LAST))
    mark_class(folder, 2)
    names = "marks.csv", "class.html", "feedback/Alan-Turing.html"
    files = [Path(folder.path) / name for name in names]
    two = [path.read_bytes() for path in files]
    for path in files:
        path.unlink()
    mark_class(folder, 1)
    assert [path.read_bytes() for path in files] == two


def test_books_are_collected_and_marked(folder, tmp_path):
    solved(folder, "Ada Lovelace", tmp_path / "mine.xlsx")
    assert collect(folder, [str(tmp_path / "mine.xlsx")]) == Collected(1)
    assert mark_class(folder, 1).marked == 1


def test_columns_of_one_exercise_are_counted_alike(folder, tmp_path):
    """Ada hands in a workbook that isn't the exercise, Alan the exercise as it was given."""
    own = Path(folder.path) / "handed-in" / "Ada-Lovelace.xlsx"
    write_workbook(personalise(folder.plan.net(), "Ada Lovelace"), own, epochs=4, rates=())
    blank = Path(folder.path) / "exercises" / "Alan-Turing.xlsx"
    (own.parent / blank.name).write_bytes(blank.read_bytes())
    mark_class(folder, 1)
    counts = {name: (row["right"], row["of"]) for name, row in ledger(folder).items()}
    assert counts["Ada Lovelace"] == ("12", "12")
    assert counts["Alan Turing"] == ("0", "12")
