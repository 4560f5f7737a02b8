"""The samples of a network out of a table: inputs first, then targets or the name of a class.

A first row without numbers is a header. With several outputs and a softmax one last column of
class labels will do: whole numbers from 0 or from 1, or names, which are numbered in the order
of the alphabet.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import prod
from os import PathLike
from pathlib import Path

from gradbook.amounts import counted
from gradbook.data.formats.rows import MISSING, CellRow, is_header, is_number, number, read_rows
from gradbook.errors import DataError, visible
from gradbook.net import Net, Sample
from gradbook.net.description import Misfit


def read_table(path: str | PathLike[str], net: Net) -> Net:
    """The network with the samples of this file."""
    table = _read(path, net)
    inputs = [table.numbers(row, 0, table.inputs) for row in table.rows]
    classes: tuple[str, ...] = ()
    if table.has_labels:
        targets, classes = _class_targets(table, net)
    else:
        targets = [table.numbers(row, table.inputs, None) for row in table.rows]
    samples = map(Sample, inputs, targets)
    try:
        net = replace(net.with_samples(samples), columns=table.names, classes=classes)
    except Misfit as misfit:
        raise DataError(misfit.message, file=table.file, row=table.row_of(misfit)) from None
    with suppress(Misfit):  # where the text form has room for the file's name
        return replace(net, table=table.file)
    return net


def attach(net: Net, folder: str | PathLike[str] = ".") -> Net:
    """The network with the samples of the file that its text names, beside that text."""
    if not net.table or net.samples:
        return net
    return replace(read_table(Path(folder, net.table), net), table=net.table)


@dataclass(frozen=True)
class _Table:
    """The rows of samples, and how their columns are called."""

    file: str
    rows: Sequence[CellRow]
    columns: Sequence[str | int]
    inputs: int
    has_labels: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, for any page or sheet to show; none without a header."""
        return tuple(visible(name.strip()) for name in self.columns if isinstance(name, str))

    def numbers(self, row: CellRow, first: int, end: int | None) -> tuple[float, ...]:
        return tuple(
            number(cell, self.file, row.number, column)
            for cell, column in zip(row.cells[first:end], self.columns[first:end], strict=True)
        )

    def row_of(self, misfit: Misfit) -> int | None:
        """The row of the sample that a network won't take."""
        word, _, count = misfit.part.partition(" ")
        return self.rows[int(count) - 1].number if word == "sample" else None


def _read(path: str | PathLike[str], net: Net) -> _Table:
    inputs, file = prod(net.input), str(path)
    widths = [inputs + net.outputs]
    if net.outputs > 1 and net.ending.endswith("softmax"):
        widths.append(inputs + 1)
    rows = read_rows(path, widths)
    width = len(rows[0].cells)
    if width not in widths:
        raise DataError(_wrong_width(width, widths, inputs), file=file, row=rows[0].number)
    has_header = is_header(rows[0].cells)
    columns = rows[0].cells if has_header else range(1, width + 1)
    if has_header and len(rows) == 1:
        raise DataError("only a header: write one sample a row below it", file=file)
    return _Table(file, rows[has_header:], columns, inputs, width != widths[0])


def _wrong_width(width: int, widths: Sequence[int], inputs: int) -> str:
    known = " or ".join(map(str, widths))
    kinds = f"{counted(inputs, 'input')} and {counted(widths[0] - inputs, 'target')}"
    kinds += " or a class" if len(widths) > 1 else ""
    hints = {
        1: "; put commas, semicolons or tabs between the cells",
        2 * widths[0]: "; if commas stand for decimal points, write 0.5",
    }
    return f"{width} columns, but the network takes {known}: {kinds}{hints.get(width, '')}"


def _class_targets(table: _Table, net: Net) -> tuple[list[tuple[float, ...]], tuple[str, ...]]:
    """A 1 for the class of each row, among as many 0 as there are other outputs; the classes."""
    labels = [row.cells[-1] for row in table.rows]
    for row in table.rows:
        if row.cells[-1].lower() in MISSING:
            number(row.cells[-1], table.file, row.number, table.columns[-1])
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
        whole = {label: float(label.replace("−", "-")) for label in known}
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
