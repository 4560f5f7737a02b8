"""Tables that a sheet declares, and references by name: grades[[#This Row],[w1]] is E31."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gradbook.cells.formula.address import (
    Address,
    column_of,
    letters,
    row_and_column,
    row_of,
    sheet_of,
)
from gradbook.cells.package import Package, TextElement

MOST_TABLES = 1_000
LONGEST = 8_192  # characters of a formula: Excel's limit
_PLAIN = r"[^\[\]']*+(?:'.[^\[\]']*+)*+"
_PART = re.compile(rf"\[({_PLAIN})\]")  # a column, or #This Row
_NAMED = re.compile(  # texts are skipped; the formula's own row needs no name of its table
    r'"[^"]*+(?:""[^"]*+)*+"?|(?<![\w.\\])([A-Za-z_\\][\w.\\]*+|(?=\[@))'
    rf"\[({_PLAIN}(?:\[{_PLAIN}\]{_PLAIN})*+)\]"
)
_COLUMN = r"\[(?:[^\[\]'#]|'.)*\]"
_INSIDE = re.compile(rf"(?:\[#[^\[\]]*\],?)*(?:{_COLUMN}(?::{_COLUMN})?)?")


@dataclass(frozen=True)
class SheetTable:
    """The position of a table, and the names of its columns."""

    sheet: int
    title: str  # the sheet's title, quoted as in formulas
    top: int
    left: int
    bottom: int
    headers: int
    totals: int
    columns: tuple[str, ...]  # in lower case

    def text_of(self, inside: str, home: Address) -> str | None:
        """The cells of a reference's brackets: a column, a part of it, the formula's own row."""
        parts = _split(inside)
        if parts is None:
            return None
        special, names = parts
        places = [self.columns.index(name) for name in names if name in self.columns]
        rows = self._rows(special, home)
        if rows is None or len(places) < len(names):
            return None
        first, last = (places[0], places[-1]) if places else (0, len(self.columns) - 1)
        own_row = "#this row" in special
        mark = "" if own_row else "$"
        corners = [
            f"{mark}{letters(self.left + column)}{mark}{row + 1}"
            for column, row in zip(sorted((first, last)), rows, strict=True)
        ]
        sheet = "" if sheet_of(home) == self.sheet else f"{self.title}!"
        return sheet + ":".join(dict.fromkeys(corners))

    def _rows(self, special: set[str], home: Address) -> tuple[int, int] | None:
        """The first and last row; None if they are unknown or there are none."""
        first, last, row = self.top + self.headers, self.bottom - self.totals, row_of(home)
        known = {
            "#all": (self.top, self.bottom),
            "#headers": (self.top, first - 1),
            "#data": (first, last),
            "#totals": (last + 1, self.bottom),
            "#this row": (row, row if first <= row <= last else -1),
        }
        spans = [known.get(name, (0, -1)) for name in special or {"#data"}]
        if any(top > bottom for top, bottom in spans):
            return None
        return min(top for top, _ in spans), max(bottom for _, bottom in spans)


def _split(inside: str) -> tuple[set[str], list[str]] | None:
    """The special items and the columns in the brackets: w1, or [#This Row],[w1]:[w3], which other
    programs save as Excel shows it: @w1, or @[w1]:[w3]."""
    if inside.startswith("@"):
        special, columns = _split(inside[1:]) or (set(), [])
        return special | {"#this row"}, columns
    if "[" not in inside:
        name = _plain(inside)
        return ({name}, []) if name.startswith("#") else (set(), [name] if name else [])
    if _INSIDE.fullmatch(inside.replace(" ", "") if "#" not in inside else inside) is None:
        return None
    parts = [_plain(part) for part in _PART.findall(inside)]
    return {p for p in parts if p.startswith("#")}, [p for p in parts if not p.startswith("#")]


def _plain(name: str) -> str:
    return re.sub(r"'(.)", r"\1", name).strip().lower()


def without_tables(formula: str, home: Address, tables: dict[str, SheetTable]) -> str:
    """The formula with cell references for table references; unchanged if one can't be resolved."""
    if not tables or "[" not in formula or len(formula) > LONGEST:
        return formula
    is_resolved = True

    def cells(match: re.Match[str]) -> str:
        nonlocal is_resolved
        if match[1] is None:
            return match[0]
        table = tables.get(match[1].lower()) if match[1] else _around(home, tables)
        text = table.text_of(match[2], home) if table else None
        is_resolved = is_resolved and text is not None
        return text or ""

    replaced = _NAMED.sub(cells, formula)
    return replaced if is_resolved else formula


def _around(home: Address, tables: dict[str, SheetTable]) -> SheetTable | None:
    """The table in which a cell stands."""
    row, column = row_of(home), column_of(home)
    return next(
        (
            table
            for table in tables.values()
            if table.sheet == sheet_of(home)
            and table.top <= row <= table.bottom
            and 0 <= column - table.left < len(table.columns)
        ),
        None,
    )


def read_tables(
    parts: Package, names: list[str], sheet: int, title: str
) -> Iterator[tuple[str, SheetTable]]:
    """The tables of a sheet, keyed by lower-case name, from the parts that declare them."""
    for name in names[:MOST_TABLES]:
        elements: list[TextElement] = []
        parts.each(name, elements.append)
        about = next((e.attributes for e in elements if e.tag == "table"), {})
        titles = [e.attributes.get("name", "") for e in elements if e.tag == "tableColumn"]
        columns = [title.replace("_x000a_", "\n").strip().lower() for title in titles]
        first, _, last = about.get("ref", "").partition(":")
        start, end = row_and_column(first), row_and_column(last or first)
        if start is None or end is None:
            continue
        counts = (about.get("headerRowCount", "1"), about.get("totalsRowCount", "0"))
        headers, totals = (int(n) if n.isdecimal() and len(n) < 3 else 0 for n in counts)
        called = about.get("displayName") or about.get("name", "")
        yield (
            called.lower(),
            SheetTable(sheet, title, start[0], start[1], end[0], headers, totals, tuple(columns)),
        )
