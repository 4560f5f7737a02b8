"""Tables that a sheet declares, and references by their names: grades[[#This Row],[w1]] is E31."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gradbook.audit.formula.address import Address, letters, row_and_column, row_of, sheet_of
from gradbook.audit.workbook.package import Package, local

MOST_TABLES = 1_000
LONGEST = 8_192  # characters of a formula, as Excel has it
_NAMED = re.compile(r'"(?:[^"]|"")*+"?|(?<![\w.\\])([A-Za-z_\\][\w.\\]*+)\[')
_PART = re.compile(r"(?<!')\[((?:[^\[\]']|'.)*+)\]")  # a column, or #This Row
_COLUMN = r"\[(?:[^\[\]'#]|'.)*\]"
_INSIDE = re.compile(rf"(?:\[#[^\[\]]*\],?)*(?:{_COLUMN}(?::{_COLUMN})?)?")


@dataclass(frozen=True)
class SheetTable:
    """Where a table stands, and what its columns are called."""

    sheet: int
    title: str  # of that sheet, as formulas write it
    top: int
    left: int
    bottom: int
    headers: int
    totals: int
    columns: tuple[str, ...]  # in lower case

    def text_of(self, inside: str, home: Address) -> str | None:
        """What stands in the brackets, as cells: a column, a part of it, the formula's own row."""
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
        first, last = self.top + self.headers, self.bottom - self.totals
        if special == {"#this row"}:
            own = row_of(home)
            return (own, own) if first <= own <= last else None
        if special == {"#all"}:
            return self.top, self.bottom
        if special == {"#headers"}:
            return (self.top, first - 1) if self.headers else None
        if special == {"#totals"}:
            return (last + 1, self.bottom) if self.totals else None
        if special <= {"#data", "#headers", "#totals"}:
            top = self.top if "#headers" in special else first
            return top, self.bottom if "#totals" in special else last
        return None


def _split(inside: str) -> tuple[set[str], list[str]] | None:
    """The specials and the columns that are named: w1, or [#This Row],[w1]:[w3]."""
    if "[" not in inside:
        name = _plain(inside)
        return ({name}, []) if name.startswith("#") else (set(), [name] if name else [])
    if _INSIDE.fullmatch(inside.replace(" ", "") if "#" not in inside else inside) is None:
        return None
    found = [_plain(part) for part in _PART.findall(inside)]
    return {p for p in found if p.startswith("#")}, [p for p in found if not p.startswith("#")]


def _plain(name: str) -> str:
    return re.sub(r"'(.)", r"\1", name).strip().lower()


def without_tables(formula: str, home: Address, tables: dict[str, SheetTable]) -> str:
    """The formula with cells in the place of what it names in tables; where something can't be
    told, as it stands."""
    if not tables or "[" not in formula or len(formula) > LONGEST:
        return formula
    pieces: list[str] = []
    after = 0
    for found in _NAMED.finditer(formula):
        if found[1] is None or found.start() < after:
            continue
        table, end = tables.get(found[1].lower()), _closing(formula, found.end())
        text = table.text_of(formula[found.end() : end], home) if table and end else None
        if text is None or end is None:
            return formula
        pieces += [formula[after : found.start()], text]
        after = end + 1
    return "".join([*pieces, formula[after:]])


def _closing(formula: str, start: int) -> int | None:
    """Where the bracket that was opened before `start` is closed."""
    depth, at = 1, start
    while at < len(formula):
        letter = formula[at]
        at += 1 + (letter == "'")
        depth += (letter == "[") - (letter == "]")
        if not depth:
            return at - 1
    return None


def read_tables(
    parts: Package, names: list[str], sheet: int, title: str
) -> Iterator[tuple[str, SheetTable]]:
    """The tables of a sheet, by their names in lower case, from the parts that declare them."""
    for name in names[:MOST_TABLES]:
        about: dict[str, str] = {}
        columns: list[str] = []

        def begin(
            tag: str,
            attributes: dict[str, str],
            about: dict[str, str] = about,
            columns: list[str] = columns,
        ) -> None:
            if local(tag) == "table":
                about.update(attributes)
            elif local(tag) == "tableColumn":
                columns.append(attributes.get("name", "").replace("_x000a_", "\n").strip().lower())

        parts.parse(name, begin)
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
