"""Files that are no workbooks, broken ones and hostile ones: one clear line each, soon, in little
memory, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradbook.audit.check_book import check
from gradbook.report.audit import audit_lines
from gradbook.report.audit_page import audit_page
from gradbook.report.styled_text import plain
from tests.audit.material.guarded import Guard, Outcome
from tests.audit.material.hostile import FILES, HOSTILE_WORDS, NOT_WORKBOOKS, ODD, PACKAGES, package
from tests.cases import for_each
from tests.tags import Tags

SOON = 5.0  # seconds of a processor, half of what is promised: a busy one took three
LITTLE = 300.0  # megabytes
VERDICTS = {"unreadable", "no network", "unfinished", "frozen", "wrong"}

Checked = Callable[[Path], Outcome]


@pytest.fixture(scope="module")
def checked() -> Iterator[Checked]:
    """Checks a file by itself, and holds it to one line, its time, its memory and its own bytes."""
    guard = Guard()

    def check(path: Path) -> Outcome:
        found = guard.check(path)
        assert found.verdict in VERDICTS, found
        assert bool(found.problem) == (found.verdict == "unreadable")
        assert len(found.problem.splitlines()) <= 1
        assert len(found.problem) < 300
        assert found.seconds < SOON, found
        assert found.megabytes < LITTLE, found
        assert found.touched == []
        return found

    yield check
    guard.end()


def test_there_are_more_than_sixty_kinds():
    assert len(NOT_WORKBOOKS) + len(PACKAGES) + len(ODD) + len(FILES) > 100


@pytest.mark.parametrize("name", NOT_WORKBOOKS)
def test_what_is_no_workbook_is_refused_in_a_line(name, tmp_path, checked):
    path = tmp_path / "book.xlsx"
    path.write_bytes(NOT_WORKBOOKS[name])
    assert checked(path).verdict == "unreadable"


@for_each("name", PACKAGES)
def test_a_hostile_package_is_refused_in_a_line(name, tmp_path, checked):
    path = package(tmp_path / "book.xlsx", **PACKAGES[name])
    assert checked(path).verdict == "unreadable"


@for_each("name", ODD)
def test_an_odd_sheet_stops_nothing(name, tmp_path, checked):
    path = package(tmp_path / "book.xlsx", sheet=ODD[name])
    assert checked(path).verdict in ("no network", "unreadable")


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_costs_little(name, tmp_path, checked):
    path = tmp_path / "book.xlsx"
    FILES[name](path)
    checked(path)


@for_each("words", HOSTILE_WORDS, ids=range(len(HOSTILE_WORDS)))
def test_words_of_a_book_reach_neither_the_terminal_nor_the_page(words, tmp_path):
    path = tmp_path / "book.xlsx"
    FILES[f"words {HOSTILE_WORDS.index(words)}"](path)
    report = check(path)
    assert report.verdict == "wrong"
    said = plain(list(audit_lines([report], 80)))
    assert all(character.isprintable() for character in said.replace("\n", ""))
    page = Tags()
    page.feed(audit_page([report]))
    assert not page.names & {"script", "img", "iframe", "link"}
    assert not any(name.startswith("on") for name in page.attributes)


def test_a_missing_file_is_one_line(tmp_path, checked):
    assert "doesn't exist" in checked(tmp_path / "none.xlsx").problem


def test_a_folder_is_one_line(tmp_path, checked):
    assert checked(tmp_path).verdict == "unreadable"
