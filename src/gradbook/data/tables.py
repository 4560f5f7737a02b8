"""Tables with named columns, and the samples of a network from a table.

Columns of numbers are used unchanged, in any style; dates become days; each different word of a
column becomes a column of 0s and 1s. A missing value is NaN. The samples of a network are its
inputs followed by its targets, or by the name of a class: with several outputs and a softmax, a
single last column of class labels is enough. These are whole numbers from 0 or 1, or names, which
are numbered in alphabetical order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import compress
from math import inf, isinf, nan, prod
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradbook.amounts import counted
from gradbook.data import cell_columns
from gradbook.data.cell_columns import CellColumns, CellReader, NumberCache
from gradbook.data.formats import cells as written
from gradbook.data.formats.cells import (
    COMMA,
    MARK_WORDS,
    PLAIN,
    POINT,
    SAMPLES,
    SINCE,
    CellEvidence,
    CellRow,
    ChosenRows,
    FileRows,
    NumberStyle,
    complaint,
    is_header,
    is_missing,
    is_number,
    rows_of_file,
)
from gradbook.errors import DataError, LimitError, UsageError, did_you_mean, one_line, visible
from gradbook.net import Net, Sample
from gradbook.net.description import Misfit

SUFFIXES = (".csv", ".tsv")
MOST_WORDS = 100  # different ones, in a column
MOST_NAMED = 10  # columns in a message
MOST_NUMBERS = 50_000_000  # of a table: 400 MB
TRUE_OR_FALSE = NumberStyle(truths=True)
MISSING, UNKNOWN = -1, -2  # in place of a word's number
KEPT_NUMBERS = 2**23  # of a table: more are let go where they are encoded
Numbers = cell_columns.Numbers
Slices = Callable[[int, int], NDArray[Any]]


@dataclass(frozen=True)
class Column:
    """The content of a column."""

    name: str
    words: tuple[str, ...] = ()  # the different ones; empty for numbers
    style: NumberStyle = PLAIN  # the style of its numbers
    dates: str = ""  # for dates, which become numbers: the order of day, month and year

    @property
    def width(self) -> int:
        """The number of numbers for one of its cells."""
        return len(self.words) or 1

    @property
    def heading(self) -> str:
        """The name of its numbers in other programs."""
        return f"{self.name} ({SINCE})" if self.dates else self.name


@dataclass(eq=False)
class ColumnTable:
    """The rows of a file; without a line of headings its columns are called column 1, column 2 …

    `decimal` and `dates` set how to read ambiguous numbers and dates. All columns are read in one
    pass over the rows; what is needed of single rows is found by another.
    """

    file: str
    names: tuple[str, ...]
    rows: Iterable[CellRow]  # more than once
    separator: str = ","
    decimal: str = ""
    dates: str = ""
    remarks: tuple[str, ...] = ()  # on the file as a whole
    is_headed: bool = True
    _cells: CellColumns | None = field(default=None, init=False, repr=False)

    @property
    def cells(self) -> CellColumns:
        """The content of its rows, which are read when it is first needed."""
        if self._cells is None:
            self._cells = CellColumns(self.rows, len(self.names))
        return self._cells

    def named(self, names: tuple[str, ...]) -> ColumnTable:
        """The same columns under other names."""
        table = replace(self, names=names)
        table._cells = self.cells
        return table

    def __len__(self) -> int:
        return self.cells.count

    def rows_at(self, numbers: Iterable[int]) -> dict[int, CellRow]:
        """Single rows by their places, from one pass over all."""
        places, rows = set(map(int, numbers)), dict[int, CellRow]()
        for k, row in enumerate(self.rows if places else ()):
            if k in places:
                rows[k] = row
                if len(rows) == len(places):
                    break
        return rows

    def texts(self, place: int) -> Iterator[str]:
        """The text in each cell of a column."""
        column = self.cells.columns[place]
        if column.texts is not None:
            return map([*column.texts].__getitem__, column.codes)
        return (row.cells[place] for row in self.rows)

    def each(self, place: int, read: CellReader) -> Numbers:
        """What a reader makes of each cell of a column."""
        if self.cells.columns[place].texts is not None:
            return self._slices(place, read)(0, len(self))
        number_of = NumberCache(read).__getitem__
        return np.fromiter(map(number_of, self.texts(place)), np.float64, len(self))

    def missing(self, place: int, of_words: bool = False) -> NDArray[np.bool_]:
        """Whether each row has no value in a column."""
        column = self.cells.columns[place]
        if column.evidence.present == len(self):
            return np.zeros(len(self), bool)
        if column.is_plain and column.texts is None and not of_words and place in self.cells.places:
            return np.isnan(self.cells.stored(place, 0, len(self)))
        return self.each(place, partial(is_missing, of_words=of_words)).astype(bool)

    def place(self, name: str) -> int:
        """The place of the column with this name."""
        require_names([name], self.names, self.file)
        return self.names.index(name)

    def error(self, message: str, place: int, row: int | None = None) -> DataError:
        """An error in a column, with its place."""
        column = self.names[place] if self.is_headed else place + 1
        return DataError(message, file=self.file, row=row, column=column)

    def evidence(self, place: int) -> CellEvidence:
        """What the cells of a column have in common."""
        return self.cells.columns[place].evidence

    def holds(self, name: str) -> bool:
        """Whether a column contains anything."""
        return self.evidence(self.place(name)).present > 0

    def column(self, name: str) -> Column:
        """The column's content: numbers or dates if most cells are, so that a slip is an error."""
        return self.column_at(self.place(name))

    def column_at(self, place: int) -> Column:
        column = self._column_at(place) or Column(self.names[place], self._words_at(place))
        if not column.words:
            self._require_numbers(place, column)
        return column

    def _column_at(self, place: int) -> Column | None:
        """A column of numbers or dates; None for one of words."""
        evidence, name = self.evidence(place), self.names[place]
        with self._naming_the(place):
            if not evidence.present:
                raise DataError(f"the column is empty: leave it out with --set 'ignore {name}'")
            if evidence.holds_numbers:
                style = NumberStyle(self._decimal_at(place), written.unit_of(evidence))
                return Column(name, style=style)
            if evidence.holds_truths:
                return Column(name, style=TRUE_OR_FALSE)
            if evidence.holds_dates:
                return Column(name, dates=written.order_of(evidence, self.dates))
        return None

    def _decimal_at(self, place: int) -> str:
        """The mark of its own cells, or else the one asked for, or that of other columns."""
        evidence = self.evidence(place)
        if mark := written.mark_of(evidence):
            return mark
        if not evidence.doubtful:
            return POINT
        usual = COMMA if self.separator == ";" and COMMA in evidence.doubtful else POINT
        return self.decimal or self._decimal_of_others or usual

    @cached_property
    def _decimal_of_others(self) -> str:
        """The mark of all columns whose own cells determine it; '' if these differ."""
        marks = {
            mark
            for evidence in map(self.evidence, range(len(self.names)))
            if evidence.holds_numbers and len(evidence.marks) == 1
            for mark in evidence.marks
        }
        return min(marks) if len(marks) == 1 else ""

    def _words_at(self, place: int) -> tuple[str, ...]:
        def words() -> Iterator[str]:
            texts = self.cells.columns[place].texts or self.texts(place)
            return (text for text in texts if not is_missing(text, of_words=True))

        count = len(np.unique(np.fromiter(map(hash, words()), np.int64)))  # in little memory
        if count <= MOST_WORDS:
            return tuple(sorted(set(words())))
        evidence, name = self.evidence(place), self.names[place]
        remark = f", and most begin with a number: write only the number, not {evidence.measured!r}"
        why = (
            f"{count:,} different words are too many for a column: at most {MOST_WORDS}"
            f"{remark if evidence.holds_measures else ''}, or leave it out with "
            f"--set 'ignore {name}'"
        )
        raise self.error(why, place)

    def values(self, column: Column) -> Numbers:
        """The numbers of a column of numbers or dates; NaN for a missing one."""
        return self.values_at(self.place(column.name), column)

    def values_at(self, place: int, column: Column) -> Numbers:
        self._require_numbers(place, column)
        return self._slices(place, _number_reader(column))(0, len(self))

    def slices(self, column: Column) -> Slices:
        """Parts of a column's numbers, or of the numbers of its words, by their first row and their
        end."""
        place = self.place(column.name)
        if not column.words:
            self._require_numbers(place, column)
            return self._slices(place, _number_reader(column))
        if self.cells.columns[place].texts is not None:
            return self._slices(place, _word_reader(column))
        words = self.words_or_unknown(column)
        return lambda first, end: words[first:end]

    def _slices(self, place: int, read: CellReader) -> Slices:
        cells = self.cells
        if (texts := cells.columns[place].texts) is None:
            return partial(cells.stored, place)
        numbers = np.array([*map(read, texts)], np.float64)
        codes = cells.columns[place].code_array
        return lambda first, end: numbers[codes[first:end]]

    def _require_numbers(self, place: int, column: Column) -> None:
        """Refuse the first cell that isn't a number, or a date, in the style of the column."""
        self.prepare({place: column}, and_others=True)
        cells = self.cells.columns[place]
        wrong = self.cells.wrong.get(place) if cells.texts is None else None
        if cells.texts is not None:
            read = _number_reader(column)
            each = zip(cells.firsts, cells.texts, strict=True)
            wrong = next((cell for cell in each if isinf(read(cell[1]))), None)
        if wrong:
            row, text = wrong
            why = complaint(text, column.style)
            if column.dates:
                why = f"{text!r} isn't a date like the others: write all of them the same way"
            raise self.error(why, place, row)

    def prepare(self, columns: Mapping[int, Column], and_others: bool = False) -> None:
        """Read again, in one pass, those columns of numbers or dates that aren't plain numbers;
        with them the others, if there are any, which will be needed."""
        unread = {place: each for place, each in columns.items() if self._is_unread(place, each)}
        if not unread:
            return
        if any(place not in self.cells.places for place in unread):  # which were let go
            self._cells = None
            self.prepare(columns, and_others)
            return
        for place in {*self.cells.places} - {*unread} if and_others else ():
            with suppress(DataError):  # which it will raise if it is needed
                if (other := self._column_at(place)) and self._is_unread(place, other):
                    unread[place] = other
        cells = self.cells
        for place in unread:
            cells.columns[place].is_plain, cells.read_as[place] = False, None
            cells.wrong.pop(place, None)
        readers = {place: _number_reader(column) for place, column in unread.items()}
        for first, rows, place, numbers in cells.read_again(self.rows, readers):
            cells.store(place, first, numbers)
            for k in np.flatnonzero(np.isinf(numbers))[:1]:
                cells.wrong.setdefault(place, (rows[k].number, rows[k].cells[place]))
        for place, column in unread.items():
            cells.read_as[place] = column.style, column.dates

    def _is_unread(self, place: int, column: Column) -> bool:
        """Whether these numbers aren't stored, or in another style."""
        cells, style = self.cells.columns[place], column.style
        if cells.texts is not None or column.words:
            return False
        if place not in self.cells.places:
            return True
        if not cells.is_plain:
            return self.cells.read_as.get(place) != (style, column.dates)
        return bool(column.dates or style.truths or cells.mark not in ("", style.decimal))

    def numbers(self, name: str) -> Numbers:
        return self.values(self.column(name))

    def as_here(self, column: Column) -> Column:
        """Another table's column in the style of this table; if that is open, in the other's."""
        place = self.place(column.name)
        evidence = self.evidence(place)
        if column.words:
            return column
        if evidence.holds_truths:
            return replace(column, style=TRUE_OR_FALSE)
        with self._naming_the(place):
            if column.dates:
                if column.dates in evidence.orders and not evidence.other_dates:
                    return column
                return replace(column, dates=written.order_of(evidence, self.dates))
            mark, unit = written.mark_of(evidence), written.unit_of(evidence)
            if unit and unit != column.style.unit and (column.style.unit or unit == "%"):
                usual = f"'{column.style.unit}'" if column.style.unit else "no sign"
                raise DataError(f"'{unit}' beside its numbers, but it was trained with {usual}")
        if not mark:
            mark = (self.decimal if evidence.doubtful else "") or column.style.decimal
        return replace(column, style=NumberStyle(mark, unit))

    def words(self, column: Column) -> NDArray[np.int32]:
        """The number of each row's word, MISSING for a missing one; an unknown word is refused."""
        numbers = self.words_or_unknown(column)
        for k in np.flatnonzero(numbers == UNKNOWN)[:1]:
            place, row = self.place(column.name), self.rows_at([k])[k]
            cell, count = row.cells[place], len(column.words)
            hint = did_you_mean(cell, column.words)
            why = f"{cell!r} isn't one of the {count} words in the training table{hint}"
            raise self.error(why, place, row.number)
        return numbers

    def words_or_unknown(self, column: Column) -> NDArray[np.int32]:
        """The number of each row's word, or MISSING or UNKNOWN; if all words are numbers, 1 and
        1.0 are the same, and of true and false the case makes no difference."""
        return self.each(self.place(column.name), _word_reader(column)).astype(np.int32)

    def only(self, kept: NDArray[np.bool_]) -> ColumnTable:
        """The table of these rows; this one no longer needs the content of all."""
        self._cells = None
        return replace(self, rows=ChosenRows(self.rows, kept.tobytes()))

    def require_complete(self, columns: Sequence[Column]) -> None:
        """Refuse a missing value, and name its place."""
        for column in columns:
            self.require_values(self.place(column.name), of_words=bool(column.words))

    def require_values(self, place: int, of_words: bool) -> None:
        for k in np.flatnonzero(self.missing(place, of_words))[:1]:
            row = self.rows_at([k])[k]
            raise self.error(complaint(row.cells[place]), place, row.number)

    @contextmanager
    def _naming_the(self, place: int) -> Iterator[None]:
        """Add the name of this column to any error."""
        try:
            yield
        except DataError as error:
            raise self.error(error.message, place) from None


def _number_reader(column: Column) -> CellReader:
    """The number in a cell of a column of numbers or dates: NaN if missing, else finite."""
    value: Callable[[str], float | None] = column.style.value
    if column.dates:
        value = partial(written.days, order=column.dates)

    def read(cell: str) -> float:
        number = nan if is_missing(cell) else value(cell)
        return inf if number is None else number

    return read


def _word_reader(column: Column) -> CellReader:
    """The number of a cell's word, or MISSING or UNKNOWN."""
    style = column.style
    if all(word.lower() in written.TRUTHS for word in column.words):
        style = TRUE_OR_FALSE
    are_numbers = style.truths or all(map(is_number, column.words))

    def known(cell: str) -> float | str:
        value = style.value(cell) if are_numbers else None
        return cell if value is None else value

    numbers = {known(word): k for k, word in enumerate(column.words)}

    def read(cell: str) -> float:
        number = numbers.get(known(cell), UNKNOWN)
        return MISSING if number == UNKNOWN and is_missing(cell) else number

    return read


def require_names(names: Sequence[str], known: Sequence[str], file: str | None = None) -> None:
    """Refuse columns that aren't known, or that are missing."""
    missing = [name for name in names if name not in known]
    if not missing:
        return
    hint = did_you_mean(missing[0], known) if len(missing) == 1 else ""
    what = "column" if len(missing) == 1 else "columns"
    raise DataError(
        f"no {what} {_quoted(missing)}{hint or f': there are {_quoted(known)}'}", file=file
    )


def _quoted(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:MOST_NAMED])
    return shown + (" …" if len(names) > MOST_NAMED else "")


def read_columns(
    path: str | PathLike[str], decimal: str = "", dates: str = "", least: int = 2
) -> ColumnTable:
    """The table with at `least` this many columns in a file with commas, semicolons or tabs."""
    rows = rows_of_file(path)
    names, rows = _parted(rows)
    how = {"decimal": decimal, "dates": dates, **_how_written(rows)}
    return table_of(str(path), names, rows, least, **how)


def _parted(rows: FileRows) -> tuple[Sequence[str], FileRows]:
    """The names of the columns, and the rows below them, if they are in the file."""
    first = next(iter(rows)).cells
    if is_header(first):
        return first, replace(rows, is_headed=True)
    return [f"column {k}" for k in range(1, len(first) + 1)], rows


def _how_written(rows: FileRows) -> dict[str, Any]:
    return {name: getattr(rows, name) for name in ("separator", "remarks", "is_headed")}


def table_of(
    file: str, names: Sequence[str], rows: Iterable[CellRow], least: int = 2, **how: Any
) -> ColumnTable:
    """These rows under these names, which must differ; a column without a name and cells is left
    out."""
    cells = CellColumns(rows, len(names))
    kept = tuple(k for k, name in enumerate(names) if name or not cells.columns[k].is_blank)
    if len(kept) < len(names) and cells.count:
        cells.only(kept)
        names, rows = [names[k] for k in kept], ChosenRows(rows, places=kept)
    for place, name in enumerate(names):
        if not name or name in names[:place]:
            what = f"two columns are called '{name}'" if name else f"column {place + 1} has no name"
            raise DataError(f"{what}: give each column its own name", file=file)
    if len(names) < least:
        raise DataError(
            "the table has one column, and nothing to predict it from: separate the cells by "
            "commas, semicolons or tabs",
            file=file,
        )
    if not cells.count:
        raise DataError(
            "the table has only a line of headings: write one sample per row below it", file=file
        )
    table = ColumnTable(file, tuple(names), rows, **how)
    table._cells = cells
    return table


def encode(table: ColumnTable, columns: Sequence[Column]) -> Numbers:
    """These columns of a table, in any order there, as numbers: (rows, numbers); NaN for a missing
    value, in all columns of a word, and zeros in all of them for an unknown word."""
    width = sum(column.width for column in columns)
    if width * len(table) > MOST_NUMBERS:
        raise LimitError(
            f"{table.file}: {len(table):,} rows of {width:,} numbers (words are split up) are too "
            f"many: at most {MOST_NUMBERS:,} together; leave columns out with --set 'ignore …'"
        )
    here: dict[int, Column] = {}
    for column in columns:
        with suppress(DataError):  # which is raised below, after those of columns before it
            here[table.place(column.name)] = table.as_here(column)
    table.prepare(here)
    slices = [table.slices(column) for column in map(table.as_here, columns)]
    rows, cells = np.empty((len(table), width)), table.cells
    frees = rows.size > KEPT_NUMBERS
    others = [place for place in cells.places if place not in here]
    for part, start in enumerate(range(0, len(table), cells.part_length)):
        end, left = min(start + cells.part_length, len(table)), 0
        for column, slice_of in zip(columns, slices, strict=True):
            numbers = slice_of(start, end)
            if column.words:
                split = rows[start:end, left : left + column.width]
                split[:] = numbers[:, None] == np.arange(column.width)
                split[numbers == MISSING] = np.nan
            else:
                rows[start:end, left] = numbers
            left += column.width
        if frees and part < len(cells.parts):
            cells.parts[part] = cells.parts[part][[cells.places[place] for place in others]]
    if frees:
        cells.places = {place: k for k, place in enumerate(others)}
    return rows


# Remarks on how a table was read.


def table_remarks(
    table: ColumnTable, columns: Sequence[Column], *, trained: bool = False
) -> Iterator[str]:
    """How the table was read where that is ambiguous; for a table that is `trained` on, also
    what is converted."""
    yield from table.remarks
    for column in columns:
        here, place = table.as_here(column), table.place(column.name)
        if trained:
            yield from changes(table, place, here)
        yield from doubts(table, place, here)
    yield from unknown_words(table, columns)


def unknown_words(table: ColumnTable, columns: Sequence[Column]) -> Iterator[str]:
    """The words of each column that the training table didn't have, and in how many rows."""
    for column in columns:
        if not column.words:
            continue
        place = table.place(column.name)
        unknown = table.words_or_unknown(column) == UNKNOWN
        if count := int(unknown.sum()):
            words = list(dict.fromkeys(compress(table.texts(place), unknown.tobytes())))
            hint = did_you_mean(words[0], column.words) if len(words) == 1 else ""
            yield one_line(
                f"{column.name}: unknown words in {counted(count, 'row')} ({_quoted(words)}"
                f"{hint}), which count as none of the {len(column.words)} of the training table"
            )


def changes(table: ColumnTable, place: int, column: Column) -> Iterator[str]:
    """Conversions of this column, and possible misunderstandings."""
    evidence, change = table.evidence(place), ""
    if column.dates:
        change = f"dates become {SINCE}"
    elif column.words and evidence.numbers and not evidence.holds_numbers:
        share = f"{evidence.numbers:,} of {evidence.present:,}"
        change = f"{share} are numbers, but most aren't: all are read as words"
    elif column.words and evidence.holds_measures:
        change = (
            f"{evidence.measured!r} and the like are read as words: to learn numbers, write only "
            "the numbers"
        )
    elif unit := column.style.unit:
        change = f"the {unit} beside its numbers is ignored"
    if change:
        yield one_line(f"{table.names[place]}: {change}")


def doubts(table: ColumnTable, place: int, column: Column) -> Iterator[str]:
    """How ambiguous numbers of a column are read, if neither the column nor the options decide."""
    evidence, decimal = table.evidence(place), column.style.decimal
    is_open = (
        evidence.holds_numbers
        and evidence.doubtful
        and len(evidence.marks) > 1
        and not table.decimal
    )
    if is_open and (COMMA in evidence.doubtful or decimal == COMMA or table.separator == ";"):
        other = NumberStyle(POINT if decimal == COMMA else COMMA)
        read, otherwise = (style.value(evidence.doubtful) for style in (column.style, other))
        yield one_line(
            f"{table.names[place]}: {evidence.doubtful} is read as {read:.12g}, with a decimal "
            f"{MARK_WORDS[decimal]}: --set 'decimal {other.decimal}' reads it as {otherwise:.12g}"
        )


# Named tables.


def named_table(name: str) -> ColumnTable:
    """`iris`, which scikit-learn includes."""
    if name not in NAMED:
        raise UsageError(f"no table '{name}': the named tables are {', '.join(NAMED)}")
    try:
        from sklearn.datasets import load_iris
    except ImportError as error:
        raise DataError(
            f"{name} comes with scikit-learn, which isn't installed: "
            "pip install 'gradbook[sklearn]'"
        ) from error
    iris = load_iris()
    names = [heading.removesuffix(" (cm)") for heading in iris.feature_names]
    rows = [
        CellRow(k, (*map(repr, map(float, values)), str(iris.target_names[label])))
        for k, (values, label) in enumerate(zip(iris.data, iris.target, strict=True), 1)
    ]
    return table_of(name, [*names, "species"], rows)


NAMED = ("iris",)


# The samples of a network -----------------------------------------------------

Tell = Callable[[str], object]


def read_table(
    path: str | PathLike[str],
    net: Net,
    decimal: str = "",
    dates: str = "",
    tell: Tell = lambda remark: None,
) -> Net:
    """The network with the samples of a CSV file: columns of inputs, then of targets.

    Args:
        path: The file, as any spreadsheet exports it.
        net: The network for these samples.
        decimal: The decimal mark, '.' or ',', if the table leaves open whether 1,234 has
            thousands.
        dates: The order of dates such as 3/4/2024, 'dmy' or 'mdy', if the table leaves it open.
        tell: Called with each remark on how the table was read.

    Raises:
        GradbookError: A cell isn't a number where one is needed; the message names its place.

    >>> import gradbook as gb
    >>> from pathlib import Path
    >>> size = Path("and.csv").write_text("a,b,both\\n0,0,0\\n0,1,0\\n1,0,0\\n1,1,1\\n")
    >>> net = gb.read_table("and.csv", gb.Net.parse("input 2; dense 1; sigmoid"))
    >>> len(net.samples)
    4
    """
    table = _samples(path, net, decimal, dates)
    inputs = prod(net.input)
    input_rows = _complete_numbers(table, range(inputs), tell)
    classes: tuple[str, ...] = ()
    if len(table.names) == inputs + net.outputs:
        targets = _complete_numbers(table, range(inputs, len(table.names)), tell)
    else:
        targets, classes = _class_targets(table, net)
    for remark in table.remarks:
        tell(remark)
    columns = tuple(visible(name.strip()) for name in table.names) if table.is_headed else ()
    try:
        net = net.with_samples(map(Sample, input_rows, targets))
        net = replace(net, columns=columns, classes=classes)
    except Misfit as misfit:
        word, _, count = misfit.part.partition(" ")
        rows = table.rows_at([int(count) - 1] if word == "sample" else [])
        row = next((row.number for row in rows.values()), None)
        raise DataError(misfit.message, file=table.file, row=row) from None
    with suppress(Misfit):  # if the text form has room for the file's name
        return replace(net, table=table.file)
    return net


def attach(
    net: Net,
    folder: str | PathLike[str] = ".",
    decimal: str = "",
    dates: str = "",
    tell: Tell = lambda remark: None,
) -> Net:
    """The network with the samples of the file that its text names, in the folder of that text."""
    if not net.table or net.samples:
        return net
    samples = read_table(Path(folder, net.table), net, decimal, dates, tell)
    return replace(samples, table=net.table)


def _samples(path: str | PathLike[str], net: Net, decimal: str, dates: str) -> ColumnTable:
    """A table with the width of the network's samples."""
    inputs, file = prod(net.input), str(path)
    widths = [inputs + net.outputs]
    if net.outputs > 1 and net.answer_kind.are_shares:
        widths.append(inputs + 1)
    rows = rows_of_file(path, widths, SAMPLES)
    names, below = _parted(rows)
    how = {"decimal": decimal, "dates": dates, **_how_written(below)}
    table = ColumnTable(file, tuple(names), below, **how)
    count = len(table)
    if len(names) not in widths:
        message = _wrong_width(len(names), widths, inputs)
        raise DataError(message, file=file, row=next(iter(rows)).number)
    if not count:
        raise DataError("the table has only a header: write one sample per row below it", file=file)
    return table


def _complete_numbers(
    table: ColumnTable, places: Sequence[int], tell: Tell
) -> list[tuple[float, ...]]:
    """The numbers of each row in these columns; none may be missing."""
    flags = np.stack([table.missing(place) for place in places], axis=1)
    for k, which in np.argwhere(flags)[:1]:
        place, row = places[which], table.rows_at([k])[k]
        raise table.error(complaint(row.cells[place]), place, row.number)
    columns = []
    for place in places:
        column = table.column_at(place)
        if column.words:  # as most cells are: the first word gives the error
            column = Column(column.name)
        columns.append(table.values_at(place, column))
        for remark in (*changes(table, place, column), *doubts(table, place, column)):
            tell(remark)
    return [tuple(map(float, row)) for row in zip(*columns, strict=True)]


def _wrong_width(width: int, widths: Sequence[int], inputs: int) -> str:
    known = " or ".join(map(str, widths))
    kinds = f"{counted(inputs, 'input')} and {counted(widths[0] - inputs, 'target')}"
    kinds += " or a class" if len(widths) > 1 else ""
    hints = {
        1: "; separate the cells by commas, semicolons or tabs",
        2 * widths[0]: "; if commas are decimal marks, separate the cells by semicolons",
    }
    columns, hint = counted(width, "column"), hints.get(width, "")
    return f"{columns}, but the network takes {known}: {kinds}{hint}"


def _class_targets(table: ColumnTable, net: Net) -> tuple[list[tuple[float, ...]], tuple[str, ...]]:
    """A 1 for the class of each row, among 0s for the other outputs; and the classes."""
    place = len(table.names) - 1
    table.require_values(place, of_words=True)
    labels = [*table.texts(place)]
    numbers = _numbered(labels, table, net.outputs)
    targets = [tuple(float(k == j) for j in range(net.outputs)) for k in range(net.outputs)]
    names = {number: label for label, number in numbers.items()}
    classes = tuple(visible(names.get(k, str(k))) for k in range(net.outputs))
    return [targets[numbers[label]] for label in labels], classes


def _numbered(labels: Sequence[str], table: ColumnTable, outputs: int) -> dict[str, int]:
    """The number of each label's output, from 0."""
    known, place = sorted(set(labels)), len(table.names) - 1
    if all(map(is_number, known)):
        style = table.column_at(place).style
        numbers = {label: style.value(label) or 0.0 for label in known}
        low, high = min(numbers.values()), max(numbers.values())
        first = 0 if low == 0 else 1
        fits = low >= first and high < outputs + first and (first == 0 or high == outputs)
        if fits and all(value.is_integer() for value in numbers.values()):
            return {label: int(value) - first for label, value in numbers.items()}
        raise table.error(
            f"class labels from {low:g} to {high:g}: with {outputs} outputs, labels must be "
            f"whole numbers from 0 to {outputs - 1} or from 1 to {outputs}",
            place,
        )
    if len(known) != outputs:
        shown = ", ".join(known[:5]) + (", …" if len(known) > 5 else "")
        why = f"{len(known)} different classes ({shown}), but the network has {outputs} outputs"
        raise table.error(why, place)
    return {label: k for k, label in enumerate(known)}
