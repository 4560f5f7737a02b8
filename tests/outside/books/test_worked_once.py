"""LibreOffice nudges each weight: the gradients of clean books are right, spoilt ones aren't."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

import pytest

from tests.audit.material.worked_once.book import WorkedBook
from tests.audit.material.worked_once.planted import LAYOUTS
from tests.outside.witness import read_values, recalculate_all

pytestmark = pytest.mark.witness("libreoffice")

NUDGE = 1e-4
NUMBERS = range(100)
MOST = 2  # of each kind
Values = Mapping[str, Mapping[str, float]]


def with_a_loss(layout: str, fault: str = "") -> list[WorkedBook]:
    """Books whose loss is in a cell, without ReLUs, which may all be off; with a place for a
    fault."""
    draw = LAYOUTS[layout][0]
    books = (draw(number, fault) for number in NUMBERS)
    fit = (book for book in books if book.losses and not book.blank and not book.has("IF("))
    return list(islice((book for book in fit if bool(book.wrong) is bool(fault)), MOST))


def wrong_gradients(book: WorkedBook, values: Values) -> set[str]:
    """The weights whose gradient isn't the slope between two sheets that differ in that weight."""
    found = set()
    for k, (weight, cell) in enumerate(book.slopes.items()):
        up, down = (sum(values[f"Network {2 * k + n}"][at] for at in book.losses) for n in (1, 2))
        said = values["Network"][cell]
        if book.rate:
            said = (book.numbers[weight] - said) / book.rate
        if said != pytest.approx((up - down) / (2 * NUDGE), rel=1e-4, abs=1e-7):
            found.add(weight)
    return found


def nudged(book: WorkedBook) -> list[dict[str, float]]:
    return [{w: book.numbers[w] + step} for w in book.slopes for step in (NUDGE, -NUDGE)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradients_are_right_unless_they_are_spoilt(layout, tmp_path):
    clean, spoilt = with_a_loss(layout), with_a_loss(layout, "factor")
    assert len(clean) == len(spoilt) == MOST
    books = [*clean, *spoilt]
    paths = [b.save(tmp_path / f"{k}.xlsx", *nudged(b)) for k, b in enumerate(books)]
    done = recalculate_all(paths, tmp_path / "done")
    wrong = [wrong_gradients(b, read_values(path)) for b, path in zip(books, done, strict=True)]
    assert wrong[: len(clean)] == [set()] * len(clean)
    assert all(wrong[len(clean) :])
