"""Each kind of hostile file is survived: one line, no fault of ours, little time and memory.

`python bench/hostile.py` tries all of them, with other numbers for as long as one likes.
"""

from __future__ import annotations

import sys
from random import Random

import pytest

from tests.hostile import books, growing, messages, names, packed, pictures, records, things
from tests.hostile.cases import tried

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies of a process, and its size")

KINDS = list(things.THINGS)
EACH_PLACE = [  # every place once, each with another thing in it
    case
    for k, place in enumerate(things.HERE)
    for case in things.CASES
    if case.name == f"{KINDS[k % len(KINDS)]} as {place}"
]
QUICK = [
    *EACH_PLACE,
    *(case for case in packed.CASES if "class" not in case.name),
    *records.CASES,
    books.MANGLED,
    *messages.CASES,
    *pictures.CASES,
    *names.CASES,
]


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name)
def test_a_hostile_file_is_survived(case, tmp_path):
    found = tried(case, tmp_path, Random(f"0 {case.name}"))
    assert found.faults == [], found


EACH_BOOK = [  # by another command than the book before
    growing.CASES[k] for k in range(len(growing.CASES)) if k % 3 == k // 3 % 3
]


@pytest.mark.parametrize("case", EACH_BOOK, ids=lambda case: case.name)
def test_a_book_that_grows_is_survived(case, tmp_path):
    found = tried(case, tmp_path, Random(f"0 {case.name}"))
    assert found.faults == [], found


def test_there_is_a_thing_for_every_place():
    assert len(EACH_PLACE) == len(things.HERE)
