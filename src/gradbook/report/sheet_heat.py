"""A workbook's sheets as tables, each cell coloured by how much the result depends on it.

The colours are transparent, and the text keeps the reader's own colour, so it suits light and dark
pages. A page has the styles by their classes; a notebook, which has no style of ours, in each cell.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from gradbook.derivatives.public_book import Derivatives
from gradbook.language import numeral, tr
from gradbook.palette import ERROR, INPUT
from gradbook.report.page_shell import text

MOST_SHEETS, MOST_ROWS, MOST_COLUMNS = 3, 30, 12
LONGEST_SHEET, WIDEST_SHEET = 200, 40  # rows and columns of a whole sheet
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


@dataclass(frozen=True)
class Heats:
    """How strongly a result depends on each cell on the way, and on the one that matters most."""

    result: Address | None = None
    by_cell: Mapping[Address, Heat] = field(default_factory=dict)
    most: float = 0.0  # the largest share


def notebook_heat(derivatives: Derivatives) -> str:
    """The same sheets for a notebook."""

    def inline(match: re.Match[str]) -> str:
        return f'style="{";".join(STYLES[name] for name in match[1].split())}"'

    return CLASSES.sub(inline, sheet_heat(derivatives))


def sheet_heat(derivatives: Derivatives) -> str:
    """The sheets on which the result depends, in the part that it depends on, for a page that has
    `HEAT_STYLE`."""
    slopes = derivatives.slopes
    heats = heats_of(derivatives)
    parts = by_sheet(heats.by_cell)[:MOST_SHEETS]
    return "".join(_sheet_on_way(slopes.book, cells, heats) for cells in parts)


def heats_of(derivatives: Derivatives) -> Heats:
    """How strongly the result depends on each cell on the way."""
    slopes = derivatives.slopes
    heats = dict(_heats(slopes.book, slopes.result, derivatives.by_cell))
    sizes = (abs(heat.elasticity) for heat in heats.values() if heat.elasticity is not None)
    return Heats(slopes.result, heats, max(sizes, default=0.0))


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


def _sheet_on_way(book: Book, cells: Collection[Address], heats: Heats) -> str:
    """The part of a sheet on which the result depends, and the labels beside it."""
    sheet = sheet_of(min(cells))
    rows = sorted(set(map(row_of, cells)))[:MOST_ROWS]
    first, last = min(map(column_of, cells)), max(map(column_of, cells))
    first = max(0, first - 1)  # for the labels
    columns = range(first, min(last, first + MOST_COLUMNS - 1) + 1)
    table = _table(book, sheet, rows, columns, heats)
    caption = f'<caption class="heat-beside">{text(book.sheets[sheet].title)}</caption>'
    return f'<div class="heat-wide">{table.replace("<thead>", f"{caption}<thead>", 1)}</div>'


def whole_sheet(book: Book, sheet: int, heats: Heats) -> str:
    """A sheet from its first to its last cell, for a page on which cells can be chosen."""
    filled = [
        cell
        for cell in {*book.values, *book.patterns}
        if sheet_of(cell) == sheet and not book.is_blank(cell)
    ]
    if not filled:
        return f"<p>{text(tr('This sheet is empty.'))}</p>"
    places = [*map(row_of, filled)], [*map(column_of, filled)]
    (top, bottom), (left, right) = ((min(place), max(place)) for place in places)
    rows = range(top, min(bottom, top + LONGEST_SHEET - 1) + 1)
    columns = range(left, min(right, left + WIDEST_SHEET - 1) + 1)
    until = name_of(pack(sheet, rows[-1], columns[-1]))
    is_cut = until != name_of(pack(sheet, bottom, right))
    cut = f"<p>{text(tr('Shown until {cell}.', cell=until))}</p>" if is_cut else ""
    return _table(book, sheet, rows, columns, heats) + cut


def _table(
    book: Book, sheet: int, rows: Sequence[int], columns: Sequence[int], heats: Heats
) -> str:
    head = "".join(f'<th scope="col" class="heat-beside">{letters(k)}</th>' for k in columns)
    body = "".join(
        f'<tr><th scope="row" class="heat-beside">{row + 1}</th>'
        + "".join(_cell(book, pack(sheet, row, column), heats) for column in columns)
        + "</tr>"
        for row in rows
    )
    head = f"<thead><tr><td></td>{head}</tr></thead>"
    return f'<table class="sheet-heat">{head}<tbody>{body}</tbody></table>'


def _cell(book: Book, cell: Address, heats: Heats) -> str:
    value = book.values.get(cell)
    heat = heats.by_cell.get(cell)
    if isinstance(value, float):
        shown, kind = _digits(value), "heat-number"
    else:
        words = "" if value is None else str(value)
        shown = words if len(words) <= LONGEST else f"{words[:LONGEST]}…"
        kind = "heat-beside"
    about = f' data-cell="{text(book.name_of(cell))}"' if cell in book.patterns else ""
    if heat:
        rises = (heat.elasticity or heat.slope) >= 0  # then it is blue, else red
        share = sqrt(abs(heat.elasticity) / heats.most) if heat.elasticity and heats.most else 0.0
        kind += f" heat-{'rises' if rises else 'falls'}-{round(share * (LEVELS - 1))}"
        tooltip = tr("{cell}: derivative {slope}", cell=name_of(cell), slope=_digits(heat.slope))
        about += f' title="{text(tooltip)}"'
    if cell == heats.result:
        about += ' aria-current="true"'
    return f'<td class="{kind}"{about}>{text(shown)}</td>'


def _digits(value: float) -> str:
    return numeral(f"{value:.5g}".replace("-", "−"))
