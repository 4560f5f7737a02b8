"""The first that is wrong is put right before what comes after it is looked at."""

from __future__ import annotations

from gradbook import check
from gradbook.audit.backward.backward_judgement import BackwardReading, unexplained_cells
from gradbook.audit.backward.cell_blocks import area
from gradbook.audit.backward.faults import faults
from tests.audit.material.made import Table, cells_of
from tests.audit.material.small import at
from tests.audit.material.worked_once.list import FORWARD, listed, listed_pass
from tests.audit.material.worked_once.planted import LAYOUTS, clean, spoilt
from tests.cases import for_each


def blocks_of(**other):
    return [area(fault.cells) for fault in faults(listed_pass(**other))]


def test_nothing_is_wrong_with_a_right_pass():
    assert blocks_of() == []


def test_the_root_and_not_what_it_spoils():
    assert blocks_of(E3="=E1*B8*B12") == ["E3"]


@for_each(("cell", "text"), [("E6", "=E2*B2"), ("E9", "=E3"), ("E5", "=E1*B10")])
def test_a_gradient_that_is_wrong_by_itself(cell, text):
    assert blocks_of(**{cell: text}) == [cell]


def test_a_root_and_a_gradient_of_its_own():
    assert blocks_of(E3="=E1*B8", E7="=E2*B1") == ["E3", "E7"]


def test_a_gradient_of_a_weight_that_has_one_is_that_of_the_weight_that_has_none():
    (fault,) = faults(listed_pass(E4="=E1*B12"))
    assert fault.of == (at("B7"),)
    assert fault.is_slip


def test_of_two_sums_it_is_that_which_nobody_else_claims():
    (fault,) = faults(listed_pass(E3="=E1*B7*B12*(1-B12)"))
    assert fault.of == (at("B10"),)


def test_of_sums_that_all_have_one_it_is_that_of_which_it_is_a_multiple():
    (fault,) = faults(listed_pass(E3="=-E1*B8*B12*(1-B12)"))
    assert fault.of == (at("B10"),)


def test_no_cell_is_blamed_twice():
    updates = {"G1": 0.3, "G2": 0.3, "H4": "=B7-$G$1*E4", "H5": "=B8-$G$1*E5", "H6": "=B3-$G$2*E6"}
    found = blocks_of(**updates)
    assert len(found) == len(set(found))


def test_from_a_root_only_where_there_is_one():
    assert list(faults(listed_pass(E6="=E2*B2"), from_root=True)) == []
    assert len(list(faults(listed_pass(E2="=E1*B7"), from_root=True))) == 1


def test_what_nobody_understands_is_called_a_derivative_only_by_its_heading():
    back = listed_pass(D10="gradient?", E10="=SIN(E1)*E2^2+0.1*B3", D11="note", E11="=E1^3")
    assert set(unexplained_cells(back)) >= {at("E10")}


# Findings say which derivative a cell should be, and what is wrong with it, in its -----


def told(**other):
    back = listed_pass(**other)
    reading = BackwardReading(back, list(faults(back)))
    return reading, list(map(reading.finding, reading.faults))


def test_every_weight_has_a_gradient_right_or_wrong():
    reading, _ = told(E2="=E1*B7")
    assert [name for _, name in reading.blocks] == ["w5", "w6", "w1", "w2", "w3", "w4"]


@for_each(
    ("cell", "text", "why"),
    [
        ("E6", "=E2*B2", "B2 (x2) should be B1 (x1)"),
        ("E2", "=E1*B7*B11*(1-B11)*B1", "B1 (x1) doesn't belong there"),
        ("E2", "=-E1*B7*B11*(1-B11)", "its sign is wrong"),
        ("E5", "=E1", "the factor B12 (a_h2) is missing"),
        ("E3", "=E2*B12+B1*B2", "it isn't that derivative"),
    ],
)
def test_the_reason_is_said_in_the_sheets_words(cell, text, why):
    _, (finding,) = told(**{cell: text})
    assert finding.why == why


def test_a_finding_has_the_formula_as_it_is_and_as_it_should_be():
    _, (finding,) = told(E6="=E2*B2")
    assert (finding.formula, finding.expected) == ("=E2*B2", "=E2*B1")
    assert finding.fixes == {"E6": "=E2*B1"}


# A backward pass without an update is right, or wrong at its root, or nothing of the ---


def judged(path, **other):
    cells = {}
    for name, content in listed(**other).items():
        ((place),) = cells_of(name)
        cells[place] = content
    return check(Table({"Sheet1": cells}).save(path))


def test_a_right_pass_is_right_and_has_no_update(path):
    report = judged(path)
    (sheet,) = report.sheets
    assert (report.verdict, sheet.loss, len(sheet.weights)) == ("right", "B15", 6)
    assert sheet.notes == (
        "a backward pass without an update: its gradients are compared with the chain rule",
    )


def test_the_root_is_named_and_what_it_spoils(path):
    (finding,) = judged(path, E2="=E1*B7").findings
    assert (finding.cells, finding.kind, finding.quantity) == ("E2", "missing factor", "∂E/∂h1")
    assert sorted(finding.spoils) == ["w1", "w2"]
    assert "B11*(1-B11)" in finding.expected


@for_each(
    ("cell", "wrong", "kind"),
    [
        ("E7", "=E2*B1", "wrong reference"),
        ("E4", "=E1+B11", "wrong operator"),
        ("E3", "=E1*B7*B12*(1-B12)", "wrong reference"),
        ("E2", "=-E1*B7*B11*(1-B11)", "wrong sign"),
        ("E8", "=2*E3*B1", "one factor or term too many"),
    ],
)
def test_the_wrong_cell_is_found_and_put_right(path, cell, wrong, kind):
    found = judged(path, **{cell: wrong}).findings
    assert [(f.cells, f.kind) for f in found] == [(cell, kind)]
    assert judged(path, **found[0].fixes).verdict == "right"


def test_two_mistakes_are_two_findings(path):
    found = judged(path, E3="=E1*B8", E4="=E1*B12").findings
    assert {f.cells for f in found} == {"E3", "E4"}


def test_an_error_without_a_loss_says_which_was_assumed(path):
    report = judged(path, A15="", B15="")
    (sheet,) = report.sheets
    assert (report.verdict, sheet.loss) == ("right", "½·Σ(o−t)²")
    assert any("no cell contains the loss" in note for note in sheet.notes)


def test_a_common_factor_is_a_note(path):
    report = judged(path, E1="=2*(B13-B14)")
    assert report.verdict == "right"
    assert any("2 times those of the loss" in note for note in report.sheets[0].notes)


def test_an_error_the_other_way_round_is_a_note(path):
    report = judged(path, E1="=B14-B13")
    assert report.verdict == "right"
    assert any("-1 times those of the loss" in note for note in report.sheets[0].notes)


def test_a_forward_pass_alone_is_none(path):
    forward = dict.fromkeys((f"{c}{r}" for c in "DE" for r in range(1, 10)), "")
    report = judged(path, **forward)
    assert not report.findings
    assert report.verdict in ("unfinished", "no network")
    assert not any("replaced by their values" in n for s in report.sheets for n in s.notes)


def test_a_forward_pass_and_one_slope_are_no_training(path):
    rest = dict.fromkeys((f"{c}{r}" for c in "DE" for r in range(2, 10)), "")
    report = judged(path, **rest)
    assert report.verdict == "unfinished"
    assert "forward pass" in report.sheets[0].notes[0]


OF_ROWS = {4: 7, 5: 8, 6: 3, 7: 4, 8: 5, 9: 6}  # a gradient's row, and its weight's


def test_an_update_that_climbs_is_wrong(path):
    updates = {f"H{row}": f"=B{w}-$G$1*E{row}" for row, w in OF_ROWS.items()}
    assert judged(path, G1=0.5, **updates).verdict == "right"
    climbing = {cell: text.replace("-", "+") for cell, text in updates.items()}
    report = judged(path, G1=0.5, **climbing)
    assert report.verdict == "wrong"
    assert {f.cells for f in report.findings} <= {*updates, "H4:H5", "H4:H9", "H6:H9"}


def test_what_is_not_understood_is_named(path):
    report = judged(path, B12="=BESSELJ(B10,1)")
    assert "BESSELJ" in str(report)


def test_weighted_errors_are_no_mistake_where_gradients_agree(path):
    assert judged(path, B15="=3*(B13-B14)^2", E1="=6*(B13-B14)").verdict == "right"


BIAS = {
    "B9": "=B1*B3+B2*B4+B16*B17",
    "A16": "bias",
    "B16": 1.0,
    "A17": "b1",
    "B17": 0.3,
    "D10": "dE/db1",
}


@for_each("gradient", ["=E2", "=E2*B16"])
def test_a_bias_whose_input_is_typed_may_have_the_delta_for_its_gradient(gradient, path):
    report = judged(path, **BIAS, E10=gradient)
    assert (report.verdict, len(report.sheets[0].weights)) == ("right", 7)


def test_a_slip_in_such_a_gradient_is_found(path):
    (finding,) = judged(path, **BIAS, E10="=E2*B1").findings
    assert (finding.cells, finding.kind) == ("E10", "wrong reference")


def test_the_forward_pass_has_the_rows_that_the_list_says():
    assert list(FORWARD)[-1] == "E"


# At random ---------------------------------------------------------------------------


@for_each("layout", LAYOUTS)
@for_each("number", range(12))
def test_a_clean_book_raises_no_alarm(path, layout, number):
    judged_book = clean(path, number, layout)
    assert judged_book.found, judged_book


@for_each("layout", LAYOUTS)
def test_planted_mistakes_are_found_and_repaired(path, layout):
    tries = (spoilt(path, number, layout) for number in range(300, 330))
    outcomes = [outcome for outcome in tries if outcome is not None]
    missed = [outcome for outcome in outcomes if not outcome.repaired]
    assert len(outcomes) >= 10
    assert len(missed) <= 1, missed


# What gradients of a pass that is worked once leave out of the chain rule is named -----


SAMPLE = {"i1": 0.05, "i2": 0.1, "t1": 0.5, "t2": 0.5}
STARTS = (0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55)
GIVEN = SAMPLE | {f"w{k}": start for k, start in enumerate(STARTS, 1)}
FORWARD_PASS = {
    "h1": "=B5*B1+B6*B2",
    "a_h1": "=1/(1+EXP(-B13))",
    "h2": "=B7*B1+B8*B2",
    "a_h2": "=1/(1+EXP(-B15))",
    "o1": "=B9*B14+B10*B16",
    "a_o1": "=1/(1+EXP(-B17))",
    "o2": "=B11*B14+B12*B16",
    "a_o2": "=1/(1+EXP(-B19))",
    "E1": "=0.5*(B3-B18)^2",
    "E2": "=0.5*(B4-B20)^2",
    "E_total": "=B21+B22",
}
FIRST, SECOND = "(B18-B3)*B18*(1-B18)", "(B20-B4)*B20*(1-B20)"
OUTPUT = {
    "w5": f"={FIRST}*B14",
    "w6": f"={FIRST}*B16",
    "w7": f"={SECOND}*B14",
    "w8": f"={SECOND}*B16",
}


def worked(path, left_out=""):
    """The 2-2-2 network worked once, its hidden gradients without a way or a slope."""
    hidden = {}
    for unit, (a, by_first, by_second) in enumerate([("B14", "B9", "B11"), ("B16", "B10", "B12")]):
        ways = {"E1": f"{FIRST}*{by_first}", "E2": f"{SECOND}*{by_second}"}
        ways.pop(left_out, None)
        slope = "" if left_out == "slope" else f"*{a}*(1-{a})"
        for k, place in enumerate(["B1", "B2"], 2 * unit + 1):
            hidden[f"w{k}"] = f"=({'+'.join(ways.values())}){slope}*{place}"
    gradients = {f"dE/d{weight}": formula for weight, formula in {**OUTPUT, **hidden}.items()}
    cells = {}
    for row, (name, content) in enumerate({**GIVEN, **FORWARD_PASS, **gradients}.items()):
        cells |= {(row, 0): name, (row, 1): content}
    return check(Table({"Sheet1": cells}).save(path))


def test_with_every_way_and_slope_it_is_right(path):
    assert worked(path).verdict == "right"


@for_each("way", ["E1", "E2"])
def test_a_way_that_all_hidden_gradients_leave_out_is_named_and_the_whole_loss_stays(path, way):
    report = worked(path, way)
    assert report.sheets[0].loss == "B23"
    assert [f.weight for f in report.findings] == ["w1", "w2", "w3", "w4"]
    assert {f.kind for f in report.findings} == {"missing term"}
    assert {f.why for f in report.findings} == {f"it lacks the path through {way}"}


def test_a_slope_that_all_hidden_gradients_leave_out_is_named_and_put_back(path):
    findings = worked(path, "slope").findings
    assert [f.weight for f in findings] == ["w1", "w2", "w3", "w4"]
    assert {f.kind for f in findings} == {"missing factor"}
    assert all("(1-B1" in f.expected for f in findings)
