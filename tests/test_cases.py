"""A table that a test goes through: all cases are tried, each by itself, and failures named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases import for_each


def test_two_tables_are_every_pair():
    tried = []

    @for_each("number", [1, 2])
    @for_each("word", ["a", "b"])
    def try_both(number, word):
        tried.append((number, word))

    try_both()
    assert tried == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]


@pytest.fixture
def laid(tmp_path) -> Path:
    (tmp_path / "laid").mkdir()
    (tmp_path / "laid" / "file").write_text("as it was")
    return tmp_path / "laid"


@for_each("turn", range(4))
def test_what_a_case_leaves_behind_is_not_there_for_the_next(turn, laid, tmp_path, monkeypatch):
    assert [path.name for path in tmp_path.iterdir()] == ["laid"]
    assert (laid / "file").read_text() == "as it was"
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "file").write_text("")
    monkeypatch.chdir(tmp_path / "new")
    if turn == 1:
        (laid / "file").write_text("otherwise")
    elif turn == 2:
        (laid / "file").unlink()
        laid.rmdir()


def test_all_that_fail_are_named_and_the_others_tried():
    tried = []

    @for_each(("a", "b"), [(1, 1), (1, 2), (3, 3), pytest.param(4, 5, id="the last")])
    def equal(a, b):
        tried.append(a)
        assert a == b

    with pytest.raises(ExceptionGroup, match="2 of 4 cases fail") as caught:
        equal()
    notes = [failure.__notes__ for failure in caught.value.exceptions]
    assert notes == [["in the case [1-2]"], ["in the case [the last]"]]
    assert tried == [1, 1, 3, 4]


def test_a_case_whose_witness_is_missing_is_skipped_and_the_others_are_tried(monkeypatch):
    monkeypatch.setattr("tests.conftest.REQUIRE_ALL", False)
    monkeypatch.setattr("tests.conftest.missing", list)
    tried = []

    @for_each("name", [pytest.param("node", marks=pytest.mark.witness("node")), "none"])
    def try_it(name):
        tried.append(name)

    with pytest.raises(pytest.skip.Exception, match="no witness here: node"):
        try_it()
    assert tried == ["none"]
