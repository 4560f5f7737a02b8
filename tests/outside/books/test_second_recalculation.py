"""The formulas package, a second recalculation, comes to the same numbers as the reference."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest
import xlsxwriter

from gradbook.cells.formula.syntax import Call, Infix, Number, Postfix, Prefix, write
from gradbook.net import builtin
from gradbook.net.lower import scalar_step
from gradbook.net.step import run
from gradbook.report.workbook import write_workbook
from tests.outside.witness import read_values, recalculate
from tests.report.workbooks import tables

EPOCHS = 20


def calculated(path):
    """Sheet and cell, in capitals → value, as the formulas package finds it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import formulas

        model = formulas.ExcelModel().loads(str(path)).finish()
        found = model.calculate()
    return {key: value.value[0, 0] for key, value in found.items() if hasattr(value, "value")}


@pytest.mark.parametrize("name", ["worked", "mazur"])
def test_a_second_recalculation_finds_all_rows_and_columns(tmp_path, name):
    path = write_workbook(builtin(name), tmp_path / "book.xlsx", epochs=EPOCHS, rates=()).path
    found = calculated(path)
    letters = tables(path).letters
    step = scalar_step(builtin(name))
    for epoch, values in enumerate(run(step, EPOCHS)):
        named = {str(node.name): value for node, value in values.items() if node.name}
        for column, letter in letters.items():
            value = found[f"'[book.xlsx]TRAINING'!{letter}{epoch + 5}"]
            assert value == pytest.approx(float(named[column]), rel=1e-12, abs=0), (column, epoch)
    assert found["'[book.xlsx]CHECK'!E4"] == "all 8 gradients agree in epoch 1"


# The grammar -----------------------------------------------------------------


ONE_PART = {  # what is written, and what it means
    "negated": (lambda x: Prefix("-", x), lambda a: -a),
    "a hundredth": (lambda x: Postfix("%", Call("ABS", (x,))), lambda a: abs(a) / 100),
    "squared": (lambda x: Infix("^", x, Number(2.0)), lambda a: a**2),
}
TWO_PARTS = {
    "sum": (lambda x, y: Infix("+", x, y), lambda a, b: a + b),
    "difference": (lambda x, y: Infix("-", x, y), lambda a, b: a - b),
    "product": (lambda x, y: Infix("*", x, y), lambda a, b: a * b),
    "quotient": (
        lambda x, y: Infix("/", x, Infix("+", Call("ABS", (y,)), Number(1.0))),
        lambda a, b: a / (abs(b) + 1),
    ),
    "largest": (lambda x, y: Call("MAX", (x, y)), max),
    "choice": (
        lambda x, y: Call("IF", (Infix(">", x, y), Number(1.0), Prefix("-", x))),
        lambda a, b: 1.0 if a > b else -a,
    ),
}


def drawn(source, depth=4):
    """An expression of numbers, and its value by its structure alone."""
    if depth == 0 or source.random() < 0.15:
        value = source.choice([0.5, 1.25, 2.0, 3.0])
        return Number(value), value
    kind = source.choice([*ONE_PART, *TWO_PARTS])
    said, meant = {**ONE_PART, **TWO_PARTS}[kind]
    parts = [drawn(source, depth - 1) for _ in range(1 if kind in ONE_PART else 2)]
    return said(*(part for part, _ in parts)), meant(*(value for _, value in parts))


@pytest.fixture(scope="module")
def expressions(tmp_path_factory):
    """A workbook of formulas in column A, and what each one means."""
    source = random.Random(1)
    pairs = [pair for pair in (drawn(source) for _ in range(300)) if abs(pair[1]) < 1e12]
    path = tmp_path_factory.mktemp("grammar") / "grammar.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("Sheet")
    for row, (expression, _) in enumerate(pairs):
        sheet.write_formula(row, 0, f"={write(expression)}")
    book.close()
    return path, [value for _, value in pairs]


def test_the_formulas_package_reads_what_was_meant(expressions):
    path, meant = expressions
    found = calculated(path)
    values = [found[f"'[grammar.xlsx]SHEET'!A{row + 1}"] for row in range(len(meant))]
    assert np.array(values, float) == pytest.approx(meant, rel=1e-12, abs=1e-12)


@pytest.mark.witness("libreoffice")
def test_libreoffice_reads_what_was_meant(expressions, tmp_path):
    path, meant = expressions
    cells = read_values(recalculate(path, tmp_path))["Sheet"]
    values = [cells[f"A{row + 1}"] for row in range(len(meant))]
    assert values == pytest.approx(meant, rel=1e-12, abs=1e-12)
