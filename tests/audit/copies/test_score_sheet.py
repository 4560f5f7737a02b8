"""A marked copy says what the book earns, as hints where the solution isn't to be told."""

from __future__ import annotations

from xml.dom.minidom import parseString

import pytest

from gradbook.audit.check_book import check
from gradbook.audit.classes.scoring import Rubric, score
from gradbook.audit.copies.annotate import annotate
from gradbook.audit.findings import with_hints
from tests.audit.material.copies import FIRST, WRONG, opened, parts, rich
from tests.audit.material.lookalikes import book
from tests.outside.witness import read_values, recalculate_all


@pytest.fixture
def path(tmp_path):
    return rich(tmp_path / "book.xlsx")


def marked(path, *, hints=False, out_of=None, scored=True):
    report = with_hints(check(path)) if hints else check(path)
    copy = path.with_name("copy.xlsx")
    copy.write_bytes(annotate(path, report, score(report, Rubric(out_of)) if scored else None))
    return copy


def said(copy, sheet="Score"):
    return [
        [cell.value for cell in row if cell.value is not None] for row in opened(copy)[sheet].rows
    ]


def test_the_last_sheet_says_what_the_book_earns_and_why(path):
    copy = marked(path, out_of=16)
    assert opened(copy).sheetnames[-1] == "Score"
    rows = said(copy)
    assert rows[0] == ["14 of 16 points"]
    assert ["∂E/∂w1", 2, 2, "right"] in rows
    assert ["∂E/∂w3", 0, 2, "wrong"] in rows
    assert any("a_h2" in str(row[-1]) for row in rows if row)


def test_hints_tell_no_solution(path):
    copy = marked(path, hints=True)
    note = opened(copy)["Sheet1"][FIRST].comment.text
    assert "a cell is used where another belongs" in note
    everything = f"{note}{said(copy)}"
    assert "a_h2" not in everything
    assert "Rather" not in everything
    (finding,) = check(path).findings
    assert finding.expected not in "".join(
        data.decode("utf-8", "replace") for name, data in parts(copy).items() if "comments" in name
    )


def test_what_is_added_is_well_formed_and_the_cells_stay(path):
    before, after = parts(path), parts(marked(path))
    for name, data in after.items():
        if name.endswith((".xml", ".rels", ".vml")):
            parseString(data)
    new = {name for name in after if name not in before}
    assert new == {"xl/worksheets/gradbook-score1.xml"}


def test_a_right_book_gets_its_score_and_no_note(tmp_path):
    copy = marked(book(tmp_path / "book.xlsx"))
    assert said(copy)[0] == ["8 of 8 points"]
    assert not [name for name in parts(copy) if "comments" in name]


def test_a_copy_is_judged_like_its_book_and_marked_a_second_time(path):
    copy = marked(path)
    assert check(copy).verdict == check(path).verdict
    again = marked(copy.rename(path.with_name("once.xlsx")))
    assert opened(again).sheetnames[-2:] == ["Score", "Score 2"]


@pytest.mark.witness("libreoffice")
def test_a_spreadsheet_opens_it_and_computes_the_same(tmp_path):
    path = book(tmp_path / "book.xlsx", WRONG)
    own, values = map(read_values, recalculate_all([path, marked(path)], tmp_path / "again"))
    assert values["Score"]["A1"] == "7 of 8 points"
    assert values["Sheet1"] == own["Sheet1"]
