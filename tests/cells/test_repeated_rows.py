"""Rows repeat others once enough of them, and a whole period, have."""

from __future__ import annotations

from gradbook.cells.sheet_rows import FEWEST, LONGEST_PERIOD, RowKind, RowRepeats
from tests.cases import for_each

UPDATE, LOSS, OTHER = "=A1-B1", "=C1^2", "=A1+B1"  # stand for formulas, seen from their cells


def row(*formulas: str) -> RowKind:
    return tuple(part for pair in enumerate(formulas) for part in pair)


def fed(*kinds: RowKind) -> RowRepeats:
    repeats = RowRepeats()
    for number, kind in enumerate(kinds):
        repeats.period(number, kind)
    return repeats


def test_rows_that_are_alike_repeat_once_there_are_enough():
    few = fed(*[row(UPDATE, LOSS)] * FEWEST)
    assert few.running == 0
    assert few.period(FEWEST, row(UPDATE, LOSS)) == 1


@for_each("samples", [3, 100])
def test_samples_below_each_other_repeat_those_of_the_epoch_before(samples):
    epoch = [row(f"={k}*A1") for k in range(samples)]
    needed = max(FEWEST, samples)
    repeats = fed(*(epoch[k % samples] for k in range(samples + needed)))
    assert repeats.running == samples
    assert fed(*(epoch[k % samples] for k in range(samples + needed - 1))).running == 0


def test_a_row_of_another_kind_ends_it():
    repeats = fed(*[row(UPDATE)] * 2 * FEWEST)
    assert repeats.period(2 * FEWEST, row(LOSS)) == 0
    assert repeats.period(2 * FEWEST + 1, row(UPDATE)) == 0


def test_a_very_long_period_is_none():
    long = [row(f"={k}*A1") for k in range(LONGEST_PERIOD + 1)]
    assert fed(*long, *long, *long).running == 0


def test_a_row_departs_in_a_few_cells_of_the_same_columns():
    usual = row(*[UPDATE] * 8)
    repeats = fed(*[usual] * 2 * FEWEST)
    number = 2 * FEWEST
    assert repeats.usual(number, row(*[UPDATE] * 7, OTHER)) == usual
    assert repeats.usual(number, usual) == ()
    assert repeats.usual(number, row(*[UPDATE] * 5, *[OTHER] * 3)) == ()
    assert repeats.usual(number, row(*[UPDATE] * 7)) == ()


def test_nothing_departs_from_rows_that_do_not_repeat():
    assert fed(row(UPDATE)).usual(1, row(OTHER)) == ()
