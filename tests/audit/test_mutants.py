"""Mistakes planted in workbooks of random networks are found, and nothing else is."""

from __future__ import annotations

import random

import pytest

from gradbook.audit.check import check_book
from tests.audit.made import STYLES, known_table, random_network
from tests.audit.mutants import tried

MUTANTS = range(0, 240, 4)
LEAST_FOUND, LEAST_REPAIRED = 0.9, 0.85  # of so few; bench/mutants.py has the whole count

pytestmark = pytest.mark.filterwarnings("ignore:Unknown sheet name")


def test_planted_mistakes_are_found_and_repaired(tmp_path):
    path = tmp_path / "mutant.xlsx"
    outcomes = [outcome for number in MUTANTS if (outcome := tried(path, number, (1,)))]
    repairable = [outcome for outcome in outcomes if outcome.kind != "blank rate"]
    missed = [outcome for outcome in outcomes if not outcome.found]
    assert len(missed) <= (1 - LEAST_FOUND) * len(outcomes), missed
    good = sum(outcome.repaired for outcome in repairable)
    assert good >= LEAST_REPAIRED * len(repairable)


@pytest.mark.parametrize("style", STYLES)
def test_a_clean_book_raises_no_alarm_in_any_style(style, tmp_path):
    for number in range(3):
        draw = random.Random(number)
        table = known_table(random_network(draw, 1 + number), 4)
        report = check_book(STYLES[style](table).save(tmp_path / "clean.xlsx"))
        assert (report.verdict, [s.findings for s in report.sheets]) == (
            "right",
            [()] * len(report.sheets),
        )
