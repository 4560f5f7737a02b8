"""Generated trainings by the perceptron rule: right ones are right, planted mistakes are found."""

from __future__ import annotations

from itertools import count, islice

import pytest

from tests.audit.material.perceptrons.mutants import judged_clean, judged_spoilt
from tests.conftest import REQUIRE_ALL

CLEAN, MUTANTS = range(0, 90, 3 if REQUIRE_ALL else 9), 30 if REQUIRE_ALL else 10
SEED = 300
MOST_MISSED = 2 if REQUIRE_ALL else 1  # of so few; bench/perceptrons.py has the whole count

pytestmark = pytest.mark.filterwarnings("ignore:Unknown sheet name")


def test_no_right_book_is_blamed(tmp_path):
    judged = [judged_clean(tmp_path / "book.xlsx", number) for number in CLEAN]
    assert [(one.number, one.words) for one in judged if not one.found] == []


def test_planted_mistakes_are_found_and_repaired(tmp_path):
    path = tmp_path / "book.xlsx"
    tries = (judged_spoilt(path, number) for number in count(SEED))
    mutants = list(islice(filter(None, tries), MUTANTS))
    missed = [(one.number, one.kind, one.words) for one in mutants if not one.repaired]
    assert len(missed) <= MOST_MISSED, missed


@pytest.mark.parametrize("number", [0, 107])
def test_an_output_or_a_change_pasted_over_is_one_finding(tmp_path, number):
    outcome = judged_spoilt(tmp_path / "book.xlsx", number)
    assert outcome is not None
    assert (outcome.kind, outcome.found, outcome.repaired) == ("pasted", True, True), outcome.words
