"""Paints images into workbooks that read, and reads what LibreOffice makes of them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from openpyxl import load_workbook
from xlsxwriter.utility import xl_rowcol_to_cell

from gradbook.targets.excel.reader import GRID_COLUMN, GRID_ROW, OWN
from tests.report.workbooks import edited

PICK = xl_rowcol_to_cell(GRID_ROW - 3, GRID_COLUMN + 4)


def painted(source: Path, target: Path, image: np.ndarray) -> Path:
    """The workbook with 'my own' picked and an image painted in its grid."""
    cells = {
        xl_rowcol_to_cell(GRID_ROW + y, GRID_COLUMN + x): int(value)
        for (y, x), value in np.ndenumerate(image)
    }

    def edit(part: str, text: str) -> str:
        if part != "xl/worksheets/sheet1.xml":
            return text
        text = re.sub(
            rf'<c r="{PICK}"( s="\d+")? t="s"><v>\d+</v></c>',
            rf'<c r="{PICK}"\1 t="inlineStr"><is><t>{OWN}</t></is></c>',
            text,
        )

        def number(found: re.Match[str]) -> str:
            value = cells.get(found[1])
            return found[0] if value is None else f'<c r="{found[1]}"{found[2]}><v>{value}</v>'

        return re.sub(r'<c r="([A-Z]+\d+)"( s="\d+")?><v>\d+</v>', number, text)

    return edited(source, target, edit)


def said(path: Path, classes: int) -> tuple[str, np.ndarray]:
    """The class that the workbook takes its image for, and how sure it is of each."""
    book = load_workbook(path, data_only=True, read_only=True)
    rows = list(book["Read"].iter_rows(values_only=True))
    book.close()
    heading = rows[GRID_ROW - 1].index("probability")
    found = [float(row[heading]) for row in rows[GRID_ROW : GRID_ROW + classes]]
    return str(rows[GRID_ROW - 3][heading - 1]), np.array(found)
