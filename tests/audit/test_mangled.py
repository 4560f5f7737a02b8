"""Mangled workbooks by number: the same number is the same book, and none of them stops the audit.

`bench/fuzz_books.py` tries thousands; here are a few, of tiny books.
"""

from __future__ import annotations

from contextlib import suppress

import pytest

from gradbook.audit.check_book import check
from gradbook.audit.copies.annotate import annotate
from gradbook.audit.copies.correct import correct
from gradbook.errors import GradbookError
from tests.audit.material.mangled.bases import BASES, TINY, parts_of
from tests.audit.material.mangled.packages import WAYS, mangled, packed
from tests.audit.material.network import NETWORK
from tests.audit.material.small import saved
from tests.cases import for_each

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


@for_each("number", FEW)
def test_a_mangled_book_stops_nothing(number, bases, tmp_path):
    stops_nothing(tmp_path / "book.xlsx", mangled(bases, number)[1])


def stops_nothing(path, content):
    path.write_bytes(content)
    report = check(path)
    assert "internal error in gradbook" not in report.problem
    assert len(report.problem.splitlines()) == (report.verdict == "unreadable")
    if report.verdict != "unreadable":
        with suppress(GradbookError):
            annotate(path, report)
        with suppress(GradbookError):
            correct(path, report)
    return report.verdict


# What thousands of others found, as small as it is still found.


def test_a_repair_that_would_be_made_of_itself_is_no_circle_of_the_book(tmp_path):
    gradient = "=MIN(G2*D2)>=SUMPRODUCT(,$A$1:$C$9,$B$6:B1048577)"
    cells = {**NETWORK, "C2:C8": "=A2*$L$1", "C2": "=A0*$L$1", "H2:H8": gradient}
    path = saved(tmp_path / "book.xlsx", cells)
    assert stops_nothing(path, path.read_bytes()) == "wrong"


def test_formulas_of_one_shape_may_refer_to_more_cells(tmp_path):
    path = tmp_path / "book.xlsx"
    BASES["laid out a sheet per step"](path)
    parts, name = parts_of(path), "xl/worksheets/sheet6.xml"
    parts[name] = parts[name].replace(
        b"'Step 4'!E3*'Step 4'!C17", b"'Step (A1,B2)'!E3*'Step 4'!C17"
    )
    assert b"(A1,B2)" in parts[name]
    stops_nothing(path, packed(parts))


def test_a_part_that_nobody_can_unpack_is_told_by_whoever_copies(bases, tmp_path):
    content = bytearray(packed(bases["a list"]))
    for header, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = content.index(header) + method
        content[place : place + 2] = b"\xff\xff"
    path = tmp_path / "book.xlsx"
    assert stops_nothing(path, bytes(content)) == "right"
    with pytest.raises(GradbookError, match="packed"):
        annotate(path, check(path))
