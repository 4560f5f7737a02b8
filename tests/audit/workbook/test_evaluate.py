"""Cells recalculated are worth what their formulas say."""

from __future__ import annotations

from math import isclose, isnan

import pytest

from gradbook.audit.workbook.evaluate import Evaluation
from gradbook.audit.workbook.flow import Flow
from gradbook.audit.workbook.read import read_book
from gradbook.net import builtin
from gradbook.report.workbook import write_workbook
from tests.audit.material.lookalikes import book, letter


@pytest.mark.parametrize("name", ["worked", "mazur"])
def test_every_cell_is_worth_what_our_own_workbook_says(name, tmp_path):
    path = write_workbook(builtin(name), tmp_path / "book.xlsx", epochs=5).path
    read = read_book(path)
    numbers = Evaluation(read, Flow(read))
    checked = 0
    for cell in read.patterns:
        said = read.values.get(cell)
        found = numbers.value(cell)
        if isinstance(said, float) and not isnan(found):
            assert isclose(found, said, rel_tol=1e-9, abs_tol=1e-300), read.called(cell)
            checked += 1
    assert checked > 200


def test_a_circle_and_an_unknown_function_have_no_value(tmp_path):
    path = book(tmp_path / "book.xlsx", {"E1": "=FOURIER({t1})", "h1": "={a_h1}*2"})
    read = read_book(path)
    numbers = Evaluation(read, Flow(read))
    for name in ("E1", "E_total", "h1", "a_h1"):
        cell = next(c for c in read.patterns if read.called(c).endswith(f"!{letter(name)}6"))
        assert isnan(numbers.value(cell))
