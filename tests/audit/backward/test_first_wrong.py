"""Single backward passes: the first wrong cell is named, and nothing that follows from it."""

from __future__ import annotations

from gradbook.audit.check_book import check
from tests.audit.material.small import saved
from tests.cases import for_each

RECURRENT = {  # s = TANH(a·x + b·s before + c), twice; only its error is linear
    "B2": "a",
    "C2": "b",
    "D2": "c",
    "E2": "v",
    "B3": 0.7,
    "C3": -0.4,
    "D3": 0.1,
    "E3": 0.8,
    "A5": "x",
    "B5": "s before",
    "C5": "g",
    "D5": "s",
    "A6": 0.6,
    "B6": 0.2,
    "A7": -0.5,
    "B7": "=D6",
    "C6:C7": "=1/(1+EXP(-($B$3*A6+$C$3*B6)))",
    "D6:D7": "=TANH($B$3*A6+$C$3*B6*C6+$D$3)",
    "F5": "target",
    "F6": 0.5,
    "G5": "output",
    "G6": "=E3*D7",
    "H5": "loss",
    "H6": "=(G6-F6)^2/2",
    "A9": "ds",
    "B9": "dsum",
    "C9": "dg sum",
    "D9": "ds before",
    "A11": "=(G6-F6)*E3",
    "A10": "=D11",
    "B10:B11": "=A10*(1-D6^2)",
    "C10:C11": "=B10*$C$3*B6*C6*(1-C6)",
    "D10:D11": "=B10*$C$3*C6+C10*$C$3",
    "A13": "da",
    "B13": "db",
    "C13": "dc",
    "D13": "dv",
    "A14": "=SUMPRODUCT(B10:B11,A6:A7)+SUMPRODUCT(C10:C11,A6:A7)",
    "B14": "=B10*B6*C6+B11*B7*C7+SUMPRODUCT(C10:C11,B6:B7)",
    "C14": "=B10+B11",
    "D14": "=(G6-F6)*D7",
    "A15": "=B3-0.1*A14",
    "B15": "=C3-0.1*B14",
    "C15": "=D3-0.1*C14",
    "D15": "=E3-0.1*D14",
}
CENTRED = {  # four values without their mean, through means of derivatives that are none
    "A2": "w",
    "B2": 0.8,
    "C2": "k",
    "D2": 1.2,
    "E2": "c",
    "F2": 0.1,
    "A4": "x",
    "B4": 0.5,
    "C4": -0.3,
    "D4": 0.9,
    "E4": 0.2,
    "A5": "u",
    "B5:E5": "=$B$2*B4^2",
    "A6": "mean",
    "B6": "=AVERAGE(B5:E5)",
    "A7": "n",
    "B7:E7": "=TANH(B5-$B$6)",
    "A8": "output",
    "B8:E8": "=$D$2*B7+$F$2",
    "A9": "target",
    "B9": 0.1,
    "C9": 0.4,
    "D9": -0.2,
    "E9": 0.3,
    "A10": "loss",
    "B10": "=SUMXMY2(B8:E8,B9:E9)/2",
    "A12": "dn",
    "B12:E12": "=(B8-B9)*$D$2",
    "A13": "dsum",
    "B13:E13": "=B12*(1-B7^2)",
    "A14": "mean of dsum",
    "B14": "=AVERAGE(B13:E13)",
    "A15": "du",
    "B15:E15": "=B13-$B$14",
    "A17": "dw",
    "B17": "=SUMPRODUCT(B15:E15,B4:E4^2)",
    "A18": "dk",
    "B18": "=SUMPRODUCT(B8:E8-B9:E9,B7:E7)",
    "A19": "dc",
    "B19": "=SUM(B8:E8)-SUM(B9:E9)",
    "A20": "new w",
    "B20": "=B2-0.1*B17",
    "A21": "new k",
    "B21": "=D2-0.1*B18",
    "A22": "new c",
    "B22": "=F2-0.1*B19",
}


@for_each("cells", [RECURRENT, CENTRED], ids=["recurrent", "centred"])
def test_a_right_pass_through_sums_inside_cells_and_means_is_right(cells, path):
    report = check(saved(path, cells))
    assert report.verdict == "right", str(report)


@for_each(
    ("cells", "area", "wrong"),
    [
        (RECURRENT, "B10:B11", "=A10*D6*(1-D6)"),
        (RECURRENT, "D10:D11", "=B10*$C$3*C6"),
        (RECURRENT, "C14", "=B11"),
        (CENTRED, "B15:E15", "=B13"),
        (CENTRED, "B15:E15", "=(B13-$B$14)/$D$2"),
    ],
)
def test_only_the_first_wrong_cells_are_named(cells, area, wrong, path):
    (finding,) = check(saved(path, {**cells, area: wrong})).findings
    assert finding.cells == area
