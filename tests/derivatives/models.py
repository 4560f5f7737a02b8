"""Workbooks as people make them, each with a result whose derivatives are asked for."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image
from xlsxwriter import Workbook

from gradbook.cells.evaluate import fill_in
from gradbook.cells.flow import Flow
from gradbook.cells.formula.address import Address
from gradbook.cells.read import read_book
from gradbook.cells.slopes import Slopes, slopes_of

Filled = Callable[[Workbook], None]


def pricing(workbook: Workbook) -> None:
    """A call's price by Black and Scholes."""
    sheet = workbook.add_worksheet("Model")
    sheet.set_column(0, 0, 24)
    sheet.write("A1", "Black–Scholes call")
    inputs = {
        "Spot price S": 100,
        "Strike K": 105,
        "Rate r": 0.03,
        "Volatility σ": 0.2,
        "Years T": 0.75,
        "Dividend yield q": 0.01,
    }
    formulas = {
        "d1": "=(LN(B3/B4)+(B5-B8+B6^2/2)*B7)/(B6*SQRT(B7))",
        "d2": "=B10-B6*SQRT(B7)",
        "N(d1)": "=NORMSDIST(B10)",
        "N(d2)": "=NORMSDIST(B11)",
        "Call price": "=B3*EXP(-B8*B7)*B12-B4*EXP(-B5*B7)*B13",
    }
    for row, (name, content) in enumerate((*inputs.items(), *formulas.items()), 2):
        place = row + (row > 7)
        sheet.write(place, 0, name)
        sheet.write(place, 1, content)


def loan(workbook: Workbook) -> None:
    """A mortgage with a table of months."""
    sheet = workbook.add_worksheet("Mortgage")
    for row, (name, value) in enumerate(
        {"Loan:": 250_000, "Rate a year:": 0.045, "Years:": 25, "Fee:": 0}.items()
    ):
        sheet.write(row, 0, name)
        sheet.write(row, 1, value)
    sheet.write("A6", "Payment")
    sheet.write("B6", "=-PMT(B2/12,B3*12,B1)+B4")
    sheet.write_row("A8", ["Month", "Interest", "Repaid", "Left"])
    for month in range(1, 13):
        row = month + 8
        before = f"D{row - 1}" if month > 1 else "B$1"
        sheet.write_row(row - 1, 0, [month, f"={before}*B$2/12", f"=B$6-B{row}"])
        sheet.write(f"D{row}", f"={before}-C{row}")
    sheet.write("A22", "Interest in a year")
    sheet.write("B22", "=ROUND(SUM(B9:B20),2)")


def regression(workbook: Workbook) -> None:
    """A line through points, and its error."""
    sheet = workbook.add_worksheet("Data")
    sheet.write_row("A1", ["x", "y", "line", "squared"])
    for row, (x, y) in enumerate(((1, 2.1), (2, 3.9), (3, 6.2), (4, 7.8), (5, 10.1)), 2):
        line = f"=F$2+F$1*A{row}"
        sheet.write_row(row - 1, 0, [x, y, line, f"=(B{row}-C{row})^2"])
    sheet.write_column("E1", ["slope", "intercept", "", "error"])
    sheet.write_column("F1", [1.5, 0.4])
    sheet.write("F4", "=AVERAGE(D2:D6)")


def forward(workbook: Workbook) -> None:
    """The forward pass of a 2-2-2 network in one row, without gradients."""
    sheet = workbook.add_worksheet("Forward pass")
    named = {"t1": 0.5, "t2": 0.5, "i1": 0.05, "i2": 0.1}
    named |= dict(zip((f"w{k}" for k in range(1, 5)), (0.15, 0.2, 0.25, 0.3), strict=True))
    formulas = {
        "h1": "=C3*E3+D3*F3",
        "a_h1": "=1/(1+EXP(-I3))",
        "h2": "=C3*G3+D3*H3",
        "a_h2": "=1/(1+EXP(-K3))",
    }
    outer = dict(zip((f"w{k}" for k in range(5, 9)), (0.4, 0.45, 0.5, 0.55), strict=True))
    ends = {
        "o1": "=J3*M3+L3*N3",
        "a_o1": "=1/(1+EXP(-Q3))",
        "o2": "=J3*O3+L3*P3",
        "a_o2": "=1/(1+EXP(-S3))",
        "E": "=0.5*(A3-R3)^2+0.5*(B3-T3)^2",
    }
    for column, (name, content) in enumerate({**named, **formulas, **outer, **ends}.items()):
        sheet.write(1, column, name)
        sheet.write(2, column, content)


def matrices(workbook: Workbook) -> None:
    """The same network by matrix products, in array formulas."""
    sheet = workbook.add_worksheet("Net")
    sheet.write_row("A1", ["i1", "i2"])
    sheet.write_row("A2", [0.05, 0.1])
    sheet.write("A4", "W1")
    sheet.write_row("A5", [0.15, 0.25])
    sheet.write_row("A6", [0.2, 0.3])
    sheet.write("A8", "W2")
    sheet.write_row("A9", [0.4, 0.5])
    sheet.write_row("A10", [0.45, 0.55])
    sheet.write("D1", "h")
    sheet.write_array_formula("D2:E2", "{=MMULT(A2:B2,A5:B6)}")
    sheet.write("D4", "a")
    sheet.write_array_formula("D5:E5", "{=1/(1+EXP(-D2:E2))}")
    sheet.write("D7", "o")
    sheet.write_array_formula("D8:E8", "{=MMULT(D5:E5,A9:B10)}")
    sheet.write("D10", "y")
    sheet.write_row("D11", ["=1/(1+EXP(-D8))", "=1/(1+EXP(-E8))"])
    sheet.write("G1", "targets")
    sheet.write_row("G2", [0.5, 0.5])
    sheet.write("G4", "loss")
    sheet.write("G5", "=SUMXMY2(D11:E11,G2:H2)/2")


def several(workbook: Workbook) -> None:
    """A plan over several sheets, with titles that formulas must quote."""
    prices = workbook.add_worksheet("Ann's prices")
    prices.write_column("A1", ["Apples", "Pears"])
    prices.write_column("B1", [1.2, 0.8])
    amounts = workbook.add_worksheet("Amounts & more")
    amounts.write_column("A1", ["Apples", "Pears", "share lost"])
    amounts.write_column("B1", [40, 25, 0.03])
    total = workbook.add_worksheet("A1")
    total.write("A1", "Turnover")
    total.write("B1", "=SUMPRODUCT('Ann''s prices'!B1:B2,'Amounts & more'!B1:B2)")
    total.write("A2", "Net of losses")
    total.write("B2", "=B1*(1-'Amounts & more'!B3)")


def cash_flow(workbook: Workbook) -> None:
    """A discounted cash flow over years, with growth, tax that isn't negative, and a bonus."""
    sheet = workbook.add_worksheet("DCF")
    sheet.write_column("A1", ["Growth", "Margin", "Tax", "Discount", "Invested", "Bonus above"])
    sheet.write_column("B1", [0.08, 0.22, 0.25, 0.1, -900, 150])
    sheet.write_row("A8", ["Year", 2025, 2026, 2027, 2028, 2029])
    sheet.write_column("A9", ["Revenue", "Profit", "Taxes", "Free cash", "Note"])
    sheet.write("B9", 1000)
    for column, before in zip("CDEF", "BCDE", strict=True):
        sheet.write(f"{column}9", f"={before}9*(1+$B$1)")
    for column in "BCDEF":
        sheet.write(f"{column}10", f"={column}9*$B$2")
        sheet.write(f"{column}11", f"=MAX(0,{column}10)*$B$3")
        sheet.write(f"{column}12", f"={column}10-{column}11+IF({column}10>$B$6,0.05*{column}10,0)")
        sheet.write(f"{column}13", f'=IF({column}12>200,"good","poor")')
    sheet.write("A15", "Value")
    sheet.write("B15", "=B5+NPV(B4,B12:F12)")
    sheet.write("A16", "Return")
    sheet.write("B16", "=IRR(B17:G17)")
    sheet.write_row("B17", ["=B5", "=B12", "=C12", "=D12", "=E12", "=F12"])
    sheet.write("A18", "Score")
    sheet.write("B18", "=ROUND(B15,4)*(1+B16)")


def softmax(workbook: Workbook) -> None:
    """A classifier's loss over samples below each other, by relu and softmax in whole arrays."""
    sheet = workbook.add_worksheet("Softmax")
    sheet.write("A1", "weights")
    for row, weights in enumerate(((0.2, -0.4, 0.1), (0.5, 0.3, -0.2))):
        sheet.write_row(row + 1, 0, weights)
    sheet.write("A4", "bias")
    sheet.write_row("A5", [0.1, 0.05, -0.1])
    sheet.write_row("E1", ["x1", "x2", "class", "z1", "z2", "z3", "p", "loss"])
    samples = ((1.0, 0.5, 1), (-0.5, 1.5, 2), (0.3, -0.8, 3), (2.0, 1.0, 1))
    for row, (x, y, kind) in enumerate(samples, 2):
        sheet.write_row(row - 1, 4, [x, y, kind])
        for letter, column in zip("HIJ", "ABC", strict=True):
            own = f"=MAX(0,SUMPRODUCT(E{row}:F{row},TRANSPOSE({column}$2:{column}$3))+{column}$5)"
            sheet.write_array_formula(f"{letter}{row}", f"{{{own}}}")
        sheet.write_array_formula(
            f"K{row}", f"{{=EXP(INDEX(H{row}:J{row},G{row}))/SUM(EXP(H{row}:J{row}))}}"
        )
        sheet.write(f"L{row}", f"=-LN(K{row})")
    sheet.write("K7", "mean")
    sheet.write("L7", "=AVERAGE(L2:L5)")


MODELS: dict[str, tuple[Filled, str]] = {
    "pricing": (pricing, "Model!B14"),
    "loan": (loan, "Mortgage!B22"),
    "regression": (regression, "Data!F4"),
    "forward": (forward, "'Forward pass'!U3"),
    "matrices": (matrices, "Net!G5"),
    "cash flow": (cash_flow, "DCF!B18"),
    "softmax": (softmax, "Softmax!L7"),
    "several": (several, "'A1'!B2"),
}


def written(path: Path, fill: Filled) -> Path:
    with Workbook(str(path)) as workbook:
        fill(workbook)
    return path


def slopes_in(path: Path, result: str, inputs: tuple[str, ...] = ()) -> Slopes:
    """The slopes of a result of the workbook at `path`."""
    book = read_book(path)
    flow = Flow(book)
    fill_in(book, flow)

    def place(name: str) -> Address:
        found = book.reader.cell(name, 0)
        assert found is not None
        return found

    return slopes_of(book, place(result), [place(name) for name in inputs], flow)


def dressed(workbook: Workbook) -> None:
    """A model with a chart, a picture, names, a table and a print area."""
    pricing(workbook)
    sheet = workbook.worksheets()[0]
    chart = workbook.add_chart({"type": "line"})
    chart.add_series({"values": "=Model!$B$3:$B$8"})
    sheet.insert_chart("E2", chart)
    picture = BytesIO()
    Image.new("RGB", (8, 8), "teal").save(picture, "PNG")
    sheet.insert_image("E20", "teal.png", {"image_data": picture})
    sheet.print_area("A1:B14")
    sheet.repeat_rows(0, 1)
    sheet.freeze_panes(2, 1)
    other = workbook.add_worksheet("Other")
    other.add_table("A1:B3", {"columns": [{"header": "what"}, {"header": "how many"}]})
    other.activate()
    workbook.define_name("Other!own", "=Other!$A$2")
    workbook.define_name("price", "=Model!$B$14")
