"""Each kind of hostile file is survived: one line, no fault of ours, little time and memory.

`python bench/hostile.py` tries all of them, with other numbers for as long as one likes.
"""

from __future__ import annotations

import sys
from random import Random

import pytest

from tests.conftest import require
from tests.hostile import books, messages, mutated, names, packed, pictures, records, things
from tests.hostile.cases import Case, Ready, tried

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies of a process, and its size")

KINDS = list(things.THINGS)
WITNESSES = {"parquet": "pyarrow", "onnx": "onnx", "keras": "keras", "pt2": "torch"}
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


@pytest.fixture(scope="module")
def ready():
    copied = Ready()
    with copied.process as process:
        yield copied
        process.kill()


def require_witness_of(name):
    """What makes and reads files of that kind."""
    for ending, witness in WITNESSES.items():
        if ending in name:
            require(witness)


@pytest.mark.parametrize("case", mutated.CASES[: mutated.QUICK], ids=lambda case: case.name)
def test_a_mutated_file_is_read_or_refused_in_a_line(case, ready, tmp_path):
    """One of each kind; `python bench/hostile.py --group mutated` tries thousands."""
    require_witness_of(case.name)
    found = tried(case, tmp_path, Random(f"1 {case.name}"), ready)
    assert found.faults == [], found


@pytest.mark.parametrize("case", mutated.CASES[mutated.QUICK :], ids=lambda case: case.name)
def test_so_is_one_that_takes_seconds_to_make(case, ready, tmp_path):
    require_witness_of(case.name)
    found = tried(case, tmp_path, Random(f"1 {case.name}"), ready)
    assert found.faults == [], found


@pytest.mark.parametrize(
    "kind", [kind for kind in mutated.KINDS if kind.name != "study"], ids=lambda kind: kind.name
)
def test_before_it_is_mutated_it_is_read(kind, ready, tmp_path):
    """Or else nothing would be tried but the first refusal."""
    require_witness_of(kind.name)
    for number, words in enumerate(kind.asked):

        def make(folder, draw, words=words):
            mutated.lay_out(mutated.whole(kind), folder)
            return words

        found = tried(Case(kind.name, make, (0, 1)), tmp_path / f"{number}", Random(0), ready)
        assert found.faults == [], found


def test_there_is_a_thing_for_every_place():
    assert len(EACH_PLACE) == len(things.HERE)
