"""Derivatives of functions over ranges and arrays are what nudges by LibreOffice say, or say that
nothing confirms them: each function with each form of argument, and arrays over several cells."""

from __future__ import annotations

import random
from math import isclose

import pytest
import xlsxwriter

from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import name_of, pack
from gradbook.cells.read import read_book
from gradbook.cells.slopes import NoDerivative, slopes_of
from gradbook.derivatives.sensitivities import sensitivities
from tests.outside.books.test_functions import in_file
from tests.outside.witness import read_values, recalculate_all

pytestmark = pytest.mark.witness("libreoffice")

SIZE = 1e-4
FIRST, COLUMN = 19, 7  # the row and column of the first formula, from 0
SINGLE, WHOLE = (1, 1), (3, 2)  # the cells that a formula fills
FORMS = {
    "a range": "B1:B5",
    "an array": "B1:B5*C1:C5",
    "an IF": "IF(A1:A5>2,B1:B5,C1:C5)",
    "an IF without else": "IF(A1:A5>2,B1:B5)",
    "an IF with a text": 'IF(A1:A5>2,B1:B5,"")',
    "nested IFs": "IF(A1:A5>2,IF(C1:C5<3.5,B1:B5))",
    "a computed missing else": "2*IF(A1:A5>2,B1:B5)+1",
    "a turned IF": "TRANSPOSE(IF(A1:A5>2,B1:B5))",
    "an IF in IFERROR": "IFERROR(IF(A1:A5>2,LN(B1:B5)+2),0)",
    "a table with gaps": "IF(B1:C5>1.5,B1:C5)",
    "several arguments": "IF(A1:A5>2,B1:B5),C1:C5,F1",
    "a power": "EXP(-F1*B1:B5)+2",
}
TOTALS = """
SUM AVERAGE STDEV STDEV.P VAR VARP DEVSQ COUNT PRODUCT GEOMEAN HARMEAN MIN MAX MEDIAN SUMSQ AVERAGEA
MAXA MINA COUNTA
""".split()  # noqa: SIM905 - a list of words
PAIRED = [
    *("LARGE({},2)", "SMALL({},1)", "PERCENTILE({},F1)", "QUARTILE({},1)", "NPV(F1,{})"),
    *("SUMXMY2({},C1:C5)", "SUMX2MY2({},C1:C5)", "SUMX2PY2({},C1:C5)", "CORREL({},D1:D5)"),
    *("SLOPE({},D1:D5)", "INTERCEPT({},D1:D5)", "FORECAST(F2,{},D1:D5)", "STEYX({},D1:D5)"),
    *("COVAR({},D1:D5)", "SUMPRODUCT({},C1:C5)", "SUM(ERF({},C1:C5))", "MAX(ABS({}-C1:C5))"),
    *("SUM(MMULT(TRANSPOSE({}),C1:C5))", "INDEX({},3)", "LOOKUP(2,{{1;2;3;4;5}},{})"),
    *("SUMSQ({}-AVERAGE({}))", "MAX({},F1,D1:D5)", "SUM(LARGE({},{{1;2}}))"),
]
OVER_CELLS = [
    "MINVERSE(A8:C10)",
    "MMULT(MINVERSE(A8:C10),B1:B3)",
    "MMULT(MINVERSE(A8:C10),B1:C3)",
    "MMULT(A8:C10,MINVERSE(A8:C10*2))",
    "MMULT(MINVERSE(MMULT(TRANSPOSE(A1:C5),A1:C5)),MMULT(TRANSPOSE(A1:C5),D1:D5))",
    "MMULT(MINVERSE(A8:C10),B1:B3)*F1+C1:C3",
    "TRANSPOSE(MINVERSE(A8:C10))",
    "MDETERM(A8:C10)*MINVERSE(A8:C10)",
    "MMULT(MMULT(TRANSPOSE(B1:B3),MINVERSE(A8:C10)),B1:B3)",
    "LINEST(B1:B5,D1:D5)",
    "TREND(B1:B5,D1:D5,A1:A3)",
    "CHOOSE({1,2},B1:B3,C1:C3)",
    "LARGE(B1:B5,{1;2;3})",
    "ERF(B1:B3,C1:C3)",
    "NORM.S.DIST(B1:B3,TRUE)*C1:C3",
    "EXP(B1:B3)/SUM(EXP(B1:B3))",
    "IF(A1:A3>2,B1:B3)",
    "MMULT(IF(A1:C3>2,A1:C3,0),A8:C10)",
]
OF_NUMBERS = ["ERF(F1,F2)", "ERF(F1*2,F2-F1)", "FACT(3)*F1", "LOG(B1,F2+2)", "COMBIN(5,2)*F1^B1"]


def formulas() -> list[tuple[str, tuple[int, int]]]:
    return [
        *((f"{name}({form})", SINGLE) for name in TOTALS for form in FORMS.values()),
        *(
            (paired.format(*[form] * 2), SINGLE)
            for paired in PAIRED
            for name, form in FORMS.items()
            if name != "several arguments"
        ),
        *((text, WHOLE) for text in OVER_CELLS),
        *((text, SINGLE) for text in OF_NUMBERS),
    ]


def numbers() -> dict[str, float]:
    draw = random.Random(77)
    cells = {f"{c}{row}": draw.uniform(0.5, 4) for row in range(1, 6) for c in "ABC"}
    cells |= {f"D{row}": draw.uniform(-3, 3) for row in range(1, 6)}
    cells |= {
        f"{c}{row}": draw.uniform(-2, 2) + 4 * (k == row - 8)
        for row in (8, 9, 10)
        for k, c in enumerate("ABC")
    }
    cells |= {"F1": 0.31, "F2": 0.72}
    return {name: round(number, 3) for name, number in cells.items()}


def fill(sheet, cells: dict[str, float]) -> list[tuple[str, int, int]]:
    """Write the numbers and all formulas; return each formula's cells."""
    for name, number in cells.items():
        sheet.write(name, number)
    row, places = FIRST, []
    for text, (height, width) in formulas():
        last = row + height - 1, COLUMN + width - 1
        sheet.write_array_formula(row, COLUMN, *last, f"{{={in_file(text)}}}")
        places += [(text, row + i, COLUMN + j) for i in range(height) for j in range(width)]
        row += height
    return places


@pytest.fixture(scope="module")
def recalculated(tmp_path_factory):
    """A book, and the same formulas with each number nudged up and down, in a sheet each."""
    folder = tmp_path_factory.mktemp("confirmed")
    cells = numbers()
    with xlsxwriter.Workbook(folder / "book.xlsx") as book:
        places = fill(book.add_worksheet("at"), cells)
    with xlsxwriter.Workbook(folder / "nudged.xlsx") as book:
        for name in cells:
            for sign, end in ((1, "up"), (-1, "down")):
                fill(book.add_worksheet(name + end), {**cells, name: cells[name] + sign * SIZE})
    book, nudged = recalculate_all([folder / "book.xlsx", folder / "nudged.xlsx"], folder / "new")
    return places, book, read_values(nudged)


def test_every_derivative_is_what_libreoffice_says_or_says_that_nothing_confirms_it(recalculated):
    places, path, nudged = recalculated
    book = read_book(path, every_row=True)
    flow = Flow(book)
    wrong, refused, confirmed = [], [], set()
    for text, row, column in places:
        place, cell = name_of(pack(0, row, column)), pack(0, row, column)
        try:
            slopes = slopes_of(book, cell, (), flow)
        except NoDerivative as error:
            refused.append((text, str(error)))
            continue
        listed = {name_of(one.cell): one for one in sensitivities(slopes)}
        for name in numbers():
            ends = [nudged[name + end].get(place) for end in ("up", "down")]
            if not all(type(end) in (int, float) for end in ends):
                continue
            expected = (ends[0] - ends[1]) / (2 * SIZE)
            one = listed.get(name)
            slope = one.slope if one is not None else 0.0
            if one is not None and not one.is_confirmed:
                assert one.remark
            elif not isclose(slope, expected, rel_tol=1e-3, abs_tol=1e-6):
                wrong.append((text, place, name, slope, expected))
        if all(one.is_confirmed for one in listed.values()):
            confirmed.add(text)
    assert wrong == []
    assert len(confirmed) >= 300, sorted(set(refused))
