"""Books that are handed in are judged, tabled and copied as the command would, to the last byte."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from gradbook.audit.check_book import check
from gradbook.audit.classes.scoring import Rubric, score_each
from gradbook.audit.classes.submissions import find_submissions
from gradbook.audit.copies.annotate import annotate
from gradbook.report.audit import grades_csv
from gradbook.report.audit_page import audit_page
from tests.cases import for_each
from tests.serve.books import a_class, content, exercises, laid_out
from tests.serve.running import served

FOLDER = "class of 2026"
WAYS = {"": ([], ""), "hints": (["--hints"], "hints=1")}


@pytest.fixture(scope="module")
def on():
    with served() as running:
        yield running


@pytest.fixture(scope="module")
def books():
    return a_class()


@pytest.fixture(scope="module")
def number(on, books):
    return on.handed_in([(f"{FOLDER}/{name}", book) for name, book in books])


def commanded(folder: Path, books, *words: str) -> str:
    laid_out(folder / FOLDER, books)
    command = [sys.executable, "-m", "gradbook", "check", FOLDER, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (1, 2), done.stderr
    return done.stdout


@for_each("ways", WAYS)
def test_grades_and_page_are_the_commands(on, number, books, ways, tmp_path):
    words, query = WAYS[ways]
    commanded(tmp_path, books, "-o", "grades.csv", "-o", "class.html", *words)
    for name in ("grades.csv", "class.html"):
        status, found, headers = on.ask(f"classes/{number}/{name}?{query}")
        assert status == 200
        assert found == (tmp_path / name).read_bytes()
        assert f'filename="{name}"' in headers["Content-Disposition"]


@for_each(
    ("rubric", "query"),
    [
        (Rubric(repeated=100), "points=1&repeated=100"),
        (Rubric(20, repeated=3.5), "out_of=20&repeated=3.5"),
    ],
)
def test_exercises_are_marked_by_the_rubric_that_is_asked_for(
    on, rubric, query, tmp_path, monkeypatch
):
    number = on.handed_in([(f"{FOLDER}/{name}", book) for name, book in exercises()])
    monkeypatch.chdir(tmp_path)
    laid_out(tmp_path / FOLDER, exercises())
    reports = list(map(check, find_submissions([FOLDER])))
    scores = score_each(reports, rubric)
    expected = {
        "grades.csv": grades_csv(reports, scores),
        "class.html": audit_page(reports, scores),
    }
    for name, text in expected.items():
        found = on.ask(f"classes/{number}/{name}?{query}")[1]
        assert found.decode() == text
        assert found != on.ask(f"classes/{number}/{name}?{query.partition('&')[0]}")[1]
    copies = unpacked(on.ask(f"classes/{number}/marked.zip?{query}")[1])
    books = zip(reports, scores, strict=True)
    assert copies == {Path(it.book).name: annotate(it.book, it, mark) for it, mark in books}


@for_each("columns", ["-0.1", "nan", "half"])
def test_a_cost_that_is_no_number_of_columns_is_refused(on, number, columns):
    status, said, _ = on.ask(f"classes/{number}/grades.csv?repeated={columns}")
    assert status == 422
    assert b"repeated" in said


@for_each("ways", WAYS)
def test_marked_copies_are_the_commands(on, number, books, ways, tmp_path):
    words, query = WAYS[ways]
    commanded(tmp_path, books, "--annotate", "marked", *words)
    _, found, _ = on.ask(f"classes/{number}/marked.zip?{query}")
    assert unpacked(found) == files_of(tmp_path / "marked")


def test_corrected_copies_are_the_commands_with_its_remarks(on, number, books, tmp_path):
    said = commanded(tmp_path, books, "--fix", "corrected")
    _, found, _ = on.ask(f"classes/{number}/corrected.zip")
    copies = unpacked(found)
    remarks = copies.pop("remarks.txt").decode().splitlines()
    assert copies == files_of(tmp_path / "corrected")
    assert copies
    assert remarks
    assert all(remark in said for remark in remarks)


def test_a_copy_of_one_book_is_that_of_all(on, number):
    rows = on.tell(f"classes/{number}")["books"]
    ada = next(row["number"] for row in rows if row["name"].endswith("bob 2.xlsx"))
    for kind in ("marked", "corrected"):
        _, all_of_them, _ = on.ask(f"classes/{number}/{kind}.zip")
        _, one, headers = on.ask(f"classes/{number}/books/{ada}/{kind}")
        assert one == unpacked(all_of_them)["bob 2.xlsx"]
        assert 'filename="bob 2.xlsx"' in headers["Content-Disposition"]


def test_the_same_books_make_the_same_archive(on, number):
    assert on.ask(f"classes/{number}/marked.zip")[1] == on.ask(f"classes/{number}/marked.zip")[1]


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Names ---------------------------------------------------------------------------


@for_each("name", ["../../../evil.xlsx", "/etc/evil.xlsx", "a/../../evil.xlsx", "./evil.xlsx"])
def test_no_name_leads_out_of_the_folder(on, name):
    number = on.handed_in([(name, content())])
    (book,) = on.tell(f"classes/{number}")["books"]
    assert book["name"] in ("evil.xlsx", "etc/evil.xlsx", "a/evil.xlsx")
    assert book["verdict"] == "right"
    assert not list(on.folder.parent.glob("evil.xlsx"))


@for_each("name", ["..", "/", "\ud800.xlsx", "x" * 300 + ".xlsx"])
def test_a_name_that_cant_be_kept_is_refused_and_the_others_come(on, name):
    number = on.tell("classes", "POST")["class"]
    files = [{"name": name, "size": 1}, {"name": "ada.xlsx", "size": 1}]
    found = on.tell(f"classes/{number}/books", "POST", {"books": files})
    assert [book["given"] for book in found["books"]] == ["ada.xlsx"]
    assert "name" in found["left"][0]["why"]


def test_of_a_folder_only_workbooks_are_meant(on):
    number = on.tell("classes", "POST")["class"]
    names = ["c/a.xlsx", "c/~$a.xlsx", "c/notes.txt", "c/.git/b.xlsx", "c/d/e.XLSM", "loose.txt"]
    files = [{"name": name, "size": 1} for name in names]
    found = on.tell(f"classes/{number}/books", "POST", {"books": files})
    assert [book["given"] for book in found["books"]] == [
        "c/.git/b.xlsx",
        "c/a.xlsx",
        "c/d/e.XLSM",
        "loose.txt",
    ]


# Coming and going ----------------------------------------------------------------


def test_a_book_that_is_handed_in_again_takes_the_first_ones_place(on):
    number = on.handed_in([("ada.xlsx", content(is_right=False))])
    on.hand_in(number, [("ada.xlsx", content())])
    (book,) = on.tell(f"classes/{number}")["books"]
    assert book["verdict"] == "right"
    assert len(on.ask(f"classes/{number}/grades.csv")[1].splitlines()) == 2


def test_classes_know_nothing_of_each_other(on):
    one, other = (on.handed_in([(name, content())]) for name in ("ada.xlsx", "bob.xlsx"))
    assert b"bob" not in on.ask(f"classes/{one}/grades.csv")[1]
    assert b"ada" not in on.ask(f"classes/{other}/grades.csv")[1]


def test_a_book_that_is_too_large_isnt_even_sent(on):
    number = on.tell("classes", "POST")["class"]
    files = {"books": [{"name": "large.xlsx", "size": 2**26 + 1}]}
    (book,) = on.tell(f"classes/{number}/books", "POST", files)["books"]
    assert b"larger than 64 MiB" in on.ask(f"classes/{number}/grades.csv")[1]
    assert on.ask(f"classes/{number}/books/{book['number']}", "PUT", b"x")[0] == 409


def test_a_cut_connection_leaves_nothing_behind(on):
    number = on.tell("classes", "POST")["class"]
    files = {"books": [{"name": "ada.xlsx", "size": 100_000}]}
    on.tell(f"classes/{number}/books", "POST", files)
    before = on.kept()
    head = f"PUT {on.root}classes/{number}/books/1 HTTP/1.1\r\nHost: 127.0.0.1:{on.port}\r\n"
    with socket.create_connection(("127.0.0.1", on.port)) as connection:
        connection.sendall(f"{head}Content-Length: 100000\r\n\r\n".encode() + b"x" * 50_000)
        time.sleep(0.3)
        assert on.kept() != before
    growth = on.wait_for(number)
    assert growth["books"][0]["state"] == "gone"
    assert on.kept() == before
    on.hand_in(number, [("ada.xlsx", content())])
    assert on.tell(f"classes/{number}")["books"][0]["verdict"] == "right"


def test_who_goes_away_ends_what_was_begun_for_them(on):
    """The only worker that is free is free again long before the work would be done."""
    text = "input 2; dense 3; tanh; dense 2; sigmoid; loss half squared error"
    body = json.dumps({"text": text, "epochs": 100_000, "rates": ",".join(["0.1"] * 20)}).encode()
    head = f"POST {on.root}sweep HTTP/1.1\r\nHost: 127.0.0.1:{on.port}\r\n"
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", on.port)) as connection:
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            time.sleep(0.5)
    begun = time.monotonic()
    number = on.handed_in([("ada.xlsx", content())])
    assert on.tell(f"classes/{number}")["books"][0]["verdict"] == "right"
    assert time.monotonic() - begun < 60


def test_what_is_removed_is_gone_from_the_disk(on):
    before = on.kept()
    number = on.handed_in([("ada.xlsx", content())])
    assert on.kept() != before
    assert on.ask(f"classes/{number}", "DELETE")[0] == 204
    assert on.kept() == before
    assert on.ask(f"classes/{number}")[0] == 404
