"""What the books of a class share."""

from __future__ import annotations

import pytest

from gradbook.audit.findings.findings import RIGHT, WRONG, BookReport, Finding, SheetReport
from gradbook.audit.findings.overview import identical_files, shared_mistakes
from gradbook.audit.formula.edits import Edit, EditKind
from gradbook.targets.excel.language.grammar import Reference


def finding(weight="w3", cells="Z33:Z100", right="a_h2", why="J33 is a_h1; it goes through a_h2"):
    edits = (Edit(EditKind.REFERENCE, (), Reference("a_h1"), Reference(right)),)
    return Finding(
        "wrong reference", f"∂E/∂{weight}", weight, cells, "=J33", "=L33", why, edits=edits
    )


def report(name, *findings, fingerprint=""):
    sheets = (SheetReport("Sheet1", WRONG, loss="A1", findings=findings),)
    return BookReport(name, WRONG if findings else RIGHT, sheets, fingerprint=fingerprint)


def test_a_mistake_is_the_same_wherever_the_table_stands():
    moved = finding(cells="AB5:AB9", why="M5 is a_h1; it goes through a_h2")
    (shared,) = shared_mistakes([report("a", finding()), report("b", moved), report("c")])
    assert shared.books == ("a", "b")
    assert shared.findings == (finding(),)


@pytest.mark.parametrize(
    "other",
    [finding("w4"), finding(right="a_h3")],
    ids=["another weight", "another edit"],
)
def test_another_weight_or_another_edit_is_another_mistake(other):
    assert shared_mistakes([report("a", finding()), report("b", other)]) == []


def test_mistakes_of_the_same_books_are_told_together():
    both = finding("w3"), finding("w4")
    (shared,) = shared_mistakes([report("a", *both), report("b", *both)])
    assert shared.findings == both


def test_what_most_books_have_comes_first():
    reports = [report(name, finding("w1")) for name in "ab"]
    reports += [report(name, finding("w2")) for name in "cde"]
    assert [len(shared.books) for shared in shared_mistakes(reports)] == [3, 2]


def test_a_book_with_the_mistake_on_two_sheets_is_one_book():
    sheets = (SheetReport("1", WRONG, findings=(finding(),)),) * 2
    assert shared_mistakes([BookReport("a", WRONG, sheets)]) == []


def test_files_are_identical_by_what_is_in_them():
    reports = [report("a", fingerprint="1"), report("b", fingerprint="2")]
    assert identical_files([*reports, report("c", fingerprint="1")]) == [("a", "c")]


def test_files_that_could_not_be_read_are_not_called_identical():
    assert identical_files([report("a"), report("b")]) == []
