"""The verb: what it prints, its exit codes, a class, and that one bad book stops no other."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradbook.cli.main import main
from tests.audit.material.copies import WRONG
from tests.audit.material.lookalikes import book

SAID = (Path(__file__).parents[3] / "docs" / "reference" / "check.md").read_text("utf-8")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def submissions(here):
    """A class: two who copied from one, two who are right, one who handed in something else."""
    book(here / "right.xlsx")
    book(here / "wrong.xlsx", WRONG)
    book(here / "offset.xlsx", WRONG, headings={"w1": "x"})
    shutil.copy(here / "wrong.xlsx", here / "copy.xlsx")
    (here / "letter.xlsx").write_text("Dear teacher,")
    return sorted(path.name for path in here.glob("*.xlsx"))


def test_the_documented_example_is_what_is_printed(here, capsys):
    book(Path("ada.xlsx"), WRONG, rows=70)
    assert main(["check", "ada.xlsx"]) == 1
    assert f"$ gradbook check ada.xlsx\n{capsys.readouterr().out}```" in SAID


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["right.xlsx"], 0),
        (["wrong.xlsx"], 1),
        (["right.xlsx", "wrong.xlsx"], 1),
        (["right.xlsx", "letter.xlsx"], 2),
        (["right.xlsx", "none.xlsx"], 2),
        (["."], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst_book(names, code, submissions, capsys):
    assert main(["check", *names]) == code
    assert main(["check", "--json", *names]) == code
    capsys.readouterr()


def test_no_book_at_all_is_a_wrong_use(here, refused):
    assert "BOOK" in refused(["check"])


@pytest.mark.parametrize("workers", ["1", "2", "5"])
def test_a_class_is_told_in_its_order_whoever_checks_it(workers, submissions, capsys):
    assert main(["check", "--json", "--workers", workers, *submissions]) == 2
    books = json.loads(capsys.readouterr().out)["books"]
    assert [entry["book"] for entry in books] == submissions
    verdicts = ["wrong", "unreadable", "wrong", "right", "wrong"]
    assert [entry["verdict"] for entry in books] == verdicts


def test_shared_mistakes_and_identical_files_are_told(submissions, capsys):
    assert main(["check", *submissions]) == 2
    said = capsys.readouterr().out
    assert "5 books: 1 right, 3 wrong, 1 unreadable" in said
    assert "Shared mistakes\n3 of 5 books\ncopy.xlsx, offset.xlsx, wrong.xlsx\n" in said
    assert "Identical files\ncopy.xlsx, wrong.xlsx\n" in said


def test_the_page_of_a_class_has_everybody(submissions, here, capsys):
    assert main(["check", *submissions, "--html", "class.html"]) == 2
    page = (here / "class.html").read_text("utf-8")
    assert all(name in page for name in submissions)
    assert page.count('class="m-wrong"') == 3
    assert page.count('class="m-right"') == 4 * 8 - 3


def test_with_a_record_no_book_is_judged_twice(submissions, here, capsys):
    asked = ["check", *submissions, "--record", "record.jsonl", "--csv", "grades.csv"]
    main(["check", *submissions[:3], "--record", "record.jsonl"])
    some = (here / "record.jsonl").read_bytes()
    capsys.readouterr()
    main(asked)
    said, grades = capsys.readouterr().out, (here / "grades.csv").read_bytes()
    every = (here / "record.jsonl").read_bytes()
    assert every.startswith(some)
    assert every.count(b"\n") == 1 + 5 + 1 - 1  # the letter twice; wrong.xlsx is copy.xlsx
    main([*asked, "--workers", "1"])
    assert (here / "grades.csv").read_bytes() == grades
    assert capsys.readouterr().out == said
    main(["check", *submissions])
    told = "no student's name is in 5 books: --names FILE.csv can say whose they are"
    assert f"{capsys.readouterr().out}wrote grades.csv\n{told}\n" == said


def students(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        return {row["file"]: row["student"] for row in csv.DictReader(file)}


def test_numbered_exercises_get_their_names_from_a_list(here, capsys):
    main(["sheet", "--exercise", "3-6", "-o", "class", "--epochs", "3", "--rates", "none"])
    (here / "class" / "worked-exercise-4.xlsx").rename(here / "class" / "lisa's, last version.xlsx")
    names = "Nr;Vorname;Nachname\n3;Ada;Lovelace\n4;Lise;Meitner\n5;Zoë;Müller\n9;Alan;Turing\n"
    (here / "names.csv").write_text(names, encoding="utf-8")
    capsys.readouterr()
    asked = ["check", "class", "--csv", "grades.csv"]
    main(asked)
    told = capsys.readouterr().out.splitlines()[-1]
    assert told == "a number, and no name, is in 4 books: --names FILE.csv can say whose they are"
    assert sorted(students("grades.csv").values()) == ["3", "4", "5", "6"]
    main([*asked, "--names", "names.csv", "--html", "class.html"])
    told = capsys.readouterr().out.splitlines()[-2:]
    assert told == [
        "names.csv has no name for 1 book: worked-exercise-6.xlsx",
        "no book of 1 student: Alan Turing",
    ]
    assert students("grades.csv") == {
        str(Path("class", "lisa's, last version.xlsx")): "Lise Meitner",
        str(Path("class", "worked-exercise-3.xlsx")): "Ada Lovelace",
        str(Path("class", "worked-exercise-5.xlsx")): "Zoë Müller",
        str(Path("class", "worked-exercise-6.xlsx")): "6",
    }
    assert "Lise Meitner" in (here / "class.html").read_text("utf-8")
    main(["check", "class", "--json", "--names", "names.csv"])
    books = json.loads(capsys.readouterr().out)["books"]
    assert [book["student"] for book in books] == list(students("grades.csv").values())


def test_a_list_of_names_alone_begins_with_the_first_exercise(here, capsys):
    main(["sheet", "--exercise", "1-2", "-o", "class", "--epochs", "3", "--rates", "none"])
    (here / "names.csv").write_text("Name;Vorname\nLovelace;Ada\nTuring;Alan\n", encoding="utf-8")
    main(["check", "class", "--csv", "grades.csv", "--names", "names.csv"])
    assert list(students("grades.csv").values()) == ["Ada Lovelace", "Alan Turing"]
    said = "names.csv has no numbers: its first name is taken for exercise 1"
    assert capsys.readouterr().out.splitlines()[-1] == said


def test_books_of_any_kind_get_their_names_by_their_files(submissions, here, capsys):
    (here / "names.csv").write_text("file,student\nright,Ada\nWRONG.XLSX,Alan\n", "utf-8")
    main(["check", *submissions, "--csv", "grades.csv", "--names", "names.csv"])
    found = students("grades.csv")
    assert (found["right.xlsx"], found["wrong.xlsx"], found["copy.xlsx"]) == ("Ada", "Alan", "")
    assert "names.csv has no name for 3 books" in capsys.readouterr().out


def test_a_list_that_is_none_is_refused_before_anything_is_checked(submissions, refused, here):
    (here / "names.csv").write_text("number,name\nx,Ada\n", encoding="utf-8")
    said = refused(["check", *submissions, "--names", "names.csv", "--csv", "grades.csv"])
    assert "row 2: 'x' isn't an exercise's number" in said


def test_a_record_takes_no_other_files_place(submissions, refused):
    assert "name another file" in refused(["check", "right.xlsx", "--record", "wrong.xlsx"])


def test_nothing_is_printed_beside_the_json(submissions, capsys):
    main(["check", "--json", *submissions, "--html", "class.html"])
    said = capsys.readouterr()
    assert json.loads(said.out)["version"] == 1
    assert said.err == ""


def test_names_come_into_json_as_they_are_and_to_the_terminal_escaped(here, capsys):
    name = "<b>\x1b[31m\u202e.xlsx"
    book(here / name, WRONG)
    main(["check", "--json", name])
    assert json.loads(capsys.readouterr().out)["books"][0]["book"] == name
    main(["check", name])
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_an_interruption_is_one_word_and_leaves_nobody(here):
    book(here / "0.xlsx", WRONG, rows=100)
    names = [shutil.copy("0.xlsx", f"{number}.xlsx") for number in range(1, 60)]
    with subprocess.Popen(
        [sys.executable, "-m", "gradbook", "check", *names],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        helpers = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        until = time.monotonic() + 20
        while len(helpers.read_text().split()) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        out, error = process.communicate(timeout=20)
    assert (process.returncode, out, error) == (130, "", "gradbook: interrupted\n")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
