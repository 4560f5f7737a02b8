"""Mangled workbooks by number: the same number is the same book, and none of them stops the audit.

`bench/fuzz_books.py` tries thousands; here are a few, of tiny books.
"""

from __future__ import annotations

from contextlib import suppress

import pytest

from gradbook.audit.check import check
from gradbook.audit.copies.annotate import annotated
from gradbook.audit.copies.correct import fixed
from gradbook.errors import GradbookError
from tests.audit.material.mangled.bases import TINY, parts_of
from tests.audit.material.mangled.packages import WAYS, mangled

FEW = range(24)


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    return made(tmp_path_factory.mktemp("bases") / "base.xlsx")


def made(path):
    found = {}
    for name, make in TINY.items():
        make(path)
        found[name] = parts_of(path)
    return found


def test_a_number_alone_says_how_a_book_is_mangled(bases, tmp_path):
    again = made(tmp_path / "base.xlsx")
    assert all(mangled(bases, number) == mangled(again, number) for number in FEW)


def test_books_are_mangled_in_every_way(bases):
    assert {mangled(bases, number)[0].split()[0] for number in FEW} == set(WAYS)


@pytest.mark.parametrize("number", FEW)
def test_a_mangled_book_stops_nothing(number, bases, tmp_path):
    path = tmp_path / "book.xlsx"
    path.write_bytes(mangled(bases, number)[1])
    report = check(path)
    assert len(report.problem.splitlines()) == (report.verdict == "unreadable")
    if report.verdict != "unreadable":
        with suppress(GradbookError):
            annotated(path, report)
        with suppress(GradbookError):
            fixed(path, report)
