"""What a book earns: every mistake is charged once, and what is right beside it earns its part."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradbook.audit.check_book import check
from gradbook.audit.classes.scoring import USUAL, Rubric, in_points, score
from gradbook.audit.findings import RIGHT, WRONG, BookReport, Finding, SheetReport
from tests.audit.material.lookalikes import FORMULAS, book
from tests.cases import for_each


def earned(path: Path) -> dict[str, float]:
    return {part.mark.weight: part.share for part in score(check(path)).parts}


def test_a_right_book_has_a_point_for_every_gradient(tmp_path):
    found = score(check(book(tmp_path / "book.xlsx")))
    assert (found.points, found.out_of, found.right) == (8.0, 8.0, 8)
    assert in_points(found) == "8 of 8 points"


def test_a_wrong_formula_costs_its_own_gradient_alone(tmp_path):
    path = book(tmp_path / "book.xlsx", {"∂E/∂w5": FORMULAS["∂E/∂w5"].replace("{a_h1}", "{h1}")})
    assert earned(path) == {f"w{k}": float(k != 5) for k in range(1, 9)}
    assert in_points(score(check(path), Rubric(out_of=20))) == "17.5 of 20 points"


def test_a_wrong_sum_that_gradients_are_made_of_is_charged_once(tmp_path):
    formula = FORMULAS["o1"]
    wrong = formula.replace("{a_h2}", "{a_h1}")
    assert wrong != formula
    path = book(tmp_path / "book.xlsx", {"o1": wrong})
    (finding,) = check(path).findings
    assert finding.quantity == "o1"
    lost = 8 - score(check(path)).points
    assert 0 < lost <= 1


STEPS = 4


def finding(weight="", quantity="", kind="wrong reference", spoils=(), first_step=0, edits=()):
    return Finding(
        kind,
        quantity,
        weight,
        f"A{first_step + 1}:A{STEPS}",
        "=B1",
        "=C1",
        "why",
        spoils=spoils,
        first_step=first_step,
        edits=edits,
    )


def points(*findings: Finding, weights: int = 8, rubric: Rubric = USUAL) -> float | None:
    names = tuple(f"w{k}" for k in range(1, weights + 1))
    sheet = SheetReport("1", WRONG, loss="A1", weights=names, steps=STEPS, findings=findings)
    return score(BookReport("a", WRONG, (sheet,)), rubric).points


def own(weight, **named):
    return finding(weight, f"∂E/∂{weight}", **named)


@for_each(
    ("findings", "expected"),
    [
        ([own("w1")], 7),
        ([own("w1"), own("w2", kind="to fill in")], 6),
        ([own("w1", first_step=1)], 7.25),
        ([own("w1", kind="to fill in", first_step=3)], 7.75),
        ([own(f"w{k}", kind="to fill in", first_step=3) for k in range(1, 9)], 6),
        ([finding(quantity="∂E/∂o1", spoils=("w1", "w2", "w5", "w6"))], 7),
        ([finding(quantity="∂E/∂o1", spoils=("w1",))], 7),
        ([finding(quantity="∂E/∂o1", spoils=("w1", "w2")), own("w1")], 6.5),
        ([finding(quantity="∂E/∂o1", spoils=("w1", "w2"), first_step=3)], 7.75),
        ([finding(quantity="δ", spoils=("w1", "w2")), finding(quantity="δ", spoils=("w1",))], 7),
        ([finding(f"w{k}", f"w{k}", "adds the gradient") for k in range(1, 9)], 7),
        ([finding("w1", "w1", "pasted value")], 7),
        ([finding(quantity="E_total", kind="loss without a term")], 7),
        ([finding(quantity="o1", kind="stale value")], 8),
    ],
    ids=[
        "own formula",
        "own and blank",
        "right in the first row",
        "the last row blank",
        "the last row blank in all",
        "carried into four",
        "carried into one",
        "carried into one that is wrong itself",
        "carried from a later row on",
        "one column in two ways",
        "all updates alike",
        "one update",
        "the loss",
        "values of old",
    ],
)
def test_a_mistake_costs(findings, expected):
    assert points(*findings) == pytest.approx(expected, abs=0.011)


SIGN = [own(f"w{k}", kind="wrong sign", edits=(f"− of a_o{k}",)) for k in range(1, 9)]
TYPED = [own(f"w{k}", kind="pasted value", edits=("typed",)) for k in range(1, 9)]
DELTAS = [
    finding(
        f"w{k}", f"∂E/∂o{k}", "missing factor", (f"w{k}", f"w{k + 2}"), edits=(f"left out o{k}",)
    )
    for k in (1, 2)
]


@for_each(
    ("findings", "repeated", "expected"),
    [
        (SIGN, 1, 7),
        (SIGN, 4, 4),
        (SIGN, 100, 0),
        (SIGN[:1], 1, 7),
        (TYPED, 1, 0),
        (DELTAS, 1, 7),
        (DELTAS, 2, 6),
    ],
)
def test_a_slip_that_is_made_throughout_costs_once(findings, repeated, expected):
    assert points(*findings, rubric=Rubric(repeated=repeated)) == pytest.approx(expected)


def test_no_number_of_mistakes_makes_less_than_nothing():
    many = [finding(quantity=f"q{k}", spoils=("w1", "w2")) for k in range(9)]
    assert points(*many, weights=2) == 0


def test_what_could_not_be_judged_has_no_points():
    found = score(BookReport("a", RIGHT), Rubric(out_of=20))
    assert (found.points, found.parts, in_points(found)) == (None, (), "")
