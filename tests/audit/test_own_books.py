"""The books that `sheet` writes are right, and nothing is to be said of them."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given

from bench.sameness.corpus import texts
from gradbook.audit.check_book import check
from gradbook.errors import LimitError, TargetError
from gradbook.report.workbook import write_workbook
from tests.cases import for_each
from tests.families import networks


def judged(net, path, **written):
    """The verdict on a network's own book, and all that is said of it."""
    write_workbook(net, path, **written)
    report = check(path)
    said = [*report.notes, *(note for sheet in report.sheets for note in sheet.notes)]
    return report.verdict, said, [finding.why for finding in report.findings]


def test_nothing_is_said_of_a_small_network(path):
    assert judged("xor", path, epochs=4, rates=()) == ("right", [], [])


@for_each("name", texts())
def test_nothing_is_said_of_a_network_with_each_card(name, path):
    with suppress(LimitError, TargetError):  # it is for another medium
        assert judged(texts()[name], path) == ("right", [], [])


@given(networks())
def test_nothing_is_said_of_any_network(tmp_path_factory, net):
    path = tmp_path_factory.mktemp("own") / "book.xlsx"
    with suppress(LimitError, TargetError):  # such as values that are all rounded
        assert judged(net, path, epochs=6) == ("right", [], [])
