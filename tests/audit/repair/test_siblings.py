"""A cell that departs from the cells beside it in its own step is the mistake, and they say what
belongs there, before a loss or a forward pass is changed to suit it."""

from __future__ import annotations

from gradbook.audit.check_book import check
from gradbook.audit.judge.loss import find_loss
from gradbook.audit.training.sheet_training import find_trainings
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import DOWN
from gradbook.cells.read import read_book
from tests.audit.material.small import saved
from tests.cases import for_each

HUBER = {  # a step a row: three residuals, their clipped values, their losses
    "B1": "x",
    "C1": 0.4,
    "D1": 1.0,
    "E1": 2.0,
    "G1": "rate",
    "H1": 0.05,
    "I1": "cut",
    "J1": 1,
    "B2": "y",
    "C2": 1.0,
    "D2": -2.2,
    "E2": 7.5,
    "A4": "m",
    "B4": "k",
    "C4": "r1",
    "D4": "r2",
    "E4": "r3",
    "F4": "s1",
    "G4": "s2",
    "H4": "s3",
    "I4": "h1",
    "J4": "h2",
    "K4": "h3",
    "L4": "loss",
    "M4": "gm",
    "N4": "gk",
    "A5": 0.3,
    "B5": -0.2,
    "A6:A12": "=A5-$H$1*M5",
    "B6:B12": "=B5-$H$1*N5",
    "C5:E12": "=$A5*C$1+$B5-C$2",
    "F5:H12": "=MAX(-$J$1,MIN($J$1,C5))",
    "I5:K12": "=IF(ABS(C5)<=$J$1,C5^2/2,$J$1*(ABS(C5)-$J$1/2))",
    "L5:L12": "=I5+J5+K5",
    "M5:M12": "=F5*$C$1+G5*$D$1+H5*$E$1",
    "N5:N12": "=F5+G5+H5",
}


def findings(path, cells):
    return [(f.cells, f.expected) for f in check(saved(path, cells)).findings]


def test_the_right_book_is_right(path):
    assert check(saved(path, HUBER)).verdict == "right"


@for_each(
    ("cells", "wrong", "right"),
    [
        ("H5:H12", "=E5", "=MAX(-$J$1,MIN($J$1,E5))"),
        ("F5:F12", "=C5", "=MAX(-$J$1,MIN($J$1,C5))"),
        ("G5:G12", "=MIN($J$1,D5)", "=MAX(-$J$1,MIN($J$1,D5))"),
        ("J5:J12", "=D5^2/2", "=IF(ABS(D5)<=$J$1,D5^2/2,$J$1*(ABS(D5)-$J$1/2))"),
    ],
)
def test_a_cell_gets_the_formula_of_those_beside_it(cells, wrong, right, path):
    assert findings(path, HUBER | {cells: wrong}) == [(cells, right)]


def test_a_wrong_sample_is_no_frozen_row(path):
    """Both samples are fixed for every step, so that it isn't the $ that is wrong."""
    (finding,) = check(saved(path, HUBER | {"M5:M12": "=F5*$C$1+G5*$D$2+H5*$E$1"})).findings
    assert (finding.kind, finding.expected) == ("wrong reference", "=F5*$C$1+G5*$D$1+H5*$E$1")
    assert "always" not in finding.why


def test_samples_below_each_other_say_what_belongs_between_them(path):
    """The inputs are on another sheet, where each formula takes the next column."""
    data = {
        f"{letter}1:{letter}4": value for letter, value in zip("ABC", (0.5, -1.5, 2.0), strict=True)
    }
    data |= {"A2": 0.9, "B3": 1.1, "C4": -0.7, "C1": 1.2, "D1": 1.0, "D2": -0.5, "D3": 0.3, "D4": 2}
    ways = [
        f"=SUMPRODUCT(E$5:E$8,Sheet2!${w}$1:${w}$4)/4+$B$2*E{k}"
        for k, w in zip("234", "ABC", strict=True)
    ]
    steps = {
        "A1": "rate",
        "B1": 0.1,
        "A2": "decay",
        "B2": 0.03,
        "D2": "w1",
        "D3": "w2",
        "D4": "w3",
        "E2": 0.2,
        "E3": -0.4,
        "E4": 0.6,
        "F2:K4": "=E2-$B$1*E10",
        "D9": "loss",
        "E5:K8": "=E$2*Sheet2!$A1+E$3*Sheet2!$B1+E$4*Sheet2!$C1-Sheet2!$D1",
        "E9:K9": "=SUMSQ(E5:E8)/8+$B$2/2*SUMSQ(E2:E4)",
        **{f"E{row}:K{row}": way for row, way in zip((10, 11, 12), ways, strict=True)},
    }
    assert check(saved(path, steps, data)).verdict == "right"
    wrong = steps | {"E11:K11": "=SUM(E$5:E$8)/4+$B$2*E3"}
    (finding,) = check(saved(path, wrong, data)).findings
    assert (finding.cells, finding.expected) == ("E11:K11", ways[1])


def test_the_whole_loss_is_meant_where_its_parts_have_its_name(path):
    """E1 and E2 are parts of E, which explains no gradient here, either."""
    table = {
        "A1": "rate",
        "B1": 0.1,
        "C1": "x",
        "D1": 0.7,
        "E1": "t",
        "F1": 1.5,
        "G1": -0.4,
        "A3": "w",
        "B3": "v",
        "C3": "o1",
        "D3": "o2",
        "E3": "E1",
        "F3": "E2",
        "G3": "E",
        "H3": "gw",
        "I3": "gv",
        "A4": 0.3,
        "B4": -0.6,
        "A5:A10": "=A4-$B$1*H4",
        "B5:B10": "=B4-$B$1*I4",
        "C4:C10": "=A4*$D$1+B4",
        "D4:D10": "=EXP(B4)*A4",
        "E4:E10": "=(C4-$F$1)^2/2",
        "F4:F10": "=(D4-$G$1)^2/2",
        "G4:G10": "=E4+F4",
        "H4:H10": "=C4*$D$1+EXP(A4)",
        "I4:I10": "=C4*D4*$F$1",
    }
    book = read_book(saved(path, table))
    (training,) = find_trainings(book, Flow(book), set())
    ((loss, *_), share) = find_loss(training)
    assert share == 0
    assert [book.label(cell, DOWN) for cell in loss.cells] == ["E"]
