"""Which books are meant: folders, patterns, and what lies among them without being one."""

from __future__ import annotations

import os

import pytest

from gradbook.audit.classes.submissions import find_submissions
from gradbook.errors import LimitError, UsageError
from tests.cases import for_each


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "class/ex-10.xlsx",
        "class/ex-2.xlsx",
        "class/Zoe Lee_1/book.XLSM",
        "class/Zoe Lee_1/old.xls",
        "class/~$ex-2.xlsx",
        "class/.hidden/ex-3.xlsx",
        "class/notes.txt",
        "class/marked/ex-2.xlsx",
        "[1].xlsx",
        "empty/notes.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_a_folder_is_all_its_books_and_those_within_in_the_order_of_their_numbers(here):
    assert find_submissions(["class"], ["class/marked"]) == [
        os.path.join("class", "ex-2.xlsx"),
        os.path.join("class", "ex-10.xlsx"),
        os.path.join("class", "Zoe Lee_1", "book.XLSM"),
        os.path.join("class", "Zoe Lee_1", "old.xls"),
    ]


def test_a_pattern_that_nobody_expanded_is_expanded(here):
    assert find_submissions(["class/*.xlsx"]) == ["class/ex-2.xlsx", "class/ex-10.xlsx"]
    assert "class/marked/ex-2.xlsx" in find_submissions(["class/**/*.xlsx"])


def test_a_file_is_itself_even_where_its_name_looks_like_a_pattern_or_nothing_is_there(here):
    assert find_submissions(["[1].xlsx", "none.xlsx"]) == ["[1].xlsx", "none.xlsx"]


def test_a_book_that_is_meant_twice_is_checked_once(here):
    assert find_submissions(["class/ex-2.xlsx", "class/*.xlsx"]) == [
        "class/ex-2.xlsx",
        "class/ex-10.xlsx",
    ]


@for_each(
    ("word", "told"),
    [
        ("empty", "the folder empty contains no workbook"),
        ("class/*.xlsm", "no workbook matches 'class/*.xlsm'"),
    ],
)
def test_nothing_where_books_were_meant_is_said(word, told, here):
    with pytest.raises(UsageError, match=told.replace("*", r"\*")):
        find_submissions([word])


def test_a_whole_disk_is_too_many(here, monkeypatch):
    monkeypatch.setattr("gradbook.audit.classes.submissions.MOST_BOOKS", 3)
    with pytest.raises(LimitError, match="more than 3 workbooks"):
        find_submissions(["class"])


def test_books_of_libreoffice_are_books_and_tables_are_none(tmp_path):
    for name in ("a.xlsx", "b.ods", "c.ODS", "names.csv"):
        (tmp_path / name).write_bytes(b"")
    found = find_submissions([str(tmp_path)])
    assert [path.rpartition("/")[2] for path in found] == ["a.xlsx", "b.ods", "c.ODS"]
