"""Tables in which every gradient was pasted, and tables that are nothing but pasted numbers."""

from __future__ import annotations

import pytest
from xlsxwriter import Workbook

from gradbook.audit.check_book import check
from gradbook.audit.findings import FROZEN, NO_NETWORK, TO_FILL_IN, UNFINISHED
from gradbook.audit.training.sheet_training import find_trainings
from gradbook.audit.training.why_no_training import with_pasted_gradients, without_training
from gradbook.cells.evaluate import fill_in
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import column_of, row_of, sheet_of
from gradbook.cells.read import read_book
from gradbook.report.audit import audit_text
from tests.audit.material.lookalikes import HEADINGS, ROWS, TOP, book, cells, letter
from tests.audit.material.small import saved, small
from tests.cases import for_each

GRADIENTS = [name for name in HEADINGS if name.startswith("∂")]


@pytest.fixture
def values(tmp_path):
    """What a right book computes, by its cells."""
    right = read_book(book(tmp_path / "right.xlsx"))
    fill_in(right, Flow(right))
    return {(row_of(cell), column_of(cell)): value for cell, value in right.values.items()}


def pasted(values, *names):
    """The values of these columns, as `book` wants them."""
    return {
        (name, k): values[TOP + 1 + k, HEADINGS.index(name) + 1]
        for name in names
        for k in range(ROWS)
    }


def test_a_table_whose_gradients_are_all_numbers_is_frozen_and_told_the_formulas(tmp_path, values):
    report = check(book(tmp_path / "book.xlsx", special=pasted(values, *GRADIENTS)))
    assert report.verdict == "frozen"
    assert [(f.quantity, f.cells) for f in report.findings] == [(n, cells(n)) for n in GRADIENTS]
    fixes = {cell for f in report.findings for cell in f.fixes}
    assert f"{letter('∂E/∂w1')}{TOP + 2}" in fixes


def test_a_live_sheet_beside_it_does_not_hide_it(tmp_path, values):
    path = book(tmp_path / "book.xlsx")
    wide = book(tmp_path / "pasted.xlsx", special=pasted(values, *GRADIENTS), dressed=live(path))
    report = check(wide)
    assert report.verdict == "frozen"
    assert {f.sheet for f in report.findings} == {"Sheet1"}
    assert {s.sheet: s.verdict for s in report.sheets} == {"Live": "right", "Sheet1": "frozen"}


def live(path):
    """Another sheet as it stands in a book."""

    def dress(workbook: Workbook) -> None:
        made, sheet = read_book(path), workbook.add_worksheet("Live")
        for cell in {**made.values, **made.patterns}:
            if sheet_of(cell) == 0:
                content = made.formula(cell) or made.values[cell]
                sheet.write(row_of(cell), column_of(cell), content)

    return dress


def test_a_sheet_of_numbers_beside_a_live_one_is_told_as_frozen(tmp_path, values):
    def dress(workbook: Workbook) -> None:
        sheet = workbook.add_worksheet("Old")
        for place, value in values.items():
            sheet.write(*place, value)

    report = check(book(tmp_path / "book.xlsx", dressed=dress))
    assert [(s.sheet, s.verdict) for s in report.sheets] == [("Sheet1", "right"), ("Old", "frozen")]
    assert "replaced by their values" in audit_text(report)


def test_one_pasted_column_is_a_mistake_and_no_frozen_table(tmp_path, values):
    report = check(book(tmp_path / "book.xlsx", special=pasted(values, "∂E/∂w3")))
    assert report.verdict == "wrong"


@for_each(
    "table",
    [
        {"A1": "balance", "B1": "paid", "A2": 9.0, "A3:A8": "=A2-B2", "D2:D8": "=A2*2"},
        {"A1": "w1", "B1": "∂E/∂w1", "A2": 9.0, "A3:A8": "=A2-B2"},
    ],
    ids=["other words", "nothing uses it"],
)
def test_running_totals_are_no_weights(table):
    numbers = {f"B{row}": row / 7 for row in range(2, 9)}
    twice = {f"{chr(ord(cell[0]) + 8)}{cell[1:]}": x for cell, x in {**table, **numbers}.items()}
    made, flow = small({**table, **numbers, **{c: x for c, x in twice.items() if ":" not in c}})
    assert with_pasted_gradients(made, flow, find_trainings(made, flow)) == []


# A workbook without a training is an exercise, unfinished, frozen, or nothing of the ---


EXERCISE = {
    "A1": "w1",
    "B1": "w2",
    "C1": "∂E/∂w1",
    "D1": "∂E/∂w2",
    "A2": 0.5,
    "B2": 0.4,
    "A3:A6": "=A2-$F$1*C2",
    "B3:B6": "=B2-$F$1*D2",
    "F1": 0.5,
}
NUMBERS = {
    "B1": "w1",
    "C1": "w2",
    "D1": "∂E/∂w1",
    **{f"{word}{row}": row / 10 for word in "BC" for row in range(2, 7)},
}


def test_gradients_that_nobody_filled_in_are_found_with_their_cells():
    (sheet,) = without_training(*small(EXERCISE))
    assert sheet.verdict == UNFINISHED
    assert sheet.weights == ("w1", "w2")
    assert [(f.kind, f.cells, f.weight) for f in sheet.findings] == [
        (TO_FILL_IN, "C2:C5", "w1"),
        (TO_FILL_IN, "D2:D5", "w2"),
    ]


def test_a_sheet_with_a_rate_in_every_row_is_not_there_to_be_filled_in():
    behind = {**EXERCISE, "A3:A6": "=A2-$F2*C2", "B3:B6": "=B2-$F2*D2", "F2:F6": 0.5}
    assert len(without_training(*small(EXERCISE, behind))) == 1
    assert len(without_training(*small(EXERCISE, EXERCISE))) == 2


def test_formulas_pasted_as_values_are_frozen():
    (sheet,) = without_training(*small(NUMBERS))
    assert (sheet.verdict, sheet.weights) == (FROZEN, ("w1", "w2"))


def test_numbers_that_stay_the_same_are_not_called_frozen():
    still = {
        name: 0.3 if isinstance(content, float) else content for name, content in NUMBERS.items()
    }
    (sheet,) = without_training(*small(still))
    assert sheet.verdict == UNFINISHED


def test_a_table_in_the_first_column_can_be_frozen():
    moved = {chr(ord(name[0]) - 1) + name[1:]: content for name, content in NUMBERS.items()}
    (sheet,) = without_training(*small(moved))
    assert sheet.verdict == FROZEN


def test_other_tables_are_nothing_of_the_kind():
    assert without_training(*small({"A1": "price", "B1": "tax", "A2": 3.0, "B2": "=A2*0.2"})) == []


FORWARD = {
    "A1": "w1",
    "B1": "w2",
    "A2": 0.5,
    "B2": 0.4,
    "D2": "=A2*2+B2*3",
    "E2": "=1/(1+EXP(-D2))",
    "F1": "dL/dw1",
    "F2": "=E2*(1-E2)*2",
}


def test_a_forward_pass_is_called_one_and_its_slopes_are_named():
    (sheet,) = without_training(*small(FORWARD))
    assert sheet.verdict == UNFINISHED
    assert sheet.notes == (
        "no training by formulas: a forward pass and slopes in F2, but no weight is updated",
    )


def test_numbers_that_formulas_use_were_not_pasted_over_any():
    table = {**NUMBERS, "F2:F6": "=B2*C2"}
    (sheet,) = without_training(*small(table))
    assert sheet.verdict == UNFINISHED
    assert "replaced" not in sheet.notes[0]


def test_a_weight_that_goes_on_by_another_rule_is_named():
    steps = {"A3:A6": "=IF(E2>0,A2-0.1,A2)", "D3:D6": "=A3*2+B3*3", "B3:B6": "=B2"}
    (sheet,) = without_training(*small({**FORWARD, **steps}))
    assert "Sheet1!A3 continues from the cell before" in sheet.notes[0]


def test_weights_that_the_solver_seeks_are_no_training_by_formulas():
    book, flow = small({"A1:A3": 0.5, "B1": "=SUM(A1:A3)"}, {"A1": 1.0})
    book.names |= {"0!solver_adj": "Sheet1!$A$1:$A$3", "0!solver_opt": "Sheet1!$B$1"}
    (sheet,) = without_training(book, flow)
    assert (sheet.sheet, sheet.verdict) == ("Sheet1", NO_NETWORK)
    what = "the Solver seeks Sheet1!$A$1:$A$3 for the best Sheet1!$B$1"
    assert sheet.notes == (f"no training by formulas: {what}",)


HEBB = {
    "A1": "x1",
    "B1": 0.8,
    "A2": "x2",
    "B2": 0.4,
    "A3": "lr",
    "B3": 0.1,
    "D1": "w1",
    "D2": "w2",
    "D3": "out",
    "E1": 0.1,
    "E2": 0.2,
    "F1:N2": "=E1+$B$3*E$3*$B1",
    "E3:N3": "=E1*$B$1+E2*$B$2",
}
OJA = {**HEBB, "F1:N2": "=E1+$B$3*E$3*($B1-E$3*E1)"}


@for_each("rule", [HEBB, OJA])
def test_weights_that_learn_without_a_target_have_no_gradients(rule, path):
    report = check(saved(path, rule))
    assert report.verdict == "no network"
    assert "Hebb's rule" in str(report)
    with_target = {**rule, "A4": "t", "B4": 1.0, "D4": "e", "E4:N4": "=$B$4-E3"}
    assert "Hebb's rule" not in str(check(saved(path, with_target)))


VELOCITIES = {  # old and new in rows of their own, steps across
    "A1": "Lernrate",
    "B1": 0.1,
    "A2": "Impuls",
    "B2": 0.8,
    "A3": "x",
    "B3": 1.5,
    "A4": "y",
    "B4": 0.4,
    "A6": "w",
    "A7": "v alt",
    "A8": "out",
    "A9": "Fehler",
    "A10": "dw",
    "A11": "v neu",
    "B6": 0.5,
    "B7": 0.0,
    "C6:M6": "=B6+B11",
    "C7:M7": "=B11",
    "B8:M8": "=B6*$B$3",
    "B9:M9": "=0.5*(B8-$B$4)^2",
    "B10:M10": "=(B8-$B$4)*$B$3",
    "B11:M11": "=$B$2*B7-$B$1*B10",
}


def test_a_weight_that_moves_by_the_old_velocity_is_found(path):
    assert check(saved(path, VELOCITIES)).verdict == "right"
    (finding,) = check(saved(path, {**VELOCITIES, "C6:M6": "=B6+B7"})).findings
    assert (finding.cells, finding.expected) == ("C6:M6", "=B6+B11")


def test_a_body_that_moves_by_its_old_velocity_is_no_weight(path):
    body = {**VELOCITIES, "C6:M6": "=B6+B7", "A1": "dt", "A2": "air", "A9": "height"}
    assert check(saved(path, body)).verdict == "no network"
