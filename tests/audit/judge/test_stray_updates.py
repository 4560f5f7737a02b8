"""Updates that aren't the weight less its gradient are named, with what belongs there."""

from __future__ import annotations

import pytest

from gradbook.audit.check import check
from gradbook.audit.copies.correct import correct
from tests.audit.material.lookalikes import ROWS, TOP, book, letter
from tests.audit.material.small import saved

SLOPE = "($E3-0.9)*$E3*(1-$E3)"
CELLS = {
    "A1": "rate",
    "B1": 0.5,
    **dict(
        zip(("A2", "B2", "C2", "D2", "E2", "F2"), ("w1", "w2", "b1", "z", "y", "E"), strict=True)
    ),
    **dict(zip(("G2", "H2", "I2"), ("∂E/∂w1", "∂E/∂w2", "∂E/∂b1"), strict=True)),
    "A3": 0.3,
    "B3": -0.2,
    "C3": 0.1,
    "A4:A20": "=A3-$B$1*G3",
    "B4:B20": "=B3-$B$1*H3",
    "C4:C20": "=C3-$B$1*I3",
    "D3:D20": "=A3*0.4-B3*0.7+C3",
    "E3:E20": "=1/(1+EXP(-D3))",
    "F3:F20": "=0.5*(E3-0.9)^2",
    "G3:G20": f"={SLOPE}*0.4",
    "H3:H20": f"=-{SLOPE}*0.7",
    "I3:I20": f"={SLOPE}",
}


def found(path, changed):
    (sheet,) = check(saved(path, {**CELLS, **changed})).sheets
    return [(f.kind, f.cells, f.expected) for f in sheet.findings]


def test_right_updates_have_no_findings(path):
    assert check(saved(path, CELLS)).verdict == "right"


@pytest.mark.parametrize(
    "said",
    [
        *("=2*(A3-$B$1*G3)", "=(A3-$B$1*G3)/2", "=-(A3-$B$1*G3)", "=A3*(1-$B$1*G3)"),
        *("=A3-$B$1*0.05", "=A3-0.05", "=A3-$B$1", "=A3*G3"),
    ],
)
def test_another_update_is_named_with_what_the_others_say(path, said):
    assert found(path, {"A4:A20": said}) == [("wrong update", "A4:A20", "=A3-$B$1*G3")]


def test_an_update_that_starts_over_in_every_step_is_right_in_the_first(path):
    changed = {"A4:A20": "=A$3-$B$1*G3"}
    assert found(path, changed) == [("wrong update", "A5:A20", "=A4-$B$1*G4")]


@pytest.mark.parametrize("weights", [8, 7, 4, 1])
@pytest.mark.parametrize("base", ["{w}$6", "{w}6", "later"])
def test_updates_that_start_over_are_found_however_many_there_are(path, weights, base):
    changed = {}
    for name in [f"w{k}" for k in range(1, weights + 1)]:
        for k in range(1, ROWS):
            row = TOP + 1 + k
            before = base.format(w=letter(name))
            if base == "later":
                before = f"{letter(name)}{row if k == 1 else f'${TOP + 2}'}"
            changed[name, k] = f"={before}-$C$2*{letter(f'∂E/∂{name}')}{row}"
    (sheet,) = check(book(path, special=changed)).sheets
    assert [f.cells for f in sheet.findings] == [
        f"{letter(f'w{k}')}{TOP + 4}:{letter(f'w{k}')}{TOP + 1 + ROWS}"
        for k in range(1, weights + 1)
    ]
    path.write_bytes(correct(path, check(path)).content)
    assert check(path).verdict == "right"


def test_without_a_gradient_to_take_no_formula_is_given(path):
    assert found(path, {"A4:A20": "=2*A3-0.05", "G3:G20": 0.5}) == [("wrong update", "A4:A20", "")]


def test_data_that_go_on_by_a_number_are_no_weight(path):
    inputs = {"J2": "x", "J3": 0.4, "J4:J20": "=J3+0.01"}
    slope = {"D3:D20": "=A3*J3-B3*0.7+C3", "G3:G20": f"={SLOPE}*J3"}
    assert check(saved(path, {**CELLS, **inputs, **slope})).verdict == "right"
