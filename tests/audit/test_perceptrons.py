"""Generated trainings by the perceptron rule: right ones are right, planted mistakes are found."""

from __future__ import annotations

from itertools import count, islice

import pytest

from tests.audit.material.perceptrons.mutants import judged_clean, judged_spoilt
from tests.conftest import THOROUGH

CLEAN, MUTANTS = range(0, 90, 3 if THOROUGH else 9), 30 if THOROUGH else 10
SEED = 300
MOST_MISSED = 2 if THOROUGH else 1  # of so few; bench/perceptrons.py has the whole count

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


HIDDEN = {
    "an output or a change": (0, "pasted"),
    "a change by which a step is known": (107, "pasted"),
    "the change of a weight in blocks": (31437, "pasted"),
    "a weight from which nothing goes on": (31425, "pasted"),
    "a sum that has its bias twice": (86158, "wrong weight"),
    "a weight that an epoch begins with": (120348, "not carried"),
    "the change of a threshold that an epoch ends with": (30054, "pasted"),
    "a weight of which one step is left": (30121, "pasted"),
    "an error before long sums": (30136, "turned error"),
    "a weight in the midst of others in blocks": (640033, "pasted"),
}


@pytest.mark.parametrize("case", HIDDEN)
def test_a_mistake_by_which_a_step_is_hard_to_know_is_found(tmp_path, case):
    number, kind = HIDDEN[case]
    outcome = judged_spoilt(tmp_path / "book.xlsx", number)
    assert outcome is not None
    assert (outcome.kind, outcome.found, outcome.repaired) == (kind, True, True), outcome.words
