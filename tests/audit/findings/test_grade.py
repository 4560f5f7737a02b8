"""How many gradients are right: of books by hand, and of exercises as students give them back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from gradbook.audit.check import check
from gradbook.audit.findings.overview import BAD, BLANK, GOOD, grade
from gradbook.cli.main import main
from tests.audit.material.lookalikes import FORMULAS, book

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
    return [mark.state for mark in grade(check(path)).marks]


def test_a_blank_exercise_waits_for_every_gradient_once(exercise):
    report = check(exercise)
    assert report.verdict == "unfinished"
    assert [sheet.sheet for sheet in report.sheets] == ["Training"]
    assert states(exercise) == [BLANK] * 8


def test_two_tables_of_the_same_weights_both_wait(exercise, tmp_path):
    given = load_workbook(exercise)
    del given["Rates work"]
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
