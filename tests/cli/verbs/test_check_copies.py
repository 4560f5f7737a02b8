"""Where copies of books go, and what is never overwritten."""

from __future__ import annotations

import os
import shutil

import pytest

from gradbook.audit.classes.submissions import LONGEST_NAME, copy_names
from gradbook.cli.main import main
from tests.audit.material.copies import WRONG
from tests.audit.material.lookalikes import book
from tests.cases import for_each


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    book(tmp_path / "book.xlsx", WRONG)
    return tmp_path


def test_books_keep_their_names():
    assert copy_names(["a/one.xlsx", "b/two.xlsx"]) == ["one.xlsx", "two.xlsx"]


def test_books_of_one_name_are_told_apart_by_their_folders():
    names = copy_names(["ada/hw.xlsx", "bob/HW.xlsx", "c/ada/hw.xlsx"])
    assert names == ["ada hw.xlsx", "bob HW.xlsx", "ada hw 2.xlsx"]


def test_no_name_leads_out_of_the_folder():
    for name in copy_names(["../../x.xlsx", "/etc/x.xlsx", "a/../x.xlsx", "<b>|\x07.xlsx"]):
        assert os.path.basename(name) == name


def test_a_very_long_name_is_cut():
    (name,) = copy_names(["ä" * 300 + ".xlsx"])
    assert name.endswith(".xlsx")
    assert len(name.encode()) <= LONGEST_NAME


def test_both_kinds_of_copies_are_written_and_counted(here, capsys):
    assert main(["check", "book.xlsx", "--annotate", "marked", "--fix", "right"]) == 1
    output = capsys.readouterr().out
    assert "1 annotated workbook in marked" in output
    assert "1 corrected workbook in right" in output
    assert main(["check", "right/book.xlsx"]) == 0


@for_each("option", ["--fix", "--annotate"])
def test_the_copy_of_one_book_may_be_named(here, option, capsys):
    assert main(["check", "book.xlsx", option, "copy.xlsx"]) == 1
    assert "wrote copy.xlsx" in capsys.readouterr().out
    assert (here / "copy.xlsx").is_file()
    assert main(["check", "copy.xlsx"]) == (0 if option == "--fix" else 1)
    shutil.copy(here / "book.xlsx", here / "other.xlsx")
    for wrong in (["book.xlsx", "other.xlsx", option, "new.xlsx"], ["book.xlsx", option, "n.ods"]):
        assert main(["check", *wrong]) == 2
        assert capsys.readouterr().err.count("name a folder") == 1
    assert sorted(os.listdir()) == ["book.xlsx", "copy.xlsx", "other.xlsx"]
    before = (here / "book.xlsx").read_bytes()
    assert main(["check", "book.xlsx", option, "book.xlsx"]) == 2
    assert (here / "book.xlsx").read_bytes() == before


def test_the_book_itself_is_never_replaced(here):
    before = (here / "book.xlsx").read_bytes()
    assert main(["check", "book.xlsx", "--fix", "."]) == 2
    assert (here / "book.xlsx").read_bytes() == before


def test_a_link_is_not_followed(here):
    (here / "right").mkdir()
    (here / "precious").write_text("mine")
    (here / "right" / "book.xlsx").symlink_to(here / "precious")
    assert main(["check", "book.xlsx", "--fix", "right"]) == 2
    assert (here / "precious").read_text() == "mine"


def test_one_conflict_stops_no_other_copy(here):
    shutil.copy(here / "book.xlsx", here / "other.xlsx")
    (here / "right").mkdir()
    (here / "right" / "book.xlsx").write_text("mine")
    assert main(["check", "book.xlsx", "other.xlsx", "--fix", "right"]) == 2
    assert (here / "right" / "other.xlsx").stat().st_size > 1000


@for_each("option", ["--fix", "--annotate"])
def test_a_file_where_the_folder_would_be_is_one_line(here, option, capsys):
    (here / "taken").write_text("mine")
    assert main(["check", "book.xlsx", option, "taken"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("gradbook: ")
    assert error.count("\n") == 1


def test_books_that_cannot_be_read_have_no_copy(here):
    (here / "bad.xlsx").write_text("no zip")
    assert main(["check", "book.xlsx", "bad.xlsx", "--annotate", "marked"]) == 2
    assert [path.name for path in (here / "marked").iterdir()] == ["book.xlsx"]
