"""A table in a text file as rows of cells, and the content of a column's cells.

Commas, semicolons or tabs separate cells, quoted or not, in UTF-8, UTF-16 or Windows-1252. Cells
contain numbers in the style of any country, dates, words, or nothing. A column has one style,
which all of its cells determine together: 1.234,5 has a decimal comma, 1,234.5 a decimal point.
If they leave it open (is 1,234 a thousand, or a little more than one?), an option decides.
"""

from __future__ import annotations

import csv
import os
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from io import BufferedReader, BytesIO, TextIOWrapper
from itertools import chain, compress, islice
from os import PathLike
from typing import BinaryIO, NamedTuple

from gradbook import limits
from gradbook.amounts import counted
from gradbook.errors import DataError, FileError, LimitError
from gradbook.files import open_file, said_plainly
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

    def add(self, row: int, cell: str, count: int = 1) -> None:
        """A cell that so many rows have, of which this is the first."""
        if is_missing(cell):
            return
        self.present += count
        self.truths += count * (cell.lower() in TRUTHS)
        if not DIGIT.search(cell):
            return
        text, unit = cell, ""
        if not (marks := meanings(text)):
            text, unit = split_unit(cell)
            marks = meanings(text) if unit else marks
        if marks:
            self.numbers += count
            self._add_number(row, text, unit, marks)
        elif possible := orders(cell):
            self.dates += count
            self.orders &= possible
        elif OTHER_DATE.fullmatch(cell):
            self.other_dates += count
        elif MEASURED.match(cell):
            self.measured_words += count
            self.measured = self.measured or cell

    def add_plain(
        self, rows: Sequence[CellRow], cells: Sequence[str], present: int, mark: str
    ) -> None:
        """The same of cells that are all plain numbers, some with this mark, or missing: few of
        them show anything."""
        self.present += present
        self.numbers += present
        shows = {"", mark}
        if not present or self.decided.keys() >= shows:
            return
        for row, cell in zip(rows, cells, strict=True):
            if ("" not in self.decided or mark in cell) and not is_missing(cell):
                self._add_number(row.number, cell, "", meanings(cell))
                if self.decided.keys() >= shows:
                    return

    def _add_number(self, row: int, text: str, unit: str, marks: frozenset[str]) -> None:
        self.marks &= marks
        self.decided.setdefault(unit, row)
        if len(marks) == 1:
            self.decided.setdefault(min(marks), row)
        elif not self.doubtful and (POINT in text or COMMA in text):
            self.doubtful = text


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
LATIN = "cp1252"  # Excel's encoding of CSV in western Europe, unless UTF-8 is chosen
WIDE = {BOM_UTF16_LE: "utf-16", BOM_UTF16_BE: "utf-16"}  # Excel's "Unicode text"
MARK = "\ufeff"  # of the byte order, as it is decoded
BLANK = " \r\n" + "".join(SEPARATORS)
SMALLER = "use a smaller table"
PIECE = 2**20  # bytes that are decoded at once
LOOKED_AT = 20  # rows that show which separator is used
NO_TEXT = re.compile("[\0-\x08\x0e-\x1f\x7f]")


class CellRow(NamedTuple):
    """One row, and the line of the file on which it ends."""

    number: int
    cells: tuple[str, ...]


class TableLimits(NamedTuple):
    """How large a table's file may be."""

    size: ReadLimit
    rows: ReadLimit
    columns: ReadLimit
    cells: ReadLimit


TABLE = TableLimits(limits.TABLE, limits.ROWS, limits.COLUMNS, limits.CELLS)
SAMPLES = TABLE._replace(rows=limits.SAMPLES, cells=limits.SAMPLE_CELLS)
LIST = TableLimits(limits.LIST, limits.LIST_ROWS, limits.LIST_COLUMNS, limits.SAMPLE_CELLS)


@dataclass(frozen=True, eq=False)
class FileRows:
    """The rows of a file that aren't empty, all equally long. They are read anew each time, so
    that the text of a large table is never in memory."""

    path: str | PathLike[str]
    encoding: str
    stamp: tuple[int, int]  # the file's size and time, which must stay the same
    most: TableLimits = TABLE
    separator: str = SEPARATORS[0]
    names_separator: bool = False  # in its first line, as spreadsheets do
    is_headed: bool = False  # by a row that isn't one of these
    remarks: tuple[str, ...] = ()  # on the text

    def __iter__(self) -> Iterator[CellRow]:
        with self.text() as text:
            yield from islice(self._rows(text), int(self.is_headed), None)

    @contextmanager
    def text(self) -> Iterator[TextIOWrapper]:
        """The text as a stream, with line ends as they are."""
        path = self.path
        with open_file(path, self.most.size) as stream, said_plainly("read", path):
            self._require_stamp(stream)
            try:
                yield TextIOWrapper(stream, self.encoding, newline="")
            except UnicodeDecodeError:
                self._require_stamp(None)
            self._require_stamp(stream)

    def _require_stamp(self, stream: BufferedReader | None) -> None:
        if stream is None or stamp_of(stream) != self.stamp:
            raise FileError(f"{self.path} changed while it was read: read it again")

    def _rows(self, text: TextIOWrapper) -> Iterator[CellRow]:
        file, longest, length = str(self.path), limits.ROW.most + 1, 0  # of the row so far

        def lines() -> Iterator[str]:
            nonlocal length
            first = text.readline(longest).lstrip(MARK)
            for line in chain(
                ["\n" if self.names_separator else first],
                iter(partial(text.readline, longest), ""),
            ):
                length += len(line)
                if length >= longest:
                    raise LimitError(f"{file}: a row of more than {limits.ROW}: {SMALLER}")
                yield line

        reader = csv.reader(lines(), delimiter=self.separator, strict=True)
        count, most, above = 0, 0, CellRow(0, ())
        try:
            for texts in reader:
                length = 0
                cells = tuple(map(str.strip, texts))
                if not any(cells):
                    continue
                row = CellRow(reader.line_num, cells)
                if not count:
                    above, most = row, min(self.most.rows.most, self.most.cells.most // len(cells))
                count += 1
                if len(cells) != len(above.cells):
                    raise DataError(
                        f"{counted(len(cells), 'column')}, but row {above.number} has "
                        f"{len(above.cells)}: every row needs the same number",
                        file=file,
                        row=row.number,
                    )
                if count > most or count == 1:
                    self._require_room(count, len(cells))
                yield row
        except csv.Error as error:
            raise DataError(
                f"can't be read as a table ({error}): check for an unclosed quotation mark",
                file=file,
                row=reader.line_num,
            ) from None

    def _require_room(self, rows: int, columns: int) -> None:
        for what, size, limit in (
            ("rows", rows, self.most.rows),
            ("cells", rows * columns, self.most.cells),
            ("columns", columns, self.most.columns),
        ):
            if size > limit.most:
                raise LimitError(f"{self.path}: more than {limit} {what}: {SMALLER}")


@dataclass(frozen=True, eq=False)
class ChosenRows:
    """Some of the rows, or of their columns."""

    rows: Iterable[CellRow]
    flags: bytes = b""  # 1 for each row that is kept; all are if there are none
    places: tuple[int, ...] = ()  # of the columns that are kept, at least two, or all

    def __iter__(self) -> Iterator[CellRow]:
        rows = compress(self.rows, self.flags) if self.flags else iter(self.rows)
        if not self.places:
            return rows
        return (CellRow(row.number, tuple(row.cells[k] for k in self.places)) for row in rows)


@dataclass(frozen=True, eq=False)
class CellRows:
    """The rows of a small file, their separator, and remarks on the text."""

    rows: list[CellRow]
    separator: str
    remarks: tuple[str, ...] = ()


def read_list(path: str | PathLike[str]) -> CellRows:
    """The rows of a table that a teacher keeps by hand, which is small."""
    rows = rows_of_file(path, most=LIST)
    return CellRows(list(rows), rows.separator, rows.remarks)


def rows_of_file(
    path: str | PathLike[str], widths: Collection[int] = (), most: TableLimits = TABLE
) -> FileRows:
    """The rows of a file that aren't empty, all equally long; `widths` are the expected lengths."""
    file = str(path)
    with open_file(path, most.size) as stream, said_plainly("read", path):
        stamp, start = stamp_of(stream), stream.peek(6)
        encoding, is_blank = text_encoding(stream, file)
    rows = FileRows(path, encoding, stamp, most)
    with rows.text() as text:
        beginning = text.read(1000).lstrip(MARK)
    named = re.match(r"sep=(.)\r?\n", beginning)  # a spreadsheet's way to name the separator
    if named:
        rows = replace(rows, separator=named[1], names_separator=True)
    else:
        each = [replace(rows, separator=mark) for mark in SEPARATORS]
        rows = max(each, key=lambda rows: _fit(rows, beginning, widths))
    if is_blank or next(iter(rows), None) is None:
        deque(rows, maxlen=0)  # of wrong quotes it complains first
        raise DataError("the file is empty: write one row per line", file=file)
    remarks = []
    if encoding == LATIN:
        remark = Message(
            "{file} isn't UTF-8: it is read as Windows-1252, as Excel writes it in western Europe",
            file=file,
        )
        remarks.append(remark)
    if start.startswith(2 * BOM_UTF8):
        remark = Message(
            "{file} begins with several byte order marks: they are left out", file=file
        )
        remarks.append(remark)
    return replace(rows, remarks=tuple(remarks))


def stamp_of(stream: BufferedReader) -> tuple[int, int]:
    """What tells a changed file."""
    about = os.fstat(stream.fileno())
    return about.st_size, about.st_mtime_ns


def table_text(content: bytes, source: str) -> str:
    """The text of a part of a table."""
    if content.isascii():  # as most lines are
        return content.decode()
    encoding, _ = text_encoding(BytesIO(content), source)
    return content.decode(encoding).lstrip(MARK)


def text_encoding(stream: BinaryIO, source: str) -> tuple[str, bool]:
    """The encoding of a table, UTF-8, UTF-16 with its mark, or Windows-1252, which all of its text
    shows; and whether it is blank."""
    start = stream.read(len(BOM_UTF8))
    encoding = next((name for mark, name in WIDE.items() if start.startswith(mark)), "utf-8")
    if start != BOM_UTF8:
        stream.seek(0)
    try:
        written = sum(bool(piece.strip(BLANK)) for piece in _pieces(stream, encoding))
        return encoding, not written
    except UnicodeDecodeError as error:
        wrong = FileError(f"{source} isn't UTF-8 text (byte {error.start + 1}): save it as UTF-8")
    stream.seek(0)
    try:
        is_text = not any(map(NO_TEXT.search, _pieces(stream, LATIN)))
    except UnicodeDecodeError:
        raise wrong from None
    if encoding != "utf-8" or not is_text:
        raise wrong
    return LATIN, False


def _pieces(stream: BinaryIO, encoding: str) -> Iterator[str]:
    """The text piece by piece; a wrong byte's place is counted from the beginning."""
    decoder, count, piece = getincrementaldecoder(encoding)(), 0, b"start"
    while piece:
        piece = stream.read(PIECE)
        count += len(piece)
        try:
            yield decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            error.start += count - len(error.object)
            raise


def _fit(rows: FileRows, beginning: str, widths: Collection[int]) -> tuple[bool, bool, float, int]:
    """How well a separator splits the first rows: best is one that gives the expected width, then
    one that gives many cells. Cells that still contain another separator, and aren't numbers such
    as 0,5, count against it."""
    others = [mark for mark in SEPARATORS if mark != rows.separator]
    width, cells, torn = 0, 0, 0
    try:
        for row in islice(rows, LOOKED_AT):
            width = width or len(row.cells)
            cells += len(row.cells)
            torn += sum(
                any(mark in cell for mark in others) and not is_number(cell) for cell in row.cells
            )
    except (DataError, LimitError):  # rows of different widths, or quotes that don't fit
        width = width or beginning.partition("\n")[0].count(rows.separator) + 1
        torn = cells = max(cells, 1)
    return width in widths, width > 1, -torn / max(cells, 1), width
