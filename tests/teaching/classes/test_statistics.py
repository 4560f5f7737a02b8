"""Items of a class: how hard each is, and whether it tells students apart."""

from __future__ import annotations

import numpy as np
import pytest

from gradbook.audit.classes.scoring import BookScore, PartScore
from gradbook.audit.findings import Mark
from gradbook.teaching.classes.statistics import item_figures


def marks(shares) -> list[BookScore]:
    """A row for each book, a column for each item."""
    return [
        BookScore(
            tuple(PartScore(Mark(f"w{k}", "right"), share, "") for k, share in enumerate(row)),
            float(len(row)),
        )
        for row in shares
    ]


def test_figures_are_those_of_the_definition():
    shares = np.random.default_rng(3).choice((0, 0.5, 1), (30, 4))
    for place, item in enumerate(item_figures(marks(shares.tolist()))):
        own, rest = shares[:, place], shares.sum(axis=1) - shares[:, place]
        assert item.difficulty == pytest.approx(own.mean())
        assert item.right == np.sum(own == 1)
        assert item.discrimination == pytest.approx(np.corrcoef(own, rest)[0, 1])


def test_an_item_that_all_solve_tells_nobody_apart():
    (first, _) = item_figures(marks([[1, k % 2] for k in range(9)]))
    assert (first.difficulty, first.discrimination) == (1, None)


def test_a_few_books_say_nothing():
    assert item_figures(marks([[1, 0], [0, 1], [1, 1]]))[0].discrimination is None
