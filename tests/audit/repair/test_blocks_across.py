"""A table of steps whose samples stand in a block of columns for each: ranges that go astray."""

from __future__ import annotations

from gradbook.audit.check_book import check
from gradbook.cells.formula.address import letters
from tests.audit.material.made import Table, cells_of
from tests.cases import for_each

STEPS, SAMPLES, TOP = 8, 5, 3  # rows are counted from 1 here
X, Y = (0.5, 1.0, 1.5, 2.0, 2.5), (1.1, 1.9, 3.2, 3.9, 5.2)
HEADINGS = ("guess", "loss", "dw", "db")


def column(step: int, heading: str) -> str:
    return letters(12 + 5 * step + HEADINGS.index(heading))


def mean(step: int, heading: str, last: int = TOP + SAMPLES - 1) -> str:
    there = column(step, heading)
    return f"=AVERAGE({there}{TOP}:{there}{last})"


def cells() -> dict[str, object]:
    """A line fitted by descent: the weights in F and G, their gradients in H and I, the loss in J;
    the rate C1 is typed into each row without a $."""
    found: dict[str, object] = {"B1": "rate", "C1": 0.1, "A2": "x", "B2": "y"}
    found |= dict(
        zip(("F2", "G2", "H2", "I2", "J2"), ("w", "b", "mean dw", "mean db", "loss"), strict=True)
    )
    found |= {"F3": 1.0, "G3": 0.5}
    for k in range(SAMPLES):
        found |= {f"A{TOP + k}": X[k], f"B{TOP + k}": Y[k]}
    for step in range(STEPS):
        row = TOP + step
        if step:
            found[f"F{row}"] = f"=F{row - 1}-C1*H{row - 1}"
            found[f"G{row}"] = f"=G{row - 1}-C1*I{row - 1}"
        for target, heading in (("H", "dw"), ("I", "db"), ("J", "loss")):
            found[f"{target}{row}"] = mean(step, heading)
        guess = column(step, "guess")
        for heading in HEADINGS:
            found[f"{column(step, heading)}2"] = heading
        for k in range(TOP, TOP + SAMPLES):
            found[f"{guess}{k}"] = f"=$F${row}*$A{k}+$G${row}"
            found[f"{column(step, 'loss')}{k}"] = f"=0.5*({guess}{k}-$B{k})^2"
            found[f"{column(step, 'dw')}{k}"] = f"=({guess}{k}-$B{k})*$A{k}"
            found[f"{column(step, 'db')}{k}"] = f"={guess}{k}-$B{k}"
    return found


def checked(path, **changed):
    contents = {cells_of(name)[0]: content for name, content in (cells() | changed).items()}
    report = check(Table({"Line": contents}).save(path))
    return report.verdict, [
        (f.cells, f.kind, f.expected) for s in report.sheets for f in s.findings
    ]


def test_a_rate_that_every_row_types_anew_is_no_mistake(path):
    assert checked(path) == ("right", [])


@for_each(
    ("cell", "wrong", "right"),
    [
        ("I7", mean(4, "dw"), mean(4, "db")),
        ("H10", mean(7, "db"), mean(7, "dw")),
        ("I6", mean(3, "db", TOP + SAMPLES - 2), mean(3, "db")),
        ("J9", mean(6, "db"), mean(6, "loss")),
    ],
)
def test_a_range_that_is_another_or_too_short_is_found(cell, wrong, right, path):
    assert checked(path, **{cell: wrong}) == ("wrong", [(cell, "departing row", right)])


def test_an_update_by_another_weights_gradient_is_found_once(path):
    _, found = checked(path, G8="=G7-C1*H7")
    assert [(cells, kind) for cells, kind, _ in found] == [("G8", "departing row")]


def test_it_is_found_where_a_wrong_range_makes_the_two_alike(path):
    _, found = checked(path, I7=mean(4, "dw"), F8="=F7-C1*I7")
    assert {cells: expected for cells, _, expected in found} == {
        "I7": mean(4, "db"),
        "F8": "=F7-C1*H7",
    }
