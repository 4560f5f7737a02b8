"""No reader is stopped by what is kept of searches, nor by what is valid and then broken.

`make fuzz` searches for more; what it finds lies in `finds/` and is read here from then on.
"""

from __future__ import annotations

from mmap import mmap
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases import for_each

pytest.importorskip("resource")  # time and memory as POSIX tells them

from gradbook.errors import GradbookError, UsageError
from tests.conftest import require
from tests.fuzz import grammars
from tests.fuzz.forms import bundle, parts_of
from tests.fuzz.kept import inputs, keep
from tests.fuzz.targets import TARGETS
from tests.fuzz.watched import outcome

QUICK = settings(max_examples=settings().max_examples // 8)
KEPT = [(name, file) for name in TARGETS for file in inputs(name)]


@pytest.mark.parametrize(("name", "file"), KEPT, ids=[f"{name}: {f.name}" for name, f in KEPT])
def test_what_is_kept_stops_no_reader(name, file, tmp_path):
    require(*TARGETS[name].needs)
    found = outcome(TARGETS[name].read, file.read_bytes(), tmp_path)
    assert not found.is_fault, found.trace


@for_each("name", TARGETS)
def test_what_a_grammar_makes_is_taken(name, tmp_path_factory):
    require(*TARGETS[name].needs)
    folder = tmp_path_factory.mktemp(name)

    @QUICK
    @given(TARGETS[name].valid)
    def taken(data):
        found = outcome(TARGETS[name].read, data, folder)
        assert found.accepted, (found.refusal, found.trace)

    taken()


@for_each("name", TARGETS)
def test_what_is_broken_is_read_or_refused_in_a_line(name, tmp_path_factory):
    folder = tmp_path_factory.mktemp(name)
    target = TARGETS[name]
    require(*target.needs)

    @QUICK
    @given(target.valid, st.integers(0, 2**32), st.integers(1, 3))
    def survived(data, seed, times):
        draw = Random(seed)
        for _ in range(times):
            data = target.broken(data, draw)
        found = outcome(target.read, data, folder)
        assert not found.is_fault, found.trace

    survived()


@settings(max_examples=1)
@given(grammars.our_books())
def test_the_books_of_sheet_are_taken(book):
    with TemporaryDirectory() as folder:
        found = outcome(TARGETS["workbook"].read, book, Path(folder))
    assert found.accepted, (found.refusal, found.trace)


# What is held of searches themselves.


def _ends(data, folder):
    pass


def _refuses(data, folder):
    raise UsageError("not this: take another")


def _fails(data, folder):
    raise KeyError(data)


def _says_nothing(data, folder):
    raise GradbookError("")


def _recurses(data, folder):
    return _recurses(data, folder)


def _goes_on(data, folder):
    while True:
        data = data[:]


def _takes_much(data, folder):
    with mmap(-1, 60 * 2**20) as fresh:  # what Python allocates may have been taken before
        return fresh.write(b"\1" * len(fresh))


@for_each(
    ("read", "kind"),
    [
        (_ends, ""),
        (_refuses, ""),
        (_fails, "KeyError-test_fuzz-_fails"),
        (_says_nothing, "refused-in-no-line-test_fuzz-_says_nothing"),
        (_recurses, "RecursionError-test_fuzz-_recurses"),
        (_goes_on, "TooLong-test_fuzz-_goes_on"),
        (_takes_much, "too-large"),
    ],
)
def test_whatever_isnt_a_refusal_is_a_fault(read, kind, tmp_path):
    found = outcome(read, b"some", tmp_path, longest=0.2, largest=30)
    assert (found.kind, found.accepted) == (kind, read is _ends or read is _takes_much)


def test_of_each_kind_of_find_the_smallest_is_kept(tmp_path):
    found = outcome(_fails, b"", tmp_path)
    kept = [keep("some", found, data, tmp_path) for data in (b"longer", b"long", b"longest")]
    (file,) = {file for file, _ in kept}
    assert (file.read_bytes(), [is_new for _, is_new in kept]) == (b"long", [True, False, False])


def test_a_bundle_has_the_parts_that_were_put_into_it():
    parts = {"a/b.xml": b"x\n\ny\n", "[c].txt": b"", "d": b"\0\n=="}
    assert parts_of(bundle(parts)) == parts
    assert parts_of(b"") == parts_of(b"nothing") == {}
