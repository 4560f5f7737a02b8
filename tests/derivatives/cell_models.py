"""Small workbooks to differentiate, written cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import xlsxwriter

Cells = Mapping[str, object]

STAND = {  # a lemonade stand: its profit depends on six numbers
    "A1": "Lemonade stand",
    "A3": "Price per cup",
    "B3": 1.2,
    "A4": "Temperature",
    "B4": 27,
    "A5": "Lemons per cup",
    "B5": 0.5,
    "A6": "Price of a lemon",
    "B6": 0.4,
    "A7": "Rent per day",
    "B7": 20,
    "A8": "Days",
    "B8": 60,
    "A10": "Cups per day",
    "B10": "=4*B4*EXP(-0.8*B3)",
    "A11": "Cost per cup",
    "B11": "=B5*B6+0.12",
    "A12": "Profit per day",
    "B12": "=B10*(B3-B11)-B7",
    "A13": "Profit",
    "B13": "=B8*B12",
}
TWO_SHEETS = {
    "Meine Eingaben": {"A1": "Größe", "B1": 3, "A2": "Höhe über Null", "B2": 5},
    "Ergebnis": {
        "A1": "Fläche",
        "B1": "='Meine Eingaben'!B1*'Meine Eingaben'!B2",
        "A2": "Preis",
        "B2": "=B1*12.5+SUM('Meine Eingaben'!B1:B2)",
    },
}
CALL = {  # the price of an option by Black and Scholes
    "A2": "Spot",
    "B2": 100,
    "A3": "Strike",
    "B3": 105,
    "A4": "Rate",
    "B4": 0.03,
    "A5": "Time",
    "B5": 1,
    "A6": "Volatility",
    "B6": 0.2,
    "A8": "d1",
    "B8": "=(LN(B2/B3)+(B4+B6^2/2)*B5)/(B6*SQRT(B5))",
    "A9": "d2",
    "B9": "=B8-B6*SQRT(B5)",
    "A11": "Call price",
    "B11": "=B2*_xlfn.NORM.S.DIST(B8,TRUE)-B3*EXP(-B4*B5)*_xlfn.NORM.S.DIST(B9,TRUE)",
}
LESSON = {  # the forward pass of one neuron, and no training
    "A1": "w",
    "B1": 0.5,
    "A2": "b",
    "B2": 0.1,
    "A3": "x",
    "B3": 2,
    "A4": "t",
    "B4": 1,
    "A5": "h",
    "B5": "=B1*B3+B2",
    "A6": "a",
    "B6": "=TANH(B5)",
    "A7": "E",
    "B7": "=(B6-B4)^2/2",
}


def write_model(path: Path, cells: Cells | None = None, /, **sheets: Cells) -> Path:
    """A workbook with one sheet, Model, of these cells; or with several by their titles."""
    every = sheets or {"Model": cells or {}}
    with xlsxwriter.Workbook(str(path)) as book:
        for title, content in every.items():
            sheet = book.add_worksheet(title)
            for cell, value in content.items():
                sheet.write(cell, value)
    return path
