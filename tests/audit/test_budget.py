"""What may be spent on one book is spent on judging first, and what is left over is told."""

from __future__ import annotations

from time import process_time

import pytest

from gradbook.audit import check_book as checking
from gradbook.audit.check_book import check
from gradbook.audit.findings import GOOD, grade
from gradbook.cells import budget as limits
from gradbook.cells import evaluate
from gradbook.cells.budget import (
    BudgetSpent,
    budget,
    budget_of_book,
    note_if_spent,
    spend,
    within_budget,
)
from tests.audit.material.lookalikes import FORMULAS, book
from tests.cases import for_each

MISTAKE = {"∂E/∂w1": FORMULAS["∂E/∂w1"].replace("(1-{a_h1})", "(1-{a_h2})")}


def test_work_costs_what_is_computed_and_setting_out():
    with budget_of_book() as mine:
        spend(50, times=3)
    assert mine.judging.spent == 3 * (50 + limits.SETTING_OUT)


def test_nothing_is_counted_outside_of_a_book():
    spend(10**12)
    assert budget() is not budget()


def test_a_search_is_paid_from_its_own_account():
    with budget_of_book() as mine:
        assert within_budget(lambda: spend(7) or "found") == "found"
    assert (mine.judging.spent, mine.seeking.spent) == (0, 7 + limits.SETTING_OUT)


def test_a_search_that_costs_too_much_finds_nothing_and_the_rest_goes_on():
    with budget_of_book() as mine:
        assert within_budget(lambda: spend(limits.MOST_SOUGHT)) is None
        spend(1)
    assert mine.seeking.is_empty
    assert not mine.judging.is_empty


def test_a_search_for_some_may_not_spend_what_others_need():
    with budget_of_book() as mine:
        assert (
            within_budget(lambda: spend(limits.MOST_SOUGHT * 2 // 3) or "found", share=0.5) is None
        )
        assert mine.seeking.most == limits.MOST_SOUGHT


def test_a_copy_may_be_given_less_work_than_its_book_and_never_more():
    with budget_of_book() as book, budget_of_book(again=True) as copy:
        assert copy.judging.most < book.judging.most
        assert copy.seeking.most < book.seeking.most


def test_what_is_left_is_told():
    with budget_of_book() as mine, note_if_spent(lambda: "the rest"):
        spend(limits.MOST_JUDGED)
    assert mine.left == ["the rest"]


def test_time_runs_out_where_work_is_not_counted(monkeypatch):
    monkeypatch.setattr(limits, "LONGEST_JUDGED", 0.0)
    with budget_of_book(), pytest.raises(BudgetSpent):
        spend(limits.LOOK_AT_CLOCK)


def test_without_means_to_seek_a_wrong_gradient_is_still_found(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_SOUGHT", -1)
    report = check(book(tmp_path / "book.xlsx", MISTAKE))
    (finding,) = report.findings
    assert (report.verdict, finding.weight) == ("wrong", "w1")
    assert "the search for a small repair was stopped" in finding.why
    assert finding.expected  # what the chain rule gives costs little


def test_a_training_that_could_not_be_judged_is_not_called_right(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MOST_JUDGED", 10_000)
    report = check(book(tmp_path / "book.xlsx"))
    (sheet,) = report.sheets
    assert report.verdict == "unfinished"
    assert sheet.notes[0].startswith("not examined further")


@for_each("most", [10_000 * 2**k for k in range(10)])
def test_however_little_may_be_spent_a_wrong_gradient_does_not_count_as_right(
    most, tmp_path, monkeypatch
):
    monkeypatch.setattr(limits, "MOST_JUDGED", most)
    report = check(book(tmp_path / "book.xlsx", MISTAKE))
    assert report.verdict in ("wrong", "unfinished")
    assert "w1" not in {mark.weight for mark in grade(report) if mark.state == GOOD}


def test_the_clock_is_looked_at_often_however_little_is_counted(monkeypatch):
    monkeypatch.setattr(limits, "LONGEST_JUDGED", 0.0)
    with budget_of_book(), pytest.raises(BudgetSpent):
        for _ in range(1000):
            spend(1)


def test_a_copy_that_is_judged_again_gets_less_time_for_what_is_wrong(monkeypatch):
    monkeypatch.setattr(limits, "LONGEST_SOUGHT_AGAIN", 1.0)
    with budget_of_book() as first, budget_of_book(again=True) as again:
        assert again.seeking.longest < first.seeking.longest
        assert again.judging.until >= first.judging.until


def test_a_search_for_some_may_not_take_the_time_of_others(monkeypatch):
    monkeypatch.setattr(limits, "LONGEST_SOUGHT", 1000.0)
    with budget_of_book() as mine:
        within = within_budget(lambda: mine.seeking.until, share=0.5)
        assert 990 < mine.seeking.longest <= 1000
    assert 490 < within - process_time() <= 500


def test_only_the_time_of_searching_counts_for_a_search(monkeypatch):
    monkeypatch.setattr(limits, "LONGEST_SOUGHT", 1000.0)
    with budget_of_book() as mine:
        monkeypatch.setattr(limits, "process_time", lambda: process_time() + 2000)
        assert not mine.seeking.is_empty
        assert within_budget(lambda: not mine.seeking.is_empty)


def test_values_that_take_too_long_to_compute_are_told_and_the_rest_is_judged(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(evaluate, "TAKEN_IN", limits.MOST_SOUGHT)
    report = check(book(tmp_path / "book.xlsx"))
    assert report.notes == (
        "not examined further: the values of its formulas, which the file doesn't contain",
    )
    assert all(sheet.loss for sheet in report.sheets)


def test_a_book_whose_trainings_take_too_long_to_find_is_no_book_without_any(tmp_path, monkeypatch):
    def endless(*_: object) -> None:
        raise BudgetSpent

    monkeypatch.setattr(checking, "find_trainings", endless)
    report = check(book(tmp_path / "book.xlsx"))
    assert report.verdict == "unfinished"
    assert "not examined further" in str(report)
