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
from gradbook.report.workbook import write_workbook
from tests.audit.material.copies import WRONG
from tests.audit.material.lookalikes import book
from tests.cases import for_each


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


@for_each(
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


@for_each("workers", ["1", "2", "5"])
def test_a_class_is_told_in_its_order_whoever_checks_it(workers, submissions, capsys):
    assert main(["check", "--json", "--workers", workers, *submissions]) == 2
    books = json.loads(capsys.readouterr().out)["books"]
    assert [entry["book"] for entry in books] == submissions
    verdicts = ["wrong", "unreadable", "wrong", "right", "wrong"]
    assert [entry["verdict"] for entry in books] == verdicts


def test_shared_mistakes_and_identical_files_are_told(submissions, capsys):
    assert main(["check", *submissions]) == 2
    output = capsys.readouterr().out
    assert "5 workbooks: 1 right, 3 wrong, 1 unreadable" in output
    assert "Shared mistakes\n3 of 5 workbooks\ncopy.xlsx, offset.xlsx, wrong.xlsx\n" in output
    assert "Identical files\ncopy.xlsx, wrong.xlsx\n" in output


def test_the_page_of_a_class_has_everybody(submissions, here, capsys):
    assert main(["check", *submissions, "-o", "class.html"]) == 2
    page = (here / "class.html").read_text("utf-8")
    assert all(name in page for name in submissions)
    assert page.count('class="m-wrong"') == 3
    assert page.count('class="m-right"') == 4 * 8 - 3


def test_with_a_record_no_book_is_judged_twice(submissions, here, capsys):
    asked = ["check", *submissions, "--record", "record.jsonl", "-o", "grades.csv"]
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
    assert f"{capsys.readouterr().out}wrote grades.csv\n" == said


@for_each("option", ["--points", "--out-of", "--names", "--accept-elsewhere"])
def test_points_are_for_a_class(option, submissions, refused):
    assert "gradbook class mark gives points" in refused(["check", *submissions, option, "20"])


def test_a_page_and_a_table_are_written_together(submissions, here, capsys):
    assert main(["check", *submissions, "-o", "all.html", "-o", "all.csv"]) == 2
    assert capsys.readouterr().out.endswith("wrote all.html\nwrote all.csv\n")
    with (here / "all.csv").open(newline="", encoding="utf-8-sig") as file:
        assert [row["file"] for row in csv.DictReader(file)] == submissions


def test_a_record_takes_no_other_files_place(submissions, refused):
    assert "name another file" in refused(["check", "right.xlsx", "--record", "wrong.xlsx"])


def test_nothing_is_printed_beside_the_json(submissions, capsys):
    main(["check", "--json", *submissions, "-o", "class.html"])
    output = capsys.readouterr()
    assert json.loads(output.out)["version"] == 1
    assert output.err == ""


def test_names_come_into_json_as_they_are_and_to_the_terminal_escaped(here, capsys):
    name = "<b>\x1b[31m\u202e.xlsx"
    book(here / name, WRONG)
    main(["check", "--json", name])
    assert json.loads(capsys.readouterr().out)["books"][0]["book"] == name
    main(["check", name])
    output = capsys.readouterr().out
    assert "\x1b" not in output
    assert "\u202e" not in output


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


def test_exercises_that_nobody_has_begun_are_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["sheet", "--exercise", "1-3", "--epochs", "2", "-o", "exercises"]) == 0
    capsys.readouterr()
    assert main(["check", "exercises"]) == 1
    assert capsys.readouterr().out == "3 exercises, none begun\n"
    write_workbook("worked", tmp_path / "exercises" / "right.xlsx", epochs=2, rates=())
    assert main(["check", "exercises"]) == 1
    out = capsys.readouterr().out
    assert "3 exercises not begun: exercises/worked-exercise-1.xlsx," in out
    assert out.count("still to be filled in") == 0
