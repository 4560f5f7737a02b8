"""LibreOffice computes in a translated workbook the very words that we wrote into it."""

from __future__ import annotations

import pytest

from gradbook.net import builtin
from gradbook.report.workbook import write_workbook
from tests.outside.witness import read_formulas, read_values, recalculate_all
from tests.pseudo import pseudo_language, spelled

pytestmark = pytest.mark.witness("libreoffice")


def test_the_words_of_formulas_are_those_of_the_language(tmp_path):
    path, again = tmp_path / "book.xlsx", tmp_path / "again"
    again.mkdir()
    with pseudo_language():
        write_workbook(builtin("xor"), path, epochs=8, rates=(0.5, 50))
    (done,) = recalculate_all([path], again)
    ours, computed = read_values(path), read_values(done)
    said = {
        (sheet, cell): ours[sheet][cell]
        for sheet, formulas in read_formulas(path).items()
        for cell, formula in formulas.items()
        if str(formula).startswith("=") and isinstance(ours[sheet].get(cell), str)
    }
    assert {(sheet, cell): computed[sheet].get(cell, "") for sheet, cell in said} == said
    agree = spelled("all {total} gradients agree in epoch {epoch}").format(total=13, epoch=1)
    assert {spelled("agrees"), agree} <= set(said.values())
