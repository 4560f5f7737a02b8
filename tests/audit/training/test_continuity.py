"""Runs that go on over sheets, beneath notes and upwards: a state that is lost or typed is found,
and a run that begins anew, or branches off, is right."""

from __future__ import annotations

from gradbook.audit.check_book import check
from tests.audit.material.small import saved
from tests.cases import for_each

EPOCHS = 8
FIRST = {"A1": "w", "B1": 0.4, "A2": "b", "B2": -0.3}
BODY = {  # of a sheet for an epoch; the data are on Sheet1
    "A1": "w",
    "A2": "b",
    "A4:A6": "=B$1*Sheet1!A1+B$2-Sheet1!B1",
    "C4": "loss",
    "D4": "=SUMSQ(A4:A6)/2",
    "C5": "gw",
    "D5": "=SUMPRODUCT(A4:A6,Sheet1!A1:A3)",
    "C6": "gb",
    "D6": "=SUM(A4:A6)",
}
DATA = {"A1": 0.5, "A2": -1.0, "A3": 1.5, "B1": 1.0, "B2": 0.2, "B3": 2.0, "D1": "rate", "E1": 0.1}


def update(before: int, row: int, rate: str = "Sheet1!$E$1") -> str:
    return f"=Sheet{before}!B{row}-{rate}*Sheet{before}!D{row + 4}"


def epoch(before: int) -> dict[str, object]:
    return BODY | {"B1": update(before, 1), "B2": update(before, 2)}


def epochs(special: dict[int, dict[str, object]]) -> list[dict[str, object]]:
    """A sheet of data, one of the first epoch, and further ones, each after the one before."""
    further = [epoch(k - 1) | special.get(k, {}) for k in range(3, EPOCHS + 2)]
    return [DATA | special.get(1, {}), BODY | FIRST, *further]


def test_what_begins_anew_or_branches_off_is_right(path):
    again = {6: {"B1": 0.4, "B2": -0.3}}
    other_rate = {6: {"B1": update(4, 1, "Sheet1!$E$2"), "B2": update(4, 2, "Sheet1!$E$2")}}
    for k in (7, 8, 9):
        other_rate[k] = {f"B{r}": update(k - 1, r, "Sheet1!$E$2") for r in (1, 2)}
    for special in ({}, again, other_rate | {1: {"D2": "other rate", "E2": 0.05}}):
        assert check(saved(path, *epochs(special))).verdict == "right"


@for_each(
    ("special", "wrong"),
    [
        ({5: {"B1": 0.75}}, {("Sheet5", "B1", update(4, 1))}),
        ({6: {"B2": update(4, 2)}}, {("Sheet6", "B2", update(5, 2))}),
        ({6: epoch(4)}, {("Sheet6", f"B{row}", update(5, row).replace("$", "")) for row in (1, 2)}),
    ],
)
def test_a_state_is_lost_between_two_sheets(special, wrong, path):
    found = check(saved(path, *epochs(special))).findings
    cells = {(f.sheet, f.cells, f.expected.replace("$", "")) for f in found}
    assert cells == {(sheet, cell, right.replace("$", "")) for sheet, cell, right in wrong}


TABLE = {
    "A1": "x",
    "B1": 0.8,
    "C1": "t",
    "D1": 1.9,
    "E1": "rate",
    "F1": 0.2,
    "A3": "w",
    "B3": "b",
    "C3": "error",
    "D3": "loss",
    "E3": "gw",
    "F3": "gb",
    "A4": 0.3,
    "B4": -0.2,
    "A5:A10": "=A4-$F$1*E4",
    "B5:B10": "=B4-$F$1*F4",
    "C4:C10": "=A4*$B$1+B4-$D$1",
    "D4:D10": "=C4^2/2",
    "E4:E10": "=C4*$B$1",
    "F4:F10": "=C4",
    "A12": "The weights above go on:",
    "A14": "w",
    "B14": "b",
    "D14": "loss",
    "A15": "=A10-$F$1*E10",
    "B15": "=B10-$F$1*F10",
    "A16:A21": "=A15-$F$1*E15",
    "B16:B21": "=B15-$F$1*F15",
    "C15:C21": "=A15*$B$1+B15-$D$1",
    "D15:D21": "=C15^2/2",
    "E15:E21": "=C15*$B$1",
    "F15:F21": "=C15",
}


def test_a_table_beneath_a_note_goes_on_from_the_last_row(path):
    assert check(saved(path, TABLE)).verdict == "right"
    (finding,) = check(saved(path, TABLE | {"B15": "=B9-$F$1*F10"})).findings
    assert (finding.cells, finding.expected) == ("B15", "=B10-$F$1*F10")


def test_a_number_is_typed_into_steps_that_go_up(path):
    """The newest step is on top, and every other weight goes on."""
    up = {
        "H1": "rate",
        "I1": 0.1,
        "H2": "x",
        "I2": 0.7,
        "H3": "t",
        "I3": 1.4,
        "A3": "u",
        "B3": "v",
        "C3": "b",
        "D3": "error",
        "E3": "loss",
        "F3": "gu",
        "G3": "gv",
        "J3": "gb",
        "A16": 0.5,
        "B16": -0.4,
        "C16": 0.1,
        "A4:A15": "=A5-$I$1*F5",
        "B4:B15": "=B5-$I$1*G5",
        "C4:C15": "=C5-$I$1*J5",
        "D4:D16": "=A4*B4*$I$2+C4-$I$3",
        "E4:E16": "=D4^2/2",
        "F4:F16": "=D4*B4*$I$2",
        "G4:G16": "=D4*A4*$I$2",
        "J4:J16": "=D4",
    }
    assert check(saved(path, up)).verdict == "right"
    (finding,) = check(saved(path, up | {"B9": -0.25})).findings
    assert (finding.cells, finding.expected) == ("B9", "=B10-$I$1*G10")


def test_rounded_weights_of_one_step_are_no_new_run(path):
    """The first weight hardly moves, so that its rounded value is its initial one again."""
    table = {cell: content for cell, content in TABLE.items() if int(cell[1:].split(":")[0]) < 12}
    table |= {"B1": 0.02}
    assert check(saved(path, table | {"A8": 0.3, "B8": -0.2})).verdict == "right"
    pasted = check(saved(path, table | {"A8": 0.3, "B8": 1.0})).findings
    assert {finding.cells for finding in pasted} == {"A8", "B8"}


def test_a_state_is_lost_beside_a_lookup_that_a_condition_guards(path):
    """INDEX would leave its range, and isn't asked."""
    guard = "IF(Sheet1!$G$1>3,0,INDEX(Sheet1!$A$1:$A$3,Sheet1!$G$1))"
    error = BODY["A4:A6"] + "+" + guard
    lost = {6: {"B2": "=Sheet4!B2-Sheet1!$E$1*Sheet5!D6"}}
    data, *steps = epochs(lost)
    report = check(saved(path, data | {"G1": 4}, *({**step, "A4:A6": error} for step in steps)))
    (finding,) = report.findings
    assert (finding.sheet, finding.cells) == ("Sheet6", "B2")
