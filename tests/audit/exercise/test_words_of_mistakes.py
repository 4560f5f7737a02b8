"""A mistake is called what it is, each in the books of ten students, filled in as they would."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from openpyxl import Workbook

from gradbook.audit.check_book import check
from gradbook.cells.evaluate import Evaluation
from gradbook.cells.flow import Flow
from gradbook.cells.read import read_book
from gradbook.report.audit import audit_text
from gradbook.targets.excel.plan.column_order import Exercise
from tests.audit.material.exercises import EPOCHS, SLOPES, Variation, exercise, hand_in, headings
from tests.audit.material.small import at
from tests.cases import for_each

STUDENTS = for_each("seed", range(10))
ROWS = range(5, 5 + EPOCHS)
CELL = re.compile(r"\b([A-Z]{1,2})(\d+)\b(?!\()")
BEFORE = re.compile("[A-Z]+[0-9]+-")  # the old weight
TAKEN = {"sigmoid": "tanh", "tanh": "sigmoid", "relu": "sigmoid"}
Typing = Callable[[str, int], object]  # a right formula and its row, and what stands there instead


def tied(said: str, row: int) -> str:
    return CELL.sub(lambda cell: f"${cell[1]}${int(cell[2]) - row + first_of(said)}", said)


def first_of(said: str) -> int:
    return 6 if "eta" in said else 5


def drifting(said: str, row: int) -> str:
    return said.replace("eta", f"Network!$C{row + 1}")  # η stands in row 7


SAYS: dict[str, tuple[str, str, Typing]] = {
    "typed": ("pasted value", "a typed number", lambda said, row: 0.01 + row / 1000),
    "text": ("number as text", "decimal comma", lambda said, row: f"0,000{row}"),
    "stored": ("formula as text", "stored as text", lambda said, row: f" {said}"),
    "tied": ("frozen row", "$ every copy refers to row 5", tied),
}
UPDATES: dict[str, tuple[str, str, Typing]] = {
    "no rate": ("missing rate", "η is missing", lambda said, row: said.replace("eta*", "")),
    "no weight": ("missing weight", "only the change", lambda said, row: BEFORE.sub("", said)),
    "negative": ("missing weight", "only the change", lambda said, row: BEFORE.sub("-", said)),
    "drifts": ("drifting rate", "isn't anchored", drifting),
    "typed rate": ("wrong rate", "0.123 is used", lambda said, row: said.replace("eta", "0.123")),
}  # fmt: skip


@pytest.fixture
def said(tmp_path):
    """What is said of a book in which one column is typed otherwise: its findings, all of it."""

    def say(seed: int, typing: Typing, update: bool, quantity: str = ""):
        variation = Variation.of(seed)
        asked = Exercise(f"student {seed}", ("gradients", "update"))
        name = "w1" if update else quantity or "∂E/∂w1"

        def change(book: Workbook) -> None:
            sheet = next(s for s in book if s["A4"].value == "epoch" and s["B4"].value == "t1")
            places = headings(sheet)
            for weight in (head for head in places if head[0] in "wb" and head[1:].isdigit()):
                for row in ROWS[1:]:
                    above = f"{places[weight]}{row - 1}-eta*{places[f'∂E/∂{weight}']}{row - 1}"
                    sheet[f"{places[weight]}{row}"] = f"={above}"
            for row in ROWS[update:]:
                cell = sheet[f"{places[name]}{row}"]
                cell.value = typing(str(cell.value), row)

        plain = Variation(**{**vars(variation), "renamed": False, "style": "expanded"})
        given = exercise(plain, tmp_path, asked)
        return check(hand_in(given, plain.formulas(), plain, change))

    return say


@STUDENTS
@for_each("update", [False, True], ids=["gradient", "update"])
@for_each("mistake", SAYS)
def test_what_stands_in_a_formula_s_place_is_called_what_it_is(said, mistake, update, seed):
    kind, words, typing = SAYS[mistake]
    (finding,) = said(seed, typing, update).findings
    assert (finding.kind, finding.quantity) == (kind, "w1" if update else "∂E/∂w1")
    assert words in finding.why
    assert finding.expected.startswith("=")


@STUDENTS
@for_each("mistake", UPDATES)
def test_an_update_that_lacks_something_lacks_that(said, mistake, seed):
    kind, words, typing = UPDATES[mistake]
    (finding,) = said(seed, typing, True).findings
    assert (finding.kind, finding.quantity) == (kind, "w1")
    assert words in finding.why


@STUDENTS
def test_another_activation_s_slope_is_named(tmp_path, seed):
    variation = Variation.of(seed)
    (bend, _), others = variation.bends, dict(SLOPES)
    others[bend] = SLOPES[TAKEN[bend]]
    both = variation.formulas(slopes=others)
    own = {**variation.formulas(), **{name: both[name] for name in variation.of_hidden}}
    report = check(hand_in(exercise(variation, tmp_path), own, variation))
    assert {finding.kind for finding in report.findings} == {"another slope"}
    assert {finding.quantity for finding in report.findings} == set(variation.of_hidden)
    assert all(f"the slope of {TAKEN[bend]} at a_h" in f.why for f in report.findings)


def test_what_is_taken_from_the_sheet_check_is_named_and_no_figure_made_up(said):
    report = said(0, lambda said, row: "=Check!G8", False)
    (finding,) = report.findings
    assert "uses Check, which only checks" in finding.why
    assert "off by" not in audit_text(report)


@STUDENTS
def test_how_far_off_a_cell_is_follows_from_the_book_s_own_values(said, tmp_path, seed):
    (finding,) = said(seed, lambda said, row: f"{said}*1.25+0.5", False).findings
    book = read_book(tmp_path / "handed-in.xlsx")
    cell = at(finding.cells.split(":")[0], book.sheet_number("Training"))
    right = book.reader.read_typed(finding.expected[1:], cell)
    made, wanted = (
        Evaluation(book, Flow(book), instead).value(cell) for instead in ({}, {cell: right})
    )
    assert finding.relative_error == pytest.approx(abs(made / wanted - 1))
