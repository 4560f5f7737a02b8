"""Remedies of wrong cells: all of them together make an exercise right, and none makes a circle."""

from __future__ import annotations

import os
import re
from pathlib import Path
from random import Random

from openpyxl import load_workbook

from gradbook.audit.check_book import check
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address, cells_of, name_of
from gradbook.cells.read import read_book
from tests.cases import for_each
from tests.teaching.classes.made import HEADINGS, begun, solved

ASKED = ("forward", "loss", "gradients")
ROWS = range(HEADINGS + 1, HEADINGS + 5)
CELL = re.compile(r"\b[A-Z]{1,2}[0-9]+\b")
SEEDS = int(os.environ.get("EXAMPLES", "0")) or 20


def spoilt(place: Path, draw: Random) -> Path:
    """An exercise with the right formulas, but for one to three columns made of any others."""
    path = solved(begun(place, blank=ASKED), "Ada Lovelace", place / "book.xlsx")
    book = load_workbook(path)
    sheet = book["Training"]
    letters = [c.column_letter for c in sheet[HEADINGS] if str(c.value)[:1] in "haEo∂"]
    for letter in draw.sample(letters, draw.choice((1, 1, 2, 3))):
        one, other = draw.choice(letters), draw.choice(letters)
        form = draw.choice(("=0", "=0*{a}{r}", "={a}{r}", "={a}{r}*{b}{r}", "={a}{r}+{b}{r}"))
        form = draw.choice((form, form, "={a}{r}*Eta0"))
        for row in ROWS:
            sheet[f"{letter}{row}"].value = form.format(a=one, b=other, r=row)
    book.save(path)
    return path


def mentioned(text: str, home: Address) -> set[str]:
    return set(CELL.findall(text)) - {name_of(home)}


@for_each("seed", range(SEEDS))
def test_every_remedy_is_one(seed, tmp_path):
    path = spoilt(tmp_path, Random(seed))
    report = check(path)
    book = read_book(path)
    flow = Flow(book)
    for finding in report.findings:
        (home, *_) = cells_of(finding.cells, book.sheet_number("Training"))
        below = {name_of(cell) for cell in flow.below([home])}
        assert not mentioned(finding.expected, home) & below, finding
        assert name_of(home) not in CELL.findall(finding.expected), finding
        if finding.kind != "circular reference":
            assert not mentioned(finding.why, home) & below, finding
    made = load_workbook(path)
    for finding in report.findings:
        for cell, formula in finding.fixes.items():
            made["Training"][cell].value = formula
    made.save(path)
    assert check(path).verdict == "right"


def test_a_formula_that_uses_itself_and_a_helper_is_no_riddle(tmp_path):
    path = solved(begun(tmp_path), "Ada Lovelace", tmp_path / "book.xlsx")
    book = load_workbook(path)
    for row in ROWS:
        book["Training"][f"AP{row}"].value = f"=W{row}+Y{row}"
        book["Training"][f"Y{row}"].value = f"=AP{row}+X{row}*Y{row}"
    book.save(path)
    report = check(path)
    assert report.verdict == "wrong"
    assert {finding.quantity for finding in report.findings} == {"∂E/∂w1"}
