"""What the bench turns off is there to be turned off."""

from __future__ import annotations

from pathlib import Path

from bench.heuristics import HEURISTICS, watched, without
from gradbook.audit.check_book import check
from tests.audit.material.copies import WRONG
from tests.audit.material.lookalikes import book


def test_every_heuristic_is_found_under_its_name():
    for name, heuristic in HEURISTICS.items():
        home, key = heuristic.found()
        assert key in vars(home), name


def test_the_table_of_what_they_earn_names_those_that_there_are():
    text = (Path(__file__).parents[2] / "bench" / "README.md").read_text(encoding="utf-8")
    table = text.partition("| without |")[2].partition("\n\n")[0]
    names = [row.split("|")[1].strip() for row in table.splitlines()[2:]]
    assert set(names) - HEURISTICS.keys() == {"nothing"}


def test_without_some_generators_another_repair_is_offered(tmp_path):
    path = book(tmp_path / "book.xlsx", WRONG)
    with watched() as seen:
        before = check(path)
    assert "generator: one edit" in seen
    with without("generator: one edit", "generator: few differences", "generator: two edits"):
        during = check(path)
    assert [f.kind for s in before.sheets for f in s.findings] == ["wrong reference"]
    assert [f.kind for s in during.sheets for f in s.findings] == ["wrong formula"]
    assert check(path) == before
