"""The class of a folder over the page's own requests: begun, handed in, marked, changed by hand."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from gradbook.builtin_networks import LESSONS
from gradbook.language import in_language
from gradbook.teaching.classes.folder import open_class
from gradbook.teaching.classes.marking import mark_class
from gradbook.teaching.classes.marks_file import read_ledger
from tests.serve.running import served
from tests.teaching.classes.made import begun, negated, solved, without

NOTHING = ["", "", ""]
BEGUN = {"names": "Ada Lovelace\nAlan Turing\n", "net": LESSONS["worked"]}


def typed(student: str, *cells: object) -> dict[str, object]:
    return {"student": student, "seen": NOTHING, "typed": [*cells, None, None, None][:3]}


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A server of a class that was begun, and its folder."""
    path = tmp_path_factory.mktemp("teacher") / "rain"
    with served(str(path)) as on:
        assert on.tell("class")["begun"] is False
        state = on.tell("class", "POST", BEGUN)
        assert [one["student"] for one in state["students"]] == ["Ada Lovelace", "Alan Turing"]
        yield on, path


def test_a_class_goes_from_names_to_grades(room, tmp_path):
    on, path = room
    exercises = zipfile.ZipFile(io.BytesIO(on.ask("class/exercises.zip")[1])).namelist()
    assert exercises == ["exercises/Ada-Lovelace.xlsx", "exercises/Alan-Turing.xlsx"]
    assert on.ask("class/grades.zip")[0] == 409
    book = solved(
        open_class(path), "Ada Lovelace", tmp_path / "Ada-Lovelace.xlsx", without("∂E/∂w1")
    )
    for expected in (1, 0):  # the same again isn't new
        status, content, _ = on.ask(
            "class/handed-in?name=Ada-Lovelace.xlsx", "POST", book.read_bytes()
        )
        assert (status, content) == (200, b'{"new": %d, "problems": []}' % expected)
    marked = on.tell("class/marks", "POST", {})
    ada, alan = marked["students"]
    assert 0 < ada["points"] < ada["outOf"] == 20
    assert (ada["verdict"], alan["points"]) == ("unfinished", None)
    asked = {"student": "Ada Lovelace", "seen": NOTHING, "typed": ["19.5", None, " well  done"]}
    changed = on.tell("class/marks", "PUT", asked)
    assert changed["students"][0]["points"] == 19.5
    own = read_ledger(path / "marks.csv")["Ada Lovelace"]
    assert (own.changed_to, own.remark) == (19.5, "well done")
    again = on.tell("class/marks", "POST", {"hints": True})
    assert again["students"][0]["points"] == 19.5
    names = zipfile.ZipFile(io.BytesIO(on.ask("class/grades.zip")[1]))
    moodle = next(name for name in names.namelist() if "moodle" in name)
    assert "19.5" in names.read(moodle).decode("utf-8-sig")
    assert on.ask("class/class.html")[0] == 200
    assert any(
        "Ada" in name
        for name in zipfile.ZipFile(io.BytesIO(on.ask("class/feedback.zip")[1])).namelist()
    )


@pytest.mark.parametrize(
    ("path", "method", "body", "status", "said"),
    [
        ("class/marks", "PUT", typed("Nobody"), 404, "no student of the class has that name"),
        ("class/marks", "PUT", typed("Ada Lovelace", "-1"), 422, "a number from 0 to"),
        ("class/marks", "PUT", typed("Ada Lovelace", None, "0.5"), 422, "whole number"),
        ("class/marks", "PUT", typed("Ada Lovelace", 3), 422, "up to 2,000 characters"),
        ("class/marks", "PUT", {"student": "Ada Lovelace"}, 400, "seen is missing"),
        ("class", "POST", {**BEGUN, "net": "dense two"}, 422, ""),
        ("class", "POST", {**BEGUN, "names": "Somebody Else"}, 422, "lacks"),
        ("class/handed-in", "POST", b"x", 400, "name is missing"),
        ("class/handed-in?name=..", "POST", b"x", 422, "needs a name"),
        ("class/handed-in?name=a%00.xlsx", "POST", b"x", 422, "a null character: leave it out"),
    ],
)
def test_what_cant_be_done_is_said_and_changes_nothing(room, path, method, body, status, said):
    on, folder = room
    before = {one: one.stat().st_mtime_ns for one in folder.rglob("*") if one.is_file()}
    found, content, _ = on.ask(path, method, body)
    assert (found, said in content.decode()) == (status, True), content
    assert {one: one.stat().st_mtime_ns for one in folder.rglob("*") if one.is_file()} == before


def test_a_file_stays_within_the_folder_whatever_it_is_called(room):
    on, folder = room
    on.ask("class/handed-in?name=..%2F..%2F..%2Fescaped.xlsx", "POST", b"no book")
    assert not list(folder.parent.rglob("escaped.xlsx")) or all(
        folder / "handed-in" == found.parent for found in folder.parent.rglob("escaped.xlsx")
    )
    assert (folder / "handed-in" / "escaped.xlsx").is_file()


def test_without_a_folder_there_is_no_class():
    with served() as on:
        assert on.ask("class")[0] == 404
        assert b'id="begin"' not in on.ask("")[1]


def test_a_file_is_no_folder(refused, tmp_path):
    (tmp_path / "names.csv").write_text("Ada")
    assert "is a file, not the folder" in refused(["class", "serve", "names.csv", "--no-browser"])


def test_another_server_finds_what_was_marked(room):
    on, path = room
    marked = on.tell("class/marks", "POST", {})
    with served(str(path)) as other:
        assert other.tell("class")["students"] == marked["students"]


def test_a_row_that_was_changed_meanwhile_is_refused_shown_and_offered_again(room):
    """By whoever has marks.csv open in a spreadsheet; nothing that was typed there is lost."""
    on, path = room
    adas = on.tell("class/marks", "POST", {})["students"][0]["own"]
    rows = (path / "marks.csv").read_text("utf-8-sig").splitlines()
    place = next(k for k, row in enumerate(rows) if row.startswith("Alan Turing"))
    rows[place] = "Alan Turing,,,7,2,ill" + "," * 8
    (path / "marks.csv").write_text("\n".join(rows), "utf-8")
    status, content, _ = on.ask("class/marks", "PUT", typed("Alan Turing", "12"))
    refused = json.loads(content)
    assert (status, refused["own"]) == (409, ["7", "2", "ill"])
    assert "changed meanwhile" in refused["error"]
    assert read_ledger(path / "marks.csv")["Alan Turing"].cells == ("7", "2", "ill")
    again = {"student": "Alan Turing", "seen": refused["own"], "typed": ["12", None, None]}
    state = on.tell("class/marks", "PUT", again)
    assert state["students"][1]["own"] == ["12", "2", "ill"]
    assert state["students"][0]["own"] == adas


def test_a_long_name_is_no_full_disk(room):
    on, _ = room
    assert on.ask(f"class/handed-in?name={'a' * 700}.xlsx", "POST", b"x")[0] == 200
    assert on.ask("class/handed-in?name=b%01.xlsx", "POST", b"x")[0] == 200


def test_a_folder_with_a_page_of_ones_own_is_left_as_it_is(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "index.html").write_text("mine")
    with served(str(tmp_path / "own")) as on:
        status, content, _ = on.ask("class", "POST", BEGUN)
        assert (status, b"already exists" in content) == (422, True)
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["index.html"]


def test_a_page_that_is_opened_marks_as_the_class_was_marked(tmp_path):
    """Feedback with hints, in French, stays so whatever the page does, until hints are let go."""
    folder = begun(tmp_path)
    there = Path(folder.path) / "handed-in" / "Ada-Lovelace.xlsx"
    solved(folder, "Ada Lovelace", there, negated("∂E/∂w1"))
    with in_language("fr"):
        mark_class(folder, 1, hints=True)
    page = Path(folder.path) / "feedback" / "Ada-Lovelace.html"
    before = page.read_text("utf-8")
    assert "attendu" not in before
    with served(str(folder.path)) as on:
        assert on.tell("class")["hints"] is True
        assert on.tell("class/marks", "POST", {})["hints"] is True
        assert page.read_text("utf-8") == before
        on.tell("class/marks", "PUT", typed("Ada Lovelace", None, None, "bien"))
        assert page.read_text("utf-8").count("attendu") == 0
        assert on.tell("class/marks", "POST", {"hints": False})["hints"] is False
    assert "attendu" in page.read_text("utf-8")
