"""Tables of very many steps, written quickly: two neurons in a row, one row for each step."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from xlsxwriter import Workbook

STEP = {
    "x": "=0.5",
    "t": "=0.01",
    "w1": "=0.15",
    "w2": "=0.4",
    "h": "={w1}*{x}",
    "a": "=1/(1+EXP(-{h}))",
    "o": "={w2}*{a}",
    "y": "=1/(1+EXP(-{o}))",
    "E": "=0.5*({t}-{y})^2",
    "g1": "=({y}-{t})*{y}*(1-{y})*{w2}*{a}*(1-{a})*{x}",
    "g2": "=({y}-{t})*{y}*(1-{y})*{a}",
}
LATER = {"w1": "={w1'}-0.5*{g1'}", "w2": "={w2'}-0.5*{g2'}"}  # w1' is the w1 of the row above


def table(path: Path, rows: int, spoilt: Mapping[int, Mapping[str, str]] | None = None) -> Path:
    """A table of many steps, some rows with other formulas, or none; its values are left to
    programs."""
    columns = {name: chr(65 + k) for k, name in enumerate(STEP)}

    def formulas(row: int) -> list[str]:
        said = STEP | (LATER if row > 2 else {}) | (spoilt or {}).get(row, {})
        here = {name: f"{column}{row}" for name, column in columns.items()}
        above = {f"{name}'": f"{column}{row - 1}" for name, column in columns.items()}
        return [said[name].format_map(here | above) for name in columns]

    _save(path, list(STEP), map(formulas, range(2, rows + 2)))
    return path


def _save(path: Path, headings: list[str], rows: Iterable[list[str]]) -> None:
    """A book of one sheet; quicker than a writer that keeps every cell."""
    with Workbook(str(path)) as book:
        book.add_worksheet().write_row(0, 0, headings)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    before, end, after = parts.pop(name).decode().partition("</sheetData>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for other, content in parts.items():
            archive.writestr(other, content)
        with archive.open(name, "w") as sheet:
            sheet.write(before.encode())
            for number, row in enumerate(rows, 2):
                cells = (
                    f'<c r="{chr(65 + k)}{number}"><f>{escape(formula[1:])}</f><v>0.5</v></c>'
                    for k, formula in enumerate(row)
                    if formula
                )
                sheet.write(f'<row r="{number}">{"".join(cells)}</row>'.encode())
            sheet.write((end + after).encode())
