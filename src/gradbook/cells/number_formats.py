"""How a workbook shows the numbers of some cells: as percentages, amounts of money, dates.

Only what a page needs to show other numbers alike: the first section of a format, without colours
and conditions. A format that isn't understood counts as none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gradbook.cells.book import Book
from gradbook.cells.formula.address import Address, pack, row_and_column, sheet_of
from gradbook.cells.opendocument import (
    FIRST_DAY,
    OFFICE,
    TABLE,
    Attributes,
    CellReading,
    open_parser,
)
from gradbook.cells.package import (
    CONTENT,
    Package,
    TextElement,
    WorkbookError,
    is_opendocument,
    local,
    package,
)
from gradbook.cells.read import main_part, related_parts, relations_of

LONGEST_WORDS = 12  # characters around a number
BUILT_IN = {  # number formats without a code in the file
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    **dict.fromkeys((37, 38), "#,##0"),
    **dict.fromkeys((39, 40), "#,##0.00"),
    **dict.fromkeys((14, 15, 16, 17, 22), "yyyy-mm-dd"),
}
PIECE = re.compile(
    r'"([^"]*)"|\\(.)|\[\$([^][-]*)(?:-[^][]*)?\]|\[[^][]*\]|[_*].|(;)|([^"\\\[_*;]+)'
)
DIGITS = re.compile(r"[#0?][#0?,]*(?:\.([#0?]*))?")
UNCLEAR = re.compile(r"[#0?],+(?![#0?,])|[/]|E[+-]", re.IGNORECASE)
DATE = re.compile(r"[^dmyhs]*[dmy][^hs]*", re.IGNORECASE)  # times of day are shown as numbers


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are shown."""

    decimals: int = 0
    is_grouped: bool = False
    is_percent: bool = False
    is_date: bool = False
    before: str = ""  # such as €
    after: str = ""


def read_format(code: str) -> NumberFormat | None:
    """How a format's code shows positive numbers; None if it is a general or an unclear one."""
    words, bare = "", ""  # with \0 in place of the digits
    for quoted, escaped, money, ends, plain in PIECE.findall(code):
        if ends:
            break
        bare += plain
        words += quoted + escaped + money + DIGITS.sub("\0", plain)
    digits = DIGITS.search(bare)
    if digits is None:
        return NumberFormat(is_date=True) if DATE.fullmatch(bare) else None
    if UNCLEAR.search(bare):
        return None
    before, _, after = words.replace("%", "").partition("\0")
    after = after.replace("\0", "").replace("(", "").replace(")", "")
    return NumberFormat(
        decimals=len(digits[1] or ""),
        is_grouped="," in digits[0],
        is_percent="%" in bare,
        before=before.replace("(", "").strip()[:LONGEST_WORDS],
        after=after.strip()[:LONGEST_WORDS],
    )


def number_formats(
    book: Book, path: object, cells: Collection[Address]
) -> Mapping[Address, NumberFormat]:
    """The formats of these cells, as far as their file has them."""
    with package(str(path)) as parts:
        try:
            if is_opendocument(parts):
                looks = _Looks(set(cells))
                reader = open_parser()
                parts.parse(CONTENT, looks.begin, looks.end, looks.characters, reader=reader)
                return looks.formats
            return _in_excel(parts, book, set(cells))
        except WorkbookError:  # some programs write styles wrongly, and nothing depends on them
            return {}


def _in_excel(parts: Package, book: Book, cells: set[Address]) -> dict[Address, NumberFormat]:
    styles = _styles(parts)
    formats: dict[Address, NumberFormat] = {}
    for number in {sheet_of(cell) for cell in cells}:

        def keep(tag: str, attributes: dict[str, str], number: int = number) -> None:
            place = row_and_column(attributes.get("r", "")) if local(tag) == "c" else None
            cell = pack(number, *place) if place else None
            if cell in cells and (style := styles.get(attributes.get("s", ""))):
                formats[cell] = style

        parts.parse(book.sheets[number].part, keep)
    return formats


def _styles(parts: Package) -> dict[str, NumberFormat]:
    """The formats by the numbers that cells have of them."""
    codes: dict[str, str] = {str(number): code for number, code in BUILT_IN.items()}
    used: list[str] = []

    def keep(element: TextElement) -> None:
        attributes = element.attributes
        if element.tag == "numFmt" and element.around == "numFmts":
            codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif element.tag == "xf" and element.around == "cellXfs":
            used.append(attributes.get("numFmtId", ""))

    for part in related_parts(relations_of(parts, main_part(parts)), "styles"):
        parts.each(part, keep)
    known = {str(k): read_format(codes.get(number, "")) for k, number in enumerate(used)}
    return {number: form for number, form in known.items() if form}


# OpenDocument: what a cell shows is beside its value ----------------------------------

SHOWN = re.compile(r"([^\d]*)(\d[\d.,'\s]*)?(.*)", re.DOTALL)
NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,20})?(E[+-]?\d{1,2})?", re.IGNORECASE)
MOST_DECIMALS = 4  # more are those of a number without a format


class _Looks(CellReading):
    """The formats of cells with a style, from the words that they show."""

    def __init__(self, wanted: set[Address]) -> None:
        super().__init__(self, FIRST_DAY)  # type: ignore[arg-type]
        self.wanted = wanted
        self.formats: dict[Address, NumberFormat] = {}

    def next_sheet(self, number: int) -> None:
        """As collecting cells does."""

    def shown(self, cell: Attributes, words: str) -> tuple[str, str | None]:
        if not words or f"{TABLE}style-name" not in cell:
            return "", None
        return cell.get(f"{OFFICE}value-type", ""), f"{cell.get(f'{OFFICE}value', '')}\0{words}"

    def keep(self, row: int, column: int, kind: str, *content: object) -> None:
        cell = pack(self.number, row, column)
        value, _, words = str(content[-1]).partition("\0")
        form = _as_shown(kind, value, words) if cell in self.wanted else None
        if form:
            self.formats[cell] = form


def _as_shown(kind: str, value: str, words: str) -> NumberFormat | None:
    """The format by which a number shows these words."""
    parts = SHOWN.fullmatch(words)
    if kind == "date":
        return NumberFormat(is_date=True)
    if kind not in ("float", "percentage", "currency") or not NUMBER.fullmatch(value):
        return None
    if parts is None or not parts[2]:
        return None
    is_percent = kind == "percentage"
    size = abs(float(value)) * (100 if is_percent else 1)
    digits = re.sub(r"\D", "", parts[2])
    for decimals in range(MOST_DECIMALS + 1):
        if f"{size:.{decimals}f}".replace(".", "") == digits:
            places = len(f"{size:.0f}")
            signs = len(re.sub(r"\d", "", parts[2].strip())) - (decimals > 0)
            before, after = (part.replace("%", "").strip(" -−()\xa0") for part in parts.group(1, 3))
            is_grouped = signs > 0 and places > 3
            return NumberFormat(decimals, is_grouped, is_percent, False, before, after)
    return None
