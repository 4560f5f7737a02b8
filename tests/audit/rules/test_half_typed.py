"""A perceptron whose zeros are typed by hand is held to the rule, and each zero to its row."""

from __future__ import annotations

from tests.audit.material.perceptrons.small import Areas, checked, edited
from tests.cases import for_each

SAMPLES = [(1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (0.0, 1.0, -1.0), (0.0, 0.0, -1.0)]
EPOCHS = 5


def by_hand(carried: bool = False, forgotten: int = 0) -> Areas:
    """AND, a row a sample; after each epoch a row in which the weights are typed again. In one row
    it may be forgotten that the sample was wrong."""
    cells: Areas = dict(
        zip(
            ("A1", "B1", "C1", "D1", "E1", "F1", "G1", "H1", "I1", "J1", "K1", "L1"),
            ("x1", "x2", "α", "t", "net", "y", "Δw1", "Δw2", "Δb", "w1", "w2", "b"),
            strict=True,
        )
    )
    cells = {**cells, "N1": 0.2, "J2:L2": 0.0}
    weights = [0.0, 0.0, 0.0]
    row = 2
    for epoch in range(EPOCHS):
        if epoch:
            row += 1
            for column, weight in zip("JKL", weights, strict=True):
                cells[f"{column}{row}"] = f"={column}{row - 1}" if carried else weight
        for x1, x2, t in SAMPLES:
            row += 1
            net = x1 * weights[0] + x2 * weights[1] + weights[2]
            learns = (net > 0.2) - (net < -0.2) != t and row != forgotten
            for column, value in zip("ABCD", (x1, x2, 1.0, t), strict=True):
                cells[f"{column}{row}"] = value
            cells[f"E{row}"] = f"=A{row}*J{row - 1}+B{row}*K{row - 1}+L{row - 1}"
            cells[f"F{row}"] = f"=IF(E{row}>$N$1,1,IF(E{row}<-$N$1,-1,0))"
            made = (f"=$C{row}*$D{row}*A{row}", f"=$C{row}*$D{row}*B{row}", f"=C{row}*D{row}")
            for column, formula in zip("GHI", made, strict=True):
                cells[f"{column}{row}"] = formula if learns else 0.0
            for old, new in zip("GHI", "JKL", strict=True):
                cells[f"{new}{row}"] = f"={new}{row - 1}+{old}{row}"
            change = [t * x1, t * x2, t] if learns else [0.0] * 3
            weights = [w + d for w, d in zip(weights, change, strict=True)]
    return cells


@for_each("carried", [False, True])
def test_it_is_a_training_and_right(tmp_path, carried):
    report = checked(tmp_path / "book.xlsx", by_hand(carried))
    (sheet,) = report.sheets
    assert (report.verdict, sheet.rule, sheet.updates) == ("right", "perceptron", 60)


@for_each(
    ("cells", "where", "expected"),
    [
        ({"K4": "=K3+G4"}, "K4", "=K3+H4"),
        ({"G5": "=$C5*$D5*B5"}, "G5", "=$C5*$D5*A5"),
    ],
)
def test_a_mistake_is_found_in_its_cell(tmp_path, cells, where, expected):
    report = checked(tmp_path / "book.xlsx", edited(by_hand(carried=True), cells))
    assert report.verdict == "wrong"
    assert (where, expected) in {(f.cells, f.expected) for f in report.findings}


def test_a_zero_where_the_sample_was_wrong_is_found(tmp_path):
    report = checked(tmp_path / "book.xlsx", by_hand(forgotten=9))
    assert [(f.cells, f.kind, f.expected) for f in report.findings] == [
        ("G9", "pasted value", "=$C9*$D9*A9"),
        ("H9", "pasted value", "=$C9*$D9*B9"),
        ("I9", "pasted value", "=C9*D9"),
    ]
    assert "F9 isn't D9 here" in report.findings[0].why


def test_a_table_in_which_nothing_is_decided_is_none(tmp_path):
    cells = {place: said for place, said in by_hand().items() if place[0] not in "EF"}
    assert checked(tmp_path / "book.xlsx", cells).verdict in ("unfinished", "no network")
