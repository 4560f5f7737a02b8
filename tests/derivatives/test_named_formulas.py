"""The formulas that a page plays with have the value and the derivatives of the workbook."""

from __future__ import annotations

import pytest
import xlsxwriter

import gradbook as gb
from gradbook.cells.slopes import NoDerivative
from gradbook.derivatives.named_formulas import MOST_CELLS, formulas_of
from gradbook.net.lower import scalar_step
from gradbook.net.step import run


def option(path):
    """What an option is worth, with names that a formula can't have."""
    with xlsxwriter.Workbook(path) as book:
        sheet, rates = book.add_worksheet("Deal"), book.add_worksheet("2026 rates")
        for row, (words, number) in enumerate([("Spot", 95), ("exp", 100), ("max term", 0.5)]):
            sheet.write_row(row, 0, [words, number])
        rates.write_row(0, 0, ["Rate", 0.04])
        rates.write_row(1, 0, ["Rate", 0.3])
        sheet.write_row("A5", ["d1"])
        sheet.write_formula(
            "B5",
            "=(LN(B1/B2)+('2026 rates'!B1+'2026 rates'!B2^2/2)*B3)/('2026 rates'!B2*SQRT(B3))",
        )
        sheet.write_formula("B6", "=B5-'2026 rates'!B2*SQRT(B3)")
        sheet.write_formula(
            "B7", "=B1*NORMSDIST(B5)-B2*EXP(-'2026 rates'!B1*B3)*NORMSDIST(B6)-IF(B1>90,1,-B1)"
        )
    return gb.read_book(path).derivatives("Deal.B7")


def test_values_and_gradients_are_the_workbooks(tmp_path):
    derivatives = option(tmp_path / "deal.xlsx")
    formulas = formulas_of(derivatives.slopes)
    assert [*formulas.numbers][:3] == ["Spot", "B2", "max_term"]  # exp is taken
    assert [*formulas.formulas] == ["d1", "B6", "B7"]
    step = scalar_step(formulas)
    values = next(run(step, 1))
    gradients = [float(values[step.gradients[leaf]]) for leaf in step.trained]
    assert sorted(gradients) == pytest.approx(sorted(derivatives.values()), rel=1e-12)
    assert float(values[step.loss]) == pytest.approx(derivatives.result.value, rel=1e-12)


def test_a_result_behind_too_many_formulas_is_refused(tmp_path):
    path = tmp_path / "long.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write("A1", 2)
        for row in range(1, MOST_CELLS + 3):
            sheet.write_formula(row, 0, f"=A{row}*1.01")
    derivatives = gb.read_book(path).derivatives()
    with pytest.raises(NoDerivative, match=f"a page shows at most {MOST_CELLS}"):
        formulas_of(derivatives.slopes)
