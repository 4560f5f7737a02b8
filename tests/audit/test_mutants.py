"""Mistakes planted in workbooks of random networks are found, and nothing else is."""

from __future__ import annotations

import random

import pytest

from tests.audit.material.mutants import clean_book, tried
from tests.audit.material.styles import STYLES
from tests.cases import for_each
from tests.conftest import THOROUGH

MUTANTS = range(0, 720, 5 if THOROUGH else 12)  # some of them have no place for their mistake
LEAST_FOUND, LEAST_REPAIRED = 0.97, 0.97  # of so few; bench/mutants.py has the whole count
PARTS = 2 if THOROUGH else 1

pytestmark = pytest.mark.filterwarnings("ignore:Unknown sheet name")


@for_each("part", range(PARTS))
def test_planted_mistakes_are_found_and_repaired(part, tmp_path):
    path = tmp_path / "mutant.xlsx"
    tries = (tried(path, number, (1,)) for number in MUTANTS[part::PARTS])
    outcomes = [outcome for outcome in tries if outcome is not None]
    missed = [outcome for outcome in outcomes if not outcome.found]
    left = [outcome for outcome in outcomes if not outcome.repaired]
    assert len(missed) <= (1 - LEAST_FOUND) * len(outcomes), missed
    assert len(left) <= (1 - LEAST_REPAIRED) * len(outcomes), left


@for_each("style", STYLES, ids=" - ".join)
def test_a_clean_book_raises_no_alarm_in_any_style(style, tmp_path):
    number = random.Random(" ".join(style)).randrange(600)
    for more in range(2):
        report = clean_book(tmp_path / "clean.xlsx", number + 7 * more, style)
        assert (report.verdict, [s.findings for s in report.sheets]) == (
            "right",
            [()] * len(report.sheets),
        )


@for_each("number", [5000579, 5000618, 5002074])
def test_a_weight_and_a_bias_exchanged_in_a_sum_are_told_alone(number, tmp_path):
    """Their updates, which then seem to take each other's gradients, are no second mistake."""
    assert tried(tmp_path / "book.xlsx", number).repaired


def test_a_sum_that_a_relu_keeps_at_0_may_be_pasted(tmp_path):
    """It is the same number in every step, for its weights never change."""
    assert tried(tmp_path / "book.xlsx", 11137).repaired


def test_a_target_of_0_that_one_delta_adds_is_found(tmp_path):
    """The others subtract theirs; here it is the same."""
    assert tried(tmp_path / "book.xlsx", 223, (1,)).repaired
