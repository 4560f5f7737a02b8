"""What reports come to: gradients right and wrong, and what the books of a class share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from gradbook.audit.check_book import check
from gradbook.audit.findings import (
    BAD,
    BLANK,
    GOOD,
    RIGHT,
    WRONG,
    BookReport,
    Finding,
    SheetReport,
    grade,
    identical_files,
    shared_mistakes,
)
from gradbook.cells.formula.expression import Edit, EditKind
from gradbook.cells.formula.syntax import Reference
from gradbook.cli.main import main
from tests.audit.material.lookalikes import FORMULAS, book
from tests.cases import for_each

FIRST, LAST = 5, 9  # rows of Training
GRADIENTS = range(25, 33)  # its columns, ∂E/∂w1 to ∂E/∂w8


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("class") / "ada.xlsx"
    words = ["sheet", "worked", "--exercise", "7", "--solution", "--epochs", "5", "--rates", "1,2"]
    assert main([*words, "-o", str(path)]) == 0
    return path


def handed_in(
    exercise: Path, to: Path, change: Callable[[Workbook], object] = lambda book: None
) -> Path:
    """The exercise with its gradients filled in from the solution, and then changed."""
    solution = load_workbook(exercise.with_name("ada-solution.xlsx"))["Training"]
    given = load_workbook(exercise)
    for row in range(FIRST, LAST + 1):
        for column in GRADIENTS:
            given["Training"].cell(row, column).value = solution.cell(row, column).value
    change(given["Training"])
    given.save(to)
    return to


def states(path: Path) -> list[str]:
    return [mark.state for mark in grade(check(path))]


def test_a_blank_exercise_waits_for_every_gradient_once(exercise):
    report = check(exercise)
    assert report.verdict == "unfinished"
    assert [sheet.sheet for sheet in report.sheets] == ["Training"]
    assert states(exercise) == [BLANK] * 8


def test_two_tables_of_the_same_weights_both_wait(exercise, tmp_path):
    given = load_workbook(exercise)
    del given["Rates work"], given["Exercise"]
    given.properties.description = ""  # a stranger's, then
    given.copy_worksheet(given["Training"]).title = "Again"
    given.save(tmp_path / "two.xlsx")
    report = check(tmp_path / "two.xlsx")
    assert [sheet.sheet for sheet in report.sheets] == ["Training", "Again"]
    assert states(tmp_path / "two.xlsx") == [BLANK] * 16


def test_a_solved_exercise_is_right(exercise, tmp_path):
    path = handed_in(exercise, tmp_path / "done.xlsx")
    assert check(path).verdict == "right"
    assert states(path) == [GOOD] * 8


def test_a_half_solved_exercise_is_told_what_is_missing(exercise, tmp_path):
    def forget(sheet):
        for row in range(FIRST, LAST + 1):
            for column in GRADIENTS[4:]:
                sheet.cell(row, column).value = None

    path = handed_in(exercise, tmp_path / "half.xlsx", forget)
    assert check(path).verdict == "unfinished"
    assert states(path) == [GOOD] * 4 + [BLANK] * 4


def test_a_mistake_in_an_exercise_costs_its_gradient_alone(exercise, tmp_path):
    def slip(sheet):
        for row in range(FIRST, LAST + 1):
            cell = sheet.cell(row, GRADIENTS[2])
            cell.value = cell.value.replace(f"M{row}", f"K{row}")

    path = handed_in(exercise, tmp_path / "slip.xlsx", slip)
    report = check(path)
    assert report.verdict == "wrong"
    assert [f.quantity for f in report.sheets[0].findings] == ["∂E/∂w3"]
    assert states(path) == [GOOD, GOOD, BAD, *[GOOD] * 5]


def test_a_wrong_sum_spoils_no_gradient_that_fits_it(tmp_path):
    path = book(tmp_path / "book.xlsx", {"∂E/∂w5": FORMULAS["∂E/∂w5"].replace("{a_h1}", "{h1}")})
    assert states(path) == [*[GOOD] * 4, BAD, *[GOOD] * 3]


def test_what_could_not_be_checked_has_no_grade(tmp_path):
    (tmp_path / "bad.xlsx").write_text("no zip")
    assert states(tmp_path / "bad.xlsx") == []
    assert states(book(tmp_path / "short.xlsx", rows=1)) == []


def finding(weight="w3", cells="Z33:Z100", right="a_h2", why="J33 is a_h1; it goes through a_h2"):
    edits = (Edit(EditKind.REFERENCE, (), Reference("a_h1"), Reference(right)).description,)
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


@for_each(
    "other",
    [finding("w4"), finding(right="a_h3")],
    ids=["another weight", "another edit"],
)
def test_another_weight_or_another_edit_is_another_mistake(other):
    assert shared_mistakes([report("a", finding()), report("b", other)]) == []


def test_updates_that_are_wrong_in_another_way_are_other_mistakes():
    updates = {
        "a": ("=F6-Y6", "=F6-$C$2*Y6"),
        "b": ("=G9-AB9", "=G9-$B$1*AB9"),
        "c": ("=F6-$C$2^2*Y6", "=F6-$C$2*Y6"),
    }
    reports = [
        report(name, Finding("wrong update", "w3", "w3", "F7:F20", *both, "it isn't rate × slope"))
        for name, both in updates.items()
    ]
    assert [shared.books for shared in shared_mistakes(reports)] == [("a", "b")]


def test_another_pasted_value_is_another_mistake():
    one, other = (
        Finding("pasted value", "∂E/∂w3", "w3", "Z40", value, "=L40", f"Z40 holds {value}")
        for value in ("0.5", "0.25")
    )
    reports = [report("a", one), report("b", other), report("c", one)]
    assert [shared.books for shared in shared_mistakes(reports)] == [("a", "c")]


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
