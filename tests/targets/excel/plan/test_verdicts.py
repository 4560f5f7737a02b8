"""The formulas behind the verdicts: made of the criteria, over a run's own cells."""

from __future__ import annotations

from gradbook.net import builtin, parse
from gradbook.net.lower import scalar_step
from gradbook.rates import criteria
from gradbook.targets.excel.plan.verdict_cells import (
    CONDITIONS,
    MEASURES,
    VERDICT,
    EpochCells,
    RateRow,
    VerdictCells,
    gates_of,
    least_formula,
)
from tests.cases import for_each

CELLS = VerdictCells(70, 2, gates_of(scalar_step(builtin("worked"))))
PLACES = {gate.name: (f"S_{gate.name}", f"A_{gate.name}", f"P_{gate.name}") for gate in CELLS.gates}
LOSSES = EpochCells("Learning rates", "B", 40, 70)
ROW = RateRow(CELLS, 1, "'Learning rates'!$B$6", LOSSES, PLACES)


def cell(fact):
    return CELLS.cell(fact.name, 1)


def test_every_measure_and_every_condition_of_the_criteria_has_its_cell():
    headings = CELLS.headings
    assert len(set(headings)) == len(headings)
    assert {fact.name for fact in (*MEASURES, *CONDITIONS)} <= set(headings)
    assert headings[0] == criteria.RATE.name
    assert headings[-1] == VERDICT


def test_a_condition_is_spelled_with_the_thresholds_of_the_criteria():
    left, broken = cell(criteria.LEFT), cell(criteria.NO_NUMBERS)
    said = ROW.formula(criteria.LEARNED.name)
    assert said == f"=IF({broken}>0,FALSE,{left}<={criteria.LEFT_AFTER_SUCCESS})"
    turns, steps = cell(criteria.TURNS), cell(criteria.STEPS)
    both = f"AND({turns}>=3,{turns}>={criteria.TURNING}*{steps})"
    assert ROW.formula(criteria.CROSSES.name) == f"=IF({broken}>0,FALSE,{both})"


def test_the_verdict_asks_in_the_order_of_the_decisions():
    said = ROW.formula(VERDICT)
    places = [said.index(f'"{verdict}"') for _, verdict in criteria.DECISIONS]
    assert places == sorted(places)
    assert said.endswith('"diverges"' + ")" * len(criteria.DECISIONS))


def test_a_range_of_epochs_knows_its_last_quarter():
    assert LOSSES.at(-1) == "'Learning rates'!$B$109"
    assert LOSSES.last(0.25) == "'Learning rates'!$B$92:$B$109"
    assert EpochCells("", "B", 3, 3).last(0.25) == "$B$4:$B$5"


def test_gates_are_found_layer_by_layer():
    net = parse(
        "input 1; dense 2; tanh; dense 2; softmax; loss half squared error; sample 1 -> 1 0"
    )
    hidden, output = gates_of(scalar_step(net))
    assert (hidden.name, hidden.is_hidden, len(hidden.slopes)) == ("a_h", True, 2)
    assert (output.name, output.is_hidden, len(output.slopes)) == ("a_o", False, 0)
    assert (hidden.covers, output.covers) == (False, True)


@for_each(
    ("loss", "formula"),
    [
        ("half squared error", "=0"),
        ("cross-entropy", "=-SUMPRODUCT(T,LN(T+(T<=0)))/2"),
        (
            "binary cross-entropy",
            "=-(SUMPRODUCT(T,LN(T+(T<=0)))+SUMPRODUCT((1-T),LN((1-T)+((1-T)<=0))))/4",
        ),
    ],
)
def test_the_lowest_loss_possible_is_the_entropy_of_the_targets(loss, formula):
    last = "softmax" if loss == "cross-entropy" else "sigmoid"
    net = f"input 1; dense 2; {last}; loss {loss}; sample 1 -> 0 1; sample 2 -> 1 0"
    assert least_formula(scalar_step(parse(net)), "T", 2) == formula
