"""A workbook's sheets as tables, each cell coloured by how much the result depends on it.

The colours are transparent, and the text keeps the reader's own colour, so it suits light and dark
pages. A page has the styles by their classes; a notebook, which has no style of ours, in each cell.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, sqrt

from gradbook.cells.book import Book
from gradbook.cells.formula.address import (
    Address,
    by_sheet,
    column_of,
    letters,
    name_of,
    pack,
    row_of,
    sheet_of,
)
from gradbook.derivatives.book import Derivatives
from gradbook.language import numeral, tr
from gradbook.palette import ERROR, INPUT
from gradbook.report.page import text

MOST_SHEETS, MOST_ROWS, MOST_COLUMNS = 3, 30, 12
LONGEST = 24  # characters of a text
FAINTEST, STRONGEST, LEVELS = 0.08, 0.6, 8  # opacity, from the first level to the last


def _styles() -> dict[str, str]:
    """The declarations of each class."""
    styles = {
        "sheet-heat": "border-collapse:collapse;width:auto;margin:.4em 0",
        "heat-beside": "text-align:left;opacity:.65",
        "heat-number": "text-align:right;white-space:nowrap",
        "heat-wide": "overflow-x:auto",
    }
    for sign, ink in ("rises", INPUT.ink), ("falls", ERROR.ink):
        red, green, blue = (int(ink[k : k + 2], 16) for k in (1, 3, 5))
        for level in range(LEVELS):
            opacity = FAINTEST + (STRONGEST - FAINTEST) * level / (LEVELS - 1)
            styles[f"heat-{sign}-{level}"] = f"background:rgba({red},{green},{blue},{opacity:.2f})"
    return styles


STYLES = _styles()
HEAT_STYLE = "".join(f"body .{name}{{{declared}}}" for name, declared in STYLES.items())
CLASSES = re.compile(r'class="([\w -]+)"')


@dataclass(frozen=True)
class Heat:
    """How many per cent the result changes if a cell changes by one per cent."""

    slope: float
    elasticity: float | None


def notebook_heat(derivatives: Derivatives) -> str:
    """The same sheets for a notebook."""

    def inline(found: re.Match[str]) -> str:
        return f'style="{";".join(STYLES[name] for name in found[1].split())}"'

    return CLASSES.sub(inline, sheet_heat(derivatives))


def sheet_heat(derivatives: Derivatives) -> str:
    """The sheets on which the result depends, in the part that it depends on, for a page that has
    `HEAT_STYLE`."""
    slopes = derivatives.slopes
    heats = dict(_heats(slopes.book, slopes.result, derivatives.by_cell))
    sizes = (abs(heat.elasticity) for heat in heats.values() if heat.elasticity is not None)
    most = max(sizes, default=0.0)
    tables = [_sheet(slopes.book, cells, heats, most) for cells in by_sheet(heats)[:MOST_SHEETS]]
    return "".join(tables)


def _heats(
    book: Book, result: Address, slopes: Mapping[Address, float]
) -> Iterator[tuple[Address, Heat]]:
    whole = book.values.get(result)
    for cell, slope in slopes.items():
        value = book.values.get(cell)
        elasticity = None
        if isinstance(value, float) and isinstance(whole, float) and whole and cell != result:
            elasticity = slope * value / whole
        is_known = elasticity is not None and isfinite(elasticity)
        yield cell, Heat(slope, elasticity if is_known else None)


def _sheet(
    book: Book, cells: Collection[Address], heats: Mapping[Address, Heat], most: float
) -> str:
    sheet = sheet_of(min(cells))
    rows = sorted(set(map(row_of, cells)))[:MOST_ROWS]
    first, last = min(map(column_of, cells)), max(map(column_of, cells))
    first = max(0, first - 1)  # for the labels
    columns = range(first, min(last, first + MOST_COLUMNS - 1) + 1)
    head = "".join(f'<th scope="col" class="heat-beside">{letters(k)}</th>' for k in columns)
    body = "".join(
        f'<tr><th scope="row" class="heat-beside">{row + 1}</th>'
        + "".join(_cell(book, pack(sheet, row, column), heats, most) for column in columns)
        + "</tr>"
        for row in rows
    )
    title = text(book.sheets[sheet].title)
    return (
        '<div class="heat-wide"><table class="sheet-heat">'
        f'<caption class="heat-beside">{title}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(book: Book, cell: Address, heats: Mapping[Address, Heat], most: float) -> str:
    value = book.values.get(cell)
    heat = heats.get(cell)
    if isinstance(value, float):
        shown, kind = numeral(f"{value:.5g}"), "heat-number"
    else:
        words = "" if value is None else str(value)
        shown = words if len(words) <= LONGEST else f"{words[:LONGEST]}…"
        kind = "heat-beside"
    about = ""
    if heat:
        kind += f" {_colour(heat, most)}"
        slope = numeral(f"{heat.slope:.5g}")
        told = tr("{cell}: derivative {slope}", cell=name_of(cell), slope=slope)
        about = f' title="{text(told)}"'
    return f'<td class="{kind}"{about}>{text(shown)}</td>'


def _colour(heat: Heat, most: float) -> str:
    """Blue where the result rises with the cell, red where it falls; stronger where it matters."""
    share = sqrt(abs(heat.elasticity) / most) if heat.elasticity and most else 0.0
    sign = "rises" if (heat.elasticity or heat.slope) >= 0 else "falls"
    return f"heat-{sign}-{round(share * (LEVELS - 1))}"
