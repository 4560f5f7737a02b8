"""Calc's own Solver dialog offers gradbook: what it finds, and what it says of it."""

from __future__ import annotations

import math
import random

import pytest

from gradbook.cells.solving import SolutionKind, SolverGoal
from gradbook.derivatives.solutions import AROUND
from gradbook.language import in_language, tr
from tests.cases import for_each

SOLVER = "org.gradbook.calc.Solver"
ROSENBROCK = {"B1": "-1.2", "B2": "1", "B3": "=(1-B1)^2+100*(B2-B1^2)^2"}
PORTFOLIO = {
    "A1": "0.3",
    "A2": "0.3",
    "A3": "0.4",
    "B1": "0.05",
    "B2": "0.08",
    "B3": "0.12",
    "C1": "=0.1*A1^2+0.2*A2^2+0.5*A3^2",
    "C2": "=SUM(A1:A3)",
    "C3": "=SUMPRODUCT(A1:A3;B1:B3)",
    "C4": "0.09",
}
SHARES = ["A1", "A2", "A3"]
INVESTED = [["C2", "EQUAL", 1.0], ["C3", "GREATER_EQUAL", "C4"]]


def fit(points=30):
    """3 e^(-0.7 x) + 0.5 with noise, and an exponential function that should go through it."""
    noise = random.Random(1)
    cells = {"F1": "1", "F2": "1", "F3": "0", "F4": f"=SUM(D1:D{points})"}
    for row in range(1, points + 1):
        x = (row - 1) / 5
        y = 3 * math.exp(-0.7 * x) + 0.5 + noise.gauss(0, 0.02)
        cells |= {f"A{row}": repr(x), f"B{row}": repr(y)}
        cells |= {f"C{row}": f"=$F$1*EXP(-$F$2*A{row})+$F$3", f"D{row}": f"=(C{row}-B{row})^2"}
    return cells


def network():
    """XOR by two hidden units; nothing in it is a gradient."""
    start = random.Random(3)
    cells = {f"B{row}": repr(start.uniform(-1, 1)) for row in range(1, 10)}
    for row, (a, b) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1)), 12):
        cells |= {f"A{row}": str(a), f"B{row}": str(b), f"C{row}": str(a ^ b)}
        cells[f"D{row}"] = f"=TANH($B$1*A{row}+$B$2*B{row}+$B$3)"
        cells[f"E{row}"] = f"=TANH($B$4*A{row}+$B$5*B{row}+$B$6)"
        cells[f"F{row}"] = f"=1/(1+EXP(-($B$7*D{row}+$B$8*E{row}+$B$9)))"
        cells[f"G{row}"] = f"=(F{row}-C{row})^2/2"
    return cells | {"G16": "=SUM(G12:G15)"}


WEIGHTS = [f"B{row}" for row in range(1, 10)]
BETWEEN = (["GREATER_EQUAL", -10.0], ["LESS_EQUAL", 10.0])


@pytest.fixture
def sheet_with(calc, opened):
    """Makes a document with these cells."""

    def make(cells):
        number = opened("private:factory/scalc")
        calc.fill(number, cells)
        return number

    return make


def test_the_dialog_offers_it_with_its_options(calc):
    title, options = calc.solvers()[SOLVER]
    assert title == "gradbook: exact derivatives"
    assert [name for name, *_ in options] == ["NonNegative", "Timeout"]
    assert all(words and words != name for name, words, _ in options)
    assert [type(value) for *_, value in options] == [bool, float]  # it lists nothing shorter


def test_a_curved_valley_is_followed_to_its_lowest_place(calc, sheet_with):
    book = sheet_with(ROSENBROCK)
    success, words, result, numbers, shown, _ = calc.solve(book, "B3", ["B1", "B2"])
    assert success
    assert numbers == pytest.approx([1, 1], abs=1e-6)
    assert result == pytest.approx(shown, abs=1e-12)
    assert "goes from 24.2 to" in words
    assert AROUND[SolverGoal.SMALLEST][SolutionKind.SLOPELESS] in words
    assert "slope" in words.splitlines()[1]


def test_a_curve_is_fitted_as_well_as_it_can_be(calc, sheet_with):
    book = sheet_with(fit())
    success, _, result, numbers, shown, _ = calc.solve(book, "F4", ["F1", "F2", "F3"])
    assert success
    assert numbers == pytest.approx([3, 0.7, 0.5], abs=0.05)
    assert result == pytest.approx(shown, rel=1e-9)
    cell = lambda name: calc.cell(book, name)[1]  # noqa: E731
    rows = range(1, 31)
    misses = [cell(f"C{row}") - cell(f"B{row}") for row in rows]
    falling = [math.exp(-numbers[1] * cell(f"A{row}")) for row in rows]
    assert sum(misses) == pytest.approx(0, abs=1e-6)  # the slopes by F3 and by F1
    assert sum(map(math.prod, zip(misses, falling, strict=True))) == pytest.approx(0, abs=1e-6)


def test_a_network_that_only_computes_forward_learns(calc, sheet_with):
    book = sheet_with(network())
    bounds = [[weight, *end] for weight in WEIGHTS for end in BETWEEN]
    success, _, result, _, shown, _ = calc.solve(book, "G16", WEIGHTS, bounds)
    assert success
    assert result == pytest.approx(shown, rel=1e-6)
    answers = [round(calc.cell(book, f"F{row}")[1]) for row in range(12, 16)]
    assert answers == [0, 1, 1, 0]


def test_constraints_of_cells_are_kept(calc, sheet_with):
    book = sheet_with(PORTFOLIO)
    success, words, result, numbers, shown, _ = calc.solve(
        book, "C1", SHARES, INVESTED, {"NonNegative": True}
    )
    assert success, words
    assert sum(numbers) == pytest.approx(1, abs=1e-8)
    assert calc.cell(book, "C3")[1] == pytest.approx(0.09, abs=1e-8)
    assert result == pytest.approx(shown, rel=1e-9)
    assert "limits that are kept: 2" in words
    # By Lagrange: 0.2 x = a + 0.05 b, 0.4 y = a + 0.08 b, z = a + 0.12 b
    x, y, z = numbers
    b = (0.4 * y - 0.2 * x) / 0.03
    a = 0.2 * x - 0.05 * b
    assert z == pytest.approx(a + 0.12 * b, abs=1e-5)


def test_numbers_stay_at_least_zero_if_that_is_asked_for(calc, sheet_with):
    book = sheet_with({"A1": "1", "A2": "=(A1+3)^2"})
    assert calc.solve(book, "A2", ["A1"])[3] == pytest.approx([-3])
    calc.cell(book, "A1", "1")
    assert calc.solve(book, "A2", ["A1"], (), {"NonNegative": True})[3] == [0]


def test_a_value_is_reached_as_the_dialog_asks_for_it(calc, sheet_with):
    book = sheet_with({"A1": "2", "A2": "=A1^3"})
    success, words, result, numbers, _, _ = calc.solve(book, "A2", ["A1"], [["A2", "EQUAL", 27.0]])
    assert success, words
    assert (result, *numbers) == pytest.approx((27, 3))


def test_the_largest_value_is_sought_and_one_without_end_is_none(calc, sheet_with):
    book = sheet_with({"A1": "1", "A2": "=A1*(4-A1)", "A3": "=A1^3"})
    assert calc.solve(book, "A2", ["A1"], (), {"Maximize": True})[3] == pytest.approx([2])
    success, words, *_ = calc.solve(book, "A3", ["A1"], (), {"Maximize": True})
    assert not success
    assert AROUND[SolverGoal.LARGEST][SolutionKind.ENDLESS] in words


@for_each("operator", ["INTEGER", "BINARY"])
def test_whole_numbers_are_refused_by_the_name_of_the_cell(calc, sheet_with, operator):
    book = sheet_with(ROSENBROCK)
    success, words, *_ = calc.solve(book, "B3", ["B1", "B2"], [["B2", operator, None]])
    assert not success
    assert "B2 should be a whole number" in words


def test_what_can_not_be_solved_says_why(calc, sheet_with):
    book = sheet_with({"A1": "1", "A2": "=A1^2", "A3": "5"})
    success, words, *_ = calc.solve(book, "A2", ["A3"])
    assert not success
    assert "A2 doesn't depend on these cells" in words


def test_no_time_is_no_solution_beyond_the_start(calc, sheet_with):
    book = sheet_with(ROSENBROCK)
    _, words, *_ = calc.solve(book, "B3", ["B1", "B2"], (), {"Timeout": 0})
    assert "it was stopped" in words


def test_it_says_so_in_the_language_of_the_office(calc, sheet_with):
    book = sheet_with(ROSENBROCK)
    calc.language("de")
    try:
        words = calc.solve(book, "B3", ["B1", "B2"])[1]
    finally:
        calc.language("en-US")
    with in_language("de"):
        assert tr(AROUND[SolverGoal.SMALLEST][SolutionKind.SLOPELESS]) in words
