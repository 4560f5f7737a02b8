"""The extension in a running Calc: what its commands do to documents, and what they leave alone."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

import gradbook as gb
from gradbook.audit.check_book import check, check_again
from gradbook.audit.copies.correct import corrections
from gradbook.language import in_language, tr
from gradbook.report.in_spreadsheet import OUTDATED
from scripts.extension import MOST_BYTES, extension
from tests.cases import for_each
from tests.office.conftest import ADA
from tests.serve.books import LOST_FACTOR

WRONG, RIGHT = "*K6*(1-K6)*D6", "*M6*(1-M6)*D6"


def as_calc_saves(calc, name, ending):
    """The book as this office writes it."""
    number = calc.open(name)
    calc.calculate(number)
    saved = calc.save(number, f"{Path(name).stem}-saved{ending}")
    calc.close(number)
    return saved


def test_it_is_small_and_its_bytes_are_always_the_same():
    first = extension()
    assert first == extension()
    assert len(first) <= MOST_BYTES


def test_it_installs_and_its_menu_has_every_command(calc):
    assert calc.install()[0] == 0, calc.install()
    titles = calc.menu()
    assert titles[0] == "Check this workbook"
    assert len(titles) == 8


def test_an_older_python_is_told_which_office_to_get(calc):
    assert calc.refusal([3, 11]) == ""
    words = calc.refusal([3, 9])
    assert "3.11" in words
    assert "3.9" in words
    assert "LibreOffice 26.2" in words


@for_each("ending", [".ods", ".xlsx"])
def test_a_mistake_is_marked_corrected_undone_and_the_marks_go(calc, opened, ending):
    name = as_calc_saves(calc, "ada.xlsx", ending)
    book = opened(name)
    calc.calculate(book)
    calc.colour(book, "AA6", 0x00FF00, "my note")
    calc.add_condition(book, "AA10:AA12")
    calc.save(book, f"before{ending}")
    steps = calc.undo_titles(book)

    words = calc.words(book, "check")
    assert words.startswith("wrong: 1 finding, 7 of 8 gradients right")
    marked, notes = calc.marks(book)
    assert marked == {"Sheet1.AA6:AA9,Sheet1.AA13:AA75": "gradbook wrong"}
    assert notes["$Sheet1.$AA$6"] == "my note"
    assert "so M6" in notes["$Sheet1.$AA$7"]
    assert calc.words(book, "next").startswith("AA6:AA75")
    assert calc.selected(book) == "$Sheet1.$AA$6"
    calc.save(book, f"marked{ending}")

    calc.run(book, "clear")
    assert calc.marks(book) == [{}, {"$Sheet1.$AA$6": "my note"}]
    assert calc.undo_titles(book) == steps
    calc.save(book, f"after{ending}")
    assert parts(calc, f"after{ending}") == parts(calc, f"before{ending}")

    assert calc.words(book, "correct", "AA8") == "70 cells corrected"
    assert calc.formula(book, "AA6").endswith(RIGHT)
    assert calc.words(book, "check").startswith("right, 8 gradients checked")
    assert calc.marks(book) == [{}, {"$Sheet1.$AA$6": "my note"}]
    calc.undo(book)
    assert calc.formula(book, "AA6").endswith(WRONG)
    assert calc.marks_when(book, True) == [marked, notes]
    assert calc.words(book, "next").startswith("AA6:AA75")
    calc.redo(book)
    assert calc.formula(book, "AA75").endswith("*M75*(1-M75)*D75")
    assert calc.marks_when(book, False) == [{}, {"$Sheet1.$AA$6": "my note"}]
    assert calc.words(book, "next") == "no mistake is marked"

    again = opened(f"marked{ending}")
    assert "so M6" in calc.marks(again)[1]["$Sheet1.$AA$7"]
    calc.run(again, "clear")
    assert calc.marks(again) == [{}, {"$Sheet1.$AA$6": "my note"}]


def parts(calc, name):
    """What a saved file has, but for when it was saved, what is in view, and heights of rows."""
    skipped = ("settings.xml", "meta.xml", "Thumbnails", "docProps")
    with zipfile.ZipFile(calc.folder / name) as archive:
        return {
            part: archive.read(part) for part in archive.namelist() if not part.startswith(skipped)
        }


def test_a_right_book_says_so_and_another_why_it_is_not_judged(calc, opened):
    book = opened("right.xlsx")
    assert calc.words(book, "check").startswith("right, 1 gradient checked")
    assert calc.marks(book) == [{}, {}]
    empty = opened("private:factory/scalc")
    assert calc.words(empty, "check").startswith("no network: no loss")
    assert calc.words(empty, "next") == "no mistake is marked"


def test_an_edit_that_is_not_saved_is_judged(calc, opened):
    book = opened("right.xlsx")
    for row in range(2, 8):
        calc.cell(book, f"F{row}", f"=(D{row}-B{row})")
    calc.calculate(book)
    assert calc.words(book, "check").startswith("wrong")
    assert calc.words(book, "correct-all") == "6 cells corrected"
    assert calc.words(book, "check").startswith("right")


def test_after_an_edit_the_list_says_that_it_is_of_before_and_nothing_is_overwritten(calc, opened):
    book = opened("wrong.xlsx")
    calc.run(book, "check")
    calc.cell(book, "F3", "=1")
    assert calc.words(book, "correct-all") == OUTDATED
    assert calc.formula(book, "F3") == "=1"
    assert calc.formula(book, "F2") == LOST_FACTOR["F2:F7"]
    calc.undo(book)
    assert calc.words(book, "correct-all") == OUTDATED
    calc.run(book, "check")
    calc.start(book, "check")
    calc.cell(book, "F3", "=1")
    assert calc.words(book, "correct-all") == OUTDATED


def test_all_is_corrected_only_if_the_command_would_write_the_copy(calc, opened):
    book = opened("softmax.xlsx")
    report = check(calc.folder / "softmax.xlsx")
    (copy,) = corrections([report], lambda copies: map(check_again, copies))
    assert "no formula to put into" in copy.objection
    formulas = [calc.formula(book, f"{column}2") for column in "MOP"]
    assert calc.words(book, "correct-all") == f"nothing was corrected: {copy.objection}"
    assert [calc.formula(book, f"{column}2") for column in "MOP"] == formulas
    assert calc.undo_titles(book) == []


def test_what_has_no_right_formula_is_not_said_to_be_no_mistake(calc, opened):
    book = opened("circular.xlsx")
    assert calc.words(book, "correct-all").endswith(
        "no right formula is known for what is wrong in it"
    )


def test_an_empty_cell_of_another_sheet_is_named_as_formulas_name_it(calc, opened):
    book = opened("wrong.xlsx")
    calc.add_sheet(book, "My notes")
    assert calc.words(book, "depends", "My notes.B2").startswith("'My notes'!B2 is empty")
    assert calc.words(book, "depends", "Sheet1.Z9").startswith("Sheet1!Z9 is empty")


def test_one_mistake_of_two_is_corrected_alone(calc, opened):
    book = opened("two.xlsx")
    calc.calculate(book)
    assert calc.words(book, "correct", "AC7") == "6 cells corrected"
    assert list(calc.marks(book)[0]) == ["Sheet1.AA6:AA11"]
    assert calc.words(book, "correct-all") == "6 cells corrected"
    assert calc.words(book, "check").startswith("right")


def test_a_mistake_is_shown_with_its_sheet_where_there_are_several(calc, opened):
    book = opened("wrong.xlsx")
    calc.add_sheet(book, "Notes")
    assert "\nSheet1!F2:F7  ∂E/∂w1" in calc.words(book, "check")
    assert calc.words(book, "correct", "Sheet1.F2") == "6 cells corrected"


def test_a_protected_sheet_and_a_read_only_document_say_so_and_stay_as_they_are(calc, opened):
    book = opened("wrong.xlsx")
    calc.protect(book)
    assert "is protected" in calc.words(book, "check")
    assert calc.marks(book) == [{}, {}]
    assert "is protected" in calc.words(book, "correct-all")
    assert calc.formula(book, "F2") == LOST_FACTOR["F2:F7"]
    fixed = opened("wrong.xlsx", True)
    assert "read-only" in calc.words(fixed, "check")
    for command in ("correct-all", "insert"):
        assert calc.words(fixed, command, "E2").startswith("this document is read-only")
    assert calc.formula(fixed, "F2") == LOST_FACTOR["F2:F7"]


def test_two_documents_at_once_keep_apart_and_one_closed_meanwhile_harms_nothing(calc, opened):
    closed = calc.open("ada.xlsx")
    wrong, right = opened("wrong.xlsx"), opened("right.xlsx")
    for book in (closed, wrong, right):
        calc.start(book, "check")
    calc.close(closed)
    assert calc.words(right, "check").startswith("right")
    assert calc.words(wrong, "check").startswith("wrong")
    assert calc.marks(right) == [{}, {}]
    assert calc.marks(wrong)[0] == {"Sheet1.F2:F7": "gradbook wrong"}


def test_the_office_answers_while_it_checks_and_a_check_is_cancelled(calc, opened):
    book = opened("ada.xlsx")
    calc.start(book, "check")
    assert calc.slowest_answer(book, 1.0) < 0.3
    calc.start(book, "check")
    assert calc.words(book, "cancel") == "cancelled: nothing was changed"
    assert calc.words(book, "check").startswith("wrong")


def test_a_cell_depends_on_what_the_command_says(calc, opened):
    book = opened("ada.xlsx")
    words = calc.words(book, "depends", "X6").replace("\u00a0", " ").splitlines()
    found = gb.read_book(ADA).derivatives("X6")
    assert len(words) == len(found) + 1
    for line, entry in zip(words[1:], found.inputs, strict=True):
        assert line.startswith(f"{entry.label} ({entry.name})")
        slope, percent = (f"{it:.5g}".replace("-", "−") for it in (entry.slope, entry.elasticity))
        assert f"derivative {slope}" in line
        assert f"{percent} % per %" in line
    assert any(style.startswith("gradbook raises") for style in calc.marks(book)[0].values())


def test_derivatives_are_added_as_live_sheets_in_one_step(calc, opened):
    book = opened("ada.xlsx")
    calc.run(book, "depends", "X6")
    assert calc.words(book, "insert", "X6") == "added: Derivatives, ∂ Sheet1"
    slope = gb.read_book(ADA).derivatives("X6")["w5"]
    _, number, _, error = calc.cell(book, "N6", None, "∂ Sheet1")
    assert error == 0
    assert number == pytest.approx(slope, rel=1e-9)
    calc.cell(book, "N6", "0.9")
    assert calc.cell(book, "N6", None, "∂ Sheet1")[1] != pytest.approx(slope, rel=1e-3)
    # Without a window this office dies of taking back any added sheet, so it isn't asked to.
    assert calc.undo_titles(book)[1:] == ["gradbook: Insert derivatives"]


def test_it_speaks_the_language_of_the_office(calc, opened):
    book = opened("wrong.xlsx")
    calc.language("de")
    try:
        words = calc.words(book, "check")
    finally:
        calc.language("en-US")
    with in_language("de"):
        assert words.startswith(tr("wrong"))
        assert tr("should be") in words
