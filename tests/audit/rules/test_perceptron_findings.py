"""The edits of a formula that are tried: each undoes one slip."""

from __future__ import annotations

import pytest

from gradbook.audit.rules.perceptron import find_perceptrons
from gradbook.audit.rules.perceptron_findings import RuleFaults
from gradbook.audit.rules.rule_repairs import GENERATORS, LARGER, SMALL, RuleSymptoms
from gradbook.audit.search.hypotheses import Cause, choose
from gradbook.cells.formula.expression import EditKind
from gradbook.cells.formula.syntax import read, write
from tests.audit.material.perceptrons.small import COLUMNS, ROWS, checked, edited
from tests.audit.material.small import at, small
from tests.cases import for_each


def symptoms(cells, first="D5"):
    (found,) = find_perceptrons(*small(edited(ROWS, cells)))
    step = next(step for step in found.steps if step[0].cell == at(first))
    return RuleSymptoms(found, step, {})


def edits(text, kinds):
    """The edits of a formula of the step that D5 is of, by what they make of it."""
    expression = read(text)
    found = symptoms({"I4": "=C4*H4"}).edits(expression, kinds)
    return [(write(edit.apply_to(expression)), edit.kind) for edit in found]


@for_each(
    ("wrong", "right", "kind"),
    [
        ("D4+K4*I4*A4", "D4+K4*I4*B4", EditKind.REFERENCE),
        ("D4-K4*I4", "D4+K4*I4", EditKind.OPERATOR),
        ("H4-C4", "C4-H4", EditKind.ORDER),
        ("IF(G4>0,1,0)", "IF(G4<0,1,0)", EditKind.OPERATOR),
        ("IF(G4>0,0,1)", "IF(G4>0,1,0)", EditKind.ORDER),
        ("IF(G4>1,1,0)", "IF(G4>0,1,0)", EditKind.NUMBER),
        ("D4+I4*B4*B4", "D4+I4*B4", EditKind.OMISSION),
        ("D4+K4*I4", "D4+K4*I4*B4", EditKind.FACTOR),
        ("D4+(-K4)", "D4+K4", EditKind.SIGN),
    ],
)
def test_a_small_slip_is_one_edit_away(wrong, right, kind):
    assert (write(read(right)), kind) in edits(wrong, SMALL)


@for_each(
    ("wrong", "right"),
    [("A4*D4", "D4*A4"), ("A4*D4+F4", "A4*(D4+F4)"), ("A4*D4", "A4*D4+E4*B4"), ("A4", "A4+B4")],
)
def test_larger_ones_exchange_regroup_or_add_a_term(wrong, right):
    assert write(read(right)) in dict(edits(wrong, LARGER))


def test_ranges_are_left_alone():
    assert EditKind.REFERENCE not in dict(edits("SUMPRODUCT(A4:B4,D4:E4)", SMALL)).values()


# The likeliest repair heals most and harms nothing -------------------------------------


def best(cells, first="D5"):
    return choose(symptoms(cells, first), GENERATORS)


def test_one_row_gets_what_the_rest_of_its_line_has():
    repair = best({"I4": "=C4*H4"})
    assert (repair.cells, repair.formulas, repair.cause) == ((at("I4"),), ("C4-H4",), Cause.ROW)
    assert repair.explains == {0, 1, 2}


def test_a_whole_line_gets_the_smallest_edit():
    repair = best({"E3:E10": "=E2+$K$2*I2*A2"})
    assert (repair.home, repair.formulas) == (at("E5"), ("E4+$K$2*I4*B4",))


def test_the_cell_that_several_updates_are_made_of_is_to_blame():
    repair = best({"I2:I9": "=H2-C2"})
    assert (repair.home, repair.explains) == (at("I4"), {0, 1, 2})


def test_a_change_that_nobody_uses_any_more_is_among_what_is_tried():
    changes = {"L2:L9": "=$K$2*I2*A2", "M2:M9": "=$K$2*I2*B2", "N2:N9": "=$K$2*I2"}
    weights = {"D3:D10": "=D2+L2", "E3:E10": "=E2+L2", "F3:F10": "=F2+N2"}
    repair = best({**changes, **weights})
    assert (repair.home, repair.formulas) == (at("E5"), ("E4+M4",))


def test_a_typed_weight_goes_on_from_what_the_step_before_left():
    (fault,) = RuleFaults(symptoms({"E5": 0.5}, "D6").perceptron).faults()
    assert (fault.owners, fault.right.text) == ((at("E5"),), "E4+$K$2*I4*B4")


def test_nothing_is_found_where_nothing_small_helps():
    assert best({"D3:D10": "=D2+SIN(I2)*A2^3"}) is None


# The words for a perceptron ------------------------------------------------------------


def words(areas):
    (found,) = find_perceptrons(*small(areas))
    return RuleFaults(found)


def test_weights_are_called_by_their_headings():
    assert list(words(ROWS).names.values()) == ["w1", "w2", "b"]
    assert list(words(COLUMNS).names.values()) == ["w1", "w2"]


def test_weights_without_headings_are_called_by_their_cells():
    names = words(edited(ROWS, {"D1": None, "E1": "w", "F1": "w"})).names
    assert list(names.values()) == ["D2", "E2", "F2"]


def test_the_rule_is_said_with_the_weights_own_input():
    said = words(ROWS)
    rules = [said.rule(number) for number in range(3)]
    assert rules == [
        "the perceptron rule changes w1 by η·(t − y)·x1",
        "the perceptron rule changes w2 by η·(t − y)·x2",
        "the perceptron rule changes b by η·(t − y)",
    ]


def test_a_pasted_cell_is_said_with_what_it_holds():
    said = words(edited(ROWS, {"H5": 1.0}))
    line = "where the others of its line have a formula"
    assert said.why_pasted(at("H5")) == f"H5 contains the number 1 {line}"


# Trainings by the perceptron rule are held to it, in its own words, with the root ------


pytestmark = pytest.mark.filterwarnings("ignore:Unknown sheet name")

MISTAKES = {
    "the input of another weight": (
        ROWS,
        {"E3:E10": "=E2+$K$2*I2*A2"},
        ("E3:E10", "wrong reference", "=E2+$K$2*I2*B2", ("w2",)),
    ),
    "subtracted": (
        ROWS,
        {"F3:F10": "=F2-$K$2*I2"},
        ("F3:F10", "wrong operator", "=F2+$K$2*I2", ("b",)),
    ),
    "the error turned round": (
        ROWS,
        {"I2:I9": "=H2-C2"},
        ("I2:I9", "wrong order", "=C2-H2", ("w1", "w2", "b")),
    ),
    "a rate that drifts": (
        ROWS,
        {"D3:D10": "=D2+K2*I2*A2"},
        ("D4:D10", "drifting rate", "=D3+$K$2*I3*A3", ("w1",)),
    ),
    "a step that falls": (
        ROWS,
        {"H2:H9": "=(G2<0)*1"},
        ("H2:H9", "wrong operator", "=(G2>0)*1", ("w1", "w2", "b")),
    ),
    "an output that is typed": (
        ROWS,
        {"H5": 1.0},
        ("H5", "pasted value", "=(G5>0)*1", ("w1", "w2", "b")),
    ),
    "a weight that is typed": (
        ROWS,
        {"E6": 0.5},
        ("E6", "pasted value", "=E5+$K$2*I5*B5", ("w2",)),
    ),
    "weights that are typed in two rows": (
        ROWS,
        {"E5": 0.5, "E7": 0.25},
        ("E5,E7", "pasted value", "=E4+$K$2*I4*B4", ("w2",)),
    ),
    "a weight that starts again": (
        ROWS,
        {"D6": "=$D$2+$K$2*I5*A5"},
        ("D6", "another row", "=D5+$K$2*I5*A5", ("w1",)),
    ),
    "a weight of two steps before": (
        ROWS,
        {"D7": "=D5+$K$2*I6*A6"},
        ("D7", "another row", "=D6+$K$2*I6*A6", ("w1",)),
    ),
    "a weight twice in the sum": (
        ROWS,
        {"G2:G9": "=A2*D2+B2*D2+F2"},
        ("G2:G9", "wrong reference", "=A2*D2+B2*E2+F2", ("w1", "w2")),
    ),
    "the last row, which leaves no weights": (
        edited(ROWS, {"D10": None, "E10": None, "F10": None}),
        {"I2:I9": "=H2-C2"},
        ("I2:I9", "wrong order", "=C2-H2", ("w1", "w2", "b")),
    ),
    "across, the input of another weight": (
        COLUMNS,
        {"C6:H6": "=IF(B4=B3,B6,B6+0.25*(B3-B4)*B1)"},
        ("C6:H6", "wrong reference", "=IF(B4=B3,B6,B6+0.25*(B3-B4)*B2)", ("w2",)),
    ),
    "across, another typed rate": (
        COLUMNS,
        {"E5": "=IF(D4=D3,D5,D5+0.5*(D3-D4)*D1)"},
        ("E5", "departing row", "=IF(D4=D3,D5,D5+0.25*(D3-D4)*D1)", ("w1",)),
    ),
}


@for_each("areas", [ROWS, COLUMNS], ids=["down", "across"])
def test_a_right_training_is_named_and_right(tmp_path, areas):
    report = checked(tmp_path / "book.xlsx", areas)
    (sheet,) = report.sheets
    assert (report.verdict, sheet.rule, sheet.findings) == ("right", "perceptron", ())
    assert "by the perceptron rule" in str(report)


@for_each("case", MISTAKES)
def test_a_mistake_is_found_where_it_is_made_and_its_repair_makes_the_book_right(tmp_path, case):
    areas, cells, (where, kind, expected, weights) = MISTAKES[case]
    spoilt = edited(areas, cells)
    (finding,) = checked(tmp_path / "book.xlsx", spoilt).findings
    assert (finding.cells, finding.kind, finding.expected) == (where, kind, expected)
    assert (finding.spoils or (finding.weight,)) == weights
    again = checked(tmp_path / "again.xlsx", edited(spoilt, finding.fixes))
    assert (again.verdict, again.findings) == ("right", ())


def test_two_mistakes_are_two_findings(tmp_path):
    cells = {"E3:E10": "=E2+$K$2*I2*A2", "F3:F10": "=F2-$K$2*I2"}
    findings = checked(tmp_path / "book.xlsx", edited(ROWS, cells)).findings
    assert {f.cells for f in findings} == {"E3:E10", "F3:F10"}


def test_each_sheet_is_judged(tmp_path):
    wrong = edited(ROWS, {"F3:F10": "=F2-$K$2*I2"})
    report = checked(tmp_path / "book.xlsx", ROWS, COLUMNS, wrong)
    assert [sheet.verdict for sheet in report.sheets] == ["right", "right", "wrong"]


def test_what_nobody_can_put_right_is_said_to_be_wrong(tmp_path):
    cells = {"D3:D10": "=D2+SIN(I2)*A2^3"}
    (finding,) = checked(tmp_path / "book.xlsx", edited(ROWS, cells)).findings
    assert (finding.cells, finding.kind, finding.expected) == ("D3:D10", "wrong formula", "")
    assert "the perceptron rule changes w1 by η·(t − y)" in finding.why


TRUTHS = {  # one update; the target is TRUE or FALSE, its output a comparison
    **{f"A{k}": f"x{k}" for k in range(1, 5)},
    **{f"B{k}": x for k, x in zip(range(1, 5), (-0.9, 0.7, -0.8, -0.6), strict=True)},
    **{f"C{k}": w for k, w in zip(range(1, 5), (0.9, 0.1, -0.2, 0.4), strict=True)},
    "E1": "target",
    "F1": True,
    "E2": "output",
    "F2": "=SUMPRODUCT(B1:B4,C1:C4)>0",
    "E3": "rate",
    "F3": 0.1,
    "D1:D4": "=C1+$F$3*($F$1-$F$2)*B1",
}


def test_a_target_that_is_true_or_false_is_a_target(tmp_path):
    right = checked(tmp_path / "right.xlsx", TRUTHS)
    assert (right.verdict, right.sheets[0].rule) == ("right", "perceptron")
    beside = {**TRUTHS, "D3": "=C3+$F$3*($F$1-$F$2)*B2"}
    (finding,) = checked(tmp_path / "wrong.xlsx", beside).findings
    assert (finding.cells, finding.expected) == ("D3", "=C3+$F$3*($F$1-$F$2)*B3")


# A unit that learns nothing but its threshold


THRESHOLD = {
    "A1": "x",
    "B1": "target",
    "C1": "θ",
    "D1": "output",
    "F1": "rate",
    "F2": 0.2,
    "A2": 0.1,
    "A3": 0.9,
    "A4": 0.4,
    "A5": 0.7,
    "A6:A13": "=A2",
    "C2": 0.2,
    "B2:B13": "=IF(A2>0.5,1,0)",
    "D2:D13": "=IF(A2>=C2,1,0)",
    "C3:C14": "=C2-$F$2*(B2-D2)",
}


def test_a_threshold_alone_is_judged_by_the_rule(tmp_path):
    right = checked(tmp_path / "right.xlsx", THRESHOLD)
    assert (right.verdict, right.sheets[0].rule) == ("right", "perceptron")


@for_each(
    ("cells", "kind", "expected"),
    [
        ({"C3:C14": "=C2+$F$2*(B2-D2)"}, "wrong operator", "=C2-$F$2*(B2-D2)"),
        ({"C7": "=C6+$F$2*(B6-D6)"}, "departing row", "=C6-$F$2*(B6-D6)"),
        ({"C3:C14": "=C2-F2*(B2-D2)"}, "drifting rate", "=C3-$F$2*(B3-D3)"),
    ],
)
def test_what_is_wrong_with_a_threshold_is_never_put_in_the_weights_place(
    tmp_path, cells, kind, expected
):
    (finding,) = checked(tmp_path / "wrong.xlsx", edited(THRESHOLD, cells)).findings
    assert (finding.kind, finding.expected) == (kind, expected)


OWN_RATES = edited(
    ROWS,
    {
        **{f"K{row}": round(0.5 / row, 3) for row in range(2, 10)},
        "D3:D10": "=D2+K2*I2*A2",
        "E3:E10": "=E2+K2*I2*B2",
        "F3:F10": "=F2+K2*I2",
    },
)


@for_each("cell", ["D6", "E6", "F6"])
def test_a_step_takes_its_own_rate_where_each_has_one(tmp_path, cell):
    assert checked(tmp_path / "right.xlsx", OWN_RATES).verdict == "right"
    right = OWN_RATES[cell]
    wrong = {cell: right.replace("K5", "K6")}
    (finding,) = checked(tmp_path / "wrong.xlsx", edited(OWN_RATES, wrong)).findings
    assert (finding.cells, finding.expected) == (cell, right)


# A weight that each step only repeats ---------------------------------------------------

TWO = {  # the new weights beside the old ones, in blocks of four samples, with a threshold
    **{key: what for key, what in ROWS.items() if key[:2] not in ("D3", "E3", "F3")},
    "D3:F9": "=L2",
    "G2:G9": "=A2*D2+B2*E2",
    "H2:H9": "=(G2>F2)*1",
    "L2:L9": "=D2+$K$2*I2*A2",
    "M2:M9": "=E2+$K$2*I2*B2",
    "N2:N9": "=F2-$K$2*I2",
}
CHANGES = {  # with each change in a column
    **ROWS,
    "L2:L9": "=$K$2*I2*A2",
    "M2:M9": "=$K$2*I2*B2",
    "N2:N9": "=$K$2*I2",
    "D3:F10": "=D2+L2",
}
INLINE = {  # the sum stands in the comparison
    **{key: what for key, what in ROWS.items() if key[0] != "G"},
    "H2:H9": "=IF(A2*D2+B2*E2+F2>0,1,0)",
}
AT_ONCE = {**ROWS, "G2:G9": "=SUMPRODUCT(A2:B2,D2:E2)+F2"}
CARRIED = {
    "a bias in a comparison": (INLINE, {"F3:F10": "=F2"}, {"F3:F10": "=F2+$K$2*I2"}),
    "a bias on its other side": (
        {**INLINE, "H2:H9": "=IF(-F2<A2*D2+B2*E2,1,0)"},
        {"F3:F10": "=F2"},
        {"F3:F10": "=F2+$K$2*I2"},
    ),
    "a weight in a comparison": (INLINE, {"E3:E10": "=E2"}, {"E3:E10": "=E2+$K$2*I2*B2"}),
    "a weight of a range": (AT_ONCE, {"E3:E10": "=E2"}, {"E3:E10": "=E2+$K$2*I2*B2"}),
    "a bias": (ROWS, {"F3:F10": "=F2"}, {"F3:F10": "=F2+$K$2*I2"}),
    "a weight": (ROWS, {"E3:E10": "=E2"}, {"E3:E10": "=E2+$K$2*I2*B2"}),
    "all but the bias": (
        ROWS,
        {"D3:E10": "=D2"},
        {"D3:D10": "=D2+$K$2*I2*A2", "E3:E10": "=E2+$K$2*I2*B2"},
    ),
    "a bias with its change beside it": (CHANGES, {"F3:F10": "=F2"}, {"F3:F10": "=F2+N2"}),
    "a threshold with a new one": (TWO, {"N2:N9": "=F2"}, {"N2:N9": "=F2-$K$2*I2"}),
    "a weight with a new one": (TWO, {"M2:M9": "=E2"}, {"M2:M9": "=E2+$K$2*I2*B2"}),
}


@for_each("name", CARRIED)
def test_a_weight_that_is_only_carried_on_is_found(name, tmp_path):
    areas, changed, right = CARRIED[name]
    report = checked(tmp_path / "book.xlsx", edited(areas, changed))
    assert {f.cells: f.expected for f in report.findings} == right, str(report)


@for_each(
    "cells",
    [
        {},
        {"H2:H9": "=(G2>L2)*1", "L2": 0.5, "L3:L9": "=L2"},
        {"H2:H9": "=(G2>$L$2)*1", "L2": 0.5},
        {"H2:H9": "=IF(A2*D2+B2*E2+F2>L2,1,0)", "L2": 0.5, "L3:L9": "=L2"},
        {"G2:G9": "=A2*D2+B2*E2+F2-L2", "L2": 0.5, "L3:L9": "=L2"},
        {"G2:G9": "=A2*D2+B2*E2+F2+$L$2", "L2": 0.5},
        {"G2:G9": "=A2*D2+B2*E2+L2*F2", "L2": 1.0, "L3:L9": "=L2", "F3:F10": "=F2+$K$2*I2*L2"},
        {"D3:D10": "=D2+K2*I2*A2", "E3:E10": "=E2+K2*I2*B2", "F3:F10": "=F2+K2*I2", "K3:K9": "=K2"},
        {"L2:N2": "=D2", "L3:N9": "=L2+D3"},
    ],
)
def test_a_fixed_threshold_and_a_setting_that_is_carried_on_are_right(cells, tmp_path):
    report = checked(tmp_path / "book.xlsx", edited(ROWS, cells))
    assert report.verdict == "right", str(report)


POINTS = [(0, 1), (1.5, 1), (-0.5, 0.25), (1, 0)] * 2
TYPED = {  # each row's own numbers are typed into its sum
    **{f"A{row}": x for row, (x, _) in enumerate(POINTS, 2)},
    **{f"B{row}": x for row, (_, x) in enumerate(POINTS, 2)},
    **{f"G{row}": f"={x}*D{row}+E{row}*{y}+F{row}" for row, (x, y) in enumerate(POINTS, 2)},
}


def test_a_sum_may_have_its_sample_typed(tmp_path):
    right = checked(tmp_path / "right.xlsx", edited(ROWS, TYPED))
    assert right.verdict == "right", str(right)
    changes = {key: what for key, what in CHANGES.items() if key[0] != "G"}
    right = checked(tmp_path / "changes.xlsx", edited(edited(ROWS, changes), TYPED))
    assert right.verdict == "right", str(right)
    wrong = edited(ROWS, {**TYPED, "G5": "=7*D5+E5*0+F5"})
    assert checked(tmp_path / "wrong.xlsx", wrong).verdict == "wrong"


def test_what_the_budget_did_not_suffice_for_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("gradbook.cells.budget.MOST_SOUGHT", 1000)
    report = checked(tmp_path / "book.xlsx", ROWS)
    assert report.verdict == "unfinished"
    assert "not examined" in str(report)
    assert "the updates" in str(report)
