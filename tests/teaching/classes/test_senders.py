"""Whose each book is, also where students are called alike and where books and names disagree."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from gradbook.audit.findings import BookReport
from gradbook.audit.origin import Origin
from gradbook.cli.main import main
from gradbook.errors import DataError
from gradbook.files import write_whole
from gradbook.lab.classroom import file_stems
from gradbook.teaching.classes.class_page import class_page
from gradbook.teaching.classes.folder import HANDED_IN, ClassPlan, begin_class
from gradbook.teaching.classes.marking import mark_class
from gradbook.teaching.classes.senders import ClassNames, books_by_student
from tests.teaching.classes.made import begun, solved

STUDENTS = ["Ada Lovelace", "Alan Turing", "Carl Friedrich Gauß", "José Ortega y Gasset", "李 明"]
ALIKE = ["Max Muster", "Max Muster 2", "Eva Maria Ott", "Eva-Maria Ott", "Jo Li"]
BY_NAME = {
    "Ada Lovelace_12345_assignsubmission_file_/book.xlsx": ["Ada Lovelace"],
    "Ada Lovelace_12345_assignsubmission_file_book.xlsx": ["Ada Lovelace"],
    "week 3 - José Ortega y Gasset_9_assignsubmission_file_x.xlsx": ["José Ortega y Gasset"],
    "JOSE ORTEGA Y GASSET_9_assignsubmission_file_x.xlsx": ["José Ortega y Gasset"],
    "李 明_4_assignsubmission_file_作业.xlsx": ["李 明"],
    "lovelaceada_12345_67890_book.xlsx": ["Ada Lovelace"],
    "gaußcarlfriedrich_1_2_book-1.xlsx": ["Carl Friedrich Gauß"],
    "Ada-Lovelace.xlsx": ["Ada Lovelace"],
    "Ada-Lovelace (1).xlsx": ["Ada Lovelace"],
    "Ada Lovelace-2.xlsx": ["Ada Lovelace"],
    "mails - Ada Lovelace - home work.xlsx": ["Ada Lovelace"],
    "book.xlsx": [],
    "Somebody Else_12345_assignsubmission_file_book.xlsx": [],
}
BY_NAME_ALIKE = {
    "Max-Muster.xlsx": ["Max Muster"],
    "Max-Muster-2.xlsx": ["Max Muster 2"],
    "Max Muster 2.xlsx": ["Max Muster 2"],
    "Max-Muster (2).xlsx": ["Max Muster"],  # a browser's number
    "Max-Muster-2 (1).xlsx": ["Max Muster 2"],
    "Max-Muster-3.xlsx": ["Max Muster"],
    "Max Muster_1_assignsubmission_file_x.xlsx": ["Max Muster", "Max Muster 2"],
    "Max Muster 2_1_assignsubmission_file_x.xlsx": ["Max Muster 2"],
    "mustermax_1_2_x.xlsx": ["Max Muster", "Max Muster 2"],
    "Eva-Maria-Ott-2.xlsx": ["Eva-Maria Ott"],  # as its file is called
    "EvaMariaOtt.xlsx": ["Eva Maria Ott", "Eva-Maria Ott"],
    "Jo-Li-2.xlsx": ["Jo Li"],
}


def sent_by(path: str, students: list[str] = STUDENTS) -> list[str]:
    """Whom all parts of the name name."""
    names = ClassNames(dict(zip(students, file_stems(students), strict=True)))
    named = names.sender_of(path).named
    return sorted(frozenset.intersection(*named)) if named else []


def test_the_sender_is_known_by_the_files_name():
    assert {path: sent_by(path) for path in BY_NAME} == BY_NAME
    assert {path: sent_by(path, ALIKE) for path in BY_NAME_ALIKE} == BY_NAME_ALIKE


def test_canvas_says_late():
    names = ClassNames({name: name for name in STUDENTS})
    late = [names.sender_of(f"turingalan_{word}12_34_b.xlsx").is_late for word in ("LATE_", "")]
    assert late == [True, False]


# Two who are called alike ---------------------------------------------------------------

NAMES = "name\nMax Muster\nMax Muster 2\nBo Ek\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "names.csv").write_text(NAMES)
    plan = ClassPlan("input 1; dense 1; sample 1 -> 1", paper="")
    return begin_class(tmp_path / "class", plan, str(tmp_path / "names.csv"))


def book(folder, key: str = "", name: str = "", content: str = "", **more: object) -> BookReport:
    """What was read of a book: by its key a student's, by the name in it another's."""
    key = folder.plan.key_of(key) if key in folder.students else key
    origin = Origin(student=name, key=key, content=content)
    return BookReport("", "right", origin=origin, fingerprint=content, **more)


def decide(folder, *lines: str) -> None:
    (Path(folder.path) / "whose.csv").write_text("\n".join(lines), "utf-8")


def sorted_out(folder, books: dict[str, BookReport]) -> tuple[dict[str, str], list[str]]:
    """Which file counts for each student, and what is left to decide."""
    goal = folder.inside(HANDED_IN)
    for name in books:
        write_whole(goal / name, "")
    own, remarks = books_by_student(folder, [goal / name for name in books], books.values())
    return {student: own[student].path.name for student in own}, remarks


def test_two_alike_who_hand_in_what_they_were_given_get_their_own_marks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("names.csv").write_text("name\nMax Muster\nMax Muster 2\n")
    settings = ["--epochs", "2", "--paper", "none", "--workers", "1"]
    assert main(["class", "init", "c", "--names", "names.csv", *settings]) == 0
    assert main(["class", "collect", "c", "c/exercises"]) == 0
    assert main(["class", "mark", "c", "--workers", "1"]) == 0
    with Path("c/marks.csv").open(encoding="utf-8-sig", newline="") as file:
        files = {row["student"]: row["file"] for row in csv.DictReader(file)}
    assert files == {"Max Muster": "Max-Muster.xlsx", "Max Muster 2": "Max-Muster-2.xlsx"}


def test_two_of_one_name_with_other_addresses_get_their_own_marks(tmp_path):
    """By the keys in what they were given, whatever the files are called; Moodle knows one name."""
    people = "Name,E-Mail\nMax Müller,m1@x.org\nIda Berg,i@x.org\nMax Müller,m2@x.org\n"
    folder = begun(tmp_path, people)
    first, _, second = folder.students
    goal = Path(folder.path) / "handed-in"
    there = Path(folder.path) / "exercises"
    for number, (student, name) in enumerate(
        [(first, "Max Müller_{}_assignsubmission_file_ - work.xlsx"), (second, "Müller.xlsx")]
    ):
        content = (there / f"{folder.stems[student]}.xlsx").read_bytes()
        (goal / name.format(number)).write_bytes(content)
    solved(folder, second, goal / "Müller-solved.xlsx")
    marked = mark_class(folder, 1)
    assert marked.remarks == ()
    assert {mark.student: mark.points for mark in marked.marks} == {
        first: 0,
        "Ida Berg": None,
        second: 20,
    }


def test_the_key_in_a_book_tells_whose_it_is_and_so_does_the_name_in_an_old_one(folder):
    twins = [f"Max Muster_{k}_assignsubmission_file_ - hw.xlsx" for k in (1, 2)]
    for inside in ("key", "name"):
        books = {
            twins[0]: book(folder, **{inside: "Max Muster 2"}),
            twins[1]: book(folder, **{inside: "Max Muster"}),
            "answer.xlsx": book(folder, **{inside: "Bo Ek"}),
        }
        own = {"Max Muster 2": twins[0], "Max Muster": twins[1], "Bo Ek": "answer.xlsx"}
        assert sorted_out(folder, books) == (own, [])
    typed_over = book(folder, key="Bo Ek", name="Max Muster")
    assert sorted_out(folder, {"answer.xlsx": typed_over})[0] == {"Bo Ek": "answer.xlsx"}


def test_nobody_gets_marks_where_book_and_name_disagree_until_that_is_decided(folder):
    for other in (book(folder, key="Max Muster 2"), book(folder, name="Max Muster 2")):
        books = {"Max-Muster.xlsx": other, "Bo-Ek.xlsx": book(folder)}
        decide(folder)
        assert sorted_out(folder, books) == (
            {"Bo Ek": "Bo-Ek.xlsx"},
            [
                "Max-Muster.xlsx points to Max Muster and Max Muster 2, so nobody gets its marks: "
                "write a line such as Max-Muster.xlsx,Max Muster into whose.csv, in the folder of "
                "the class"
            ],
        )
        decide(folder, "Max-Muster.xlsx,Max Muster 2")
        own = {"Bo Ek": "Bo-Ek.xlsx", "Max Muster 2": "Max-Muster.xlsx"}
        assert sorted_out(folder, books) == (own, [])


def test_two_books_of_one_student_count_for_nothing_until_that_is_decided(folder):
    books = {
        "Bo-Ek.xlsx": book(folder, "Bo Ek", content="1"),
        "answer.xlsx": book(folder, "Bo Ek", content="2"),
    }
    own, (remark,) = sorted_out(folder, books)
    assert own == {}
    assert remark.startswith("Bo-Ek.xlsx, answer.xlsx all claim to be from Bo Ek, so none of them")
    decide(folder, "file,student", "answer.xlsx,Bo Ek")
    assert sorted_out(folder, books) == ({"Bo Ek": "answer.xlsx"}, [])


def test_of_books_that_one_student_sent_the_last_counts(folder):
    for second in ("Bo-Ek (2).xlsx", "Bo Ek_7_assignsubmission_file_hw.xlsx", "Bo-Ek.ods"):
        books = {"Bo-Ek.xlsx": book(folder, "Bo Ek"), second: book(folder, "Bo Ek")}
        books |= {name: replace(one, fingerprint=name) for name, one in books.items()}
        assert sorted_out(folder, books)[1] == [], second
    twice = book(folder, "Bo Ek", content="1")
    assert sorted_out(folder, {"a.xlsx": twice, "b.xlsx": twice})[1] == []


def test_what_was_made_for_another_class_or_names_nobody_is_nobodys(folder):
    books = {"Bo-Ek.xlsx": book(folder, "another"), "a, b.xlsx": book(folder)}
    own, (foreign, nameless) = sorted_out(folder, books)
    assert own == {}
    assert foreign.startswith("Bo-Ek.xlsx is an exercise of another class")
    assert 'whose workbook a, b.xlsx is: write a line such as "a, b.xlsx",Max Muster' in nameless


def test_a_whole_copied_book_stands_first(folder):
    """One from before there were keys, with the name in it typed over."""
    books = {
        "Bo-Ek.xlsx": book(folder, name="Bo Ek", content="same"),
        "Max-Muster.xlsx": book(folder, key="Max Muster", content="same"),
        "Max-Muster-2.xlsx": book(folder, content="own"),
        "aaa.xlsx": book(folder, content="same"),
    }
    remarks = sorted_out(folder, books)[1]
    assert remarks[0].startswith("the workbooks of Bo Ek and Max Muster are one and the same")
    page = class_page("Class", [], [], [], remarks)
    assert page.index("are one and the same") < page.index("<table")


def test_a_decision_for_nobody_is_said(folder):
    decide(folder, "file,student", "x.xlsx,Bo Ek")
    assert sorted_out(folder, {})[1] == ["whose.csv names x.xlsx, which isn't there"]
    decide(folder, "file,student", "x.xlsx,Bo Eck")
    with pytest.raises(DataError, match=r"whose.csv, row 2: 'Bo Eck' isn't in names.csv"):
        sorted_out(folder, {})
