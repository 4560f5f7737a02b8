"""The books that `sheet` writes are right, and nothing is to be said of them."""

from __future__ import annotations

import pytest
from hypothesis import given

from gradbook.audit.check_book import check
from gradbook.net import builtin
from gradbook.report.workbook import write_workbook
from tests.families import networks


def remarks(net, path, **written):
    """The verdict on the network's own book, and all that is said of it."""
    write_workbook(net, path, **written)
    report = check(path)
    said = [*report.notes, *(note for sheet in report.sheets for note in sheet.notes)]
    return report.verdict, said, [finding.why for finding in report.findings]


def test_nothing_is_said_of_a_small_network(path):
    assert remarks(builtin("xor"), path, epochs=4, rates=()) == ("right", [], [])


@pytest.mark.parametrize("name", ["xor", "strokes", "echo", "counter", "mazur", "worked"])
def test_nothing_is_said_of_a_lesson(name, path):
    assert remarks(builtin(name), path) == ("right", [], [])


@given(networks())
def test_nothing_is_said_of_any_network(tmp_path_factory, net):
    path = tmp_path_factory.mktemp("own") / "book.xlsx"
    assert remarks(net, path, epochs=6) == ("right", [], [])
