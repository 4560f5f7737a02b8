"""Solutions are those that are known, or that SciPy finds; a bad start, a corner and a jump are
said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradbook.cells.book import Book
from gradbook.cells.budget import budget_of_book
from gradbook.cells.solving import (
    CellLimit,
    Relation,
    Solution,
    SolutionKind,
    SolverGoal,
    SolverProgress,
    solve,
)
from gradbook.errors import UsageError
from tests.audit.material.made import Content
from tests.audit.material.small import at, small
from tests.cases import for_each

LESS, MORE, SAME = Relation.AT_MOST, Relation.AT_LEAST, Relation.EQUAL


def solved(
    cells: Mapping[str, Content],
    inputs: Sequence[str],
    result: str,
    goal: SolverGoal = SolverGoal.SMALLEST,
    *limits: tuple[str, Relation, float | str],
    to: float = 0.0,
) -> Solution:
    book, _ = small(cells)
    kept = [
        CellLimit(at(cell), how, at(bound), of_cell=True)
        if isinstance(bound, str)
        else CellLimit(at(cell), how, bound)
        for cell, how, bound in limits
    ]
    return solve(book, at(result), [at(c) for c in inputs], goal, to=to, limits=kept)


ROSENBROCK = {"B1": -1.2, "B2": 1.0, "B3": "=(1-B1)^2+100*(B2-B1^2)^2"}


def test_the_lowest_value_of_a_curved_valley():
    solution = solved(ROSENBROCK, ["B1", "B2"], "B3")
    assert solution.kind is SolutionKind.SLOPELESS
    assert list(solution.numbers.values()) == pytest.approx([1, 1], abs=1e-8)
    assert solution.value < 1e-16
    assert solution.start == pytest.approx(24.2)
    assert solution.evaluations < 60


def test_bounds_are_kept_and_hold_the_solution():
    solution = solved(ROSENBROCK, ["B1", "B2"], "B3", SolverGoal.SMALLEST, ("B1", LESS, 0.5))
    assert solution.kind is SolutionKind.LIMITED
    assert solution.numbers[at("B1")] == 0.5
    assert solution.value == pytest.approx(0.25, rel=1e-9)
    assert solution.slope < 1e-6


def test_the_largest_profit_within_limits():
    cells = {
        "B1": 0.0,
        "B2": 0.0,
        "B3": "=B1+2*B2",
        "B4": "=B1+B2",
        "B5": "=B1+3*B2",
        "B6": 5.0,
        "B7": "=B6+0",
    }
    solution = solved(
        cells,
        ["B1", "B2"],
        "B3",
        SolverGoal.LARGEST,
        ("B1", MORE, 0.0),
        ("B2", MORE, 0.0),
        ("B4", LESS, 4.0),
        ("B5", LESS, "B7"),
    )
    assert solution.kind is SolutionKind.LIMITED
    assert list(solution.numbers.values()) == pytest.approx([3.5, 0.5], abs=1e-7)
    assert solution.value == pytest.approx(4.5, rel=1e-8)
    assert solution.broken == ()


def test_an_equation_is_kept():
    cells = {"B1": 3.0, "B2": -1.0, "B3": "=(B1-2)^2+B2^2", "B4": "=B1^2+B2^2"}
    solution = solved(cells, ["B1", "B2"], "B3", SolverGoal.SMALLEST, ("B4", SAME, 1.0))
    assert list(solution.numbers.values()) == pytest.approx([1, 0], abs=1e-6)
    assert solution.value == pytest.approx(1.0, rel=1e-8)


def test_a_value_is_reached_with_the_smallest_change():
    cells = {"B1": 10.0, "B2": 5.0, "B3": "=B1*B2"}
    solution = solved(cells, ["B1", "B2"], "B3", SolverGoal.REACHED, to=60.0)
    assert solution.kind is SolutionKind.REACHED
    assert solution.value == pytest.approx(60, rel=1e-9)
    x, y = solution.numbers.values()
    assert (x / 10, y / 5) == pytest.approx((sqrt(1.2), sqrt(1.2)), rel=1e-6)


def test_a_loan_is_found_that_costs_what_it_should():
    cells = {"B1": 200000.0, "B2": 0.04, "B3": 25.0, "B4": "=-PMT(B2/12,B3*12,B1)"}
    solution = solved(cells, ["B1"], "B4", SolverGoal.REACHED, to=900.0)
    growth = (1 + 0.04 / 12) ** 300
    assert solution.numbers[at("B1")] == pytest.approx(900 * (growth - 1) / growth / (0.04 / 12))
    assert solution.evaluations < 10


def test_a_value_that_cannot_be_reached_is_missed_by_as_little_as_possible():
    solution = solved({"B1": 3.0, "B2": "=B1^2+1"}, ["B1"], "B2", SolverGoal.REACHED)
    assert solution.kind is SolutionKind.MISSED
    assert solution.value == pytest.approx(1.0, abs=1e-6)


def test_limits_that_contradict_each_other_are_named():
    cells = {"B1": 1.0, "B2": "=B1^2", "B3": "=B1*2", "B4": "=B1*3"}
    limits = ("B3", MORE, 10.0), ("B4", LESS, 6.0)
    solution = solved(cells, ["B1"], "B2", SolverGoal.SMALLEST, *limits)
    assert solution.kind is SolutionKind.BROKEN
    assert solution.broken
    assert not solution.is_good


@pytest.mark.parametrize("count", [20, 200])
def test_an_equation_of_many_cells_is_kept(count):
    """The nearest numbers to 1, 2 … whose sum is 0: each is moved by as much."""
    cells: dict[str, Content] = {f"A{k}": 1.0 for k in range(1, count + 1)}
    cells |= {f"B{k}": k / count for k in range(1, count + 1)}
    cells |= {"C1": f"=SUMXMY2(A1:A{count},B1:B{count})", "C2": f"=SUM(A1:A{count})"}
    names = [f"A{k}" for k in range(1, count + 1)]
    solution = solved(cells, names, "C1", SolverGoal.SMALLEST, ("C2", SAME, 0.0))
    middle = (count + 1) / 2 / count
    assert solution.kind is SolutionKind.LIMITED
    assert solution.value == pytest.approx(count * middle**2, rel=1e-8)
    assert solution.numbers[at("A1")] == pytest.approx(1 / count - middle, abs=1e-6)
    assert solution.slope < 1e-6


@for_each(
    ("formula", "start", "kind"),
    [
        ("=ABS(B1-2)", 7.3, SolutionKind.CORNER),
        ("=MAX(B1,-2*B1)+1", 7.3, SolutionKind.CORNER),
        ("=B1-5*(B1<3)+10*(B1<2)", 4.0, SolutionKind.JUMP),
        ("=INT(B1)", 4.5, SolutionKind.FLAT),
        ("=B1*2", 4.5, SolutionKind.ENDLESS),
        ("=-(B1^2)", 0.0, SolutionKind.ENDLESS),
        ("=(B1-3)^4", 4.5, SolutionKind.SLOPELESS),
        ("=B1^4-B1^2", 0.0, SolutionKind.SLOPELESS),
    ],
)
def test_it_is_said_what_kind_of_place_was_found(formula, start, kind):
    solution = solved({"B1": start, "B2": formula}, ["B1"], "B2")
    assert solution.kind is kind, solution


def test_a_start_where_all_slopes_are_zero_is_left():
    solution = solved({"B1": 0.0, "B2": "=B1^4-B1^2"}, ["B1"], "B2")
    assert solution.value == pytest.approx(-0.25)


FIT = {
    **{f"A{r}": r / 5 for r in range(1, 31)},
    **{f"B{r}": 3 * exp(-0.7 * r / 5) + 0.5 + 0.02 * ((r * 7) % 5 - 2) for r in range(1, 31)},
    "F1": 1.0,
    "F2": 1.0,
    "F3": 0.0,
    "C1:C30": "=$F$1*EXP(-$F$2*A1)+$F$3",
    "D1:D30": "=(C1-B1)^2",
    "F4": "=SUM(D1:D30)",
}


def test_a_curve_is_fitted_as_by_scipy():
    optimize = pytest.importorskip("scipy.optimize")
    solution = solved(FIT, ["F1", "F2", "F3"], "F4")
    rows = [(FIT[f"A{r}"], FIT[f"B{r}"]) for r in range(1, 31)]

    def squares(p: Sequence[float]) -> float:
        return sum((p[0] * exp(-p[1] * x) + p[2] - y) ** 2 for x, y in rows)

    best = optimize.minimize(squares, [1, 1, 0], method="BFGS", options={"gtol": 1e-9})
    assert solution.value == pytest.approx(best.fun, rel=1e-9)
    assert list(solution.numbers.values()) == pytest.approx(list(best.x), rel=1e-5)
    assert solution.evaluations < best.nfev


NUMBER = st.integers(-30, 30).map(lambda n: n / 8)


@settings(max_examples=60, deadline=None)
@given(st.lists(NUMBER, min_size=9, max_size=9), st.lists(NUMBER, min_size=3, max_size=3))
def test_quadratic_forms_are_lowest_where_their_slopes_vanish(entries, middle):
    """|M(x − m)|² + |x − m|²/10, within bounds on either side of the middle or not."""
    cells: dict[str, Content] = {f"A{k + 1}": 1.0 for k in range(3)}
    cells |= {f"B{k + 1}": middle[k] for k in range(3)}
    cells |= {f"{'DEF'[k % 3]}{k // 3 + 1}": entry for k, entry in enumerate(entries)}
    rows = "+".join(f"SUMPRODUCT(D{r}:F{r},TRANSPOSE(A1:A3-B1:B3))^2" for r in (1, 2, 3))
    cells["C1"] = f"={rows}+SUMXMY2(A1:A3,B1:B3)/10"
    solution = solved(cells, ["A1", "A2", "A3"], "C1")
    assert list(solution.numbers.values()) == pytest.approx(middle, abs=1e-4)
    bound = middle[0] + 0.5
    held = solved(cells, ["A1", "A2", "A3"], "C1", SolverGoal.SMALLEST, ("A1", MORE, bound))
    assert held.numbers[at("A1")] == bound
    assert held.value >= solution.value
    assert held.kind is SolutionKind.LIMITED


def book_of(cells: Mapping[str, Content]) -> Book:
    return small(cells)[0]


def test_a_watch_sees_the_value_fall_and_stops():
    seen: list[SolverProgress] = []

    def watch(progress: SolverProgress) -> bool:
        seen.append(progress)
        return len(seen) < 12

    solution = solve(book_of(ROSENBROCK), at("B3"), [at("B1"), at("B2")], watch=watch)
    assert solution.kind is SolutionKind.STOPPED
    assert len(seen) == 12
    values = [progress.value for progress in seen]
    assert values == sorted(values, reverse=True)
    assert solution.value == values[-1] < values[0]


def test_one_that_is_stopped_at_once_stays_at_the_start():
    cells = [at("B1"), at("B2")]
    solution = solve(book_of(ROSENBROCK), at("B3"), cells, watch=lambda progress: False)
    assert solution.kind is SolutionKind.STOPPED
    assert solution.value == solution.start
    assert solution.evaluations == 1


def test_a_spent_budget_leaves_the_best_so_far():
    with budget_of_book(derives=True) as budget:

        def watch(progress: SolverProgress) -> bool:
            if progress.evaluations == 5:
                budget.judging.most = budget.judging.spent
            return True

        solution = solve(book_of(ROSENBROCK), at("B3"), [at("B1"), at("B2")], watch=watch)
    assert solution.kind is SolutionKind.UNFINISHED
    assert solution.evaluations == 6
    assert solution.value < solution.start


@for_each(
    ("inputs", "result", "limits", "words"),
    [
        (["B9"], "B3", [], "doesn't depend on these cells"),
        (["B1"], "B1", [], "has no formula"),
        (["B3"], "B4", [], "has a formula"),
        (["B5"], "B4", [], "is a text"),
        (["B1"], "B3", [("B1", Relation.WHOLE, 0.0)], "should be a whole number"),
        (["B1"], "B3", [("B1", MORE, 5.0), ("B1", LESS, 4.0)], "at least 5 and at most 4"),
        (["B1"], "B6", [], "depends on itself"),
        (["B1"], "B8", [], "NOSUCH"),
        (["B2"], "B10", [], "show an error at the start"),
    ],
)
def test_what_cannot_be_solved_is_refused_by_name(inputs, result, limits, words):
    cells = {
        **ROSENBROCK,
        "B4": "=B3*2",
        "B5": "word",
        "B6": "=B7+B1",
        "B7": "=B6",
        "B8": "=NOSUCH(B1)",
        "B9": 3.0,
        "B10": "=LN(B2-1)",
    }
    with pytest.raises(UsageError, match=words):
        solved(cells, inputs, result, SolverGoal.SMALLEST, *limits)


def test_a_network_on_a_sheet_is_trained_from_a_bad_start():
    """25 weights and 60 points, as people type them; within ±10, as in a solver's dialog."""
    state = 5

    def random() -> float:
        nonlocal state
        state = (state * 16807) % 2147483647
        return state / 2147483647

    cells: dict[str, Content] = {f"A{k}": 2 * random() - 1 for k in range(1, 26)}
    for row in range(1, 61):
        x, y = 2 * random() - 1, 2 * random() - 1
        cells |= {f"C{row}": x, f"D{row}": y, f"E{row}": float(x * x + y * y < 0.5)}
    for k, unit in enumerate("FGHIJK"):
        a, b, c = (f"$A${3 * k + n}" for n in (1, 2, 3))
        cells[f"{unit}1:{unit}60"] = f"=TANH({a}*C1+{b}*D1+{c})"
    total = "+".join(f"$A${19 + k}*{unit}1" for k, unit in enumerate("FGHIJK"))
    cells["L1:L60"] = f"=1/(1+EXP(-({total}+$A$25)))"
    cells |= {"M1:M60": "=(L1-E1)^2/2", "O1": "=SUM(M1:M60)"}
    names = [f"A{k}" for k in range(1, 26)]
    bounds = [(name, how, end) for name in names for how, end in ((MORE, -10.0), (LESS, 10.0))]
    solution = solved(cells, names, "O1", SolverGoal.SMALLEST, *bounds)
    assert solution.start > 5
    assert solution.value < 0.6
    assert all(abs(x) <= 10 for x in solution.numbers.values())
