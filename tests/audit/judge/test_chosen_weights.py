"""Weights of which each step moves a few, as a match changes two of many ratings."""

from __future__ import annotations

from gradbook.audit.check_book import check
from tests.audit.material.small import saved
from tests.cases import for_each

LAST = 20
GAMES = [(1, 2, 1), (3, 1, 0), (2, 3, 1), (1, 3, 1), (2, 1, 0), (3, 2, 1)]
RATINGS = {
    "A1": "rate",
    "B1": 24,
    "C1": "scale",
    "D1": 400,
    "A3": "Ann",
    "B3": "Ben",
    "C3": "Cleo",
    "D3": "home",
    "E3": "away",
    "F3": "result",
    "G3": "expected",
    "H3": "loss",
    "A4": 1500,
    "B4": 1520,
    "C4": 1480,
    f"G4:G{LAST}": "=1/(1+10^((INDEX($A4:$C4,$E4)-INDEX($A4:$C4,$D4))/$D$1))",
    f"H4:H{LAST}": "=-F4*LN(G4)-(1-F4)*LN(1-G4)",
}
for row in range(4, LAST + 1):
    RATINGS |= dict(zip((f"D{row}", f"E{row}", f"F{row}"), GAMES[row % len(GAMES)], strict=True))
for number, column in enumerate("ABC", 1):
    RATINGS[f"{column}5:{column}{LAST}"] = (
        f"={column}4+$B$1*(IF($D4={number},1,0)-IF($E4={number},1,0))*($F4-$G4)"
    )

FACTORS = {
    "A1": "learning rate",
    "B1": 0.1,
    "A2": "weight decay",
    "B2": 0.02,
    "A3": "user",
    "B3": "film",
    "C3": "stars",
    "D3": "u1",
    "E3": "u2",
    "F3": "q1",
    "G3": "q2",
    "H3": "forecast",
    "I3": "error",
    "D4": 0.4,
    "E4": -0.2,
    "F4": 0.5,
    "G4": 0.3,
    f"H4:H{LAST}": "=CHOOSE(A4,D4,E4)*INDEX(F4:G4,1,B4)",
    f"I4:I{LAST}": "=C4-H4",
    f"D5:D{LAST}": "=D4+IF($A4=1,$B$1*($I4*INDEX($F4:$G4,1,$B4)-$B$2*D4),0)",
    f"E5:E{LAST}": "=IF($A4=2,E4+$B$1*($I4*INDEX($F4:$G4,1,$B4)-$B$2*E4),E4)",
    f"F5:F{LAST}": "=F4+IF($B4=1,$B$1*($I4*CHOOSE($A4,$D4,$E4)-$B$2*F4),0)",
    f"G5:G{LAST}": "=IF($B4=2,G4+$B$1*($I4*CHOOSE($A4,$D4,$E4)-$B$2*G4),G4)",
}
for row in range(4, LAST + 1):
    FACTORS |= {f"A{row}": 1 + row % 2, f"B{row}": 1 + row // 2 % 2, f"C{row}": 1 + row % 5}


@for_each("cells", [RATINGS, FACTORS], ids=["ratings", "factors"])
def test_weights_that_only_some_steps_move_are_right(cells, path):
    report = check(saved(path, cells))
    assert report.verdict == "right", str(report)


@for_each(
    ("cells", "column", "old", "new"),
    [
        (RATINGS, "B", "-IF($E4=2", "+IF($E4=2"),
        (RATINGS, "C", "IF($D4=3", "IF($D4=2"),
        (FACTORS, "D", "D4+IF", "D4-IF"),
        (FACTORS, "G", "$I4*CHOOSE($A4,$D4,$E4)", "$I4"),
    ],
)
def test_a_weight_that_is_moved_wrongly_is_named_with_its_right_formula(
    cells, column, old, new, path
):
    area = f"{column}5:{column}{LAST}"
    right = cells[area]
    report = check(saved(path, {**cells, area: right.replace(old, new)}))
    (finding,) = report.findings
    assert finding.cells == area
    if column != "G":  # whose factor may be written in several ways
        assert finding.expected == right


def test_a_factor_that_contains_a_setting_changes_only_the_rate(path):
    report = check(saved(path, RATINGS))
    assert any("173.7" in note for sheet in report.sheets for note in sheet.notes)
