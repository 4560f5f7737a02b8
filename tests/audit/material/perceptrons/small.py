"""Small trainings by the perceptron rule, typed as one would, to be spoilt cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gradbook.audit.check_book import check
from gradbook.audit.findings import BookReport
from tests.audit.material.made import Content, Table
from tests.audit.material.small import filled

Areas = Mapping[str, Content]

# A row a sample, arithmetic, a rate in a cell; the weights of a row are what the one above left
ROWS: Areas = {
    "A1": "x1",
    "B1": "x2",
    "C1": "target",
    "D1": "w1",
    "E1": "w2",
    "F1": "b",
    "G1": "sum",
    "H1": "output",
    "I1": "error",
    "K1": "rate",
    "K2": 0.1,
    "A2:A3": 0.0,
    "A4:A5": 1.0,
    "B2": 0.0,
    "B3:B4": 1.0,
    "B5": 0.0,
    "A6:A9": "=A2",
    "B6:B9": "=B2",
    "C2:C9": "=IF(A2+B2>1.5,1,0)",
    "D2": 0.3,
    "E2": -0.1,
    "F2": 0.2,
    "G2:G9": "=A2*D2+B2*E2+F2",
    "H2:H9": "=(G2>0)*1",
    "I2:I9": "=C2-H2",
    "D3:D10": "=D2+$K$2*I2*A2",
    "E3:E10": "=E2+$K$2*I2*B2",
    "F3:F10": "=F2+$K$2*I2",
}
# A column a sample, by IF, a typed rate, no bias
COLUMNS: Areas = {
    "A1": "x1",
    "A2": "x2",
    "A3": "target",
    "A4": "output",
    "A5": "w1",
    "A6": "w2",
    "B1:G1": 1.0,
    "B2": 1.0,
    "C2:E2": -1.0,
    "F2:G2": 1.0,
    "B3:C3": 1.0,
    "D3:G3": -1.0,
    "B5": 0.4,
    "B6": -0.3,
    "B4:G4": "=IF(B1*B5+B2*B6>=0,1,-1)",
    "C5:H5": "=IF(B4=B3,B5,B5+0.25*(B3-B4)*B1)",
    "C6:H6": "=IF(B4=B3,B6,B6+0.25*(B3-B4)*B2)",
}


def edited(areas: Areas, cells: Mapping[str, Content | None]) -> Areas:
    """The book with other cells; None empties one."""
    single: dict[str, Content] = {}
    for (row, column), content in filled(areas).items():
        single[f"{chr(65 + column)}{row + 1}"] = content
    new = {f"{chr(65 + c)}{r + 1}": v for (r, c), v in filled(_typed(cells)).items()}
    gone = {area for area, content in cells.items() if content is None}
    return {name: content for name, content in {**single, **new}.items() if name not in gone}


def _typed(cells: Mapping[str, Content | None]) -> dict[str, Content]:
    return {area: content for area, content in cells.items() if content is not None}


def checked(path: Path, *sheets: Areas) -> BookReport:
    """What is said of a book with these sheets."""
    table = Table({f"Sheet{k}": filled(areas) for k, areas in enumerate(sheets, 1)})
    return check(table.save(path))
