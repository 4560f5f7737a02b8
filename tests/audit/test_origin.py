"""Whose book it is, and what tells a copy however it was saved again."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.workbook.defined_name import DefinedName

from gradbook.audit.check_book import check
from gradbook.audit.origin import Origin
from tests.audit.material.copies import WRONG
from tests.audit.material.lookalikes import book
from tests.cases import for_each
from tests.outside.witness import recalculate


def origin(path: Path) -> Origin:
    return check(path).origin


def named(path: Path, *cells: tuple[str, str | float], called: str = "") -> Path:
    made = Workbook()
    for place, words in cells:
        made.active[place] = words
    if called:
        made.defined_names["student"] = DefinedName("student", attr_text=called)
    made.save(path)
    return path


@for_each(
    ("cells", "called", "student"),
    [
        ([("C3", "Ada Lovelace")], "Sheet!$C$3", "Ada Lovelace"),
        ([("A1", "Name:"), ("B1", " Ada  Lovelace ")], "", "Ada Lovelace"),
        ([("A1", "Student"), ("B1", "Ada")], "", "Ada"),
        ([("B2", "Student name: Ada")], "", "Ada"),
        ([("C3", "7")], "Sheet!$C$3", "7"),
        ([("C3", 7)], "Sheet!$C$3", "7"),
        ([("A1", "Student"), ("B1", 12)], "", "12"),
        ([("A1", "Student"), ("B1", 0.5)], "", ""),
        ([("A1", "name"), ("B1", "value")], "", ""),
        ([("A1", "named after Ada"), ("B1", "x")], "", ""),
        ([("A1", "w1")], "Sheet!#REF!", ""),
        ([("A40", "Name:"), ("B40", "Ada")], "", ""),
    ],
)
def test_the_name_inside_is_read(cells, called, student, tmp_path):
    assert origin(named(tmp_path / "book.xlsx", *cells, called=called)).student == student


def test_another_program_s_copy_has_the_same_content(tmp_path):
    path = book(tmp_path / "book.xlsx", WRONG)
    given = load_workbook(path)
    given.active["Z1"] = "my own work"
    given.save(tmp_path / "again.xlsx")
    assert origin(tmp_path / "again.xlsx").content == origin(path).content


@pytest.mark.witness("libreoffice")
def test_libreoffice_s_copy_has_the_same_content(tmp_path):
    path = book(tmp_path / "book.xlsx", WRONG)
    again = origin(recalculate(path, tmp_path / "again"))
    assert again.content == origin(path).content
    assert again.formulas.keys() == origin(path).formulas.keys()


def test_another_number_or_another_formula_is_other_content(tmp_path):
    right, wrong = (
        origin(book(tmp_path / f"{k}.xlsx", change)) for k, change in enumerate(({}, WRONG))
    )
    assert right.content != wrong.content
    assert right.numbers == wrong.numbers
    assert len(right.formulas.keys() ^ wrong.formulas.keys()) == 2


def test_properties_that_are_no_xml_cost_nothing(tmp_path):
    import zipfile

    path = book(tmp_path / "book.xlsx")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, b"<a" if name == "docProps/core.xml" else content)
    assert check(path).verdict == "right"
