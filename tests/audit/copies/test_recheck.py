"""A corrected copy is judged again, and isn't made where anything in it isn't right then."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from xlsxwriter import Workbook

from gradbook.audit.check_book import check
from gradbook.audit.copies.correct import CorrectedCopy, correct, corrections, objection
from gradbook.audit.findings import UNREADABLE, BookReport
from gradbook.audit.many import check_books
from gradbook.cells.evaluate import fill_in
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import column_of, name_of, row_of
from gradbook.cells.read import read_book
from tests.audit.material.copies import COLUMN, WRONG, put, repacked
from tests.audit.material.kinds.descents import RATE_DRIFTS_HALTED
from tests.audit.material.lookalikes import FORMULAS, ROWS, TOP, book, letter
from tests.cases import for_each
from tests.outside.witness import read_values, recalculate

NOTHING_LOST = CorrectedCopy(b"", 1, ())
ALONE = partial(check_books, workers=1)
CIRCULAR = {"h1": "={a_h1}*2"}


def correction(path, report: BookReport | None = None):
    (found,) = corrections([report or check(path)], ALONE)
    return found


def with_fixes(report: BookReport, fixes: dict[str, str]) -> BookReport:
    """The report of one finding, as if these were the right formulas."""
    (sheet,) = report.sheets
    (finding,) = sheet.findings
    return replace(report, sheets=(replace(sheet, findings=(replace(finding, fixes=fixes),)),))


def beside_the_loss(workbook: Workbook) -> None:
    """A weight that learns, though nothing that leads to the loss uses it."""
    sheet = workbook.worksheets()[0]
    sheet.write_row(TOP, 40, ["w9", "∂E/∂w9"])
    for row in range(TOP + 2, TOP + 2 + ROWS):
        before = row - 1
        sheet.write(f"AO{row}", f"=AO{before}-$C$2*AP{before}" if row > TOP + 2 else 0.7)
        sheet.write(f"AP{row}", f"=AO{row}*K{row}")


def test_a_right_copy_is_made(tmp_path):
    found = correction(book(tmp_path / "book.xlsx", WRONG))
    assert found.objection == ""
    copy = tmp_path / "copy.xlsx"
    copy.write_bytes(found.content)
    assert check(copy).verdict == "right"


def test_of_a_right_book_there_is_none_and_nothing_to_object(tmp_path):
    found = correction(book(tmp_path / "book.xlsx"))
    assert (found.content, found.objection) == (b"", "")


@for_each(
    ("cell", "formula", "words"),
    [
        (COLUMN, "=K{}*2", "would still be wrong in AA6:AA11"),
        (COLUMN, "=1/0", "would no longer be numbers"),
        (letter("∂E/∂w5"), "=K{}*2", "no formula to put into "),
        (letter("w3"), "=0.25", "w3 would no longer be trained"),
    ],
    ids=["as wrong as before", "errors", "another one spoilt", "a weight that stands still"],
)
def test_a_copy_that_is_not_right_is_none_and_it_is_said_why(cell, formula, words, tmp_path):
    path = book(tmp_path / "book.xlsx", WRONG)
    fixes = {f"{cell}{row}": formula.format(row) for row in range(TOP + 2, TOP + 2 + ROWS)}
    found = correction(path, with_fixes(check(path), fixes))
    assert found.content == b""
    assert words in found.objection


def test_of_a_book_of_which_only_a_part_can_be_corrected_there_is_no_copy(tmp_path):
    path = book(tmp_path / "book.xlsx", {**WRONG, "∂E/∂w5": FORMULAS["∂E/∂w6"]})
    report = check(path)
    (sheet,) = report.sheets
    first, *others = sheet.findings
    assert others
    only_first = (first, *(replace(finding, fixes={}) for finding in others))
    found = correction(path, replace(report, sheets=(replace(sheet, findings=only_first),)))
    assert found.content == b""
    assert found.objection.startswith("no formula to put into ")
    assert found.remarks == []


@for_each("name", ["∂E/∂w5", "∂E/∂w3", "h1", "E_total"])
def test_only_the_named_cells_differ(name, tmp_path):
    path, copy = book(tmp_path / "book.xlsx", {name: f"{FORMULAS[name]}*1.5"}), tmp_path / "copy"
    report = check(path)
    made = correction(path, report)
    assert made.content or "no corrected copy" in made.problems[0]
    copy.write_bytes(made.content or path.read_bytes())
    before, after = read_book(path), read_book(copy)
    named = {cell for finding in report.findings for cell in finding.fixes} if made.content else {}
    differ = {
        name_of(cell)
        for cell in before.values.keys() | after.values.keys()
        if (before.content(cell) != after.content(cell))
    }
    assert differ == set(named)


def test_what_has_no_right_formula_is_no_copy(tmp_path):
    found = correction(book(tmp_path / "book.xlsx", CIRCULAR))
    assert "no right formula is known" in found.objection


def test_a_copy_that_cannot_be_read_again_is_none(tmp_path):
    before = check(book(tmp_path / "book.xlsx", WRONG))
    after = BookReport("copy.xlsx", UNREADABLE, problem="it is damaged")
    assert "it is damaged" in objection(before, after, NOTHING_LOST)


def test_a_copy_that_takes_too_long_to_judge_again_is_none(tmp_path):
    before = check(book(tmp_path / "book.xlsx", WRONG))
    sheets = [replace(sheet, is_half_judged=True) for sheet in before.sheets]
    after = replace(before, sheets=tuple(sheets))
    assert "takes too long" in objection(before, after, NOTHING_LOST)


def test_each_book_has_its_own_answer(tmp_path):
    wrong, right = book(tmp_path / "a.xlsx", WRONG), book(tmp_path / "b.xlsx")
    circular, other = book(tmp_path / "c.xlsx", CIRCULAR), book(tmp_path / "d.xlsx", WRONG)
    reports = [check(path) for path in (wrong, right, circular, other)]
    found = list(corrections(reports, partial(check_books, workers=2)))
    assert [c.report for c in found] == reports
    assert [bool(c.content) for c in found] == [True, False, False, True]


def test_a_book_that_is_gone_stops_no_other(tmp_path):
    paths = [book(tmp_path / f"{k}.xlsx", WRONG) for k in range(2)]
    reports = [check(path) for path in paths]
    paths[0].unlink()
    gone, there = corrections(reports, ALONE)
    assert "doesn't exist" in gone.objection
    assert there.content


def test_values_that_are_old_are_made_new(tmp_path):
    path, copy = book(tmp_path / "book.xlsx"), tmp_path / "copy.xlsx"
    made = read_book(path)
    fill_in(made, Flow(made))
    right = {name_of(cell): value for cell, value in made.values.items()}
    with Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet("Sheet1")
        for cell, value in made.values.items():
            sheet.write(row_of(cell), column_of(cell), made.formula(cell) or value)
            if cell in made.patterns:
                old = 0.5 if name_of(cell) == "T8" else value
                sheet.write_formula(row_of(cell), column_of(cell), made.formula(cell), None, old)
    repacked(path, put("xl/workbook.xml", ' fullCalcOnLoad="1"', ""))
    assert {f.kind for f in check(path).findings} == {"stale value"}
    copy.write_bytes(correction(path).content)
    again = read_book(copy)
    for cell, value in again.values.items():
        assert value == pytest.approx(right[name_of(cell)])


def test_a_gradient_that_the_loss_does_not_depend_on_is_given_no_formula(tmp_path):
    path = book(tmp_path / "book.xlsx", dressed=beside_the_loss)
    (finding,) = check(path).findings
    assert "doesn't depend on w9" in finding.why
    assert finding.fixes == {}


@pytest.mark.witness("libreoffice")
def test_libreoffice_sees_no_error_in_a_copy(tmp_path):
    path = book(tmp_path / "book.xlsx", {**WRONG, "∂E/∂w5": FORMULAS["∂E/∂w6"]})
    report = check(path)
    copy = tmp_path / "copy.xlsx"
    copy.write_bytes(correction(path, report).content)
    seen = read_values(recalculate(copy, tmp_path / "seen"))["Sheet1"]
    was = read_values(path)["Sheet1"]
    numbers = {cell for cell, value in was.items() if isinstance(value, float)}
    assert all(isinstance(seen[cell], float) for cell in numbers)
    assert correct(path, report).new_errors == ()


def test_where_the_rates_end_the_copy_keeps_the_last_one_and_is_right(tmp_path):
    steps, table = RATE_DRIFTS_HALTED, RATE_DRIFTS_HALTED.table()
    for step in range(6, steps.steps):
        sheet, *place = steps.spot("lr", step)
        del table.sheets[sheet][tuple(place)]
    path = table.save(tmp_path / "book.xlsx")
    made = correction(path)
    assert (made.report.verdict, made.objection) == ("wrong", "")
    (tmp_path / "copy.xlsx").write_bytes(made.content)
    assert check(tmp_path / "copy.xlsx").verdict == "right"
