"""A table in a text file as rows of cells, and the content of a column's cells.

Commas, semicolons or tabs separate cells, quoted or not, in UTF-8, UTF-16 or Windows-1252. Cells
contain numbers in the style of any country, dates, words, or nothing. A column has one style,
which all of its cells determine together: 1.234,5 has a decimal comma, 1,234.5 a decimal point.
If they leave it open (is 1,234 a thousand, or a little more than one?), an option decides.
"""

from __future__ import annotations

import csv
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from os import PathLike

from gradbook import limits
from gradbook.amounts import counted
from gradbook.errors import DataError, FileError, LimitError
from gradbook.files import open_file, require_size, said_plainly
from gradbook.language.message import Message
from gradbook.limits import ReadLimit

MISSING = {"", "?", "-", ".", "na", "n/a", "nan", "null", "none", "nil", "#n/a"}
WORDS_TOO = {"none", "nil"}  # words that a column of words may mean: garage none

TRUTHS = {"true": 1.0, "false": 0.0}

POINT, COMMA = MARKS = (".", ",")
MARK_WORDS = {POINT: "point", COMMA: "comma"}
EITHER = frozenset(MARKS)
NUMBER = re.compile(r"[-+−]?([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
IN_THREES = re.compile(r"[-+−]?[1-9][0-9]{0,2}(\.[0-9]{3})+")  # 12.500, which may be 12500
SPACES = " \u00a0\u2009\u202f'’"  # between thousands
GROUPED = r"[1-9][0-9]{{0,2}}(?:([{between}])[0-9]{{3}})(?:\1[0-9]{{3}})*"
WRITTEN = {
    mark: re.compile(
        rf"[-+−]?(?:(?:{GROUPED.format(between=re.escape(other + SPACES))}|[0-9]+)"
        rf"(?:{re.escape(mark)}[0-9]*)?|{re.escape(mark)}[0-9]+)([eE][-+]?[0-9]{{1,3}})?"
    )
    for mark, other in (MARKS, MARKS[::-1])
}
DIGIT = re.compile("[0-9]")
MEASURED = re.compile(r"[-+−]?[0-9]")
SYMBOLS = ("US$", "€", "$", "£", "¥", "₹", "₽", "₺", "%")
ABBREVIATIONS = ("EUR", "USD", "GBP", "CHF", "SFr.", "Fr.", "SEK", "NOK", "DKK", "PLN", "kr", "zł")
BETWEEN = {mark: dict.fromkeys(map(ord, other + SPACES)) for mark, other in (MARKS, MARKS[::-1])}
UNITS = SYMBOLS + ABBREVIATIONS  # longer ones first, since some end in others
PLUS_MINUS = ("-", "+", "−")


@dataclass(frozen=True)
class NumberStyle:
    """How a column's numbers are written: the decimal mark, and the sign beside them (€, %); or as
    true and false, which are 1 and 0."""

    decimal: str = POINT
    unit: str = ""
    truths: bool = False

    def value(self, cell: str) -> float | None:
        """The number in a cell; None if it isn't a finite one."""
        if self.truths:
            return TRUTHS.get(cell.lower())
        if self.decimal != POINT or not NUMBER.fullmatch(cell):
            number = WRITTEN[self.decimal].fullmatch
            if not number(cell):
                cell, unit = split_unit(cell)
                if unit not in ("", self.unit) or not number(cell):
                    return None
            cell = cell.translate(BETWEEN[self.decimal]).replace(COMMA, POINT)
        value = float(cell.replace("−", "-"))
        return value if abs(value) != float("inf") else None


PLAIN = NumberStyle()


def split_unit(cell: str) -> tuple[str, str]:
    """The text of a number alone, and the sign beside it."""
    minus, rest = (cell[0], cell[1:].lstrip()) if cell[:1] in PLUS_MINUS else ("", cell)
    is_before, is_after = rest.startswith(UNITS), rest.endswith(UNITS)
    if is_before == is_after:
        return cell, ""
    if is_before:
        unit = next(unit for unit in UNITS if rest.startswith(unit))
        return minus + rest.removeprefix(unit).lstrip(), unit
    unit = next(unit for unit in UNITS if rest.endswith(unit))
    return minus + rest.removesuffix(unit).rstrip(), unit


def meanings(text: str) -> frozenset[str]:
    """The decimal marks with which this is a number."""
    if NUMBER.fullmatch(text):
        return EITHER if POINT not in text or IN_THREES.fullmatch(text) else frozenset(POINT)
    return frozenset(mark for mark, written in WRITTEN.items() if written.fullmatch(text))


def is_number(cell: str) -> bool:
    """Whether it is a number in any style."""
    return NUMBER.fullmatch(cell) is not None or bool(meanings(split_unit(cell)[0]))


def is_missing(cell: str, of_words: bool = False) -> bool:
    """Whether a cell is empty or contains a word for a missing value."""
    plain = cell.lower()
    return plain in MISSING and not (of_words and plain in WORDS_TOO)


def is_header(cells: Iterable[str]) -> bool:
    """Whether these are names of columns: no numbers, except that a quartile may be called 25%."""
    cells = list(cells)
    numeric = any(is_number(cell) and not cell.endswith("%") for cell in cells)
    return not numeric and not all(map(is_missing, cells))


# Dates -----------------------------------------------------------------------

YEAR_FIRST, DAY_FIRST, MONTH_FIRST = ORDERS = ("ymd", "dmy", "mdy")
EPOCH = datetime(1970, 1, 1)
SINCE = "days since 1970-01-01"
CLOCK = (
    r"(?:[T ]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.(?P<parts>[0-9]{1,9}))?)?"
    r"(?:Z|(?P<zone>[+-][0-9]{2}):?(?P<beside>[0-9]{2}))?)?"
)
BY_YEAR = re.compile(
    r"(?P<y>[0-9]{4})(?P<mark>[-/.])(?P<m>[0-9]{1,2})(?P=mark)(?P<d>[0-9]{1,2})" + CLOCK
)
BY_DAY = re.compile(
    r"(?P<d>[0-9]{1,2})(?P<mark>[-/.])(?P<m>[0-9]{1,2})(?P=mark)(?P<y>[0-9]{4})" + CLOCK
)
PARTED = re.compile("[0-9][-/.][0-9]")
OTHER_DATE = re.compile(  # ambiguous for readers
    r"[0-9]{1,2}([-/.])[0-9]{1,2}\1[0-9]{2}( .*)?"
    r"|[0-9]{1,2}[-. ]+[^\W\d]{3,9}[-., ]+[0-9]{2,4}|[^\W\d]{3,9}\.? [0-9]{1,2},? [0-9]{4}"
)


def orders(cell: str) -> frozenset[str]:
    """The orders in which this is a date; points separate only day, month and year."""
    if not PARTED.search(cell):
        return frozenset()
    match = BY_YEAR.fullmatch(cell)
    if match:
        return frozenset(order for order in (YEAR_FIRST,) if _moment(match, order))
    match = BY_DAY.fullmatch(cell)
    able = (DAY_FIRST,) if match and match["mark"] == "." else (DAY_FIRST, MONTH_FIRST)
    return frozenset(order for order in able if match and _moment(match, order))


def days(cell: str, order: str) -> float | None:
    """The days from 1 January 1970 to this date, with its time of day as a fraction."""
    match = (BY_YEAR if order == YEAR_FIRST else BY_DAY).fullmatch(cell)
    moment = _moment(match, order) if match else None
    return None if moment is None else (moment - EPOCH) / timedelta(days=1)


def _moment(match: re.Match[str], order: str) -> datetime | None:
    month, day = ("d", "m") if order == MONTH_FIRST else ("m", "d")
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    try:
        day_of_all = datetime(int(match["y"]), int(match[month]), int(match[day]))
        parts = int((match["parts"] or "").ljust(6, "0")[:6])
        moment = day_of_all.replace(hour=hour, minute=minute, second=second, microsecond=parts)
        if match["zone"]:
            beside = timedelta(
                hours=int(match["zone"]), minutes=int(match["zone"][0] + match["beside"])
            )
            moment -= beside
    except (ValueError, OverflowError):
        return None
    return moment


# A column --------------------------------------------------------------------


@dataclass
class CellEvidence:
    """The content of a column's cells."""

    present: int = 0  # the number of cells that aren't empty
    numbers: int = 0
    truths: int = 0
    dates: int = 0
    other_dates: int = 0
    marks: frozenset[str] = EITHER  # with which all numbers are numbers
    orders: frozenset[str] = frozenset(ORDERS)  # in which all dates are dates
    doubtful: str = ""  # a number that the two marks read differently
    measured: str = ""  # a word that begins with a number: 12 kg
    measured_words: int = 0
    decided: dict[str, int] = field(
        default_factory=dict
    )  # mark or unit → the first row that shows it

    @property
    def holds_numbers(self) -> bool:
        """Whether most of them are numbers; anything else is then a mistake."""
        return 2 * self.numbers > self.present

    @property
    def holds_truths(self) -> bool:
        """Whether all of them are true or false, in any case."""
        return 0 < self.truths == self.present

    @property
    def holds_dates(self) -> bool:
        return 2 * (self.dates + self.other_dates) > self.present

    @property
    def holds_measures(self) -> bool:
        """Whether most of its words begin with a number."""
        return 2 * self.measured_words > self.present

    @property
    def units(self) -> list[str]:
        """The signs beside its numbers; '' for a number without one."""
        return [unit for unit in self.decided if unit not in MARKS]


def evidence(cells: Iterable[tuple[int, str]]) -> CellEvidence:
    """The evidence in these cells, each of which comes with its row."""
    column = CellEvidence()
    for row, cell in cells:
        if is_missing(cell):
            continue
        column.present += 1
        column.truths += cell.lower() in TRUTHS
        if not DIGIT.search(cell):
            continue
        text, unit = cell, ""
        if not (marks := meanings(text)):
            text, unit = split_unit(cell)
            marks = meanings(text) if unit else marks
        if marks:
            _add_number(column, row, text, unit, marks)
        elif possible := orders(cell):
            column.dates += 1
            column.orders &= possible
        elif OTHER_DATE.fullmatch(cell):
            column.other_dates += 1
        elif MEASURED.match(cell):
            column.measured_words += 1
            column.measured = column.measured or cell
    return column


def _add_number(
    column: CellEvidence, row: int, text: str, unit: str, marks: frozenset[str]
) -> None:
    column.numbers += 1
    column.marks &= marks
    column.decided.setdefault(unit, row)
    if len(marks) == 1:
        column.decided.setdefault(min(marks), row)
    elif not column.doubtful and (POINT in text or COMMA in text):
        column.doubtful = text


def unit_of(column: CellEvidence) -> str:
    """The one sign beside a column's numbers."""
    units = column.units
    signs = [unit for unit in units if unit]
    if len(signs) > 1 or ("%" in signs and len(units) > 1):
        shown = ((f"'{unit}'" if unit else "none", column.decided[unit]) for unit in units[:2])
        places = ", ".join(f"{unit} in row {row}" for unit, row in shown)
        raise DataError(f"numbers with different units ({places}): write all with the same one")
    return signs[0] if signs else ""


def mark_of(column: CellEvidence) -> str:
    """The one decimal mark of a column's numbers; '' if they leave it open."""
    if not column.marks:
        marks = (f"a decimal {MARK_WORDS[mark]} in row {column.decided[mark]}" for mark in MARKS)
        raise DataError(f"{' and '.join(marks)}: use the same decimal mark in the whole column")
    return "" if len(column.marks) > 1 else min(column.marks)


def order_of(column: CellEvidence, preferred: str = "") -> str:
    """The order in which a column's dates are written."""
    if column.other_dates:
        raise DataError(
            "dates that can be read in more than one way: write them as 2024-03-31, with all four "
            "digits of the year"
        )
    if not column.orders:
        raise DataError("dates in different orders: write all of them as 2024-03-31")
    if len(column.orders) > 1 and preferred not in column.orders:
        raise DataError(
            "dates whose day and month are ambiguous: use --set 'dates dmy' or --set 'dates "
            "mdy', or write them as 2024-03-31"
        )
    return preferred if preferred in column.orders else min(column.orders)


def complaint(cell: str, style: NumberStyle = PLAIN) -> str:
    """The problem with a cell that should contain a number."""
    if is_missing(cell):
        missing = f"a missing value ({cell!r})" if cell else "an empty cell"
        return f"{missing}: fill it in or remove the row"
    if style.truths:
        return f"{cell!r} is neither true nor false, as the others are"
    text, unit = split_unit(cell)
    marks = meanings(text)
    if marks and style.decimal not in marks:
        mark = MARK_WORDS[style.decimal]
        return (
            f"{cell!r} isn't a number with a decimal {mark}, as the others are: use the same "
            "mark in the whole column"
        )
    if marks and unit not in ("", style.unit):
        beside = f"'{style.unit}'" if style.unit else "none"
        return (
            f"{cell!r} has the unit '{unit}', but the others have {beside}: use the same unit "
            "in the whole column"
        )
    if marks or cell.lower().lstrip("+-−") in ("inf", "infinity"):
        return f"{cell!r} isn't a finite number"
    return f"{cell!r} isn't a number"


# Rows of cells ----------------------------------------------------------------

SEPARATORS = (",", ";", "\t")
LINE = re.compile(r"[^\r\n]*(\r\n|\n|\r)|[^\r\n]+")
LATIN = "cp1252"  # Excel's encoding of CSV in western Europe, unless UTF-8 is chosen
WIDE = {BOM_UTF16_LE: "utf-16", BOM_UTF16_BE: "utf-16"}  # Excel's "Unicode text"
MOST_KNOWN = 50_000  # cells
LOOKED_AT = 20  # rows that show which separator is used
NO_TEXT = re.compile("[\0-\x08\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class CellRow:
    """One row, and the line of the file on which it ends."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class CellRows:
    """The rows of a file, their separator, and remarks on the text."""

    rows: list[CellRow]
    separator: str
    remarks: tuple[str, ...] = ()


def read_cells(
    path: str | PathLike[str],
    widths: Collection[int] = (),
    most: ReadLimit = limits.ROWS,
    widest: ReadLimit = limits.CELLS,
    size: ReadLimit = limits.TABLE,
) -> CellRows:
    """The rows that aren't empty, all equally long; `widths` are the expected lengths."""
    file = str(path)
    with open_file(path, size) as stream, said_plainly("read", path):
        content = stream.read(size.most + 1)
    require_size(len(content), file, size)
    text, encoding = table_text(content, file)
    content = content[:16]  # the whole is as large as everything made from it
    named = re.match(r"sep=(.)\r?\n", text)  # a spreadsheet's way to name the separator
    if named:
        separator = named[1]
        rows = list(_rows("\n" + text[named.end() :], separator, file, most, widest))
    else:
        separator = max(SEPARATORS, key=lambda mark: _fit(text, mark, widths, widest))
        rows = list(_rows(text, separator, file, most, widest))
    if not rows or not text.strip(" \r\n" + "".join(SEPARATORS)):
        raise DataError("the file is empty: write one row per line", file=file)
    remarks = []
    if encoding == LATIN:
        remark = Message(
            "{file} isn't UTF-8: it is read as Windows-1252, as Excel writes it in western Europe",
            file=file,
        )
        remarks.append(remark)
    if content.startswith(2 * BOM_UTF8):
        remark = Message(
            "{file} begins with several byte order marks: they are left out", file=file
        )
        remarks.append(remark)
    return CellRows(rows, separator, tuple(remarks))


def read_list(path: str | PathLike[str]) -> CellRows:
    """The rows of a table that a teacher keeps by hand, which is small."""
    return read_cells(path, (), limits.LIST_ROWS, limits.LIST_COLUMNS, limits.LIST)


def table_text(content: bytes, source: str) -> tuple[str, str]:
    """The text of a table and its encoding: UTF-8, UTF-16 with its mark, or Windows-1252."""
    encoding = next((name for mark, name in WIDE.items() if content.startswith(mark)), "utf-8-sig")
    try:
        return content.decode(encoding).lstrip("\ufeff"), encoding
    except UnicodeDecodeError as error:
        wrong = FileError(f"{source} isn't UTF-8 text (byte {error.start + 1}): save it as UTF-8")
    try:
        text = content.decode(LATIN)
    except UnicodeDecodeError:
        raise wrong from None
    if encoding != "utf-8-sig" or NO_TEXT.search(text):
        raise wrong
    return text, LATIN


def _fit(
    text: str, separator: str, widths: Collection[int], widest: ReadLimit
) -> tuple[bool, bool, float, int]:
    """How well a separator splits the first rows: best is one that gives the expected width, then
    one that gives many cells. Cells that still contain another separator, and aren't numbers such
    as 0,5, count against it."""
    others = [mark for mark in SEPARATORS if mark != separator]
    width, cells, torn = 0, 0, 0
    try:
        for row in islice(_rows(text, separator, "", widest=widest), LOOKED_AT):
            width = width or len(row.cells)
            cells += len(row.cells)
            torn += sum(
                any(mark in cell for mark in others) and not is_number(cell) for cell in row.cells
            )
    except (DataError, LimitError):  # rows of different widths, or quotes that don't fit
        width = width or text[:1000].partition("\n")[0].count(separator) + 1
        torn = cells = max(cells, 1)
    return width in widths, width > 1, -torn / max(cells, 1), width


def _rows(
    text: str,
    separator: str,
    file: str,
    most: ReadLimit = limits.ROWS,
    widest: ReadLimit = limits.CELLS,
) -> Iterator[CellRow]:
    # the lines one by one, since a copy of all would take four times as much memory
    lines = (line[0] for line in LINE.finditer(text))
    reader = csv.reader(lines, delimiter=separator, strict=True)
    first, count = None, 0
    known: dict[str, str] = {}  # a frequent cell is stored once
    try:
        for cells in reader:
            if len(known) > MOST_KNOWN:
                known.clear()
            kept = tuple(known.setdefault(cell, cell) for cell in map(str.strip, cells))
            row = CellRow(reader.line_num, kept)
            if not any(row.cells):
                continue
            first, count = first or row, count + 1
            here, there = len(row.cells), len(first.cells)
            if here != there:
                raise DataError(
                    f"{counted(here, 'column')}, but row {first.number} has {there}: every row "
                    "needs the same number",
                    file=file,
                    row=row.number,
                )
            for what, size, limit in (
                ("rows", count, most),
                ("cells", count * here, limits.CELLS),
                ("columns", here, widest),
            ):
                if size > limit.most:
                    raise LimitError(f"{file}: more than {limit} {what}: use a smaller table")
            yield row
    except csv.Error as error:
        raise DataError(
            f"can't be read as a table ({error}): check for an unclosed quotation mark",
            file=file,
            row=reader.line_num,
        ) from None
