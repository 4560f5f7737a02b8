"""A workbook without a training is an exercise, unfinished, frozen, or nothing of the kind."""

from __future__ import annotations

from gradbook.audit.findings import FROZEN, NO_NETWORK, TO_FILL_IN, UNFINISHED
from gradbook.audit.training.no_training import without_training
from tests.audit.material.small import small

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
    assert "Sheet1!A3 goes on from the cell before" in sheet.notes[0]


def test_weights_that_the_solver_seeks_are_no_training_by_formulas():
    book, flow = small({"A1:A3": 0.5, "B1": "=SUM(A1:A3)"}, {"A1": 1.0})
    book.names |= {"0!solver_adj": "Sheet1!$A$1:$A$3", "0!solver_opt": "Sheet1!$B$1"}
    (sheet,) = without_training(book, flow)
    assert (sheet.sheet, sheet.verdict) == ("Sheet1", NO_NETWORK)
    what = "the Solver seeks Sheet1!$A$1:$A$3 for the best Sheet1!$B$1"
    assert sheet.notes == (f"no training by formulas: {what}",)
