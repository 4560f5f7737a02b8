"""A loss that is climbed, however it is called; and signs: of a loss, an update, a velocity."""

from __future__ import annotations

from gradbook.audit.check_book import check
from tests.audit.material.small import saved
from tests.cases import for_each

POISSON = {  # visits per dose, three samples; two weights, steps across
    "A1": "x",
    "A2": 1.0,
    "A3": 2.0,
    "A4": 0.5,
    "B1": "y",
    "B2": 2.0,
    "B3": 5.0,
    "B4": 1.0,
    "D1": "step",
    "E1": 0.01,
    "A8": "a",
    "A9": "b",
    "A10": "m1",
    "A11": "m2",
    "A12": "m3",
    "A13": "ll",
    "A14": "score a",
    "A15": "score b",
    "B8": 0.1,
    "B9": 0.2,
    "C8:L8": "=B8+$E$1*B14",
    "C9:L9": "=B9+$E$1*B15",
    "B10:L10": "=EXP(B8+B9*$A$2)",
    "B11:L11": "=EXP(B8+B9*$A$3)",
    "B12:L12": "=EXP(B8+B9*$A$4)",
    "B13:L13": "=$B$2*LN(B10)-B10+$B$3*LN(B11)-B11+$B$4*LN(B12)-B12",
    "B14:L14": "=SUM($B$2:$B$4)-SUM(B10:B12)",
    "B15:L15": "=($B$2-B10)*$A$2+($B$3-B11)*$A$3+($B$4-B12)*$A$4",
}
TEAMS = {  # three strengths from games between them
    "A1": "eta",
    "B1": 0.2,
    "A3": "a",
    "B3": "b",
    "C3": "c",
    "D3": "p12",
    "E3": "p23",
    "F3": "p13",
    "G3": "Log-Likelihood",
    "H3": "da",
    "I3": "db",
    "J3": "dc",
    "A4": 0.1,
    "B4": -0.1,
    "C4": 0.3,
    "A5:A14": "=A4+$B$1*H4",
    "B5:B14": "=B4+$B$1*I4",
    "C5:C14": "=C4+$B$1*J4",
    "D4:D14": "=1/(1+EXP(B4-A4))",
    "E4:E14": "=1/(1+EXP(C4-B4))",
    "F4:F14": "=1/(1+EXP(C4-A4))",
    "G4:G14": "=3*LN(D4)+2*LN(1-D4)+2*LN(E4)+LN(1-E4)+LN(F4)+2*LN(1-F4)",
    "H4:H14": "=3-5*D4+1-3*F4",
    "I4:I14": "=-(3-5*D4)+2-3*E4",
    "J4:J14": "=-(2-3*E4)-(1-3*F4)",
}
NEGATIVE = f"=-({TEAMS['G4:G14'][1:]})"
CLIMBED = {
    "ll": POISSON,
    "a log-likelihood": TEAMS,
    "a letter": {**TEAMS, "G3": "L"},
    "no word of it": {**TEAMS, "G3": "goal"},
    "its negative is descended": {**TEAMS, "G3": "neg. log-likelihood", "G4:G14": NEGATIVE},
}
SLIPS = {  # what differs; the cells that are wrong, and what is right there
    "one of two descends": (POISSON, {"C9:L9": "=B9-$E$1*B15"}, "C9:L9", "=B9+$E$1*B15"),
    "a score without an input": (
        POISSON,
        {"B15:L15": "=($B$2-B10)*$A$2+($B$3-B11)+($B$4-B12)*$A$4"},
        "B15:L15",
        POISSON["B15:L15"],
    ),
    "a score reversed": (
        POISSON,
        {"B14:L14": "=SUM(B10:B12)-SUM($B$2:$B$4)"},
        "B14:L14",
        POISSON["B14:L14"],
    ),
    "two of three descend": (
        TEAMS,
        {"B5:B14": "=B4-$B$1*I4", "C5:C14": "=C4-$B$1*J4"},
        "B5:B14",
        "=B4+$B$1*I4",
    ),
    "a loss by name, which lacks its sign": (
        TEAMS,
        {"G3": "loss"},
        "G4:G14",
        "=-(3*LN(D4)+2*LN(1-D4)+2*LN(E4)+LN(1-E4)+LN(F4)+2*LN(1-F4))",
    ),
}
TWO_FORMS = {  # the sign is in the slope, not in the loss
    "A1": "x",
    "B1": -1.2,
    "A2": "t",
    "B2": 1.0,
    "A3": "eta",
    "B3": 0.5,
    "A6": "w",
    "B6": 0.3,
    "A7": "b",
    "B7": 0.0,
    "A8": "p",
    "A9": "L",
    "A10": "gb",
    "A11": "gw",
    "C6:L6": "=B6-$B$3*B11",
    "C7:L7": "=B7-$B$3*B10",
    "B8:L8": "=1/(1+EXP(-B6*$B$1-B7))",
    "B9:L9": "=-($B$2*LN(B8)+(1-$B$2)*LN(1-B8))",
    "B10:L10": "=$B$2-B8",
    "B11:L11": "=B10*$B$1",
}
AHEAD = {  # Nesterov: two weights across, which look ahead by their velocities
    "A1": "rate",
    "B1": 0.1,
    "A2": "mom",
    "B2": 0.8,
    "A3": "x",
    "B3": 1.5,
    "A4": "y",
    "B4": 0.4,
    "A6": "a",
    "A7": "b",
    "A8": "va",
    "A9": "vb",
    "A10": "a ahead",
    "A11": "b ahead",
    "A12": "out",
    "A13": "error",
    "A14": "da",
    "A15": "db",
    "B6": 0.5,
    "B7": -0.2,
    "B8": 0.0,
    "B9": 0.0,
    "C6:M6": "=B6+C8",
    "C7:M7": "=B7+C9",
    "C8:M8": "=$B$2*B8-$B$1*B14",
    "C9:M9": "=$B$2*B9-$B$1*B15",
    "B10:M10": "=B6+$B$2*B8",
    "B11:M11": "=B7+$B$2*B9",
    "B12:M12": "=B10*$B$3+B11",
    "B13:M13": "=0.5*(B12-$B$4)^2",
    "B14:M14": "=(B12-$B$4)*$B$3",
    "B15:M15": "=B12-$B$4",
}


@for_each("name", CLIMBED)
def test_a_right_ascent_is_right_however_it_is_called(name, path):
    assert check(saved(path, CLIMBED[name])).verdict == "right"


@for_each("name", SLIPS)
def test_one_of_an_ascent_is_told_from_the_others(name, path):
    sheet, typed, cells, right = SLIPS[name]
    found = check(saved(path, {**sheet, **typed})).findings
    assert [(f.cells, f.expected) for f in found][:1] == [(cells, right)]
    assert len(found) == len(typed)


def test_a_corrected_ascent_leads_higher(path):
    (sheet,) = check(saved(path, {**POISSON, "C9:L9": "=B9-$E$1*B15"})).sheets
    assert sheet.curve is not None
    assert sheet.curve.is_climbed
    assert sheet.curve.corrected[-1] > sheet.curve.made[-1]


def test_a_loss_that_has_its_sign_is_not_blamed_for_a_reversed_slope(path):
    (finding,) = check(saved(path, TWO_FORMS)).findings
    assert (finding.cells, finding.expected) == ("B10:L10", "=B8-$B$2")


def test_weights_that_look_ahead_by_velocities_of_their_own_are_right(path):
    assert check(saved(path, AHEAD)).verdict == "right"


def test_the_velocity_by_which_a_weight_looks_ahead_has_the_wrong_sign(path):
    (finding,) = check(saved(path, {**AHEAD, "C9:M9": "=$B$2*B9+$B$1*B15"})).findings
    assert (finding.cells, finding.expected) == ("C9:M9", "=$B$2*B9-$B$1*B15")
