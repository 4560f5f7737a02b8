"""With the counts and clocks that ship, counted work decides, not how busy a machine is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bench.large_books import each_row_wrong, many_terms
from gradbook.audit.check_book import check, check_again
from gradbook.audit.copies.correct import corrections
from gradbook.audit.many import check_books
from gradbook.cells import budget as limits
from gradbook.cells.budget import Budget
from gradbook.net import builtin
from gradbook.report.workbook import write_workbook
from tests.audit.conftest import CLOCKS
from tests.audit.material.hostile import FILES
from tests.audit.material.lookalikes import FORMULAS, book
from tests.cases import for_each

FAR_FROM_SPENT = 0.1  # of what may be spent: what an ordinary book takes
ONE_MORE = 1.01  # what is computed is counted before anything says that it was too much
MISTAKE = {"∂E/∂w1": FORMULAS["∂E/∂w1"].replace("(1-{a_h1})", "(1-{a_h2})")}
ALONE = partial(check_books, workers=1, check=check_again)


@pytest.fixture(autouse=True)
def clocks_that_ship(monkeypatch: pytest.MonkeyPatch, judged_by_work_alone: None) -> None:
    for clock, seconds in CLOCKS.items():
        monkeypatch.setattr(limits, clock, seconds)


@pytest.fixture
def budgets(monkeypatch: pytest.MonkeyPatch) -> list[Budget]:
    """The budgets of all books that are judged meanwhile."""
    made: list[Budget] = []

    class Remembered(Budget):
        def __init__(self, **kind: bool) -> None:
            super().__init__(**kind)
            made.append(self)

    monkeypatch.setattr(limits, "Budget", Remembered)
    return made


def ended_in_time(budget: Budget) -> bool:
    return not (budget.judging.was_late or budget.seeking.was_late)


def written(name: str) -> Callable[[Path], object]:
    return lambda path: write_workbook(builtin(name), path, epochs=10)


ORDINARY: dict[str, Callable[[Path], object]] = {
    "a mistake": lambda path: book(path, MISTAKE),
    "worked": written("worked"),
    "mazur": written("mazur"),
    "xor": written("xor"),
    "cells in a circle": FILES["cells in a circle"],
    "a line of sums": FILES["a line of sums"],
    "words 0": FILES["words 0"],
}


def test_a_clock_that_ends_something_is_known_by_it(monkeypatch):
    monkeypatch.setattr(limits, "LONGEST_SOUGHT", 0.0)
    with limits.budget_of_book() as mine:
        assert limits.within_budget(lambda: "found") is None
    assert mine.seeking.was_late
    assert not mine.judging.was_late


@for_each("name", ORDINARY)
def test_an_ordinary_book_is_far_from_any_limit(name, path, budgets):
    budgets.clear()
    ORDINARY[name](path)
    check(path)
    (mine,) = budgets
    assert mine.left == []
    assert ended_in_time(mine)
    assert mine.judging.spent < FAR_FROM_SPENT * limits.MOST_JUDGED
    assert mine.seeking.spent < FAR_FROM_SPENT * limits.MOST_SOUGHT


def test_where_the_work_is_spent_the_same_is_said_however_long_the_clock(
    path, budgets, monkeypatch
):
    many_terms(path, 50)
    for clock in CLOCKS:  # long enough on slow machines, too
        monkeypatch.setattr(limits, clock, 60.0)
    ours = check(path)
    monkeypatch.setattr(limits, "LONGEST_SOUGHT", 120.0)
    patient = check(path)
    assert all(one.seeking.spent > limits.MOST_SOUGHT for one in budgets)
    assert all(map(ended_in_time, budgets))
    assert "the search for a small repair was stopped" in " ".join(str(ours).split())
    assert str(ours) == str(patient)


@for_each(("make", "size"), [(many_terms, 50), (each_row_wrong, 60)])
def test_a_hostile_book_is_judged_corrected_and_judged_again_within_the_counted_work(
    make, size, path, budgets
):
    budgets.clear()
    make(path, size)
    (correction,) = corrections([check(path)], ALONE)
    assert correction.content or correction.objection
    book, copy = budgets
    assert book.seeking.spent < ONE_MORE * limits.MOST_SOUGHT
    assert copy.seeking.spent < ONE_MORE * limits.MOST_SOUGHT_AGAIN
