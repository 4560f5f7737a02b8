"""Sheets of ordinary formulas, no training among them, are read without an error of ours.

`SHEETS=300` draws as many.
"""

from __future__ import annotations

import os
import warnings
from random import Random

from gradbook.audit.check_book import check
from tests.audit.material.ordinary import write_ordinary
from tests.cases import for_each

SHEETS = int(os.environ.get("SHEETS", "40"))


def checked(path, seed):
    """The verdict about a sheet; a library's warning is an error."""
    write_ordinary(path, Random(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return check(path).verdict


@for_each("seed", [19, 23])  # updates of which nothing is left without their decay
def test_an_update_that_is_only_a_decay_has_no_gradient(seed, tmp_path):
    assert checked(tmp_path / "book.xlsx", seed) != "unreadable"


@for_each("seed", range(100, 100 + SHEETS))
def test_an_ordinary_sheet_is_read_to_its_end(seed, tmp_path):
    assert checked(tmp_path / "book.xlsx", seed) != "unreadable"
