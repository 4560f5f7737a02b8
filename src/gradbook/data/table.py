"""The samples of a network out of a table: inputs first, then targets or the name of a class.

Numbers and dates may be written as in any table (`columns`). A first row without numbers is a
header. With several outputs and a softmax one last column of class labels will do: whole numbers
from 0 or from 1, or names, which are numbered in the order of the alphabet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import prod
from os import PathLike
from pathlib import Path

from gradbook.amounts import counted
from gradbook.data.columns import Column, ColumnTable, Numbers, changes, doubts
from gradbook.data.formats.cells import complaint, is_header, is_missing, is_number
from gradbook.data.formats.rows import CellRow, read_cells
from gradbook.errors import DataError, visible
from gradbook.net import Net, Sample
from gradbook.net.description import Misfit

Tell = Callable[[str], object]


def read_table(
    path: str | PathLike[str],
    net: Net,
    decimal: str = "",
    dates: str = "",
    tell: Tell = lambda remark: None,
) -> Net:
    """The network with the samples of this file; what is to be known of how it was read is told.

    `decimal` is the mark of numbers such as 1,234, and `dates` the order of dates such as 3/4/2024
    ('dmy', 'mdy'), where nothing else in the table says it.
    """
    table = _read(path, net, decimal, dates)
    inputs = table.numbers(0, table.inputs, tell)
    classes: tuple[str, ...] = ()
    if table.has_labels:
        targets, classes = _class_targets(table, net)
    else:
        targets = table.numbers(table.inputs, None, tell)
    for remark in table.read.remarks:
        tell(remark)
    samples = map(Sample, inputs, targets)
    try:
        net = replace(net.with_samples(samples), columns=table.names, classes=classes)
    except Misfit as misfit:
        raise DataError(misfit.message, file=table.file, row=table.row_of(misfit)) from None
    with suppress(Misfit):  # where the text form has room for the file's name
        return replace(net, table=table.file)
    return net


def attach(
    net: Net,
    folder: str | PathLike[str] = ".",
    decimal: str = "",
    dates: str = "",
    tell: Tell = lambda remark: None,
) -> Net:
    """The network with the samples of the file that its text names, beside that text."""
    if not net.table or net.samples:
        return net
    found = read_table(Path(folder, net.table), net, decimal, dates, tell)
    return replace(found, table=net.table)


@dataclass(frozen=True)
class _Table:
    """The rows of samples, and how their columns are called."""

    read: ColumnTable
    columns: Sequence[str | int]
    inputs: int
    has_labels: bool

    @property
    def file(self) -> str:
        return self.read.file

    @property
    def rows(self) -> Sequence[CellRow]:
        return self.read.rows

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, for any page or sheet to show; none without a header."""
        return tuple(visible(name.strip()) for name in self.columns if isinstance(name, str))

    def numbers(self, first: int, end: int | None, tell: Tell) -> list[tuple[float, ...]]:
        """Those of each row in these columns; none may be missing."""
        places = range(len(self.columns))[first:end]
        for row in self.rows:
            for place in places:
                if is_missing(row.cells[place]):
                    raise self.wrong(complaint(row.cells[place]), place, row)
        found = [self._numbers_at(place, tell) for place in places]
        return [tuple(map(float, row)) for row in zip(*found, strict=True)]

    def _numbers_at(self, place: int, tell: Tell) -> Numbers:
        try:
            column = self.read.column_at(place)
            if column.words:  # as most cells are: the first says what is wrong
                column = Column(column.name)
            found = self.read.values_at(place, column)
        except DataError as error:
            row = None if error.row is None else CellRow(error.row, ())
            raise self.wrong(error.message, place, row) from None
        for remarks in (changes, doubts):
            for remark in remarks(self.read, place, column):
                tell(remark)
        return found

    def wrong(self, message: str, place: int, row: CellRow | None = None) -> DataError:
        number = None if row is None else row.number
        return DataError(message, file=self.file, row=number, column=self.columns[place])

    def row_of(self, misfit: Misfit) -> int | None:
        """The row of the sample that a network won't take."""
        word, _, count = misfit.part.partition(" ")
        return self.rows[int(count) - 1].number if word == "sample" else None


def _read(path: str | PathLike[str], net: Net, decimal: str, dates: str) -> _Table:
    inputs, file = prod(net.input), str(path)
    widths = [inputs + net.outputs]
    if net.outputs > 1 and net.ending.endswith("softmax"):
        widths.append(inputs + 1)
    found = read_cells(path, widths)
    rows = found.rows
    width = len(rows[0].cells)
    if width not in widths:
        raise DataError(_wrong_width(width, widths, inputs), file=file, row=rows[0].number)
    has_header = is_header(rows[0].cells)
    columns = rows[0].cells if has_header else range(1, width + 1)
    if has_header and len(rows) == 1:
        raise DataError("only a header: write one sample a row below it", file=file)
    names = tuple(name if isinstance(name, str) else f"column {name}" for name in columns)
    read = ColumnTable(
        file, names, tuple(rows[has_header:]), found.separator, decimal, dates, found.remarks
    )
    return _Table(read, columns, inputs, width != widths[0])


def _wrong_width(width: int, widths: Sequence[int], inputs: int) -> str:
    known = " or ".join(map(str, widths))
    kinds = f"{counted(inputs, 'input')} and {counted(widths[0] - inputs, 'target')}"
    kinds += " or a class" if len(widths) > 1 else ""
    hints = {
        1: "; put commas, semicolons or tabs between the cells",
        2 * widths[0]: "; if commas stand for decimal points, put semicolons between the cells",
    }
    return f"{width} columns, but the network takes {known}: {kinds}{hints.get(width, '')}"


def _class_targets(table: _Table, net: Net) -> tuple[list[tuple[float, ...]], tuple[str, ...]]:
    """A 1 for the class of each row, among as many 0 as there are other outputs; the classes."""
    labels = [row.cells[-1] for row in table.rows]
    for row in table.rows:
        if is_missing(row.cells[-1], of_words=True):
            raise table.wrong(complaint(row.cells[-1]), -1, row)
    numbers = _numbered(labels, table, net.outputs)
    targets = [tuple(float(k == j) for j in range(net.outputs)) for k in range(net.outputs)]
    names = {number: label for label, number in numbers.items()}
    classes = tuple(visible(names.get(k, str(k))) for k in range(net.outputs))
    return [targets[numbers[label]] for label in labels], classes


def _numbered(labels: Sequence[str], table: _Table, outputs: int) -> dict[str, int]:
    """The number of each label's output, from 0."""
    known = sorted(set(labels))
    column = table.columns[-1]
    if all(is_number(label) for label in known):
        style = table.read.column_at(len(table.columns) - 1).style
        whole = {label: style.value(label) or 0.0 for label in known}
        low, high = min(whole.values()), max(whole.values())
        first = 0 if low == 0 else 1
        fits = low >= first and high < outputs + first and (first == 0 or high == outputs)
        if fits and all(value.is_integer() for value in whole.values()):
            return {label: int(value) - first for label, value in whole.items()}
        raise DataError(
            f"class labels from {low:g} to {high:g}: {outputs} outputs take whole numbers "
            f"from 0 to {outputs - 1} or from 1 to {outputs}",
            file=table.file,
            column=column,
        )
    if len(known) != outputs:
        shown = ", ".join(known[:5]) + (", …" if len(known) > 5 else "")
        raise DataError(
            f"{len(known)} different classes ({shown}), but the network has {outputs} outputs",
            file=table.file,
            column=column,
        )
    return {label: k for k, label in enumerate(known)}
